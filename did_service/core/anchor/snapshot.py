"""The heads snapshot: which entry of each subject is the latest (log-wide, provable offline).

For every (type, subject) ever seen but `heads`, one record of 84 bytes, big-endian:

    SHA-256(type || 0x00 || subject) 32 | n u32 | leaf index u64 | log time u64 | leaf hash 32

sorted by the first field, under an RFC 6962 tree. Root and count stand in a `heads` entry, so
"this is the latest" is an audit path and "there is none" is two neighbours. Design: docs/
formats.md §2; the construction needs no cryptography beyond the log's own.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from did_service.core.anchor.entry import LoggedEntry
from did_service.core.crypto.hashes import HASH_BYTES, sha256
from did_service.core.errors import MalformedError, NotFoundError, ProofError
from did_service.core.limits import HEADS_RECORD_BYTES
from did_service.core.log.merkle import check_inclusion, inclusion_path, leaf_hash, tree_root


def subject_key(kind: str, subject: str) -> bytes:
    """Return the 32-byte key under which a subject's record is sorted."""
    return sha256(kind.encode() + b"\x00" + subject.encode())


@dataclass(frozen=True, slots=True, order=True)
class HeadRecord:
    """The newest entry of one subject."""

    key: bytes
    number: int
    index: int
    at: int
    leaf: bytes

    @classmethod
    def of(cls, placed: LoggedEntry) -> HeadRecord:
        """Make the record that names this entry as its subject's latest."""
        entry = placed.entry
        key = subject_key(entry.type, entry.subject)
        return cls(key, entry.number, placed.index, entry.at, placed.leaf)

    def encode(self) -> bytes:
        """Return the 84 bytes."""
        return (
            self.key
            + self.number.to_bytes(4)
            + self.index.to_bytes(8)
            + self.at.to_bytes(8)
            + self.leaf
        )


def parse_record(data: bytes) -> HeadRecord:
    """Read one 84-byte record.

    Raises:
        MalformedError: `length_wrong`.
    """
    if len(data) != HEADS_RECORD_BYTES:
        raise MalformedError("length_wrong", f"a heads record has {HEADS_RECORD_BYTES} bytes")
    return HeadRecord(
        key=data[:HASH_BYTES],
        number=int.from_bytes(data[32:36]),
        index=int.from_bytes(data[36:44]),
        at=int.from_bytes(data[44:52]),
        leaf=data[52:],
    )


@dataclass(frozen=True)
class HeadsSnapshot:
    """All records of one log at one size, sorted by key."""

    records: tuple[HeadRecord, ...]

    @classmethod
    def of(cls, records: Iterable[HeadRecord]) -> HeadsSnapshot:
        """Sort the records of all subjects into a snapshot."""
        return cls(tuple(sorted(records)))

    @cached_property
    def leaves(self) -> list[bytes]:
        """The leaf hashes of the records."""
        return [leaf_hash(record.encode()) for record in self.records]

    @cached_property
    def root(self) -> bytes:
        """The RFC 6962 root over the records."""
        return tree_root(self.leaves)

    def find(self, kind: str, subject: str) -> int:
        """Return the position of a subject's record.

        Raises:
            NotFoundError: `subject_unknown`; `details["position"]` is where it would stand.
        """
        key = subject_key(kind, subject)
        position = bisect_left(self.records, key, key=lambda record: record.key)
        if position == len(self.records) or self.records[position].key != key:
            raise NotFoundError(
                "subject_unknown", f"no {kind} entry of this subject", position=position
            )
        return position

    def path(self, position: int) -> list[bytes]:
        """Return the audit path of a record, leaf's sibling first."""
        return inclusion_path(self.leaves, position)

    def encode(self) -> bytes:
        """Return the snapshot file: the records one after the other."""
        return b"".join(record.encode() for record in self.records)


def parse_snapshot(data: bytes) -> HeadsSnapshot:
    """Read a snapshot file; the caller compares the root.

    Raises:
        MalformedError: `length_wrong`, or `heads_not_sorted` unless keys strictly rise.
    """
    step = HEADS_RECORD_BYTES
    records = tuple(parse_record(data[i : i + step]) for i in range(0, len(data), step))
    if any(a.key >= b.key for a, b in pairwise(records)):
        raise MalformedError("heads_not_sorted", "the records of a heads file do not rise")
    return HeadsSnapshot(records)


def check_record(
    record: HeadRecord,
    position: int,
    count: int,
    path: list[bytes],
    root: bytes,
    placed: LoggedEntry,
) -> None:
    """Check that a heads tree names this very entry as its subject's latest.

    Raises:
        ProofError: `head_names_another` or a Merkle code.
    """
    if record != HeadRecord.of(placed):  # cheaper than a path, so it comes first
        raise ProofError("head_names_another", "the heads record names another entry")
    check_inclusion(leaf_hash(record.encode()), position, count, path, root)
