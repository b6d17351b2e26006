"""Tiles and entry bundles (c2sp.org/tlog-tiles v0.1.0): a log as files that never change.

    tile/1/000            256 roots of full level-0 tiles
    tile/0/000 … tile/0/255, tile/0/256.p/17       256 leaf hashes each; a partial one of 17
    tile/entries/000 … tile/entries/256.p/17       the entries themselves

Hash i of tile n at level l is the root over leaves [(256n + i)·256^l, (256n + i + 1)·256^l).
A partial tile is as wide as the tree size says, and is never rolled up into the level above.
Everything here is arithmetic over a `HashReader`; whoever stores the files brings one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from did_service.core.crypto.hashes import HASH_BYTES
from did_service.core.errors import LimitError, MalformedError, quote
from did_service.core.limits import (
    MAX_BUNDLED_ENTRY_BYTES,
    MAX_TILE_LEVEL,
    MAX_TREE_SIZE,
    TILE_HEIGHT,
    TILE_WIDTH,
)
from did_service.core.log import merkle

ENTRIES = -1  # the level, as it were, below the leaf hashes
_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True)
class TileId:
    """One tile, or one entry bundle.

    Attributes:
        level: 0 to 63, or `ENTRIES` for a bundle.
        index: Number within its level, from 0.
        width: Hashes or entries in it, 1 to 256; below 256 it is a partial one.

    Raises:
        MalformedError: `tile_invalid` for values outside these bounds.
    """

    level: int
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        level_fits = ENTRIES <= self.level <= MAX_TILE_LEVEL
        index_fits = 0 <= self.index <= MAX_TREE_SIZE
        if not (level_fits and index_fits and 1 <= self.width <= TILE_WIDTH):
            raise MalformedError("tile_invalid", f"no such tile: {quote(self)}")

    def path(self) -> str:
        """Return the path below the log's base URL."""
        groups = [f"{self.index % 1000:03}"]
        rest = self.index // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03}")
            rest //= 1000
        level = "entries" if self.level == ENTRIES else str(self.level)
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(groups)}{partial}"


HashReader = Callable[[TileId], bytes]
"""Returns the content of a tile, exactly 32 bytes times its width; raises when it cannot."""


def parse_tile_path(path: str) -> TileId:
    """Read what `TileId.path` wrote; each tile has one path.

    Raises:
        MalformedError: `tile_path_invalid` or `tile_invalid`.
    """
    match = _PATH.fullmatch(path)
    if match is None or len(path) > 64:
        raise MalformedError("tile_path_invalid", f"not the path of a tile: {quote(path)}")
    level = ENTRIES if match["level"] == "entries" else int(match["level"])
    index = int(match["index"].replace("x", "").replace("/", ""))
    tile = TileId(level, index, int(match["width"] or TILE_WIDTH))
    if tile.path() != path:
        raise MalformedError("tile_path_invalid", f"another spelling of a path: {quote(path)}")
    return tile


# --- reading a tree out of its tiles ----------------------------------------------------------


def root(read: HashReader, size: int) -> bytes:
    """Compute the root of the first `size` leaves."""
    return _range_root(cache(read), size, (0, size)) if size else merkle.EMPTY_ROOT


def inclusion_path(read: HashReader, index: int, size: int) -> list[bytes]:
    """Read the path of leaf `index` in the tree of `size`; see `merkle.inclusion_path`.

    Raises:
        ProofError: `index_out_of_range`.
        MalformedError: `tile_length_wrong` when the reader returns another length.
    """
    read_once = cache(read)
    ranges = merkle.inclusion_ranges(index, size)
    return [_range_root(read_once, size, each) for each in ranges]


def consistency_proof(read: HashReader, old_size: int, new_size: int) -> list[bytes]:
    """Read the proof that `new_size` extends `old_size`; see `merkle.consistency_proof`.

    Raises:
        ProofError: `size_out_of_range`.
        MalformedError: `tile_length_wrong` when the reader returns another length.
    """
    read_once = cache(read)
    ranges = merkle.consistency_ranges(old_size, new_size)
    return [_range_root(read_once, new_size, each) for each in ranges]


def right_edge(read: HashReader, size: int) -> merkle.CompactRange:
    """Read the roots of the complete subtrees of a tree, to go on appending to it."""
    read_once = cache(read)
    roots = [_subtree_root(read_once, size, *each) for each in _subtrees(0, size)]
    return merkle.CompactRange(size, roots)


def _range_root(read: HashReader, size: int, leaves: merkle.Range) -> bytes:
    complete = [_subtree_root(read, size, *each) for each in _subtrees(*leaves)]
    folded = complete.pop()
    while complete:
        folded = merkle.node_hash(complete.pop(), folded)
    return folded


def _subtrees(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut a range into complete subtrees, (height, position) each, largest first.

    `begin` is a multiple of the largest power of two within the range, as in every range of a
    proof.
    """
    # A complete subtree of 2^h leaves begins at a multiple of 2^h. `begin` is one of the
    # largest power that fits, and stays one of every smaller power when it moves on.
    while begin < end:
        height = (end - begin).bit_length() - 1
        yield height, begin >> height
        begin += 1 << height


def _subtree_root(read: HashReader, size: int, height: int, position: int) -> bytes:
    level, within = divmod(height, TILE_HEIGHT)
    first = position << within
    index, offset = divmod(first, TILE_WIDTH)
    width = min(TILE_WIDTH, (size >> TILE_HEIGHT * level) - index * TILE_WIDTH)
    hashes = _hashes(read, TileId(level, index, width))
    return merkle.tree_root(hashes[offset : offset + (1 << within)])


def _hashes(read: HashReader, tile: TileId) -> list[bytes]:
    data = read(tile)
    if len(data) != HASH_BYTES * tile.width:
        raise MalformedError("tile_length_wrong", f"{len(data)} bytes for {tile.path()}")
    return [data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)]


# --- growing ----------------------------------------------------------------------------------


def bundles_between(old_size: int, new_size: int) -> list[TileId]:
    """List the entry bundles of `new_size` that `old_size` did not have."""
    return _tiles_of_level(ENTRIES, old_size, new_size)


def files_between(old_size: int, new_size: int) -> list[TileId]:
    """List the entry bundles and hash tiles of `new_size` that `old_size` did not have."""
    found = bundles_between(old_size, new_size)
    level, old, new = 0, old_size, new_size
    while new:
        found += _tiles_of_level(level, old, new)
        level, old, new = level + 1, old // TILE_WIDTH, new // TILE_WIDTH
    return found


def extend(read: HashReader, old_size: int, new_leaves: Sequence[bytes]) -> dict[TileId, bytes]:
    """Compute the hash tiles that appending leaf hashes makes.

    Args:
        read: Gives the partial tiles at the right edge of `old_size`, nothing else.
        old_size: Leaves so far.
        new_leaves: Leaf hashes to append, any number.

    Returns:
        The contents of the tiles that `old_size` did not have, lowest level first.
    """
    made: dict[TileId, bytes] = {}
    level, size, fresh = 0, old_size, list(new_leaves)
    while fresh:
        full, partial = divmod(size, TILE_WIDTH)
        held = _hashes(read, TileId(level, full, partial)) if partial else []
        hashes = held + fresh
        for tile in _tiles_of_level(level, size, size + len(fresh)):
            start = (tile.index - full) * TILE_WIDTH
            made[tile] = b"".join(hashes[start : start + tile.width])
        fresh = hashes[: len(hashes) // TILE_WIDTH * TILE_WIDTH]
        for _ in range(TILE_HEIGHT):
            fresh = merkle.parents(fresh)
        level, size = level + 1, full
    return made


def _tiles_of_level(level: int, old_width: int, new_width: int) -> list[TileId]:
    if old_width >= new_width:
        return []
    first, full, partial = old_width // TILE_WIDTH, *divmod(new_width, TILE_WIDTH)
    tiles = [TileId(level, index) for index in range(first, full)]
    return [*tiles, TileId(level, full, partial)] if partial else tiles


# --- entry bundles ----------------------------------------------------------------------------


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Write entries one after the other, each behind its length as a big-endian uint16.

    Raises:
        LimitError: `entry_too_large`.
    """
    for entry in entries:
        if len(entry) > MAX_BUNDLED_ENTRY_BYTES:
            raise LimitError("entry_too_large", f"an entry of {len(entry)} bytes")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def parse_bundle(data: bytes, count: int) -> list[bytes]:
    """Read the entries of a bundle.

    Args:
        data: The bundle.
        count: How many entries it must have: the width of its `TileId`.

    Raises:
        MalformedError: `bundle_invalid` when it has more, fewer, or a cut one.
    """
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        entries.append(data[at + 2 : end])
        at = end
    if at != len(data) or len(entries) != count:
        raise MalformedError("bundle_invalid", f"not a bundle of {count} entries")
    return entries
