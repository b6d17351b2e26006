"""The entries of one log in a database, and every question the rules ask about them.

`ReplicaStore` is a `LogView`. Outside a transaction each question is a short read of its own;
`within` gives the same store inside a transaction of the caller, where it also sees rows that
are not committed yet. `append` is the only way in: dense indices, in one transaction, next to
whatever else its caller must keep in the same step.

Nodes are stored from level 1 up, so that `hashes` reads any tile of any size out of the
database: a root or a proof costs a few hundred rows, never the whole log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Engine,
    Insert,
    Select,
    Table,
    bindparam,
    desc,
    func,
    insert,
    select,
)
from sqlalchemy.exc import IntegrityError

from did_service.core.anchor.entry import Placed, parse_entry
from did_service.core.anchor.heads import HeadRecord, HeadsSnapshot, subject_key
from did_service.core.did.syntax import did_id
from did_service.core.errors import ConflictError, NotFoundError
from did_service.core.limits import MAX_ENTRIES_CACHED, TILE_WIDTH
from did_service.core.log import tiles
from did_service.core.log.tiles import TileId
from did_service.replica import rows
from did_service.replica.rows import Row
from did_service.replica.tables import CONTENT, COSIGNED, ENTRY, MODELS, NODE, SUBJECT
from did_service.web import database

# Statements are built once: building one costs more than running it.
_LOG: BindParameter[str] = bindparam("log")
_SIZE: BindParameter[int] = bindparam("size")
_AT: BindParameter[int] = bindparam("at")
_ENTRY = select(ENTRY.c.index, ENTRY.c.leaf, ENTRY.c.data).where(ENTRY.c.log == _LOG)
_CHAIN = _ENTRY.where(ENTRY.c.key == bindparam("key"))
_IN_ORDER = _CHAIN.order_by(ENTRY.c.number)
_NEWEST = _CHAIN.order_by(desc(ENTRY.c.number)).limit(1)
_NEWEST_BELOW = _NEWEST.where(ENTRY.c.index < _SIZE)
_NUMBERED = _CHAIN.where(ENTRY.c.number == bindparam("number"))
_PLACED = _ENTRY.where(ENTRY.c.index == bindparam("index"))
_CHAINS_ABOUT = select(SUBJECT.c.index).where(
    SUBJECT.c.log == _LOG, SUBJECT.c.grantee == bindparam("grantee")
)
_ABOUT = _ENTRY.where(ENTRY.c.index.in_(_CHAINS_ABOUT)).order_by(ENTRY.c.index)
_LAST = select(ENTRY.c.index, ENTRY.c.at, ENTRY.c.total).where(ENTRY.c.log == _LOG).limit(1)
_END = _LAST.order_by(desc(ENTRY.c.index))
_END_BEFORE = _LAST.where(ENTRY.c.at < _AT).order_by(desc(ENTRY.c.at), desc(ENTRY.c.index))


def _records(table: Table) -> Select[Any]:
    columns = (table.c[name] for name in ("key", "number", "index", "at", "leaf"))
    return select(*columns).where(table.c.log == _LOG)


_SETTLED = (
    _records(SUBJECT)
    .where(SUBJECT.c.type != "heads", SUBJECT.c.index < _SIZE)
    .order_by(SUBJECT.c.key)
)
_MOVED = select(SUBJECT.c.key).where(
    SUBJECT.c.log == _LOG, SUBJECT.c.type != "heads", SUBJECT.c.index >= _SIZE
)
_FORMER = (
    select(func.max(ENTRY.c.index))
    .where(ENTRY.c.log == _LOG, ENTRY.c.index < _SIZE, ENTRY.c.key.in_(_MOVED))
    .group_by(ENTRY.c.key)
)
_EARLIER = _records(ENTRY).where(ENTRY.c.index.in_(_FORMER))


def _range(table: Table, column: str) -> Select[Any]:
    within = (table.c.index >= bindparam("start")) & (table.c.index < bindparam("stop"))
    return select(table.c[column]).where(table.c.log == _LOG, within).order_by(table.c.index)


_DATA, _LEAVES = _range(ENTRY, "data"), _range(ENTRY, "leaf")
_NODES = _range(NODE, "hash").where(NODE.c.level == bindparam("level"))
_CONTENT = select(CONTENT.c.data).where(
    CONTENT.c.log == _LOG, CONTENT.c.digest == bindparam("digest")
)
_COSIGNED = select(func.max(COSIGNED.c.size)).where(COSIGNED.c.log == _LOG, COSIGNED.c.at < _AT)


def prepare(engine: Engine) -> None:
    """Make the tables of replicas in a database."""
    database.create_tables(engine, *MODELS)


class ReplicaStore:
    """One log in a database.

    Args:
        engine: The database; `prepare` has made the tables in it.
        origin: The log's origin.
        connection: A transaction of the caller, see `within`.
    """

    __slots__ = ("_connection", "_engine", "_origin")

    def __init__(
        self, engine: Engine, origin: str, connection: Connection | None = None
    ) -> None:
        self._engine = engine
        self._origin = origin
        self._connection = connection

    @property
    def origin(self) -> str:
        """The log's origin."""
        return self._origin

    def within(self, connection: Connection) -> ReplicaStore:
        """Return the same log inside a transaction of the caller."""
        return ReplicaStore(self._engine, self._origin, connection)

    # --- LogView ----------------------------------------------------------------------------

    def size(self) -> int:
        """Return the number of entries."""
        return self._end(_END)[0]

    def last_at(self) -> int:
        """Return `a` of the last entry, 0 for an empty log."""
        return self._end(_END)[1]

    def newest(self, kind: str, subject: str, below: int | None = None) -> Placed | None:
        """Return the newest entry of a chain, of those with an index under `below`."""
        key = subject_key(kind, subject)
        if below is None:
            return self._first(_NEWEST, key=key)
        return self._first(_NEWEST_BELOW, key=key, size=below)

    def numbered(self, kind: str, subject: str, number: int) -> Placed | None:
        """Return the entry of a chain with this number."""
        return self._first(_NUMBERED, key=subject_key(kind, subject), number=number)

    def chain(self, kind: str, subject: str) -> list[Placed]:
        """Return all entries of a chain, oldest first."""
        return self._placed(_IN_ORDER, key=subject_key(kind, subject))

    def statements_about(self, grantee: str) -> list[Placed]:
        """Return the newest authority entry of each chain with this grantee, in log order."""
        return self._placed(_ABOUT, grantee=did_id(grantee))

    def snapshot(self, size: int) -> HeadsSnapshot:
        """Return the heads snapshot of the first `size` entries.

        Quick where `size` is near the end: only chains that have moved on since are looked up
        entry by entry.
        """
        values = {"log": self._origin, "size": size}
        with self._reading() as connection:
            records = [*connection.execute(_SETTLED, values).all()]
            records += connection.execute(_EARLIER, values).all()
        return HeadsSnapshot.of(HeadRecord(*record) for record in records)

    def root(self, size: int) -> bytes:
        """Return the root of the tree of the first `size` entries."""
        return tiles.root(self.hashes, size)

    def cosigned_before(self, at: int) -> int:
        """Return the size that was cosigned before a second; 0 for none."""
        with self._reading() as connection:
            values = {"log": self._origin, "at": at}
            return connection.execute(_COSIGNED, values).scalar() or 0

    def written_since(self, at: int) -> tuple[int, int]:
        """Return entries and bytes, contents included, with `a` at or after a second."""
        size_before, _, total_before = self._end(_END_BEFORE, at=at)
        size, _, total = self._end(_END)
        return size - size_before, total - total_before

    # --- bytes ------------------------------------------------------------------------------

    def placed(self, index: int) -> Placed:
        """Return the entry at an index.

        Raises:
            NotFoundError: `index_unknown`.
        """
        found = self._first(_PLACED, index=index)
        if found is None:
            raise NotFoundError("index_unknown", f"no entry {index} in {self._origin}")
        return found

    def entries(self, start: int, stop: int) -> list[bytes]:
        """Return the stored bytes of entries `start` up to, not including, `stop`."""
        return self._column(_DATA, range(start, stop))

    def leaves(self, start: int, stop: int) -> list[bytes]:
        """Return the leaf hashes of entries `start` up to, not including, `stop`."""
        return self._column(_LEAVES, range(start, stop))

    def content(self, digest: bytes) -> bytes | None:
        """Return the content behind a digest, None where it was never handed in."""
        with self._reading() as connection:
            values = {"log": self._origin, "digest": digest}
            data: bytes | None = connection.execute(_CONTENT, values).scalar()
        return data

    def hashes(self, tile: TileId) -> bytes:
        """Return the hashes of a tile: the `HashReader` of this log, for any size it has had.

        Shorter than the tile where the log is.
        """
        first = tile.index * TILE_WIDTH
        rows = range(first, first + tile.width)
        if tile.level == 0:
            return b"".join(self._column(_LEAVES, rows))
        return b"".join(self._column(_NODES, rows, level=tile.level))

    # --- writing ----------------------------------------------------------------------------

    def append(self, placed: Sequence[Placed], contents: Mapping[bytes, bytes]) -> None:
        """Add entries that the rules have let through, with the content that came along.

        Args:
            placed: The next entries, in order of their indices.
            contents: The bytes behind each `d` that has some, by SHA-256.

        Raises:
            ConflictError: `log_moved` unless the first index is the size of the log.
        """
        if self._connection is None:
            with database.writing(self._engine) as connection:
                self.within(connection).append(placed, contents)
            return
        size, _, total = self._end(_END)
        if [each.index for each in placed] != list(range(size, size + len(placed))):
            raise ConflictError("log_moved", f"{self._origin} has {size} entries by now")
        made = tiles.extend(self.hashes, size, [each.leaf for each in placed])
        try:
            self._write(insert(ENTRY), rows.entries(placed, contents, total))
        except IntegrityError as error:
            raise ConflictError("chain_forked", "a chain has this number already") from error
        self._write(insert(NODE), rows.nodes(size, made))
        self._write(insert(SUBJECT).prefix_with("OR REPLACE"), rows.subjects(placed))
        self._write(insert(CONTENT).prefix_with("OR IGNORE"), rows.contents(contents))

    def remember_cosigned(self, size: int, at: int) -> None:
        """Note that the keeper of this copy cosigned `size` at a POSIX second."""
        if self._connection is None:
            with database.writing(self._engine) as connection:
                self.within(connection).remember_cosigned(size, at)
            return
        self._write(insert(COSIGNED).prefix_with("OR REPLACE"), [{"at": at, "size": size}])

    # --- statements -------------------------------------------------------------------------

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        if self._connection is not None:
            yield self._connection
            return
        with database.reading(self._engine) as connection:
            yield connection

    def _write(self, statement: Insert, rows: Sequence[Row]) -> None:
        if rows and self._connection is not None:
            self._connection.execute(statement, [{"log": self._origin, **row} for row in rows])

    def _end(self, last: Select[Any], **values: int) -> tuple[int, int, int]:
        """Return size, last `a` and bytes of the log, or of a first part of it."""
        with self._reading() as connection:
            row = connection.execute(last, {"log": self._origin, **values}).first()
        return (row[0] + 1, row[1], row[2]) if row else (0, 0, 0)

    def _first(self, entries: Select[Any], **values: object) -> Placed | None:
        return next(iter(self._placed(entries, **values)), None)

    def _placed(self, entries: Select[Any], **values: object) -> list[Placed]:
        with self._reading() as connection:
            found = connection.execute(entries, {"log": self._origin, **values}).all()
        return [_parse(*row) for row in found]

    def _column(self, column: Select[Any], index: range, **values: int) -> list[bytes]:
        values |= {"start": index.start, "stop": index.stop}
        with self._reading() as connection:
            return [*connection.execute(column, {"log": self._origin, **values}).scalars()]


@lru_cache(maxsize=MAX_ENTRIES_CACHED)
def _parse(index: int, leaf: bytes, data: bytes) -> Placed:
    return Placed(parse_entry(data), index, leaf)
