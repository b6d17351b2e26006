"""SQLite, as the database door asks for it; all that is only SQLite's stands here.

Write-ahead log, every commit synced to the disk, foreign keys on. A writing transaction begins
with BEGIN IMMEDIATE: it waits for the one before it. Changes of tables are a part of their
transaction, as everything else is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DatabaseError
from sqlalchemy.sql.expression import ClauseElement

from did_service.core.errors import (
    ConflictError,
    DidServiceError,
    NotFoundError,
    UnavailableError,
    UsageError,
    quote,
)
from did_service.core.limits import DATABASE_LOCK_SECONDS
from did_service.storage.leading import ALONE, Leadership
from did_service.storage.lease import Use
from did_service.storage.transactions import ROW_EXISTS, is_writing

_PAGES_AT_ONCE = 4_096  # 16 MB between two words about how far a copy is
_PATIENCE = f"PRAGMA busy_timeout = {DATABASE_LOCK_SECONDS * 1000}"
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # what is deleted is overwritten
    "PRAGMA cache_size = -512",  # KiB for each connection: the system keeps the file as well
    _PATIENCE,
)
_OF_THE_FILE = {
    sqlite3.SQLITE_BUSY: "database_busy",
    sqlite3.SQLITE_LOCKED: "database_busy",
    sqlite3.SQLITE_FULL: "database_refused",
    sqlite3.SQLITE_IOERR: "database_refused",
    sqlite3.SQLITE_READONLY: "database_refused",
    sqlite3.SQLITE_CANTOPEN: "database_refused",
    sqlite3.SQLITE_CORRUPT: "database_damaged",
    sqlite3.SQLITE_NOTADB: "database_damaged",
}
_TAKEN = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)


class SqliteStatement:
    """A clause with named parameters, as the driver takes it, and what is fixed in it."""

    __slots__ = ("_fixed", "text")

    def __init__(self, clause: ClauseElement) -> None:
        compiled = clause.compile(dialect=sqlite.dialect(paramstyle="named"))
        given: Mapping[str, object] = compiled.params
        self.text = str(compiled)
        self._fixed = {name: value for name, value in given.items() if value is not None}

    def rows(
        self, connection: Connection, values: Mapping[str, object]
    ) -> list[tuple[Any, ...]]:
        """Run it and return what it finds."""
        return _driver(connection).execute(self.text, {**self._fixed, **values}).fetchall()

    def each(
        self, connection: Connection, values: Mapping[str, object]
    ) -> Iterator[tuple[Any, ...]]:
        """Run it and yield what it finds, row by row."""
        return iter(_driver(connection).execute(self.text, {**self._fixed, **values}))

    def run_for(self, connection: Connection, rows: Iterable[Mapping[str, object]]) -> None:
        """Run it once for each row; a row may hold more than is asked for."""
        _driver(connection).executemany(self.text, rows)


class _ByFolder:
    """The claim of whoever has the lock of the folder with the file (`storage/lease`)."""

    def close(self) -> None:
        """Do nothing: the folder's lock is let go by whoever took it."""


class Sqlite:
    """One file a database, `sqlite:///PATH`; each is opened by one machine."""

    errors: tuple[type[Exception], ...] = (sqlite3.DatabaseError,)

    def open(self, url: URL, *, make: bool, connections: int) -> Engine:
        """Open a database file, or make it and its folder; connections to a file cost nothing.

        Nobody but its owner may read it, nor the journals, which SQLite makes alike.

        Raises:
            UsageError: `database_url_wrong`: it names no file.
            NotFoundError: `database_missing`: it is not there and shall not be made.
        """
        if not url.database or url.database == ":memory:":
            raise UsageError("database_url_wrong", "sqlite:///PATH names a file")
        del connections
        path = Path(url.database)
        if not make and not path.is_file():
            raise NotFoundError("database_missing", f"no file {quote(path.name)}")
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):  # SQLite will say what is the matter
            path.touch(0o600)
        engine = create_engine(url)
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        return engine

    def told(self, error: Exception) -> DidServiceError | None:
        """Tell what SQLite says of its file, and that a key is taken."""
        reason = error.orig if isinstance(error, DatabaseError) else error
        number = getattr(reason, "sqlite_errorcode", 0)  # the driver's own have none
        if number in _TAKEN:
            return ConflictError(ROW_EXISTS, f"{reason}")
        code = _OF_THE_FILE.get(number & 0xFF)
        return None if code is None else UnavailableError(code, f"{reason}")

    def statement(self, clause: ClauseElement) -> SqliteStatement:
        """Write a clause out for the driver."""
        return SqliteStatement(clause)

    def leadership(self, _engine: Engine, _owner: str) -> Leadership:
        """Rely on the lock of the folder: there is one process."""
        return ALONE

    def claim(self, _engine: Engine, _owner: str | None, _use: Use) -> _ByFolder:
        """Rely on the lock of the folder, which says whose it is."""
        return _ByFolder()

    def owner_of(self, _engine: Engine) -> str | None:
        """Return None: the lock of the folder says it."""
        return None

    def name_of(self, engine: Engine) -> str:
        """Return the name of the file."""
        return (engine.url.database or "").rpartition("/")[2]

    def empty_journal(self, engine: Engine) -> bool:
        """Fold the write-ahead log in and cut it to nothing; it waits for no reader.

        SQLite overwrites it from its beginning when it is used next, and that may be never.
        """
        with closing(engine.raw_connection()) as pooled:
            driver = pooled.driver_connection
            assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - as in `_driver`
            driver.execute("PRAGMA busy_timeout = 0")
            try:
                busy, *_ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                driver.execute(_PATIENCE)
        return not busy

    def without_limits(self, _connection: Connection) -> None:
        """Do nothing: no transaction is ended for how long it lasts."""

    def continue_numbers(self, connection: Connection, table: str) -> None:
        """Do nothing: the next number follows from the rows."""

    def copy(self, engine: Engine, target: Path, told: Callable[[int, int], None]) -> None:
        """Copy by SQLite's online backup, out of one reading transaction.

        The transaction keeps the copy from beginning anew whenever somebody writes, and lets
        them write; their journal grows until it ends.
        """
        target.touch(0o600, exist_ok=False)
        with engine.connect() as connection, closing(sqlite3.connect(target)) as copy:
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema")  # it begins now
            _driver(connection).backup(
                copy,
                pages=_PAGES_AT_ONCE,
                progress=lambda _, left, pages: told(pages - left, pages),
            )

    def settle(self, path: Path) -> None:
        """Check pages, indices, checks and foreign keys; fold the journal in."""
        with closing(sqlite3.connect(path)) as driver:
            wrong = driver.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if wrong != "ok" or driver.execute("PRAGMA foreign_key_check").fetchone():
                raise UnavailableError("database_damaged", f"{quote(path.name)}: {wrong}")
            driver.execute("PRAGMA journal_mode = DELETE")


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - the engine is one of `open`
    return driver


def _prepare(driver: sqlite3.Connection, _record: object) -> None:
    driver.isolation_level = None  # the driver begins nothing by itself; `_begin` does
    for pragma in _PRAGMAS:
        driver.execute(pragma)


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing(connection) else "BEGIN")
