"""What was checked before under one policy, found by the bytes that were checked.

It says nothing of the time, and whoever brings the same bytes again brings nothing new. It
knows by which policy it was judged and serves no other: `Checked.under` begins anew there.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TypeAlias

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.crypto.hashes import sha256
from did_service.core.errors import DidServiceError, ProofError
from did_service.core.evidence.heads_files import HeadsFiles
from did_service.core.evidence.pieces import UnverifiedItem
from did_service.core.limits import MAX_EVIDENCE_CHECKPOINTS
from did_service.core.log.checkpoint import parse_checkpoint
from did_service.core.log.merkle import check_inclusion
from did_service.core.log.note import UnverifiedNote, parse_note
from did_service.core.log.policy import VerifiedCheckpoint

Claim: TypeAlias = tuple[bytes, int, int, object, bytes]
"""Leaf hash, index, size, audit path, root."""


class Checked:
    """See the module's docstring.

    Attributes:
        policy: SHA-256 of the policy by which it was.
        notes: Checkpoints by their notes.
        refused: Notes that did not verify: a hash of what each says, and the code.
        heads_files: Heads files that were unpacked, whatever the policy.
        paths: The claims that hold, whatever the policy.
    """

    def __init__(
        self, policy: bytes, notes: MutableMapping[bytes, VerifiedCheckpoint] | None = None
    ) -> None:
        self.policy = policy
        self.notes = {} if notes is None else notes
        self.refused: dict[bytes, tuple[bytes, str]] = {}
        self.heads_files = HeadsFiles()
        self.paths: set[Claim] = set()

    @classmethod
    def under(cls, policy: Policy, kept: Checked | None) -> Checked:
        """Return what was checked before; nothing where it was under another policy."""
        if kept is None or kept.policy != policy.digest:
            return cls(policy.digest)
        return kept

    def verify(self, note: bytes, policy: Policy, met: set[bytes]) -> VerifiedCheckpoint | None:
        """Verify a checkpoint's note, as the policy has it.

        Args:
            note: As received.
            policy: The one of `under`.
            met: Hashes of what was asked before; this one is added.

        Returns:
            None where it was asked before, with its lines in another order.

        Raises:
            MalformedError, PolicyError, ProofError: as `LogPolicy.verify`.
        """
        if (verified := self.notes.get(note)) is not None:
            return verified
        if (refused := self.refused.get(note)) is not None:
            said, code = refused
            if said in met:
                return None
            met.add(said)
            raise ProofError(code, "it did not verify before")
        parsed = parse_note(note)
        if (said := _said(parsed)) in met:
            return None
        met.add(said)
        return self._judge(note, parsed, policy, said)

    def _judge(
        self, note: bytes, parsed: UnverifiedNote, policy: Policy, said: bytes
    ) -> VerifiedCheckpoint:
        try:
            origin = parse_checkpoint(parsed.text).origin
            self.notes[note] = policy.log_policy(origin).verify_parsed(parsed)
        except DidServiceError as error:
            if len(self.refused) < MAX_EVIDENCE_CHECKPOINTS:  # as many as one set may have
                self.refused[note] = said, error.code
            raise
        return self.notes[note]

    def check_path(self, item: UnverifiedItem, leaf: bytes, root: bytes) -> None:
        """Check that an item's leaf stands under a root.

        Raises:
            ProofError: a Merkle code.
        """
        claim = leaf, item.index, item.size, item.path, root
        if claim not in self.paths:
            check_inclusion(leaf, item.index, item.size, list(item.path), root)
            self.paths.add(claim)


def _said(note: UnverifiedNote) -> bytes:
    """Hash what a note says, in whatever order its lines stand and however often."""
    lines = sorted({line.encode() for line in note.signatures})
    return sha256(sha256(note.text) + b"".join(lines))
