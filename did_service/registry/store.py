"""The writing transaction over a region's logs, the checkpoint row, and foreign DIDs seen.

The checkpoint is swapped only against the value that was read, so that a log has one newest
head and never a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, delete, insert, select, update

from did_service.core.errors import ConflictError
from did_service.core.limits import MAX_FOREIGN_DIDS_REMEMBERED
from did_service.registry.tables import CHECKPOINT, FOREIGN_DID, CheckpointRow, ForeignDidRow
from did_service.replica.store import ReplicaStore
from did_service.web import database


@contextmanager
def transaction(
    engine: Engine, stores: Mapping[str, ReplicaStore]
) -> Iterator[dict[str, ReplicaStore]]:
    """Open the one writing transaction and give the logs inside it, by origin."""
    with database.writing(engine) as connection:
        yield {origin: store.within(connection) for origin, store in stores.items()}


class CheckpointStore:
    """The newest signed checkpoint of each log in a database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        database.create_tables(engine, CheckpointRow)

    def read(self, origin: str) -> bytes | None:
        """Return the newest checkpoint note of a log, None before the first."""
        found = select(CHECKPOINT.c.note).where(CHECKPOINT.c.log == origin)
        with database.reading(self._engine) as connection:
            note: bytes | None = connection.execute(found).scalar()
        return note

    def swap(self, origin: str, old: bytes | None, new: bytes) -> None:
        """Replace the checkpoint `old` by `new`, durably.

        Raises:
            ConflictError: `checkpoint_moved`: `old` is not the newest any more, so another
                process writes this log. Its signature of `new` must not be used.
        """
        held = CHECKPOINT.c.log == origin
        with database.writing(self._engine) as connection:
            found = connection.execute(select(CHECKPOINT.c.note).where(held)).scalar()
            if found != old:
                raise ConflictError("checkpoint_moved", f"another writer signs {origin}")
            if old is None:
                connection.execute(insert(CHECKPOINT).values(log=origin, note=new))
            else:
                connection.execute(update(CHECKPOINT).where(held).values(note=new))


class ForeignDids:
    """The newest version seen of each did:webvh that is at home elsewhere, by SCID."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        database.create_tables(engine, ForeignDidRow)

    def seen(self, scid: str) -> str | None:
        """Return the newest versionId seen, None for a DID that is new here."""
        with database.reading(self._engine) as connection:
            return _seen(connection, scid)

    def remember(self, scid: str, seen: str | None, version_id: str) -> None:
        """Remember the newest version of a DID; the one that came first is forgotten for it.

        Nothing changes where another request has remembered one since `seen` was read: which
        of the two is newer, the next request finds out.
        """
        values = {"scid": scid, "version_id": version_id}
        with database.writing(self._engine) as connection:
            if _seen(connection, scid) != seen:
                return
            connection.execute(delete(FOREIGN_DID).where(FOREIGN_DID.c.scid == scid))
            added = connection.execute(insert(FOREIGN_DID).values(values))
            (newest,) = added.inserted_primary_key or (0,)
            beyond = FOREIGN_DID.c.id <= newest - MAX_FOREIGN_DIDS_REMEMBERED
            connection.execute(delete(FOREIGN_DID).where(beyond))


def _seen(connection: Connection, scid: str) -> str | None:
    found = select(FOREIGN_DID.c.version_id).where(FOREIGN_DID.c.scid == scid)
    version_id: str | None = connection.execute(found).scalar()
    return version_id
