"""The database of a server: one SQLite file, opened in one way.

Write-ahead log, every commit synced to the disk, foreign keys on. A writing transaction begins
with BEGIN IMMEDIATE: it waits for the one before it and then reads what will still be true
when it commits, which is what makes compare-and-swap and dense indices safe. Reading
transactions see one state of the file and never wait.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Select, create_engine, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DatabaseError
from sqlalchemy.sql.expression import ClauseElement
from sqlmodel import SQLModel

from did_service.core.errors import UnavailableError

BUSY_SECONDS = 10  # a writer waits so long for the one before it

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}",
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


def open_engine(path: Path) -> Engine:
    """Open a database file, making it and its folder where they are missing.

    Nobody but its owner may read it, nor the journals, which SQLite makes alike.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):  # SQLite will say what is the matter
        path.touch(0o600)
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def create_tables(engine: Engine, *models: type[SQLModel]) -> None:
    """Create the tables of these models where they are missing."""
    tables = [model.__table__ for model in models]  # type: ignore[attr-defined]
    with writing(engine) as connection:
        SQLModel.metadata.create_all(connection, tables=tables)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that sees one state of the database and changes nothing.

    Raises:
        UnavailableError: as `writing`.
    """
    with _disk(), engine.connect() as connection, connection.begin():
        yield connection


def rows(engine: Engine, question: Select[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """Return the rows that a question finds, by column name; errors as `writing`."""
    with reading(engine) as connection:
        return [dict(row) for row in connection.execute(question).mappings()]


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open the one writing transaction: committed at the end, undone by any error.

    Raises:
        UnavailableError: `database_busy` when another one keeps it for too long,
            `database_refused` where the disk is full or does not answer,
            `database_damaged` where the file is none of SQLite's any more.
    """
    with _disk(), engine.connect() as connection:
        connection.execution_options(didsvc_writing=True)
        with connection.begin():
            yield connection


class PreparedSql:
    """A statement that is written out once and then run by the driver itself.

    For tables of many rows. SQLAlchemy prepares its own state for every execution of a
    statement, and that costs ten times what SQLite needs to find the row.

    Args:
        clause: Its parameters have names; what is fixed in it stays.
    """

    __slots__ = ("_fixed", "_text")

    def __init__(self, clause: ClauseElement) -> None:
        compiled = clause.compile(dialect=sqlite.dialect(paramstyle="named"))
        given: Mapping[str, object] = compiled.params
        self._text = str(compiled)
        self._fixed = {name: value for name, value in given.items() if value is not None}

    def __str__(self) -> str:
        """Return the SQL."""
        return self._text

    def rows(self, connection: Connection, **values: object) -> list[tuple[Any, ...]]:
        """Run it in a transaction with values by parameter, and return what it finds."""
        found = _driver(connection).execute(self._text, {**self._fixed, **values})
        return found.fetchall()

    def run_for(self, connection: Connection, rows: Iterable[Mapping[str, object]]) -> None:
        """Run it in a transaction once for each row; a row may hold more than is asked for."""
        _driver(connection).executemany(self._text, rows)


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - engines come from `open_engine`
    return driver


@contextmanager
def _disk() -> Iterator[None]:
    """Tell what SQLite says of its file; what it says of our statements is a fault of ours."""
    try:
        yield
    except (DatabaseError, sqlite3.DatabaseError) as error:
        reason = error.orig if isinstance(error, DatabaseError) else error
        number = getattr(reason, "sqlite_errorcode", 0) & 0xFF  # the driver's own have none
        if number not in _OF_THE_FILE:
            raise
        raise UnavailableError(_OF_THE_FILE[number], f"{reason}") from error


def _prepare(driver: sqlite3.Connection, _record: object) -> None:
    driver.isolation_level = None  # the driver begins nothing by itself; `_begin` does
    for pragma in _PRAGMAS:
        driver.execute(pragma)


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("didsvc_writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
