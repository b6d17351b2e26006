"""What was checked before under one policy, found by the bytes that were checked.

It says nothing of the time, and whoever brings the same bytes again brings nothing new. Under
another policy it must be empty: whoever keeps it sees to that.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TypeAlias

from did_service.core.anchor.snapshot import HeadsSnapshot, parse_snapshot
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding.compression import gunzip
from did_service.core.evidence.pieces import UnverifiedItem
from did_service.core.log.merkle import check_inclusion
from did_service.core.log.policy import VerifiedCheckpoint

Claim: TypeAlias = tuple[bytes, int, int, object, bytes]
"""Leaf hash, index, size, audit path, root."""


class Checked:
    """See the module's docstring.

    Attributes:
        notes: Checkpoints by their notes.
        snapshots: Heads files by the SHA-256 of their packed bytes.
        paths: The claims that hold, whatever the policy.
    """

    def __init__(self, notes: MutableMapping[bytes, VerifiedCheckpoint] | None = None) -> None:
        self.notes = {} if notes is None else notes
        self.snapshots: MutableMapping[bytes, HeadsSnapshot] = {}
        self.paths: set[Claim] = set()

    def check_path(self, item: UnverifiedItem, leaf: bytes, root: bytes) -> None:
        """Check that an item's leaf stands under a root.

        Raises:
            ProofError: a Merkle code.
        """
        claim = leaf, item.index, item.size, item.path, root
        if claim not in self.paths:
            check_inclusion(leaf, item.index, item.size, list(item.path), root)
            self.paths.add(claim)

    def snapshot(self, file: bytes, size: int) -> HeadsSnapshot:
        """Unpack and read a heads file; the caller compares the root.

        Raises:
            LimitError, MalformedError: as `gunzip` and `parse_snapshot`.
        """
        digest = sha256(file)
        if digest not in self.snapshots:
            self.snapshots[digest] = parse_snapshot(gunzip(file, size))
        return self.snapshots[digest]
