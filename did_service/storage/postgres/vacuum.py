"""Taking deleted rows out of the tables of a schema.

What the server has written ahead of them, and its own backups, are its keeper's to limit
(docs/howto/postgresql.md).
"""

from __future__ import annotations

from contextlib import closing

import psycopg
from psycopg import sql
from sqlalchemy import Engine

from did_service.storage.postgres.engine import schema_of

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = %s"
_READERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL
"""


def vacuum(engine: Engine) -> bool:
    """Vacuum every table; False where a reader kept something back: ask again."""
    schema = schema_of(engine)
    with closing(engine.raw_connection()) as pooled:
        driver = pooled.driver_connection
        assert isinstance(driver, psycopg.Connection)  # noqa: S101 - the engine is one of ours
        tables = [name for (name,) in driver.execute(_TABLES, (schema,)).fetchall()]
        readers = driver.execute(_READERS).fetchone()
        if tables:
            names = sql.SQL(", ").join(sql.Identifier(schema, name) for name in tables)
            driver.execute("SET statement_timeout = 0")  # it lasts as long as the rows take
            try:
                driver.execute(sql.SQL("VACUUM {}").format(names), prepare=False)
            finally:
                driver.execute("RESET statement_timeout")
    return readers == (0,)
