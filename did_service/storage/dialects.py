"""What kinds of database there are, and what the door asks of each.

A kind answers for all that is its own: how it is opened, how a writing transaction begins, what
its errors mean, how its driver runs a statement. Nothing above `storage` names one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Protocol

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.sql.expression import ClauseElement

from did_service.core.errors import DidServiceError, UsageError, quote
from did_service.storage.leading import Leadership
from did_service.storage.lease import Use
from did_service.storage.sqlite import Sqlite


class Statement(Protocol):
    """A statement as one kind of database runs it, in transactions, by its driver.

    Attributes:
        text: As the driver takes it.
    """

    text: str

    def rows(
        self, connection: Connection, values: Mapping[str, object]
    ) -> list[tuple[Any, ...]]:
        """Run it with values by parameter, and return what it finds."""

    def each(
        self, connection: Connection, values: Mapping[str, object]
    ) -> Iterator[tuple[Any, ...]]:
        """Run it so, and yield what it finds row by row; memory never holds all of it."""

    def run_for(self, connection: Connection, rows: Iterable[Mapping[str, object]]) -> None:
        """Run it once for each row; a row may hold more than is asked for."""


class DatabaseClaim(Protocol):
    """That a process writes a database, alone or with others; `close` ends it."""

    def close(self) -> None:
        """Let another process have it."""


class Dialect(Protocol):
    """One kind of database.

    Attributes:
        errors: What its driver raises where SQLAlchemy does not stand between.
    """

    errors: tuple[type[Exception], ...]

    def open(self, url: URL, *, make: bool, connections: int) -> Engine:
        """Open a database, making it where it is missing if that is wanted and can be."""

    def told(self, error: Exception) -> DidServiceError | None:
        """Return what an error of the driver means to us, None for a fault of ours."""

    def statement(self, clause: ClauseElement) -> Statement:
        """Return a clause as the driver takes it."""

    def leadership(self, engine: Engine, owner: str, /) -> Leadership:
        """Return how the processes on a database find the one that writes; say whose it is.

        Raises:
            UsageError: `database_of_another`.
        """

    def claim(self, engine: Engine, owner: str | None, use: Use, /) -> DatabaseClaim:
        """Write a database, alone or with others who share it; say whose it is if known.

        Raises:
            ConflictError: `database_in_use`.
            UsageError: `database_of_another`.
        """

    def owner_of(self, engine: Engine, /) -> str | None:
        """Return whose database it is, as far as the database itself says it."""

    def name_of(self, engine: Engine) -> str:
        """Name a database to people, without where it is."""

    def empty_journal(self, engine: Engine) -> bool:
        """Overwrite what a journal still shows of deleted rows, unless somebody is reading.

        Returns:
            Whether nothing is left of them.
        """

    def without_limits(self, connection: Connection) -> None:
        """Let a transaction last as long as its many rows take."""

    def continue_numbers(self, connection: Connection, table: str) -> None:
        """Have the next row that is numbered come after all that a table has."""


def _postgres() -> Dialect:
    try:
        from did_service.storage.postgres.dialect import Postgres  # noqa: PLC0415 - brings psycopg
    except ModuleNotFoundError as error:
        if error.name != "psycopg":
            raise
        needed = "PostgreSQL needs the extra `postgres`"
        raise UsageError("extra_missing", needed, extra="postgres") from error
    return Postgres()


_DIALECTS: Mapping[str, Callable[[], Dialect]] = {"sqlite": Sqlite, "postgresql": _postgres}


@cache
def dialect_of(name: str) -> Dialect:
    """Return the kind of database of a name, as it begins a URL.

    Raises:
        UsageError: `database_url_wrong`: this release knows no such kind; `extra_missing`: its
            driver is not installed.
    """
    if name not in _DIALECTS:
        raise UsageError("database_url_wrong", f"no kind of database is {quote(name)}")
    return _DIALECTS[name]()
