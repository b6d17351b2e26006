"""A statement of PostgreSQL, prepared by the server once a connection and run by the driver."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Any

from sqlalchemy import Connection, Insert, Table
from sqlalchemy.sql.expression import ClauseElement

from did_service.storage.clauses import InsertIfAbsent, InsertOrReplace
from did_service.storage.postgres.arrays import Arrays
from did_service.storage.postgres.copy import copy_rows, is_copied
from did_service.storage.postgres.engine import driver_of
from did_service.storage.postgres.spelling import written_out

_NUMBERS = count()  # cursors of a connection need different names


class PostgresStatement:
    """A clause as the driver takes it, and the values that are fixed in it."""

    __slots__ = ("_arrays", "_fixed", "_table", "_text_of_arrays", "text")

    def __init__(self, clause: ClauseElement) -> None:
        self.text, self._fixed = written_out(clause)
        self._table: Table | None = None
        self._arrays: Arrays | None = None
        if isinstance(clause, Insert) and isinstance(clause.table, Table):
            self._table = clause.table
            if isinstance(clause, InsertIfAbsent | InsertOrReplace):
                self._arrays = Arrays(clause, clause.table)
                self._text_of_arrays, _ = written_out(self._arrays.clause)

    def rows(
        self, connection: Connection, values: Mapping[str, object]
    ) -> list[tuple[Any, ...]]:
        """Run it and return what it finds."""
        with driver_of(connection).cursor(binary=True) as cursor:
            cursor.execute(self.text.encode(), {**self._fixed, **values}, prepare=True)
            return cursor.fetchall()

    def each(
        self, connection: Connection, values: Mapping[str, object]
    ) -> Iterator[tuple[Any, ...]]:
        """Run it and yield what it finds; the server keeps what was not asked for yet."""
        name = f"each_{next(_NUMBERS)}"
        with driver_of(connection).cursor(name, binary=True) as cursor:
            cursor.execute(self.text.encode(), {**self._fixed, **values}, binary=True)
            yield from cursor

    def run_for(self, connection: Connection, rows: Iterable[Mapping[str, object]]) -> None:
        """Run it once for each row: many that are added go to the server in one go."""
        driver, found = driver_of(connection), list(rows)
        many = self._table is not None and is_copied(self._table, found)
        if many and self._arrays is not None:
            text, arrays = self._text_of_arrays.encode(), self._arrays.of(found)
            driver.execute(text, arrays, prepare=True)
        elif many and self._table is not None:
            copy_rows(driver, self._table, found)
        else:
            with driver.cursor() as cursor:
                cursor.executemany(self.text.encode(), found)
