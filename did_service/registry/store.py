"""The writing transaction over a region's logs, and the checkpoint row.

The checkpoint is swapped only against the value that was read, so that a log has one newest
head and never a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from sqlalchemy import Connection, Engine, bindparam, insert, select, update

from did_service.core.errors import ConflictError
from did_service.registry.tables import CHECKPOINT, HISTORY
from did_service.replica.store import ReplicaStore
from did_service.storage import database, history
from did_service.storage.database import PreparedSql
from did_service.storage.leading import ALONE, Leadership

_NOTE = PreparedSql(select(CHECKPOINT.c.note).where(CHECKPOINT.c.log == bindparam("log")))


class RowsOfTransaction(Protocol):
    """Rows that are read in a transaction of somebody's, as `ReplicaStore` does."""

    def reading(self) -> AbstractContextManager[Connection]:
        """Give the transaction in which they are read, or open one."""


@contextmanager
def transaction(
    engine: Engine, stores: Mapping[str, ReplicaStore], leadership: Leadership = ALONE
) -> Iterator[dict[str, ReplicaStore]]:
    """Open the one writing transaction and give the logs inside it, by origin.

    Raises:
        UnavailableError: `another_leads`: nothing was written.
    """
    with database.writing(engine) as connection:
        leadership.check(connection)
        yield {origin: store.within(connection) for origin, store in stores.items()}


def check_leads(engine: Engine, leadership: Leadership) -> None:
    """Check that this process leads, before it publishes what is no row.

    The lock of writers is not held meanwhile: a bucket may take a minute to answer. Whoever
    leads after that publishes nothing smaller, and what it has published gives way to nothing
    smaller (`StaticTree.show`).

    Raises:
        UnavailableError: `another_leads`: it must not be written.
    """
    if leadership is not ALONE:
        with database.writing(engine) as connection:
            leadership.check(connection)


class CheckpointStore:
    """The newest signed checkpoint of each log in a database.

    Args:
        engine: The database.
        leadership: Which process may sign.
    """

    def __init__(self, engine: Engine, leadership: Leadership = ALONE) -> None:
        self._engine = engine
        self._leadership = leadership
        history.prepare(engine, HISTORY)

    def read(self, origin: str, rows: RowsOfTransaction | None = None) -> bytes | None:
        """Return the newest checkpoint note of a log, None before the first.

        Args:
            origin: The log.
            rows: It is read in their transaction; without them in one of its own.
        """
        opened = database.reading(self._engine) if rows is None else rows.reading()
        with opened as connection:
            found = _NOTE.rows(connection, log=origin)
        return found[0][0] if found else None

    def swap(self, origin: str, old: bytes | None, new: bytes) -> None:
        """Replace the checkpoint `old` by `new`, durably.

        Raises:
            ConflictError: `checkpoint_moved`: `old` is not the newest any more, so another
                process writes this log. Its signature of `new` must not be used.
            UnavailableError: `another_leads`, likewise.
        """
        held = CHECKPOINT.c.log == origin
        with database.writing(self._engine) as connection:
            self._leadership.check(connection)
            found = connection.execute(select(CHECKPOINT.c.note).where(held)).scalar()
            if found != old:
                raise ConflictError("checkpoint_moved", f"another writer signs {origin}")
            if old is None:
                connection.execute(insert(CHECKPOINT).values(log=origin, note=new))
            else:
                connection.execute(update(CHECKPOINT).where(held).values(note=new))
