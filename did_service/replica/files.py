"""The files of a log, made from its rows: as it grows, and again where one is missing.

Every tile, bundle and content is a function of the rows, so nothing has to be kept until a tree
has been signed for: who has won makes the files of what was added, and a process that starts
makes those that it does not find, whoever was killed, or whatever was lost, before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from did_service.core.anchor.entry import parse_entry
from did_service.core.anchor.snapshot import HeadsSnapshot
from did_service.core.anchor.types import TYPES, type_of
from did_service.core.limits import TILE_HEIGHT, TILE_WIDTH
from did_service.core.log import tiles
from did_service.core.log.tiles import ENTRIES, TileId
from did_service.replica.replica import Replica
from did_service.replica.store import ReplicaStore
from did_service.replica.tree import content_name, heads_name

_Each = TypeVar("_Each")
_AT_ONCE = 64  # files that are written before their folders are synced


def grow_files(
    replica: Replica, old_size: int, new_size: int, heads: Iterable[HeadsSnapshot] = ()
) -> None:
    """Make the files that entries `old_size` up to `new_size` add, durably; may be repeated.

    Args:
        replica: Its rows hold `new_size` entries, which nothing will change any more.
        old_size: The files of so many are there.
        new_size: The tree that has been signed, or judged.
        heads: The snapshots that heads entries among them name.

    Raises:
        ConflictError: `tile_differs`.
        UnavailableError: `tree_not_written`; the database.
    """
    store, tree = replica.store, replica.tree
    for entries in _pieces(range(old_size, new_size), TILE_WIDTH):
        found = _contents(store, _digests(store, entries[0], entries[-1] + 1))
        if found:
            tree.add(found)
    wanted = tiles.files_between(old_size, new_size)
    for piece in _pieces(wanted, _AT_ONCE):
        tree.add({tile.path(): tile_of(store, tile) for tile in piece})
    for tile in wanted:
        if tile.index == old_size >> TILE_HEIGHT * (max(tile.level, 0) + 1):
            tree.drop_narrower(tile)  # what was the edge of the log, and is not any more
    snapshots = {heads_name(each.root): each.encode() for each in heads}
    if snapshots:
        tree.add(snapshots)
        tree.keep_newest_heads(snapshots)


def complete_files(
    replica: Replica, size: int, heads: Iterable[HeadsSnapshot] = ()
) -> list[str]:
    """Make the files of the first `size` entries that are not there, and return their names.

    Their content is left to `fsck`. Costs the names of all files, and reads those rows alone
    whose files are missing.

    Args:
        replica: Its rows hold `size` entries or more.
        size: The tree that has been signed, or judged.
        heads: The snapshots that its newest heads entries name.

    Raises:
        UnavailableError: as `grow_files`.
    """
    store, tree = replica.store, replica.tree
    held = {*tree.blobs.names("tile/"), *tree.blobs.names("content/")}
    lost = [tile for tile in tiles.files_between(0, size) if tile.path() not in held]
    for piece in _pieces(lost, _AT_ONCE):
        tree.add({tile.path(): tile_of(store, tile) for tile in piece})
    early = _digests(store, size, store.size())  # content of entries that are not signed yet
    digests = [
        each for each in store.digests() if content_name(each) not in held and each not in early
    ]
    for some in _pieces(digests, _AT_ONCE):
        tree.add(_contents(store, some))
    snapshots = {heads_name(each.root): each.encode() for each in heads}
    missing = snapshots.keys() - set(tree.blobs.names("heads/"))
    if missing:
        tree.add({name: snapshots[name] for name in missing})
    return [*(tile.path() for tile in lost), *map(content_name, digests), *sorted(missing)]


def tile_of(store: ReplicaStore, tile: TileId) -> bytes:
    """Return a tile or an entry bundle as the rows have it."""
    if tile.level != ENTRIES:
        return store.hashes(tile)
    first = tile.index * TILE_WIDTH
    return tiles.encode_bundle(store.entries(first, first + tile.width))


def _digests(store: ReplicaStore, start: int, stop: int) -> set[bytes]:
    """Return what entries `start` up to `stop` name by digest, of types that have contents."""
    stored = store.entries(start, stop)
    entries = [parse_entry(data) for data in stored if _may_have_content(data)]
    return {entry.digest for entry in entries if entry.digest is not None}


def _may_have_content(data: bytes) -> bool:
    """Say so of a damaged row too, whose type is none: to parse it tells what is wrong."""
    known = TYPES.get(type_of(data))
    return known is None or known.has_content


def _contents(store: ReplicaStore, digests: Iterable[bytes]) -> dict[str, bytes]:
    """Return the contents, by name, that came with entries; batches have none."""
    found = ((digest, store.content(digest)) for digest in digests)
    return {content_name(digest): data for digest, data in found if data is not None}


def _pieces(items: Iterable[_Each], size: int) -> Iterator[list[_Each]]:
    rest = iter(items)
    while piece := list(islice(rest, size)):
        yield piece
