"""What a batch of entries leaves behind in the tables: plain rows, without the log's name.

Pure functions between `LoggedEntry` and the columns of `tables`; `store` writes what they give.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from did_service.core.anchor.bodies.authority import grantee_id
from did_service.core.anchor.entry import Entry, LoggedEntry
from did_service.core.anchor.snapshot import subject_key
from did_service.core.anchor.types import TYPES
from did_service.core.crypto.hashes import HASH_BYTES
from did_service.core.limits import TILE_HEIGHT, TILE_WIDTH
from did_service.core.log.tiles import TileId

StoredRow = dict[str, object]


def entries(
    placed: Sequence[LoggedEntry], contents: Mapping[bytes, bytes], total: int
) -> list[StoredRow]:
    """Return a row for each entry of a batch: what its table holds and what its chain's does.

    Args:
        placed: The batch.
        contents: The bytes behind each `d` that has some, by SHA-256.
        total: Bytes of the log so far.
    """
    rows: list[StoredRow] = []
    for each in placed:
        entry, data = each.entry, each.entry.encode()
        total += counted_bytes(entry, data, contents.get)
        row: StoredRow = {
            "key": subject_key(entry.type, entry.subject),
            "type": entry.type,
            "number": entry.number,
            "index": each.index,
            "at": entry.at,
            "leaf": each.leaf,
            "data": data,
            "total": total,
            "grantee": grantee_of(entry),
        }
        rows.append(row)
    return rows


def counted_bytes(entry: Entry, data: bytes, content: Callable[[bytes], bytes | None]) -> int:
    """Return how much of a log an entry is: its bytes, and the content of a type that has some.

    `total` of the rows and a day's quota are both made of it: whoever judges a batch and
    whoever reads the rows of it later count alike, also where the root of an evidence batch is
    the digest of somebody's status list.

    Args:
        entry: The entry.
        data: Its canonical form.
        content: Finds the bytes behind a digest.
    """
    return len(data) + sum(map(len, kept_content(entry, content).values()))


def kept_content(entry: Entry, content: Callable[[bytes], bytes | None]) -> dict[bytes, bytes]:
    """Return the content that a log keeps for an entry, by its digest.

    Whoever copies the log asks for it there, also where it came with another log's entry.
    """
    known = TYPES.get(entry.type)
    if known is None or not known.has_content or entry.digest is None:
        return {}
    found = content(entry.digest)
    return {} if found is None else {entry.digest: found}


def newest(rows: Sequence[StoredRow]) -> list[StoredRow]:
    """Return the rows of a batch that are the newest of their chain."""
    return list({row["key"]: row for row in rows}.values())


def nodes(old_size: int, made: Mapping[TileId, bytes]) -> list[StoredRow]:
    """Return the subtree roots, from level 1 up, that a growing log has completed."""
    rows: list[StoredRow] = []
    for tile, data in made.items():
        first = tile.index * TILE_WIDTH
        fresh = max(first, old_size >> TILE_HEIGHT * tile.level)
        for index in range(fresh, first + tile.width) if tile.level else ():
            at = (index - first) * HASH_BYTES
            row = {"level": tile.level, "index": index, "hash": data[at : at + HASH_BYTES]}
            rows.append(row)
    return rows


def contents(by_digest: Mapping[bytes, bytes]) -> list[StoredRow]:
    """Return the content rows; content is kept once, whoever names it."""
    return [{"digest": digest, "data": data} for digest, data in by_digest.items()]


def grantee_of(entry: Entry) -> str | None:
    """Return the id of whom an authority entry is about, None for other types."""
    if entry.type != "authority":
        return None
    return grantee_id(entry.body)
