"""PostgreSQL, as the database door asks for it."""

from __future__ import annotations

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.sql.expression import ClauseElement

from did_service.core.errors import DidServiceError
from did_service.storage.lease import Use
from did_service.storage.postgres.claim import PostgresClaim, check_owner, owner_of
from did_service.storage.postgres.election import PostgresElection
from did_service.storage.postgres.engine import enter, open_engine, schema_of, without_limits
from did_service.storage.postgres.failures import FAILURES, told, told_of_opening
from did_service.storage.postgres.numbering import continue_numbers
from did_service.storage.postgres.place import place_of
from did_service.storage.postgres.secret_files import check_secret_files
from did_service.storage.postgres.statements import PostgresStatement
from did_service.storage.postgres.vacuum import vacuum


class Postgres:
    """One schema of a database, `postgresql://HOST/DATABASE?schema=NAME`, for many machines."""

    errors = FAILURES

    def open(self, url: URL, *, make: bool, connections: int) -> Engine:
        """Connect to a database, and make our schema in it where that is wanted.

        Raises:
            UsageError: `database_url_wrong`.
            NotFoundError: `database_missing`; `file_missing`: one that the URL names.
            UnavailableError: `database_unsuitable`, `database_secret_open`, or what the server
                says.
        """
        place = place_of(url)
        check_secret_files(place.options)
        engine = open_engine(place, connections)
        try:
            enter(engine, make=make)
        except BaseException as error:
            engine.dispose()
            meant = told_of_opening(error) if isinstance(error, FAILURES) else None
            if meant is None:
                raise
            raise meant from error
        return engine

    def told(self, error: Exception) -> DidServiceError | None:
        """Tell what the server says of itself, and that a key is taken."""
        return told(error)

    def statement(self, clause: ClauseElement) -> PostgresStatement:
        """Write a clause out for the driver."""
        return PostgresStatement(clause)

    def leadership(self, engine: Engine, owner: str) -> PostgresElection:
        """Let the server choose one of several processes."""
        check_owner(engine, owner)
        return PostgresElection(engine)

    def claim(self, engine: Engine, owner: str | None, use: Use) -> PostgresClaim:
        """Write a schema alone, or with others who share it, by a lock of the server."""
        return PostgresClaim(engine, owner, use)

    def owner_of(self, engine: Engine) -> str | None:
        """Return whose schema it is."""
        return owner_of(engine)

    def name_of(self, engine: Engine) -> str:
        """Name a schema, with its database."""
        return f"{engine.url.database}.{schema_of(engine)}"

    def empty_journal(self, engine: Engine) -> bool:
        """Take what is deleted out of the tables, but for what a reader may still see."""
        return vacuum(engine)

    def without_limits(self, connection: Connection) -> None:
        """Let a transaction last as long as its many rows take."""
        without_limits(connection)

    def continue_numbers(self, connection: Connection, table: str) -> None:
        """Set the sequence of a table behind its largest number."""
        continue_numbers(connection, table)
