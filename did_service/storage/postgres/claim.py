"""Whose schema it is, and which process writes it: a lock that lives as long as a connection.

    storage_owner    one row: the origin of a log, the name of a witness, the DID of an agency

The lock is the server's and ends with the connection, however that ends: of a process that was
killed at once, of a machine that has gone when the server notices, or we do. It keeps a second
process from beginning. What keeps two histories apart is the row that is swapped and the guard.
"""

from __future__ import annotations

from contextlib import suppress

import psycopg
from sqlalchemy import Column, Engine, MetaData, Table, Text, insert, select

from did_service.core.errors import ConflictError, UsageError, quote
from did_service.storage.postgres.engine import lock_key, schema_of
from did_service.storage.transactions import for_writing

_OWNER = Table("storage_owner", MetaData(), Column("owner", Text, nullable=False))


class PostgresClaim:
    """The claim of one process on a schema, until `close`.

    Args:
        engine: The database.
        owner: Whose schema it is from now on.

    Raises:
        ConflictError: `database_in_use`: another process has it.
        UsageError: `database_of_another`: it is that of another owner.
    """

    def __init__(self, engine: Engine, owner: str) -> None:
        self._driver = own_connection(engine)
        try:
            self._lock(schema_of(engine))
            check_owner(engine, owner)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let another process have it: the server would let go a moment after the end."""
        with suppress(psycopg.Error):  # it is over already
            self._driver.execute("SELECT pg_advisory_unlock_all()")
        self._driver.close()

    def _lock(self, schema: str) -> None:
        key = lock_key(schema, "claim")
        found = self._driver.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone()
        if found != (True,):
            what = f"another process writes the schema {quote(schema)}"
            raise ConflictError("database_in_use", what)


def own_connection(engine: Engine) -> psycopg.Connection[tuple[object, ...]]:
    """Return a connection that nobody else is given, beside those of the pool."""
    pooled = engine.raw_connection()
    driver = pooled.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101 - the engine is one of ours
    pooled.detach()
    return driver


def check_owner(engine: Engine, owner: str) -> None:
    """Check whose schema it is, and say it where nobody has; raises `database_of_another`."""
    with engine.connect() as connection, for_writing(connection).begin():
        _OWNER.create(connection, checkfirst=True)
        held = connection.execute(select(_OWNER.c.owner)).scalars().all()
        if not held:
            connection.execute(insert(_OWNER).values(owner=owner))
        elif held != [owner]:
            of = quote(str(held[0]))
            raise UsageError("database_of_another", f"this schema is that of {of}, not {owner}")
