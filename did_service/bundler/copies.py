"""Logs read whole from their files, and compared with a checkpoint that the quorum cosigned.

    entries, a piece at a time ─► leaf hashes: 32 bytes of each ─► root = the checkpoint's
            └─► of a control log all, of a data log the newest of each subject

A data log has as many entries as its region has had lists and batches, and hardly any of them
goes into a bundle. So nothing of it stays in memory but its tree and what is newest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from did_service.client.registry import LogReader
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.entry import LoggedEntry, parse_carried
from did_service.core.anchor.snapshot import subject_key
from did_service.core.crypto.hashes import HASH_BYTES
from did_service.core.errors import ProofError, quote
from did_service.core.evidence.audit_path import AuditPath
from did_service.core.evidence.pieces import UnverifiedHead, UnverifiedItem
from did_service.core.limits import TILE_WIDTH
from did_service.core.log import tiles
from did_service.core.log.checkpoint import Checkpoint
from did_service.core.log.merkle import tree_root
from did_service.core.log.tiles import TileId

_AT_ONCE = 64 * TILE_WIDTH  # entries in memory while a log is read
_TILE_BYTES = TILE_WIDTH * HASH_BYTES

Readers = Mapping[str, LogReader]


class LeafTree:
    """A tree that grows by leaf hashes and gives the paths of every size it has had.

    Level l holds the root of each 256^l leaves, as tiles do: 32 bytes a leaf, and little more.
    """

    __slots__ = ("_levels",)

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self._levels = [bytearray()]
        for leaf in leaves:
            self.append(leaf)

    def __len__(self) -> int:
        return len(self._levels[0]) // HASH_BYTES

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash, and the root of each tile that it fills."""
        level, node = 0, leaf
        while True:
            row = self._levels[level]
            row += node
            if len(row) % _TILE_BYTES:
                return
            node = tree_root(_hashes(row[-_TILE_BYTES:]))
            level += 1
            if level == len(self._levels):
                self._levels.append(bytearray())

    def root(self, size: int) -> bytes:
        """Return the root over the first `size` leaves."""
        return tiles.root(self._tile, size)

    def path(self, index: int, size: int) -> AuditPath:
        """Return the path of a leaf in the tree of the first `size`."""
        return AuditPath(tiles.inclusion_path(self._tile, index, size))

    def _tile(self, tile: TileId) -> bytes:
        first = tile.index * _TILE_BYTES
        return bytes(self._levels[tile.level][first : first + tile.width * HASH_BYTES])


@dataclass(frozen=True, slots=True)
class LogCopy:
    """A control log as read, under a checkpoint that the quorum cosigned.

    `fresh_at` is the quorum's time of that checkpoint, in POSIX seconds.
    """

    origin: str
    note: bytes
    placed: tuple[LoggedEntry, ...]
    tree: LeafTree
    fresh_at: int = 0

    def item(self, index: int, size: int, head: UnverifiedHead | None = None) -> UnverifiedItem:
        """Return the evidence item of an entry in the tree of the first `size` entries."""
        path = self.tree.path(index, size)
        return UnverifiedItem(self.origin, size, index, self.placed[index].entry, path, head)


@dataclass(frozen=True, slots=True)
class DataCopy:
    """What a bundle needs of a data log: the newest entry of each subject, and their paths.

    `size` is how many of its entries count: those that a heads entry covers.
    """

    origin: str
    size: int
    newest: Mapping[bytes, LoggedEntry]
    tree: LeafTree

    def item(self, placed: LoggedEntry, head: UnverifiedHead) -> UnverifiedItem:
        """Return the evidence item of one of them."""
        path = self.tree.path(placed.index, self.size)
        return UnverifiedItem(self.origin, self.size, placed.index, placed.entry, path, head)


def read_log(policy: Policy, origin: str, readers: Readers) -> LogCopy:
    """Read a control log whole and compare it with its cosigned checkpoint.

    Raises:
        ProofError: `root_mismatch`, or the checkpoint's own.
    """
    note = readers[origin].checkpoint()
    verified = policy.log_policy(origin).verify(note)
    copy = copy_of(origin, note, _entries(readers[origin], verified.checkpoint.size))
    _check_root(verified.checkpoint, copy.tree)
    return replace(copy, fresh_at=verified.fresh_at)


def read_data(reader: LogReader, head: Checkpoint, size: int) -> DataCopy:
    """Read a data log whole and compare it with its checkpoint.

    Args:
        reader: Reads it.
        head: Its checkpoint, which the quorum cosigned.
        size: How many of its entries count, at most as many as the checkpoint has.

    Raises:
        ProofError: `root_mismatch`.
    """
    tree, newest = LeafTree(), dict[bytes, LoggedEntry]()
    for placed in _placed(_entries(reader, head.size)):
        tree.append(placed.leaf)
        if placed.index < size:
            newest[key_of(placed)] = placed
    _check_root(head, tree)
    return DataCopy(head.origin, size, newest, tree)


def copy_of(origin: str, note: bytes, stored: Iterable[bytes]) -> LogCopy:
    """Put the entries of a whole log, as stored, beside a checkpoint; nothing is compared."""
    placed = tuple(_placed(stored))
    return LogCopy(origin, note, placed, LeafTree(each.leaf for each in placed))


def newest_of_all(placed: Sequence[LoggedEntry]) -> dict[bytes, LoggedEntry]:
    """Return the newest entry of each subject by its key; heads entries have none."""
    return {key_of(each): each for each in placed if each.entry.type != "heads"}


def key_of(placed: LoggedEntry) -> bytes:
    """Return the key of an entry's subject."""
    return subject_key(placed.entry.type, placed.entry.subject)


def _entries(reader: LogReader, size: int) -> Iterator[bytes]:
    for start in range(0, size, _AT_ONCE):
        yield from reader.entries(start, min(start + _AT_ONCE, size), size)


def _placed(stored: Iterable[bytes]) -> Iterator[LoggedEntry]:
    for index, data in enumerate(stored):
        entry = parse_carried(data).compact()
        yield LoggedEntry(entry, index, entry.leaf())


def _check_root(head: Checkpoint, tree: LeafTree) -> None:
    if tree.root(head.size) != head.root:
        what = f"the entries of {quote(head.origin)} are not its tree's"
        raise ProofError("root_mismatch", what)


def _hashes(row: bytes | bytearray) -> list[bytes]:
    return [bytes(row[at : at + HASH_BYTES]) for at in range(0, len(row), HASH_BYTES)]
