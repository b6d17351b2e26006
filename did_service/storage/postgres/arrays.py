"""Rows as one array a column: many in one statement with ON CONFLICT, which COPY does not know.

    INSERT INTO t (a, b) SELECT * FROM unnest($1::text[], $2::bytea[]) ON CONFLICT …

The arrays are written here, in the binary form of the server: the driver asks of each value
anew how it is written, and that takes longer than the server takes to store the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from struct import Struct

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format
from sqlalchemy import Insert, Select, Table, select, text

from did_service.storage.clauses import InsertOrReplace
from did_service.storage.postgres.copy import type_name

_HEAD = Struct("!iiIii")  # dimensions, whether there are NULLs, type, how many, the first index
_LENGTH = Struct("!i")
_NULL = _LENGTH.pack(-1)


def _element(data: bytes) -> bytes:
    return _LENGTH.pack(len(data)) + data


_ELEMENTS: Mapping[str, Callable[..., bytes]] = {
    "bool": partial(Struct("!i?").pack, 1),
    "int8": partial(Struct("!iq").pack, 8),
    "text": lambda value: _element(value.encode()),
    "bytea": _element,
}


class Array:
    """Values of one type as an array of the server."""

    __slots__ = ("data",)

    def __init__(self, kind: str, values: Sequence[object]) -> None:
        element = _ELEMENTS[kind]
        parts = [_HEAD.pack(1, 1, psycopg.adapters.types[kind].oid, len(values), 1)]
        parts += [_NULL if value is None else element(value) for value in values]
        self.data = b"".join(parts)


class ArrayDumper(Dumper):
    """Hands an array on as it is; its type is said by the statement."""

    format = Format.BINARY

    def dump(self, obj: Array) -> bytes:
        """Return the binary form."""
        return obj.data


class Arrays:
    """Rows of a table as a statement takes them that adds whatever their number is.

    Args:
        clause: Adds rows to a table, and says what becomes of one whose key is taken.
    """

    __slots__ = ("_columns", "_key", "clause")

    def __init__(self, clause: Insert, table: Table) -> None:
        self._columns = [(str(each.name), type_name(each)) for each in table.columns]
        is_replacing = isinstance(clause, InsertOrReplace)
        self._key = [str(each.name) for each in table.primary_key] if is_replacing else []
        self.clause = clause.from_select([*table.columns], self._unnested())

    def of(self, rows: Sequence[Mapping[str, object]]) -> dict[str, Array]:
        """Return an array by column. Of rows with one key the last replaces those before it."""
        if self._key:
            rows = list({tuple(row[name] for name in self._key): row for row in rows}.values())
        return {name: Array(kind, [row[name] for row in rows]) for name, kind in self._columns}

    def _unnested(self) -> Select[tuple[object, ...]]:
        # Casts as text: the type of a text column has a collation, of which there is no array.
        arrays = ", ".join(rf":{name}\:\:{kind}[]" for name, kind in self._columns)
        return select(text("*")).select_from(text(f"unnest({arrays})"))
