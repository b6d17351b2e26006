"""What PostgreSQL spells differently, so that rows mean the same in every kind of database.

Whole numbers have 64 bits, as SQLite's have: a log is longer than 2³¹ bytes, and a second of
2038 is no smaller. Texts are compared byte by byte, as SQLite compares them: the order of a
list does not depend on the language of a server, and no upgrade of its locales spoils an index.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import BigInteger, Dialect, Integer, String
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import TypeCompiler
from sqlalchemy.sql.expression import ClauseElement


@compiles(Integer, "postgresql")
def _whole(_type: Integer, _compiler: TypeCompiler, **_options: object) -> str:
    return "BIGINT"


@compiles(String, "postgresql")
def _bytewise(_type: String, _compiler: TypeCompiler, **_options: object) -> str:
    return 'TEXT COLLATE "C"'


def spelled_here(dialect: Dialect) -> Dialect:
    """Have a dialect count by 64 bits also where the server numbers rows itself."""
    types = dialect.colspecs
    dialect.colspecs = {**types, Integer: types[BigInteger]}
    return dialect


def written_out(clause: ClauseElement) -> tuple[str, Mapping[str, object]]:
    """Write a clause out as the driver takes it, with the values that are fixed in it."""
    compiled = clause.compile(dialect=_DIALECT)
    given: Mapping[str, object] = compiled.params
    return str(compiled), {name: value for name, value in given.items() if value is not None}


_DIALECT = spelled_here(psycopg.dialect())  # type: ignore[no-untyped-call]
