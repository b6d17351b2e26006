"""What a resolver remembers of DIDs in no log of the federation."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, delete, insert, select

from did_service.core.limits import MAX_FOREIGN_DIDS_REMEMBERED
from did_service.resolver.tables import FOREIGN_DID, HISTORY
from did_service.storage import database, history


class ForeignDids:
    """The newest version seen of each did:webvh that is at home elsewhere, by SCID."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        history.prepare(engine, HISTORY)

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
