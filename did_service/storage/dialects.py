"""What kinds of database there are, and what the door asks of each.

A kind answers for all that is its own: how it is opened, how a writing transaction begins, what
its errors mean, how its driver runs a statement. Nothing above `storage` names one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.sql.expression import ClauseElement

from did_service.core.errors import DidServiceError, UsageError, quote
from did_service.storage.sqlite import Sqlite


class Dialect(Protocol):
    """One kind of database.

    Attributes:
        errors: What its driver raises where SQLAlchemy does not stand between.
    """

    errors: tuple[type[Exception], ...]

    def open(self, url: URL, *, make: bool) -> Engine:
        """Open a database, making it where it is missing if that is wanted and can be."""

    def told(self, error: Exception) -> DidServiceError | None:
        """Return what an error of the driver means to us, None for a fault of ours."""

    def written_out(self, clause: ClauseElement) -> tuple[str, Mapping[str, object]]:
        """Return a clause as the driver takes it, and the values that are fixed in it."""

    def rows(
        self, connection: Connection, sql: str, values: Mapping[str, object]
    ) -> Iterator[tuple[Any, ...]]:
        """Run a statement by the driver and yield what it finds, row by row."""

    def run_for(
        self, connection: Connection, sql: str, rows: Iterable[Mapping[str, object]]
    ) -> None:
        """Run a statement by the driver once for each row."""

    def empty_journal(self, engine: Engine) -> bool:
        """Overwrite what a journal still shows of deleted rows, unless somebody is reading.

        Returns:
            Whether nothing is left of them.
        """

    def copy(self, engine: Engine, target: Path, told: Callable[[int, int], None]) -> None:
        """Write one state of a database into a new file, while others go on changing it.

        Args:
            engine: The database.
            target: Where nothing is yet.
            told: Called with what is done and what there is in all, in parts of equal size.
        """

    def settle(self, path: Path) -> None:
        """Check every part of such a copy against its own sums, and make it one file.

        Raises:
            UnavailableError: `database_damaged`.
        """


_DIALECTS: Mapping[str, Dialect] = {"sqlite": Sqlite()}


def dialect_of(name: str) -> Dialect:
    """Return the kind of database of a name, as it begins a URL.

    Raises:
        UsageError: `database_url_wrong`: this release knows no such kind.
    """
    if name not in _DIALECTS:
        raise UsageError("database_url_wrong", f"no kind of database is {quote(name)}")
    return _DIALECTS[name]
