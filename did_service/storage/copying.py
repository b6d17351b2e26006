"""A database moved into another one, of whatever kind: every row, and its history of tables.

One reading transaction of the source and one writing transaction of the target: what arrives is
one state, whole or not at all. The target's tables are made by the same steps that made those
of the source, up to the same revision. Afterwards every row is read back and held against what
was sent: a copy that is not the same is undone (docs/adr/0085).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Inspector,
    MetaData,
    Table,
    func,
    insert,
    inspect,
    select,
)

from did_service.core.errors import ConflictError, NotFoundError, UnavailableError, quote
from did_service.storage.database import (
    PreparedSql,
    claimed,
    name_of,
    open_database,
    owner_of,
    reading,
    writing,
)
from did_service.storage.dialects import dialect_of
from did_service.storage.history import FIRST, TableHistory
from did_service.storage.revisions import closing_engine, opened

Row = tuple[Any, ...]
Progress = Callable[[int, int], None]
"""Is called with how much is done, and how much there is."""

_AT_ONCE = 2_000  # rows: some megabytes


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """A table that was copied, and how many rows it has."""

    name: str
    rows: int


def copy_whole(
    source: str,
    target: str,
    owner: str | None,
    histories: Sequence[TableHistory],
    told: Progress,
) -> tuple[str, list[CopiedTable]]:
    """Copy a database that nobody writes to another one, which is made where it is missing.

    Args:
        source: Where its rows are.
        target: Where they come.
        owner: Whose it is, so that a server lets nobody else write it; None where only the
            database may know, for another machine's processes may write it.
        histories: Of the rooms.
        told: As `copy_rooms`.

    Returns:
        The name of the target, and its tables.

    Raises:
        ConflictError: `database_in_use`: a process writes one of the two; as `copy_rooms`.
        DidServiceError: as `copy_rooms` and `open_database`.
    """
    with (
        opened(source) as engine,
        _alone(engine, owner or owner_of(engine)),
        closing_engine(open_database(target)) as copy,
        claimed(copy, None),  # whose it is says who is served from it
    ):
        return name_of(copy), copy_rooms(engine, copy, histories, told)


def _alone(engine: Engine, owner: str | None) -> AbstractContextManager[object]:
    """Be the only one who writes a database that has an owner."""
    return nullcontext() if owner is None else claimed(engine, owner)


def copy_rooms(
    source: Engine, target: Engine, histories: Sequence[TableHistory], told: Progress
) -> list[CopiedTable]:
    """Copy the tables of all rooms from one database into another that has none of them.

    Rooms that an earlier call has copied are compared instead, row by row.

    Args:
        source: Its service may read and write it meanwhile; what it writes is not in the copy.
        target: Where they come.
        histories: Of the rooms.
        told: Called with rows: those done, and all there are.

    Raises:
        NotFoundError: `database_missing`: the source has no tables of ours.
        ConflictError: `database_not_empty`: the target has some that are not the same;
            `database_newer`.
        UnavailableError: `database_damaged`: a value is not of its column's type;
            `copy_differs`: what was read back is not what was sent; as `reading`, `writing`.
    """
    with reading(source) as reader, writing(target) as writer:
        for connection in (reader, writer):  # each is silent while the other one works
            dialect_of(connection.dialect.name).without_limits(connection)
        moves = [
            _Move(reader, writer, table, is_new)
            for history in histories
            for table, is_new in _made_alike(reader, writer, history)
        ]
        if not moves:
            raise NotFoundError("database_missing", "no tables of ours")
        count, done = sum(move.size for move in moves), 0
        for move in moves:
            for rows in move.run():
                done += rows
                told(done, count)
            move.check()
        return [CopiedTable(move.table.name, move.size) for move in moves]


def _made_alike(
    reader: Connection, writer: Connection, history: TableHistory
) -> list[tuple[Table, bool]]:
    """Return the tables of a room in the target, made at the revision of the source."""
    held, there = history.held(reader), history.held(writer)
    if held is None:
        return []
    if there not in (None, held):
        raise ConflictError("database_not_empty", f"there are tables of {history.room} already")
    if there is None:
        _make_at(writer, history, held)
    columns, keys = inspect(writer), history.keys()
    return [
        (_table(columns, name, keys[name]), there is None)
        for name in sorted({*columns.get_table_names()} & keys.keys())
    ]


def _make_at(writer: Connection, history: TableHistory, held: int) -> None:
    if held == history.newest:
        history.make(writer)
        return
    history.check(max(held, history.newest))  # a newer one is refused
    from did_service.storage.migrations.upgrade import run_steps  # noqa: PLC0415 - brings alembic

    run_steps(writer, history, max(held, FIRST))


def _table(columns: Inspector, name: str, key: Sequence[str]) -> Table:
    """Return a table as it is, which may be that of an earlier revision."""
    found = [
        Column(each["name"], each["type"], primary_key=each["name"] in key)
        for each in columns.get_columns(name)
    ]
    return Table(name, MetaData(), *found)


@dataclass(slots=True)
class _Move:
    """One table on its way."""

    reader: Connection
    writer: Connection
    table: Table
    is_new: bool
    size: int = 0
    _sent: bytes = bytes(32)
    _columns: list[tuple[str, type]] = field(default_factory=list)

    def __post_init__(self) -> None:
        counted = select(func.count()).select_from(self.table)
        self.size = self.reader.execute(counted).scalar_one()
        self._columns = [
            (column.name, column.type.python_type) for column in self.table.columns
        ]

    def run(self) -> Iterator[int]:
        """Send all rows, or look at them alone where they are there; yield how many."""
        add = PreparedSql(insert(self.table))
        found = self._found(self.reader)
        while rows := list(islice(found, _AT_ONCE)):
            for row in rows:
                self._sent = _with(self._sent, row)
            names = [name for name, _ in self._columns]
            if self.is_new:
                add.run_for(self.writer, [dict(zip(names, row, strict=True)) for row in rows])
            yield len(rows)
        dialect_of(self.writer.dialect.name).continue_numbers(self.writer, self.table.name)

    def check(self) -> None:
        """Read all rows back."""
        arrived = bytes(32)
        for row in self._found(self.writer):
            arrived = _with(arrived, row)
        if arrived == self._sent:
            return
        if self.is_new:
            raise UnavailableError("copy_differs", quote(self.table.name))
        raise ConflictError("database_not_empty", f"other rows are in {self.table.name}")

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


def _with(chain: bytes, row: Row) -> bytes:
    """Return the digest of all rows up to one; `repr` has types and lengths."""
    return sha256(chain + repr(row).encode()).digest()
