"""What is or was wrong with an agency: one row for each time, which nobody deletes.

An alarm outlives the process that found it: `/ready` says it until what was wrong is right.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, Engine, insert, select, update

from did_service.issuer.tables import ALARM
from did_service.storage.database import reading, rows, writing


class AlarmWord(StrEnum):
    """The words by which `/ready` names what is wrong (docs/operating.md)."""

    REVOCATION_LOST = "revocation_lost"
    AUTHORITY_ENDED = "authority_ended"


@dataclass(frozen=True, slots=True)
class IssuerAlarm:
    """Something that was wrong, in POSIX seconds; `until` is None while it is."""

    word: str
    since: int
    until: int | None
    detail: str


class AlarmStore:
    """The alarms of one agency."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def is_open(self, word: AlarmWord) -> bool:
        """Say whether something is wrong now."""
        return bool(rows(self._engine, select(ALARM).where(*_open(word))))

    def detail(self, word: AlarmWord) -> str:
        """Return what the alarm says that is open; empty where none is."""
        with reading(self._engine) as connection:
            found = connection.execute(select(ALARM.c.detail).where(*_open(word))).scalar()
        return str(found or "")

    def kept(self) -> list[IssuerAlarm]:
        """Return all alarms, oldest first."""
        found = select(ALARM).order_by(ALARM.c.since, ALARM.c.word)
        return [IssuerAlarm(**row) for row in rows(self._engine, found)]

    def raise_once(self, word: AlarmWord, detail: str, now: int) -> bool:
        """Open an alarm, or say it more exactly; returns whether it was not open before."""
        with writing(self._engine) as connection:
            said = update(ALARM).where(*_open(word)).values(detail=detail)
            if connection.execute(said).rowcount:
                return False
            latest = select(ALARM.c.since).where(ALARM.c.word == word)
            since = max([now, *(each + 1 for each in connection.execute(latest).scalars())])
            row = {"word": word, "since": since, "detail": detail}
            connection.execute(insert(ALARM).values(row))
            return True

    def settle(self, word: AlarmWord, now: int) -> bool:
        """Close an alarm, which stays in the database; returns whether one was open."""
        if not self.is_open(word):
            return False
        with writing(self._engine) as connection:
            closed = update(ALARM).where(*_open(word)).values(until=now)
            return connection.execute(closed).rowcount > 0


def _open(word: AlarmWord) -> tuple[ColumnElement[bool], ...]:
    return (ALARM.c.word == word, ALARM.c.until.is_(None))
