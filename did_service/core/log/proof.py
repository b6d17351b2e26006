"""Proof of inclusion as a file (c2sp.org/tlog-proof): `NAME.tlog-proof`.

    c2sp.org/tlog-proof@v1
    extra AAEC                     optional; nobody vouches for it
    index 73894
    gSKyXoYZ…=                     inclusion path, the leaf's sibling first
                                   an empty line, then the checkpoint note as it stands
    gd.example/reg
    …

The leaf is not in it: who checks a proof computes the leaf hash from the entry in hand.
"""

from __future__ import annotations

from dataclasses import dataclass

from did_service.core.crypto.hashes import HASH_BYTES
from did_service.core.encoding import b64
from did_service.core.errors import LimitError, MalformedError, quote
from did_service.core.limits import MAX_LOG_PROOF_BYTES, MAX_PROOF_HASHES
from did_service.core.log.checkpoint import parse_number
from did_service.core.log.merkle import check_inclusion
from did_service.core.log.note import parse_note
from did_service.core.log.policy import LogPolicy, VerifiedCheckpoint

_FIRST_LINE = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class UnverifiedTlogProof:
    """A proof as received.

    Attributes:
        index: Leaf number.
        path: Hashes from the leaf's sibling to the root's child.
        note: The checkpoint with its signatures.
        extra: Opaque data beside the proof, not covered by anything; None when absent.
    """

    index: int
    path: tuple[bytes, ...]
    note: bytes
    extra: bytes | None = None

    def encode(self) -> bytes:
        """Write the file."""
        extra = [] if self.extra is None else [f"extra {b64.encode_std(self.extra)}"]
        path = [b64.encode_std(each) for each in self.path]
        lines = [_FIRST_LINE, *extra, f"index {self.index}", *path, ""]
        return "".join(f"{line}\n" for line in lines).encode() + self.note

    def verify(self, policy: LogPolicy, leaf: bytes) -> VerifiedCheckpoint:
        """Check that a leaf is in a log under a checkpoint that the policy accepts.

        Args:
            policy: Pins the log's key and its quorum.
            leaf: Leaf hash of the entry that the proof should be about.

        Raises:
            ProofError: `inclusion_invalid` and others of `merkle.check_inclusion`, or one of
                `LogPolicy.verify`.
            MalformedError: the checkpoint is not one.
        """
        verified = policy.verify(self.note)
        head = verified.checkpoint
        check_inclusion(leaf, self.index, head.size, self.path, head.root)
        return verified


def parse_tlog_proof(data: bytes) -> UnverifiedTlogProof:
    """Read a proof file.

    Raises:
        LimitError: `proof_too_large`, or a limit of the note in it.
        MalformedError: `proof_invalid`, and what notes, numbers and base64 raise.
    """
    if len(data) > MAX_LOG_PROOF_BYTES:
        raise LimitError("proof_too_large", f"a log proof of {len(data)} bytes")
    head, empty_line, note = data.partition(b"\n\n")
    if not empty_line or not head.isascii():
        raise MalformedError("proof_invalid", "no empty line between path and checkpoint")
    first, *lines = head.decode("ascii").split("\n")
    if first != _FIRST_LINE:
        raise MalformedError("proof_invalid", f"not a log proof: {quote(first)}")
    extra = _extra(lines)
    if not lines or not lines[0].startswith("index "):
        raise MalformedError("proof_invalid", "a log proof has an index line")
    index = parse_number(lines.pop(0).removeprefix("index "))
    parse_note(note)
    return UnverifiedTlogProof(index, parse_hashes(lines), note, extra)


def parse_hashes(lines: list[str]) -> tuple[bytes, ...]:
    """Read one base64 hash a line, at most 63.

    Raises:
        LimitError: `too_many_hashes`.
        MalformedError: what base64 raises.
    """
    if len(lines) > MAX_PROOF_HASHES:
        raise LimitError("too_many_hashes", f"{len(lines)} hashes in a proof")
    return tuple(b64.decode_std(line, size=HASH_BYTES) for line in lines)


def _extra(lines: list[str]) -> bytes | None:
    if not lines or not lines[0].startswith("extra "):
        return None
    extra = b64.decode_std(lines.pop(0).removeprefix("extra "))
    if not extra:
        raise MalformedError("proof_invalid", "an extra line without data")
    return extra
