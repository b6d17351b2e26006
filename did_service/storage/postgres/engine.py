"""Connections to PostgreSQL: how many, how long anything may take, how transactions begin.

A writing transaction takes the one lock of its schema before it asks anything, so that it waits
for the one before it and then sees what that has written, in whatever process that was. A
reading one sees one state and waits for nobody.
"""

from __future__ import annotations

import select
from hashlib import sha256

import psycopg
from psycopg import sql
from psycopg.types.numeric import Int8Dumper
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError

from did_service.core.errors import NotFoundError, UnavailableError, quote
from did_service.core.limits import (
    DATABASE_CONNECT_SECONDS,
    DATABASE_LOCK_SECONDS,
    DATABASE_STATEMENT_SECONDS,
)
from did_service.storage.postgres.arrays import Array, ArrayDumper
from did_service.storage.postgres.committing import commit
from did_service.storage.postgres.place import PostgresPlace
from did_service.storage.postgres.spelling import spelled_here
from did_service.storage.transactions import for_writing, is_writing

_PORT = 5432
_OLDEST = 150_000  # PostgreSQL 15, as `server_version` counts
_ALIVE = {  # that the other machine has gone is noticed, also while we wait for its answer
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "11000",
}
_READ = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITE = "BEGIN; SELECT pg_advisory_xact_lock({key})"
_NO_LIMITS = b"""
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0
"""
_SCHEMA = "didsvc_schema"


def open_engine(place: PostgresPlace, connections: int) -> Engine:
    """Return the engine of a place, of so many connections; nothing is connected yet."""
    engine = create_engine(
        place.url,
        connect_args=_told_to_driver(place),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=DATABASE_LOCK_SECONDS,
        use_native_hstore=False,
        execution_options={_SCHEMA: place.schema},
    )
    spelled_here(engine.dialect)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "checkout", _check_alive)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "commit", _commit)
    return engine


def enter(engine: Engine, *, make: bool) -> None:
    """Connect, and see that the schema is there; or make it.

    Raises:
        NotFoundError: `database_missing`.
        UnavailableError: `database_unsuitable`: of an older release than 15, or not in UTF-8.
    """
    schema = schema_of(engine)
    with engine.connect() as connection, connection.begin():
        if _has_schema(connection, schema):
            return
    if not make:
        raise NotFoundError("database_missing", f"no schema {quote(schema)}")
    with engine.connect() as connection, for_writing(connection).begin():
        made = sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema))
        driver_of(connection).execute(made)


def schema_of(engine: Engine) -> str:
    """Return the schema in which an engine finds its tables."""
    return str(engine.get_execution_options()[_SCHEMA])


def driver_of(connection: Connection) -> psycopg.Connection[tuple[object, ...]]:
    """Return the driver's own connection."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101 - the engine is one of ours
    return driver


def without_limits(connection: Connection) -> None:
    """Have the server not end the transaction of a connection for how long it lasts."""
    driver_of(connection).execute(_NO_LIMITS, prepare=False)


def lock_key(schema: str, use: str) -> int:
    """Return the number of an advisory lock, which a whole database shares: one for a use."""
    digest = sha256(f"didsvc:{schema}:{use}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _told_to_driver(place: PostgresPlace) -> dict[str, object]:
    settings = {
        "search_path": place.schema,
        "statement_timeout": f"{DATABASE_STATEMENT_SECONDS}s",
        "lock_timeout": f"{DATABASE_LOCK_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{2 * DATABASE_STATEMENT_SECONDS}s",
        "default_transaction_isolation": "read\\ committed",
        "synchronous_commit": "on",
    }
    return {
        **_ALIVE,
        # The environment does not say what a URL leaves out: it may name another server, or
        # another encoding than that of our texts.
        "hostaddr": "",
        "port": place.url.port or _PORT,
        "client_encoding": "UTF8",
        **({} if place.url.host else {"host": ""}),
        **place.options,
        "connect_timeout": DATABASE_CONNECT_SECONDS,
        "application_name": f"did-service {place.schema}",
        "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
        "autocommit": True,  # the driver begins nothing by itself; `_begin` does
    }


def _has_schema(connection: Connection, schema: str) -> bool:
    found = driver_of(connection).execute(
        "SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,)
    )
    return found.fetchone() is not None


def _prepare(driver: psycopg.Connection[tuple[object, ...]], _record: object) -> None:
    info = driver.info
    if info.server_version < _OLDEST:
        raise UnavailableError("database_unsuitable", "the server is older than PostgreSQL 15")
    if info.parameter_status("server_encoding") != "UTF8":
        raise UnavailableError("database_unsuitable", "the database is not encoded in UTF-8")
    # One type for every number: else each size would be a statement of its own to prepare.
    driver.adapters.register_dumper(int, Int8Dumper)
    driver.adapters.register_dumper(Array, ArrayDumper)


def _check_alive(
    driver: psycopg.Connection[tuple[object, ...]], _record: object, _proxy: object
) -> None:
    """Have another connection taken for one that the server has closed meanwhile.

    An idle connection has nothing to read: what is there is its end.
    """
    if has_ended(driver):
        raise DisconnectionError


def has_ended(driver: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Say whether an idle connection is over, as far as this machine has heard."""
    poll = select.poll()
    try:
        poll.register(driver.fileno(), select.POLLIN)
    except psycopg.OperationalError:
        return True
    return bool(poll.poll(0))


def _begin(connection: Connection) -> None:
    driver = driver_of(connection)
    if is_writing(connection):
        key = lock_key(schema_of(connection.engine), "write")
        driver.execute(_WRITE.format(key=key).encode(), prepare=False)
    else:
        driver.execute(_READ, prepare=False)


def _commit(connection: Connection) -> None:
    """Commit; SQLAlchemy finds nothing left to commit then."""
    driver = driver_of(connection)
    try:
        commit(driver, DATABASE_STATEMENT_SECONDS)
    finally:
        if driver.closed:
            connection.invalidate()
