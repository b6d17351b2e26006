"""The heads snapshot: which entry of each subject is the latest (log-wide, provable offline).

For every (type, subject) ever seen but `heads`, one record of 84 bytes, big-endian:

    SHA-256(type || 0x00 || subject) 32 | n u32 | leaf index u64 | log time u64 | leaf hash 32

sorted by the first field, under an RFC 6962 tree. Root and count stand in a `heads` entry, so
"this is the latest" is an audit path and "there is none" is two neighbours. Design: docs/
formats.md §2; the construction needs no cryptography beyond the log's own.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from did_service.core.anchor.entry import LoggedEntry
from did_service.core.crypto.hashes import HASH_BYTES, sha256
from did_service.core.errors import MalformedError, NotFoundError, ProofError
from did_service.core.limits import HEADS_RECORD_BYTES
from did_service.core.log.merkle import CompactRange, check_inclusion, inclusion_path, leaf_hash

_HASHED_AT_ONCE = 4_096  # leaf hashes of a large region do not all stand in memory


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
    def of(cls, placed: LoggedEntry) -> "HeadRecord":
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


class HeadRecords:
    """The records of a snapshot, each read when it is asked for.

    A region has as many as subjects: as objects they take four times the memory of the file.
    """

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __len__(self) -> int:
        return len(self._data) // HEADS_RECORD_BYTES

    def __getitem__(self, index: int) -> HeadRecord:
        start = range(len(self))[index] * HEADS_RECORD_BYTES
        return parse_record(self._data[start : start + HEADS_RECORD_BYTES])

    def __iter__(self) -> Iterator[HeadRecord]:
        return (self[index] for index in range(len(self)))

    def key(self, index: int) -> bytes:
        """Return the key of one record, by which they are sorted."""
        start = index * HEADS_RECORD_BYTES
        return self._data[start : start + HASH_BYTES]

    def position(self, key: bytes) -> int:
        """Return where a key stands, or would stand."""
        return bisect_left(range(len(self)), key, key=self.key)


@dataclass(frozen=True)
class HeadsSnapshot:
    """All records of one log at one size, sorted by key, as the bytes of the snapshot file."""

    data: bytes

    @classmethod
    def of(cls, records: Iterable[HeadRecord]) -> "HeadsSnapshot":
        """Sort the records of all subjects into a snapshot."""
        return cls.of_sorted(sorted(records))

    @classmethod
    def of_sorted(cls, records: Iterable[HeadRecord]) -> "HeadsSnapshot":
        """Put records that come in the order of their keys into a snapshot."""
        data = bytearray()
        for record in records:
            data += record.encode()
        return cls(bytes(data))

    @property
    def records(self) -> HeadRecords:
        """The records."""
        return HeadRecords(self.data)

    def with_records(self, records: Iterable[HeadRecord]) -> "HeadsSnapshot":
        """Return the snapshot with these records, each in the place of its subject's former."""
        held, data = self.records, memoryview(self.data)
        pieces, taken = list[bytes | memoryview](), 0
        for record in sorted(records):
            position = held.position(record.key)
            stands = position < len(held) and held.key(position) == record.key
            pieces.append(data[taken * HEADS_RECORD_BYTES : position * HEADS_RECORD_BYTES])
            pieces.append(record.encode())
            taken = position + stands
        pieces.append(data[taken * HEADS_RECORD_BYTES :])
        return HeadsSnapshot(b"".join(pieces))

    def leaf_hashes(self, start: int = 0, stop: int | None = None) -> list[bytes]:
        """Return the leaf hashes of the records from `start` up to `stop`."""
        at = range(len(self.records))[start:stop]
        step = HEADS_RECORD_BYTES
        return [leaf_hash(self.data[each * step : (each + 1) * step]) for each in at]

    @cached_property
    def leaves(self) -> list[bytes]:
        """The leaf hashes of the records, kept."""
        return self.leaf_hashes()

    @cached_property
    def root(self) -> bytes:
        """The RFC 6962 root over the records."""
        tree = CompactRange()
        for start in range(0, len(self.records), _HASHED_AT_ONCE):
            tree.extend(self.leaf_hashes(start, start + _HASHED_AT_ONCE))
        return tree.root()

    def find(self, kind: str, subject: str) -> int:
        """Return the position of a subject's record.

        Raises:
            NotFoundError: `subject_unknown`; `details["position"]` is where it would stand.
        """
        key, records = subject_key(kind, subject), self.records
        position = records.position(key)
        if position == len(records) or records.key(position) != key:
            raise NotFoundError(
                "subject_unknown", f"no {kind} entry of this subject", position=position
            )
        return position

    def path(self, position: int) -> list[bytes]:
        """Return the audit path of a record, leaf's sibling first."""
        return inclusion_path(self.leaves, position)

    def encode(self) -> bytes:
        """Return the snapshot file: the records one after the other."""
        return self.data


def parse_snapshot(data: bytes) -> HeadsSnapshot:
    """Read a snapshot file; the caller compares the root.

    Raises:
        MalformedError: `length_wrong`, or `heads_not_sorted` unless keys strictly rise.
    """
    if len(data) % HEADS_RECORD_BYTES:
        raise MalformedError("length_wrong", f"a heads record has {HEADS_RECORD_BYTES} bytes")
    snapshot = HeadsSnapshot(bytes(data))
    records = snapshot.records
    keys = map(records.key, range(len(records)))
    if any(a >= b for a, b in pairwise(keys)):
        raise MalformedError("heads_not_sorted", "the records of a heads file do not rise")
    return snapshot


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
