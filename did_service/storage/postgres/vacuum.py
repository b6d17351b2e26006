"""Taking deleted rows out of the tables of a schema.

What the server has written ahead of them, and its own backups, are its keeper's to limit
(docs/howto/postgresql.md).
"""

from __future__ import annotations

from contextlib import closing

import psycopg
from psycopg import sql
from sqlalchemy import Engine

from did_service.storage.postgres.engine import lock_key, schema_of

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = %s"
_READERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL
"""


def vacuum(engine: Engine) -> bool:
    """Vacuum every table; False where a reader kept something back: ask again.

    Of several processes one is at it, and the others do not wait: they ask again as well.
    """
    key = (lock_key(schema_of(engine), "vacuum"),)
    with closing(engine.raw_connection()) as pooled:
        driver = pooled.driver_connection
        assert isinstance(driver, psycopg.Connection)  # noqa: S101 - the engine is one of ours
        if driver.execute("SELECT pg_try_advisory_lock(%s)", key).fetchone() != (True,):
            return False
        try:
            return _vacuum(driver, schema_of(engine))
        finally:
            driver.execute("SELECT pg_advisory_unlock(%s)", key)


def _vacuum(driver: psycopg.Connection[tuple[object, ...]], schema: str) -> bool:
    found = driver.execute(_TABLES, (schema,)).fetchall()
    readers = driver.execute(_READERS).fetchone()
    if found:
        tables = [sql.Identifier(schema, str(name)) for (name,) in found]
        names = sql.SQL(", ").join(tables)
        driver.execute("SET statement_timeout = 0")  # it lasts as long as the rows take
        try:
            driver.execute(sql.SQL("VACUUM {}").format(names), prepare=False)
        finally:
            driver.execute("RESET statement_timeout")
    return readers == (0,)
