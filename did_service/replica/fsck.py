"""Recompute a replica from its bytes and say what differs.

    entry bundles ─► leaf hashes ─► hash tiles of every level ─► root ─► checkpoint
          └────────► rows of the database, newest entries, contents, heads files

The entry bundles are where everything begins: whatever does not follow from them is named, with
the file or row in which it stands. Memory holds one bundle, and one hash for 256 entries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from did_service.core.anchor.entry import Placed, parse_entry
from did_service.core.anchor.heads import HeadRecord, HeadsSnapshot, parse_snapshot
from did_service.core.crypto.hashes import sha256
from did_service.core.errors import MalformedError, NotFoundError
from did_service.core.limits import TILE_WIDTH
from did_service.core.log.checkpoint import parse_checkpoint
from did_service.core.log.merkle import CompactRange, leaf_hash, tree_root
from did_service.core.log.note import parse_note
from did_service.core.log.tiles import ENTRIES, TileId, parse_bundle
from did_service.replica.replica import Replica


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not follow from the entries.

    Attributes:
        code: `checkpoint_missing`, `bundle_damaged`, `tile_wrong`, `root_wrong`, `row_wrong`,
            `rows_missing`, `newest_wrong`, `content_missing`, `content_wrong`, `heads_wrong`.
        where: File below the replica's folder, or the row.
    """

    code: str
    where: str


def examine(replica: Replica) -> list[Finding]:
    """Recompute a replica up to its published checkpoint.

    Returns:
        What differs, in the order it was met; empty for a sound replica.
    """
    return list(_examine(replica))


def _examine(replica: Replica) -> Iterator[Finding]:
    yield from _examine_files(replica)
    note = replica.tree.checkpoint()
    if note is None:
        yield Finding("checkpoint_missing", "checkpoint")
        return
    head = parse_checkpoint(parse_note(note).text)
    walk = _Walk(replica, head.size)
    yield from walk.entries()
    if walk.edge.size != head.size:
        return  # a bundle is damaged, and nothing behind it can be recomputed
    if walk.edge.root() != head.root:
        yield Finding("root_wrong", "checkpoint")
    yield from walk.upper_tiles()
    yield from walk.rows()


class _Walk:
    """One pass over the entries of a log."""

    def __init__(self, replica: Replica, size: int) -> None:
        self._replica = replica
        self._size = size
        self._newest: dict[bytes, HeadRecord] = {}
        self._full: list[bytes] = []  # roots of the full level-0 tiles
        self.edge = CompactRange()

    def entries(self) -> Iterator[Finding]:
        """Examine bundles, level-0 tiles and the rows of the entries."""
        for first in range(0, self._size, TILE_WIDTH):
            width = min(TILE_WIDTH, self._size - first)
            bundle = TileId(ENTRIES, first // TILE_WIDTH, width)
            try:
                entries = parse_bundle(self._replica.tree.tile(bundle), width)
                placed = [_place(first + at, data) for at, data in enumerate(entries)]
            except (NotFoundError, MalformedError):
                yield Finding("bundle_damaged", bundle.path())
                return
            leaves = [each.leaf for each in placed]
            yield from self._tile(TileId(0, bundle.index, width), leaves)
            yield from self._stored(first, entries, leaves)
            yield from self._remember(placed)
            self.edge.extend(leaves)
            if width == TILE_WIDTH:
                self._full.append(tree_root(leaves))

    def upper_tiles(self) -> Iterator[Finding]:
        """Examine the hash tiles above level 0."""
        level, hashes = 1, self._full
        while hashes:
            full = []
            for first in range(0, len(hashes), TILE_WIDTH):
                part = hashes[first : first + TILE_WIDTH]
                yield from self._tile(TileId(level, first // TILE_WIDTH, len(part)), part)
                if len(part) == TILE_WIDTH:
                    full.append(tree_root(part))
            level, hashes = level + 1, full

    def rows(self) -> Iterator[Finding]:
        """Examine what the database says about the whole of these entries."""
        store = self._replica.store
        if store.size() < self._size:
            yield Finding("rows_missing", f"{store.size()} of {self._size} entries")
            return
        if store.root(self._size) != self.edge.root():
            yield Finding("row_wrong", "nodes")
        if store.snapshot(self._size) != HeadsSnapshot.of(self._newest.values()):
            yield Finding("newest_wrong", "subjects")

    def _tile(self, tile: TileId, hashes: list[bytes]) -> Iterator[Finding]:
        try:
            held = self._replica.tree.tile(tile)
        except NotFoundError:
            held = b""
        if held != b"".join(hashes):
            yield Finding("tile_wrong", tile.path())

    def _stored(
        self, first: int, entries: list[bytes], leaves: list[bytes]
    ) -> Iterator[Finding]:
        store, stop = self._replica.store, first + len(entries)
        rows = (store.entries(first, stop), store.leaves(first, stop))
        if rows == (entries, leaves):
            return
        for index, own in enumerate(zip(entries, leaves, strict=True), first):
            row = (store.entries(index, index + 1), store.leaves(index, index + 1))
            if row != ([own[0]], [own[1]]):
                yield Finding("row_wrong", f"entry {index}")

    def _remember(self, placed: list[Placed]) -> Iterator[Finding]:
        for each in placed:
            if each.entry.type != "heads":
                record = HeadRecord.of(each)
                self._newest[record.key] = record
            digest = each.entry.digest if each.entry.type == "status" else None
            if digest is not None and self._replica.tree.content(digest) is None:
                yield Finding("content_missing", f"content/{digest.hex()}")


def _place(index: int, data: bytes) -> Placed:
    return Placed(parse_entry(data), index, leaf_hash(data))


def _examine_files(replica: Replica) -> Iterator[Finding]:
    """Examine the files that are named by a hash of what they hold."""
    for path in sorted(replica.tree.folder.glob("content/*")):
        if sha256(path.read_bytes()).hex() != path.name:
            yield Finding("content_wrong", f"content/{path.name}")
    for path in sorted(replica.tree.folder.glob("heads/*")):
        if _heads_root(path) != path.name:
            yield Finding("heads_wrong", f"heads/{path.name}")


def _heads_root(path: Path) -> str:
    try:
        return parse_snapshot(path.read_bytes()).root.hex()
    except MalformedError:
        return ""
