"""What a batch of entries leaves behind in the tables: plain rows, without the log's name.

Pure functions between `Placed` and the columns of `tables`; `store` writes what they return.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from did_service.core.anchor.entry import Entry, Placed
from did_service.core.anchor.heads import HeadRecord
from did_service.core.crypto.hashes import HASH_BYTES
from did_service.core.did.syntax import did_id
from did_service.core.encoding.strict_json import as_text
from did_service.core.limits import TILE_HEIGHT, TILE_WIDTH
from did_service.core.log.tiles import TileId

Row = dict[str, object]


def _place(placed: Placed) -> Row:
    record = HeadRecord.of(placed)
    return {
        "key": record.key,
        "number": record.number,
        "index": record.index,
        "at": record.at,
        "leaf": record.leaf,
    }


def entries(placed: Sequence[Placed], contents: Mapping[bytes, bytes], total: int) -> list[Row]:
    """Return the entry rows of a batch; `total` is the bytes of the log so far."""
    rows: list[Row] = []
    for each in placed:
        data = each.entry.encode()
        total += len(data) + len(contents.get(each.entry.digest or b"", b""))
        rows.append({**_place(each), "data": data, "total": total})
    return rows


def subjects(placed: Sequence[Placed]) -> list[Row]:
    """Return the newest entry of each chain in a batch."""
    newest = {(each.entry.type, each.entry.subject): each for each in placed}
    return [
        {**_place(each), "type": each.entry.type, "grantee": grantee_of(each.entry)}
        for each in newest.values()
    ]


def nodes(old_size: int, made: Mapping[TileId, bytes]) -> list[Row]:
    """Return the subtree roots, from level 1 up, that a growing log has completed."""
    rows: list[Row] = []
    for tile, data in made.items():
        first = tile.index * TILE_WIDTH
        fresh = max(first, old_size >> TILE_HEIGHT * tile.level)
        for index in range(fresh, first + tile.width) if tile.level else ():
            at = (index - first) * HASH_BYTES
            row = {"level": tile.level, "index": index, "hash": data[at : at + HASH_BYTES]}
            rows.append(row)
    return rows


def contents(by_digest: Mapping[bytes, bytes]) -> list[Row]:
    """Return the content rows; content is kept once, whoever names it."""
    return [{"digest": digest, "data": data} for digest, data in by_digest.items()]


def grantee_of(entry: Entry) -> str | None:
    """Return the id of whom an authority entry is about, None for other types."""
    if entry.type != "authority":
        return None
    return did_id(as_text(entry.body.get("grantee"), "authority.grantee"))
