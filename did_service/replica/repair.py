"""Making a replica whole again: files from rows, and rows from files, whichever is right.

    blocks of 256 entries, of rows or of a bundle ─► root = that of a head we trust ─► proven
    proven ─► bundles, rows, tiles, contents, heads: where they differ

Nothing is written before the entries lead to the head: what is repaired is the log that was
signed, or it stays as it is. The head comes from the signed row, the guard or a checkpoint; who
signed it the caller knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from did_service.core.anchor.entry import LoggedEntry, parse_entry
from did_service.core.anchor.snapshot import HeadsSnapshot
from did_service.core.anchor.types import TYPES
from did_service.core.crypto.hashes import sha256
from did_service.core.errors import ConflictError, MalformedError, NotFoundError
from did_service.core.limits import TILE_WIDTH
from did_service.core.log import tiles
from did_service.core.log.checkpoint import Checkpoint
from did_service.core.log.merkle import CompactRange, leaf_hash
from did_service.core.log.tiles import ENTRIES, TileId
from did_service.replica.files import complete_files, tile_of
from did_service.replica.fsck import examine, examine_names
from did_service.replica.replica import Replica

_OF_ROWS = {"row_wrong", "rows_missing", "newest_wrong"}

_Block = Callable[[int, int], list[bytes]]
"""Gives the entries from an index up to another, at most a bundle; empty if it cannot."""


def leads_to(replica: Replica, head: Checkpoint) -> bool:
    """Say whether rows and files together still have the entries of a head."""
    return _source(replica, head) is not None


def repair(
    replica: Replica, head: Checkpoint, files: int, heads: Sequence[HeadsSnapshot] = ()
) -> None:
    """Make rows and files those of a head; what is right already is left alone.

    Entries behind the head, which no tree has yet, stay if their rows are sound.

    Args:
        replica: Nobody else uses it meanwhile.
        head: The largest that is trusted.
        files: How many entries have files: up to the signed row, or all rows of a copy.
        heads: The snapshots that the newest heads entries name; for the rows as they are.

    Raises:
        ConflictError: `log_not_repaired`: neither rows nor files have these entries, and the
            mirrors of the log have to be asked.
    """
    block = _source(replica, head)
    if block is None:
        what = f"{replica.origin}: neither rows nor files lead to the head at {head.size}"
        raise ConflictError("log_not_repaired", what)
    _rewrite_bundles(replica, files, block)
    if _rows_differ(replica, head, files, block):
        replica.store.rewrite(_batches(replica, head.size, block))
    _rewrite_tiles(replica, files)
    complete_files(replica, files, heads)


# --- whose entries are right ------------------------------------------------------------------


def _source(replica: Replica, head: Checkpoint) -> _Block | None:
    """Return where the entries of a head are read from, None where they are lost.

    Each block is taken from the rows where these are sound in themselves, and else from its
    bundle; where that leads elsewhere, from the bundles first.
    """
    rows, bundles = partial(_of_rows, replica), partial(_of_bundle, replica)
    for order in ((rows, bundles), (bundles, rows)):
        block = partial(_first_of, order)
        if _root(block, head.size) == head.root:
            return block
    return None


def _first_of(order: Sequence[_Block], start: int, stop: int) -> list[bytes]:
    return next((found for read in order if (found := read(start, stop))), [])


def _of_rows(replica: Replica, start: int, stop: int) -> list[bytes]:
    """Return the entries of a block as the rows have them; empty where they are not sound."""
    data = replica.store.entries(start, stop)
    sound = len(data) == stop - start and replica.store.leaves(start, stop) == list(
        map(leaf_hash, data)
    )
    return data if sound else []


def _of_bundle(replica: Replica, start: int, stop: int) -> list[bytes]:
    """Return the entries of a block as its bundle has them; empty where it is damaged."""
    width = stop - start
    try:
        data = replica.tree.tile(TileId(ENTRIES, start // TILE_WIDTH, width))
        return tiles.parse_bundle(data, width)
    except (NotFoundError, MalformedError):
        return []


def _blocks(size: int) -> Iterator[tuple[int, int]]:
    return ((first, min(first + TILE_WIDTH, size)) for first in range(0, size, TILE_WIDTH))


def _root(block: _Block, size: int) -> bytes:
    edge = CompactRange()
    for start, stop in _blocks(size):
        edge.extend(leaf_hash(data) for data in block(start, stop))
    return edge.root() if edge.size == size else b""


# --- rows -------------------------------------------------------------------------------------


def _rows_differ(replica: Replica, head: Checkpoint, files: int, block: _Block) -> bool:
    """Say whether any row is not the one that storing the entries again would write."""
    for start, stop in _blocks(head.size):
        if replica.store.entries(start, stop) != block(start, stop):
            return True
    found = examine(replica, Checkpoint(replica.origin, files, head.root))
    return any(each.code in _OF_ROWS for each in found)


def _batches(
    replica: Replica, size: int, block: _Block
) -> Iterator[tuple[list[LoggedEntry], dict[bytes, bytes]]]:
    """Yield what a store takes: the proven entries, then those that no tree has yet."""
    for start, stop in _blocks(size):
        yield _batch(replica, start, block(start, stop))
    rest = replica.store.size()
    for start in range(size, rest, TILE_WIDTH):
        data = _of_rows(replica, start, min(start + TILE_WIDTH, rest))
        if not data:
            return
        yield _batch(replica, start, data)


def _batch(
    replica: Replica, start: int, block: Sequence[bytes]
) -> tuple[list[LoggedEntry], dict[bytes, bytes]]:
    placed = [
        LoggedEntry(parse_entry(data), start + at, leaf_hash(data))
        for at, data in enumerate(block)
    ]
    found = {
        each.entry.digest: _content(replica, each.entry.digest)
        for each in placed
        if TYPES[each.entry.type].has_content and each.entry.digest is not None
    }
    return placed, {digest: data for digest, data in found.items() if data is not None}


def _content(replica: Replica, digest: bytes) -> bytes | None:
    """Return a content from wherever it is whole."""
    for data in (replica.store.content(digest), replica.tree.content(digest)):
        if data is not None and sha256(data) == digest:
            return data
    return None


# --- files ------------------------------------------------------------------------------------


def _rewrite_bundles(replica: Replica, size: int, block: _Block) -> None:
    for bundle in tiles.bundles_between(0, size):
        first = bundle.index * TILE_WIDTH
        _put(replica, bundle, tiles.encode_bundle(block(first, first + bundle.width)))


def _rewrite_tiles(replica: Replica, size: int) -> None:
    """Write tiles that differ, and remove contents and heads that are not what their name says.

    The rows are sound by now, and what is removed is made again from them.
    """
    for tile in tiles.files_between(0, size):
        _put(replica, tile, tile_of(replica.store, tile))
    wrong = (found.where for found in examine_names(replica))
    replica.tree.blobs.delete(list(wrong))


def _put(replica: Replica, tile: TileId, data: bytes) -> None:
    try:
        held = replica.tree.tile(tile)
    except (NotFoundError, MalformedError):
        held = b""
    if held != data:
        replica.tree.blobs.replace(tile.path(), data)
