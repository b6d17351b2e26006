"""A database moved into another one, of whatever kind: every row, and its history of tables.

One reading transaction of the source and one writing transaction of the target: what arrives is
one state, whole or not at all. The target's tables are made by the same steps that made those
of the source, up to the same revision. Afterwards every row is read back and held against what
was sent: a copy that is not the same is undone (docs/adr/0085).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, MetaData, Table, func, insert, inspect, select

from did_service.core.errors import ConflictError, NotFoundError, UnavailableError, quote
from did_service.storage.database import PreparedSql, reading, writing
from did_service.storage.dialects import dialect_of
from did_service.storage.history import TableHistory

if TYPE_CHECKING:
    from hashlib import _Hash

Row = tuple[Any, ...]
Progress = Callable[[int, int], None]
_AT_ONCE = 2_000  # rows: some megabytes


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """A table that was copied, and how many rows it has."""

    name: str
    rows: int


def copy_rooms(
    source: Engine, target: Engine, histories: Sequence[TableHistory], told: Progress
) -> list[CopiedTable]:
    """Copy the tables of all rooms from one database into another that has none of them.

    Args:
        source: Its service may read and write it meanwhile; what it writes is not in the copy.
        target: Where they come.
        histories: Of the rooms.
        told: Called with rows: those done, and all there are.

    Raises:
        NotFoundError: `database_missing`: the source has no tables of ours.
        ConflictError: `database_not_empty`: the target has some; `database_newer`.
        UnavailableError: `database_damaged`: a value is not of its column's type;
            `copy_differs`: what was read back is not what was sent; as `reading`, `writing`.
    """
    with reading(source) as reader, writing(target) as writer:
        tables = [table for each in histories for table in _made_alike(reader, writer, each)]
        if not tables:
            raise NotFoundError("database_missing", "no tables of ours")
        moves = [_Move(reader, writer, table) for table in tables]
        count = sum(move.size for move in moves)
        done = 0
        for move in moves:
            for rows in move.run():
                done += rows
                told(done, count)
            move.check()
        return [CopiedTable(move.table.name, move.size) for move in moves]


def _made_alike(
    reader: Connection, writer: Connection, history: TableHistory
) -> Iterator[Table]:
    """Make the tables of a room at the revision that they have in the source."""
    held = history.held(reader)
    if held is None:
        return
    if history.held(writer) is not None:
        raise ConflictError("database_not_empty", f"there are tables of {history.room} already")
    before = set(inspect(writer).get_table_names())
    history.make_at(writer, held)
    made = set(inspect(writer).get_table_names()) - before - {history.revision_table}
    metadata = MetaData()
    metadata.reflect(writer, only=sorted(made))
    yield from (metadata.tables[name] for name in sorted(made))


@dataclass(slots=True)
class _Move:
    """One table on its way."""

    reader: Connection
    writer: Connection
    table: Table
    size: int = 0
    _sent: _Hash = field(default_factory=sha256)
    _columns: list[tuple[str, type]] = field(default_factory=list)

    def __post_init__(self) -> None:
        counted = select(func.count()).select_from(self.table)
        self.size = self.reader.execute(counted).scalar_one()
        self._columns = [
            (column.name, column.type.python_type) for column in self.table.columns
        ]

    def run(self) -> Iterator[int]:
        """Send all rows; yield how many, part by part."""
        add = PreparedSql(insert(self.table))
        found = self._found(self.reader)
        while rows := list(islice(found, _AT_ONCE)):
            for row in rows:
                self._sent.update(repr(row).encode())
            names = [name for name, _ in self._columns]
            add.run_for(self.writer, [dict(zip(names, row, strict=True)) for row in rows])
            yield len(rows)
        dialect_of(self.writer.dialect.name).continue_numbers(self.writer, self.table.name)

    def check(self) -> None:
        """Read all rows back."""
        arrived = sha256()
        for row in self._found(self.writer):
            arrived.update(repr(row).encode())
        if arrived.digest() != self._sent.digest():
            raise UnavailableError("copy_differs", quote(self.table.name))

    def _found(self, connection: Connection) -> Iterator[Row]:
        """Yield rows by primary key, which every kind of database sorts by bytes."""
        question = PreparedSql(select(self.table).order_by(*self.table.primary_key))
        return map(self._fitting, question.each(connection))

    def _fitting(self, row: Iterable[Any]) -> Row:
        return tuple(
            self._value(name, kind, value)
            for (name, kind), value in zip(self._columns, row, strict=True)
        )

    def _value(self, name: str, kind: type, value: object) -> object:
        """Return a value as its column has it: some kinds have no truth values, but 0 and 1."""
        if kind is bool and value in (0, 1):
            return bool(value)
        is_storable = not isinstance(value, str) or "\0" not in value
        if value is not None and not (type(value) is kind and is_storable):
            what = f"{self.table.name}.{name} holds what is no {kind.__name__}"
            raise UnavailableError("database_damaged", what)
        return value
