"""Which tables a database holds, room by room, and whether this release can work with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, Engine

from did_service.core.errors import NotFoundError, quote
from did_service.storage.database import name_of, open_database, reading
from did_service.storage.history import TableHistory


class TablesState(StrEnum):
    """What a service of this release does with the tables of a room."""

    CURRENT = "current"  # it starts
    OUTDATED = "outdated"  # it waits for an upgrade
    NEWER = "newer"  # it must not touch them


@dataclass(frozen=True, slots=True)
class RoomTables:
    """The tables of one room in a database: the revision held, and that of this release."""

    room: str
    held: int
    newest: int

    @property
    def state(self) -> TablesState:
        """What a service of this release does with them."""
        if self.held == self.newest:
            return TablesState.CURRENT
        return TablesState.NEWER if self.held > self.newest else TablesState.OUTDATED


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """One database; `name` is as `database.name_of` has it."""

    name: str
    rooms: tuple[RoomTables, ...]


def status_of(url: str, histories: Sequence[TableHistory]) -> DatabaseStatus:
    """Return what a database holds; nothing is changed.

    Raises:
        NotFoundError: `database_missing`: it is not there, or has no tables of ours.
        UsageError: `database_url_wrong`.
        UnavailableError: as `database.reading`.
    """
    with opened(url) as engine, reading(engine) as connection:
        return status_in(connection, histories)


def status_in(connection: Connection, histories: Sequence[TableHistory]) -> DatabaseStatus:
    """Return what the database of a transaction holds; errors as `status_of`."""
    name = name_of(connection.engine)
    numbers = [(each, each.held(connection)) for each in histories]
    rooms = [RoomTables(each.room, n, each.newest) for each, n in numbers if n is not None]
    if not rooms:
        raise NotFoundError("database_missing", f"no tables of ours in {quote(name)}")
    return DatabaseStatus(name, tuple(rooms))


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    """Open a database that is there, and close it."""
    with closing_engine(open_database(url, make=False)) as engine:
        yield engine


@contextmanager
def closing_engine(engine: Engine) -> Iterator[Engine]:
    """Close an engine in the end."""
    try:
        yield engine
    finally:
        engine.dispose()
