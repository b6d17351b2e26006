"""A statement of PostgreSQL, prepared by the server once a connection and run by the driver."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Any

from sqlalchemy import Connection, Insert, Table
from sqlalchemy.sql.expression import ClauseElement

from did_service.storage.postgres.copy import copy_rows, is_copied
from did_service.storage.postgres.engine import driver_of
from did_service.storage.postgres.spelling import written_out

_NUMBERS = count()  # cursors of a connection need different names


class PostgresStatement:
    """A clause as the driver takes it, and the values that are fixed in it."""

    __slots__ = ("_fixed", "_table", "text")

    def __init__(self, clause: ClauseElement) -> None:
        self.text, self._fixed = written_out(clause)
        self._table: Table | None = None
        # What says ON CONFLICT is a class of its own, and COPY says no such thing.
        if isinstance(clause, Insert) and type(clause) is Insert:
            self._table = clause.table if isinstance(clause.table, Table) else None

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
        """Run it once for each row: many that are only added by COPY, others in one go."""
        driver, found = driver_of(connection), list(rows)
        if self._table is not None and is_copied(self._table, found):
            copy_rows(driver, self._table, found)
            return
        with driver.cursor() as cursor:
            cursor.executemany(self.text.encode(), found)
