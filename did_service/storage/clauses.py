"""SQL that every kind of database takes, for what SQLAlchemy spells for each kind alone.

`INSERT … ON CONFLICT` is the same text in SQLite and in PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Insert, Table, literal_column, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

_ZERO: ColumnElement[int] = literal_column("0")


class InsertIfAbsent(Insert):
    """INSERT … ON CONFLICT DO NOTHING."""

    inherit_cache = True


class InsertOrReplace(Insert):
    """INSERT … ON CONFLICT DO UPDATE, of every column that is not of the key."""

    inherit_cache = True


def insert_if_absent(table: Table) -> Insert:
    """Insert rows; one whose key is there already, any key, stays as it is."""
    return InsertIfAbsent(table).inline()


def insert_or_replace(table: Table) -> Insert:
    """Insert rows, each in the place of the one that has its primary key."""
    return InsertOrReplace(table).inline()


def unindexed(column: ColumnElement[int]) -> ColumnElement[int]:
    """Have a number compared row by row, not searched by an index that begins with it.

    For a question that has a better index, where a planner without statistics takes the other.
    """
    return column + _ZERO


def stored_by_key() -> Mapping[str, Any]:
    """Option of a table whose rows lie in the order of its primary key, where a kind can."""
    return {"sqlite_with_rowid": False}


def index_where(condition: str) -> Mapping[str, Any]:
    """Option of an index that holds only the rows of which a condition is true."""
    return {f"{name}_where": text(condition) for name in ("sqlite", "postgresql")}


@compiles(InsertIfAbsent)
def _if_absent(insert: InsertIfAbsent, compiler: SQLCompiler, **options: object) -> str:
    written: Callable[..., str] = compiler.visit_insert
    return f"{written(insert, **options)} ON CONFLICT DO NOTHING"


@compiles(InsertOrReplace)
def _or_replace(insert: InsertOrReplace, compiler: SQLCompiler, **options: object) -> str:
    name = compiler.preparer.format_column
    table = insert.entity_description["table"]
    key = [column for column in table.columns if column.primary_key]
    rest = [column for column in table.columns if not column.primary_key]
    conflict = ", ".join(map(name, key))
    changed = ", ".join(f"{name(column)} = excluded.{name(column)}" for column in rest)
    written: Callable[..., str] = compiler.visit_insert
    return f"{written(insert, **options)} ON CONFLICT ({conflict}) DO UPDATE SET {changed}"
