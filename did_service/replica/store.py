"""The entries of one log in a database, and every question the rules ask about them.

`ReplicaStore` is a `LogView`. Outside a transaction each question is a short read of its own;
`within` gives the same store inside a transaction of the caller, where it also sees rows that
are not committed yet. `append` is the only way in: dense indices, in one transaction, next to
whatever else its caller must keep in the same step.

Nodes are stored from level 1 up, so that `hashes` reads any tile of any size out of the
database: a root or a proof costs a few hundred rows, never the whole log.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Engine

from did_service.core.anchor.entry import LoggedEntry, parse_entry
from did_service.core.anchor.snapshot import HeadRecord, HeadsSnapshot, subject_key
from did_service.core.did.syntax import did_id
from did_service.core.errors import ConflictError, NotFoundError
from did_service.core.limits import MAX_ENTRIES_CACHED, TILE_WIDTH
from did_service.core.log import tiles
from did_service.core.log.tiles import TileId
from did_service.replica import rows, statements
from did_service.replica.rows import StoredRow
from did_service.replica.tables import HISTORY
from did_service.storage import database, history
from did_service.storage.database import PreparedSql

"""What `append` takes: the next entries, and the contents that came along."""


def prepare(engine: Engine) -> None:
    """Make the tables of replicas in a database that has none, else check them."""
    history.prepare(engine, HISTORY)


def logs_in(engine: Engine) -> Iterator[str]:
    """Yield the origins of all logs of which a database has entries, in their order."""
    origin = ""
    with database.reading(engine) as connection:
        while True:
            ((origin,),) = statements.NEXT_LOG.rows(connection, log=origin)
            if origin is None:
                return
            yield origin


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

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give the transaction of the caller, see `within`, or open one that reads."""
        if self._connection is not None:
            yield self._connection
            return
        with database.reading(self._engine) as connection:
            yield connection

    # --- LogView ----------------------------------------------------------------------------

    def size(self) -> int:
        """Return the number of entries."""
        return self._end(statements.END)[0]

    def last_at(self) -> int:
        """Return `a` of the last entry, 0 for an empty log."""
        return self._end(statements.END)[1]

    def newest(self, kind: str, subject: str, below: int | None = None) -> LoggedEntry | None:
        """Return the newest entry of a chain, of those with an index under `below`."""
        key = subject_key(kind, subject)
        if below is None:
            return self._first(statements.NEWEST, key=key)
        return self._first(statements.NEWEST_BELOW, key=key, size=below)

    def numbered(self, kind: str, subject: str, number: int) -> LoggedEntry | None:
        """Return the entry of a chain with this number."""
        return self._first(statements.NUMBERED, key=subject_key(kind, subject), number=number)

    def chain(self, kind: str, subject: str) -> list[LoggedEntry]:
        """Return all entries of a chain, oldest first."""
        return self._placed(statements.CHAIN, key=subject_key(kind, subject))

    def statements_about(self, grantee: str) -> list[LoggedEntry]:
        """Return the newest authority entry of each chain with this grantee, in log order."""
        return self._placed(statements.ABOUT, grantee=did_id(grantee))

    def snapshot(self, size: int) -> HeadsSnapshot:
        """Return the heads snapshot of the first `size` entries.

        Quick where `size` is near the end: only chains that have moved on since are looked up
        entry by entry.
        """
        with self.reading() as connection:
            former = statements.FORMER.rows(connection, log=self._origin, size=size)
            settled = statements.SETTLED.each(connection, log=self._origin, size=size)
            snapshot = HeadsSnapshot.of_sorted(HeadRecord(*record) for record in settled)
        return snapshot.with_records(HeadRecord(*record) for record in former)

    def root(self, size: int) -> bytes:
        """Return the root of the tree of the first `size` entries."""
        return tiles.root(self.hashes, size)

    def cosigned_before(self, at: int) -> int:
        """Return the size that was cosigned before a second; 0 for none."""
        ((size,),) = self._rows(statements.COSIGNED_BEFORE, at=at)
        return size or 0

    def written_since(self, at: int) -> tuple[int, int]:
        """Return entries and bytes, contents included, with `a` at or after a second."""
        size_before, _, total_before = self._end(statements.END_BEFORE, at=at)
        size, _, total = self._end(statements.END)
        return size - size_before, total - total_before

    # --- bytes ------------------------------------------------------------------------------

    def placed(self, index: int) -> LoggedEntry:
        """Return the entry at an index.

        Raises:
            NotFoundError: `index_unknown`.
        """
        found = self._first(statements.PLACED, index=index)
        if found is None:
            raise NotFoundError("index_unknown", f"no entry {index} in {self._origin}")
        return found

    def entries(self, start: int, stop: int) -> list[bytes]:
        """Return the stored bytes of entries `start` up to, not including, `stop`."""
        return self._column(statements.DATA, start=start, stop=stop)

    def leaves(self, start: int, stop: int) -> list[bytes]:
        """Return the leaf hashes of entries `start` up to, not including, `stop`."""
        return self._column(statements.LEAVES, start=start, stop=stop)

    def rows(self, start: int, stop: int) -> list[StoredRow]:
        """Return all that is stored about entries, for whoever recomputes it."""
        found = self._rows(statements.ROWS, start=start, stop=stop)
        return [dict(zip(statements.ENTRY_COLUMNS, row, strict=True)) for row in found]

    def content(self, digest: bytes) -> bytes | None:
        """Return the content behind a digest, None where it was never handed in."""
        return next(iter(self._column(statements.CONTENT_OF, digest=digest)), None)

    def digests(self) -> list[bytes]:
        """Return the digests of all contents that came with entries."""
        return self._column(statements.DIGESTS)

    def hashes(self, tile: TileId) -> bytes:
        """Return the hashes of a tile: the `HashReader` of this log, for any size it has had.

        Shorter than the tile where the log is.
        """
        first = tile.index * TILE_WIDTH
        stop = first + tile.width
        if tile.level == 0:
            return b"".join(self.leaves(first, stop))
        nodes = self._column(statements.NODES, level=tile.level, start=first, stop=stop)
        return b"".join(nodes)

    # --- writing ----------------------------------------------------------------------------

    def append(self, placed: Sequence[LoggedEntry], contents: Mapping[bytes, bytes]) -> None:
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
        size, _, total = self._end(statements.END)
        if [each.index for each in placed] != list(range(size, size + len(placed))):
            raise ConflictError("log_moved", f"{self._origin} has {size} entries by now")
        made = tiles.extend(self.hashes, size, [each.leaf for each in placed])
        fresh = rows.entries(placed, contents, total)
        try:
            self._write(statements.ADD_ENTRY, fresh)
        except ConflictError as error:
            raise ConflictError("chain_forked", "a chain has this number already") from error
        self._write(statements.ADD_NODE, rows.nodes(size, made))
        self._write(statements.SET_NEWEST, rows.newest(fresh))
        self._write(statements.KEEP_CONTENT, rows.contents(contents))

    def rewrite(
        self, batches: Iterable[tuple[Sequence[LoggedEntry], Mapping[bytes, bytes]]]
    ) -> None:
        """Replace all entries of the log, in one transaction; for `repair`.

        Args:
            batches: What `append` takes, from index 0 on. They may be read from the rows that
                are replaced: until the end these stand as they were.

        Raises:
            ConflictError: as `append`; nothing was changed.
        """
        with database.writing(self._engine) as connection:
            inside = self.within(connection)
            for statement in statements.FORGET:
                inside._write(statement, [{}])  # noqa: SLF001 - the same log in a transaction
            for placed, contents in batches:
                inside.append(placed, contents)

    def remember_cosigned(self, size: int, at: int) -> None:
        """Note that the keeper of this copy cosigned `size` at a POSIX second."""
        if self._connection is None:
            with database.writing(self._engine) as connection:
                self.within(connection).remember_cosigned(size, at)
            return
        self._write(statements.SET_COSIGNED, [{"at": at, "size": size}])

    # --- statements -------------------------------------------------------------------------

    def _write(self, statement: PreparedSql, rows: Sequence[StoredRow]) -> None:
        if rows and self._connection is not None:
            statement.run_for(self._connection, [{"log": self._origin, **row} for row in rows])

    def _rows(self, question: PreparedSql, **values: object) -> list[tuple[Any, ...]]:
        with self.reading() as connection:
            return question.rows(connection, log=self._origin, **values)

    def _column(self, question: PreparedSql, **values: object) -> list[bytes]:
        return [value for (value,) in self._rows(question, **values)]

    def _end(self, question: PreparedSql, **values: int) -> tuple[int, int, int]:
        """Return size, last `a` and bytes of the log, or of a first part of it."""
        for index, at, total in self._rows(question, **values):
            return index + 1, at, total
        return 0, 0, 0

    def _placed(self, question: PreparedSql, **values: object) -> list[LoggedEntry]:
        return [_parse(*row) for row in self._rows(question, **values)]

    def _first(self, question: PreparedSql, **values: object) -> LoggedEntry | None:
        return next(iter(self._placed(question, **values)), None)


@lru_cache(maxsize=MAX_ENTRIES_CACHED)
def _parse(index: int, leaf: bytes, data: bytes) -> LoggedEntry:
    return LoggedEntry(parse_entry(data), index, leaf)
