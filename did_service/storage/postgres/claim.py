"""Whose schema it is, and who writes it: a lock that lives as long as a connection.

    storage_owner    one row: the origin of a log, the name of a witness, the DID of an agency

The lock is the server's and ends with the connection, however that ends: of a process that was
killed at once, of a machine that has gone when the server notices, or we do. Whoever is alone
keeps a second process from beginning; those who share the schema keep out whoever would be
alone. What keeps two histories apart is the row that is swapped and the guard.
"""

from __future__ import annotations

from contextlib import suppress

import psycopg
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    MetaData,
    Table,
    Text,
    event,
    insert,
    inspect,
    select,
)

from did_service.core.errors import ConflictError, UsageError, quote
from did_service.storage.lease import Use
from did_service.storage.postgres.engine import driver_of, lock_key, schema_of
from did_service.storage.transactions import for_writing, is_writing

_OWNER = Table("storage_owner", MetaData(), Column("owner", Text, nullable=False))


_TAKE = {
    Use.ALONE: "SELECT pg_try_advisory_lock(%s)",
    Use.SHARED: "SELECT pg_try_advisory_lock_shared(%s)",
}
# The server's own list of locks: it knows by the process of the session and by the key.
_HELD = """
SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
AND pid = %s AND ((classid::bigint << 32) | objid::bigint) = %s
"""


class PostgresClaim:
    """The claim of one process on a schema, until `close`.

    Each writing transaction asks whether the claim is still ours: its session may have ended.
    Where nobody else has it, it is taken again, as after a restart of the server.

    Args:
        engine: The database.
        owner: Whose schema it is from now on; None to leave that open.
        use: Whether other processes that share it may have it at the same time.

    Raises:
        ConflictError: `database_in_use`: another process has it; writing transactions raise it
            as well, once another process has taken it.
        UsageError: `database_of_another`: it is that of another owner.
    """

    def __init__(self, engine: Engine, owner: str | None, use: Use = Use.ALONE) -> None:
        self._engine, self._use = engine, use
        self._key = lock_key(schema_of(engine), "claim")
        self._driver = _taken(engine, self._key, use)
        event.listen(engine, "begin", self._check)  # after the lock of writers was taken
        try:
            if owner is not None:
                check_owner(engine, owner)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let another process have it: the server would let go a moment after the end."""
        event.remove(self._engine, "begin", self._check)
        with suppress(psycopg.Error):  # it is over already
            self._driver.execute("SELECT pg_advisory_unlock_all()")
        self._driver.close()

    def _check(self, connection: Connection) -> None:
        """Check in a writing transaction that the claim is ours, or take it again."""
        if not is_writing(connection):
            return
        asked = (self._driver.info.backend_pid, self._key)
        if driver_of(connection).execute(_HELD, asked).fetchone() is None:
            lost, self._driver = self._driver, _taken(self._engine, self._key, self._use)
            lost.close()


def _taken(engine: Engine, key: int, use: Use) -> psycopg.Connection[tuple[object, ...]]:
    """Take the claim in a session of its own; raises `database_in_use`."""
    driver = own_connection(engine)
    try:
        driver.execute("SET idle_session_timeout = 0")  # it is silent for as long as we run
        _lock(driver, key, use, schema_of(engine))
    except BaseException:
        driver.close()
        raise
    return driver


def _lock(
    driver: psycopg.Connection[tuple[object, ...]], key: int, use: Use, schema: str
) -> None:
    found = driver.execute(_TAKE[use].encode(), (key,)).fetchone()
    if found != (True,):
        what = f"another process writes the schema {quote(schema)}"
        raise ConflictError("database_in_use", what)


def own_connection(engine: Engine) -> psycopg.Connection[tuple[object, ...]]:
    """Return a connection that nobody else is given, beside those of the pool."""
    # Of a pool like that of the engine, whose own may all be waiting for our transaction.
    pooled = engine.pool.recreate().connect()
    driver = pooled.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101 - the engine is one of ours
    pooled.detach()
    return driver


def owner_of(engine: Engine) -> str | None:
    """Return whose schema it is, None where nobody has ever claimed it."""
    with engine.connect() as connection, connection.begin():
        if not inspect(connection).has_table(_OWNER.name):
            return None
        found = connection.execute(select(_OWNER.c.owner)).scalar()
    return None if found is None else str(found)


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
