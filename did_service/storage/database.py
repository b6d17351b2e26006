"""The door to databases: opened by URL, asked and changed in transactions.

    engine = open_database("sqlite:///var/registry.sqlite")
    with writing(engine) as connection:
        connection.execute(insert_or_replace(TABLE).values(…))

A writing transaction waits for the one before it and then reads what will still be true when it
commits, which is what makes compare-and-swap and dense indices safe; it is on the disk when it
ends. Reading transactions see one state of the database and never wait. What kinds there are
stands in `dialects`; SQL that is not the same in all of them, in `clauses`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Select, event, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError
from sqlalchemy.sql.expression import ClauseElement

from did_service.core.errors import DidServiceError, UnavailableError, UsageError, quote
from did_service.core.limits import DATABASE_CONNECTIONS
from did_service.storage.clauses import insert_if_absent, insert_or_replace, unindexed
from did_service.storage.dialects import DatabaseClaim, Statement, dialect_of
from did_service.storage.leading import Leadership
from did_service.storage.lease import Use
from did_service.storage.postgres.place import DEFAULT_SCHEMA, place_of
from did_service.storage.texts import check_texts
from did_service.storage.transactions import for_writing

__all__ = [
    "PreparedSql",
    "check_server_url",
    "claimed",
    "empty_journal",
    "file_url",
    "insert_if_absent",
    "insert_or_replace",
    "is_server_url",
    "leadership_of",
    "name_of",
    "open_database",
    "owner_of",
    "reading",
    "rows",
    "telling",
    "unindexed",
    "url_with_schema",
    "writing",
]


def open_database(
    url: str, *, make: bool = True, connections: int = DATABASE_CONNECTIONS
) -> Engine:
    """Open a database.

    Args:
        url: `sqlite:///PATH`, three slashes before a relative path, four before another; or
            `postgresql://HOST/DATABASE?schema=NAME` (`storage/postgres/place.py`).
        make: Make it, empty, where it is missing.
        connections: To a server, at once, at most; who wants one more waits for it.

    Raises:
        NotFoundError: `database_missing`: it is not there and shall not be made.
        UsageError: `database_url_wrong`: no URL, or of a kind that this release does not know;
            `extra_missing`: its driver is not installed.
        UnavailableError: what a server says; `database_unsuitable`: it cannot hold our tables.
    """
    made = _made(url)
    engine = dialect_of(made.get_backend_name()).open(made, make=make, connections=connections)
    event.listen(engine, "before_cursor_execute", check_texts)
    return engine


def _made(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):  # their text holds the URL, and a password
        raise UsageError("database_url_wrong", "this is no URL of a database") from None


def url_with_schema(url: str, schema: str) -> str:
    """Return the URL of a database of a server with the schema of one service.

    Raises:
        UsageError: `database_url_wrong`.
    """
    return (
        _made(url).update_query_dict({"schema": schema}).render_as_string(hide_password=False)
    )


def check_server_url(url: str) -> None:
    """Check that a text is the URL of a database of a server, without a schema.

    Raises:
        UsageError: `database_url_wrong`.
    """
    if place_of(_made(url)).schema != DEFAULT_SCHEMA:
        raise UsageError("database_url_wrong", "each service has a schema of its own name")


def is_server_url(url: str) -> bool:
    """Say whether `check_server_url` has nothing against a text."""
    try:
        check_server_url(url)
    except UsageError:
        return False
    return True


def file_url(path: Path) -> str:
    """Return the URL of the database in a file."""
    return f"sqlite:///{path}"


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that sees one state of the database and changes nothing.

    Raises:
        UnavailableError: as `writing`.
    """
    with telling(engine), engine.connect() as connection, connection.begin():
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
            `database_damaged` where what lies there is no database any more.
        ConflictError: `row_exists`: the key of a row is taken.
        MalformedError: `text_with_nul`: no kind of database is given such a text.
    """
    with telling(engine), engine.connect() as connection, for_writing(connection).begin():
        yield connection


def leadership_of(engine: Engine, owner: str) -> Leadership:
    """Return how the processes on a database find the one that writes; `start` it.

    Args:
        engine: The database.
        owner: As with `claimed`.

    Raises:
        UsageError, UnavailableError: as `claimed`.
    """
    with telling(engine):
        return dialect_of(engine.dialect.name).leadership(engine, owner)


@contextmanager
def claimed(engine: Engine, owner: str | None, use: Use = Use.ALONE) -> Iterator[DatabaseClaim]:
    """Write a database while a `with` lasts.

    Args:
        engine: The database.
        owner: Whose it is from now on: the origin of a log, the name of a witness, a DID; None
            where that stays as it is.
        use: Whether other processes that share it may write it at the same time.

    Raises:
        ConflictError: `database_in_use`: another process writes it, and does not share it, or
            we do not.
        UsageError: `database_of_another`: it is that of another owner.
        UnavailableError: as `writing`.
    """
    with telling(engine):
        claim = dialect_of(engine.dialect.name).claim(engine, owner, use)
    try:
        yield claim
    finally:
        claim.close()


def owner_of(engine: Engine) -> str | None:
    """Return whose database it is; None where no claim has said it, or it is no server's.

    Raises:
        UnavailableError: as `writing`.
    """
    with telling(engine):
        return dialect_of(engine.dialect.name).owner_of(engine)


def name_of(engine: Engine) -> str:
    """Name a database to people: by its file, or by database and schema, never by its host."""
    return dialect_of(engine.dialect.name).name_of(engine)


def empty_journal(engine: Engine) -> bool:
    """Leave nothing of deleted rows in a journal; False while somebody reads: ask again.

    Raises:
        UnavailableError: as `writing`.
    """
    with telling(engine):
        return dialect_of(engine.dialect.name).empty_journal(engine)


class PreparedSql:
    """A statement that is written out once for a kind of database and run by its driver.

    For tables of many rows. SQLAlchemy prepares its own state for every execution of a
    statement, and that costs ten times what SQLite needs to find the row.

    Args:
        clause: Its parameters have names; what is fixed in it stays.
    """

    __slots__ = ("_by_kind", "_clause")

    def __init__(self, clause: ClauseElement) -> None:
        self._clause = clause
        self._by_kind: dict[str, Statement] = {}

    def rows(self, connection: Connection, **values: object) -> list[tuple[Any, ...]]:
        """Run it in a transaction with values by parameter, and return what it finds."""
        return self._for(connection).rows(connection, values)

    def each(self, connection: Connection, **values: object) -> Iterator[tuple[Any, ...]]:
        """Run it as `rows`, and yield what it finds row by row, for as long as that lasts."""
        return self._for(connection).each(connection, values)

    def run_for(self, connection: Connection, rows: Iterable[Mapping[str, object]]) -> None:
        """Run it in a transaction once for each row; a row may hold more than is asked for.

        Raises:
            ConflictError: `row_exists`: the key of a row is taken; the transaction is over.
        """
        statement, dialect = self._for(connection), dialect_of(connection.dialect.name)
        try:
            statement.run_for(connection, rows)
        except dialect.errors as error:
            told = dialect.told(error)
            if told is None:
                raise
            raise _naming(connection.engine, told) from error

    def _for(self, connection: Connection) -> Statement:
        name = connection.dialect.name
        found = self._by_kind.get(name)
        if found is None:
            found = self._by_kind[name] = dialect_of(name).statement(self._clause)
        return found


@contextmanager
def telling(engine: Engine) -> Iterator[None]:
    """Tell what a database says of itself; what it says of a statement is a fault of ours."""
    dialect = dialect_of(engine.dialect.name)
    failures: tuple[type[Exception], ...] = (DatabaseError, *dialect.errors)
    try:
        yield
    except failures as error:
        told = dialect.told(error)
        if told is None:
            raise
        raise _naming(engine, told) from error


def _naming(engine: Engine, told: DidServiceError) -> DidServiceError:
    """Let what is said of a whole database name it, by the last part of its name alone."""
    if not isinstance(told, UnavailableError):
        return told
    return UnavailableError(told.code, f"{quote(name_of(engine))}: {told.message}")
