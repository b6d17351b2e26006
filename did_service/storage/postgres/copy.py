"""COPY: many rows of one table in one call, in the binary form of the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import psycopg
from psycopg import sql
from sqlalchemy import Boolean, Column, Integer, LargeBinary, String, Table

COPY_FROM = 16  # rows; fewer are sent sooner as statements

_TYPES = ((Boolean, "bool"), (Integer, "int8"), (String, "text"), (LargeBinary, "bytea"))


def copy_rows(
    driver: psycopg.Connection[tuple[object, ...]],
    table: Table,
    rows: Sequence[Mapping[str, object]],
) -> None:
    """Add rows that have every column of a table."""
    names = [str(column.name) for column in table.columns]
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(str(table.name)), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types([type_name(column) for column in table.columns])
        for row in rows:
            copy.write_row([row[name] for name in names])


def is_copied(table: Table, rows: Sequence[Mapping[str, object]]) -> bool:
    """Say whether rows are many, and each says every column."""
    names = {str(column.name) for column in table.columns}
    return len(rows) >= COPY_FROM and all(names <= row.keys() for row in rows)


def type_name(column: Column[object]) -> str:
    """Name the type that the server has for a column."""
    whole: object = getattr(column.type, "impl", column.type)  # SQLModel wraps its texts
    return next(name for kind, name in _TYPES if isinstance(whole, kind))
