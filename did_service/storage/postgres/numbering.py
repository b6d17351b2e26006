"""The numbers that a server gives to rows."""

from __future__ import annotations

from psycopg import sql
from sqlalchemy import Connection

from did_service.storage.postgres.engine import driver_of, schema_of

_NUMBERED = """
SELECT column_name FROM information_schema.columns
WHERE table_schema = %s AND table_name = %s AND column_default LIKE 'nextval(%%'
"""
_CONTINUE = "SELECT setval(pg_get_serial_sequence({name}, {column}), max({value})) FROM {table}"


def continue_numbers(connection: Connection, table: str) -> None:
    """Set the sequences of a table behind its largest numbers; of an empty one they stay."""
    driver, schema = driver_of(connection), schema_of(connection.engine)
    for (column,) in driver.execute(_NUMBERED, (schema, table)).fetchall():
        place = sql.Identifier(schema, table)
        statement = sql.SQL(_CONTINUE).format(
            name=place.as_string(driver),
            column=str(column),
            value=sql.Identifier(str(column)),
            table=place,
        )
        driver.execute(statement)
