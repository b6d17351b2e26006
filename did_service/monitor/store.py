"""What a monitor remembers; each change is one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, desc, func, insert, select, update

from did_service.core.limits import MAX_ALARMS
from did_service.core.log.checkpoint import Checkpoint
from did_service.monitor.tables import HISTORY, RAISED, SEEN
from did_service.storage import database, history

_TRIED = 8  # heads that a damaged copy is mended by: of a log that forks, some are no help


@dataclass(frozen=True, slots=True)
class MonitorAlarm:
    """Something that no honest log does.

    Attributes:
        log: Origin.
        at: POSIX second.
        code: What.
        told: In English, for people; foreign text in it is quoted.
        note: The checkpoint that shows it.
    """

    log: str
    at: int
    code: str
    told: str
    note: bytes


@dataclass(frozen=True, slots=True)
class SeenHead:
    """A head that a log has shown, with a quorum; `note` proves it."""

    size: int
    root: bytes
    note: bytes


class MonitorStore:
    """The tables of one monitor."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        history.prepare(engine, HISTORY)

    def remember(self, head: Checkpoint, note: bytes, at: int) -> bytes | None:
        """Keep a head; return the note of another one of the same size, if there is one."""
        same = (SEEN.c.log == head.origin) & (SEEN.c.size == head.size)
        with database.writing(self._engine) as connection:
            known = connection.execute(select(SEEN.c.root, SEEN.c.note).where(same)).all()
            if head.root not in {row.root for row in known}:
                row = {
                    "log": head.origin,
                    "size": head.size,
                    "root": head.root,
                    "at": at,
                    "note": note,
                    "checked": False,
                }
                connection.execute(insert(SEEN).values(row))
        return next((bytes(row.note) for row in known if row.root != head.root), None)

    def largest(self, origin: str) -> int:
        """Return the size of the largest head that a log has shown, 0 before the first."""
        found = select(func.max(SEEN.c.size)).where(SEEN.c.log == origin)
        with database.reading(self._engine) as connection:
            return connection.execute(found).scalar() or 0

    def heads(self, origin: str) -> int:
        """Return how many heads of a log are remembered."""
        found = select(func.count()).where(SEEN.c.log == origin)
        with database.reading(self._engine) as connection:
            return connection.execute(found).scalar() or 0

    def unchecked(self, origin: str, size: int) -> list[SeenHead]:
        """Return the heads of a log that no copy was held against yet, up to a size."""
        columns = (SEEN.c.size, SEEN.c.root, SEEN.c.note)
        open_ones = (SEEN.c.log == origin) & SEEN.c.checked.is_(other=False)
        found = select(*columns).where(open_ones & (SEEN.c.size <= size)).order_by(SEEN.c.size)
        with database.reading(self._engine) as connection:
            return [SeenHead(*row) for row in connection.execute(found)]

    def checked(self, origin: str) -> list[SeenHead]:
        """Return the largest heads of a log that a copy was held against, largest first."""
        columns = (SEEN.c.size, SEEN.c.root, SEEN.c.note)
        done = (SEEN.c.log == origin) & SEEN.c.checked.is_(other=True)
        found = select(*columns).where(done).order_by(desc(SEEN.c.size)).limit(_TRIED)
        with database.reading(self._engine) as connection:
            return [SeenHead(*row) for row in connection.execute(found)]

    def settle(
        self, origin: str, heads: Iterable[SeenHead], alarms: Iterable[MonitorAlarm]
    ) -> None:
        """Note that heads were held against a copy, together with what that has shown."""
        with database.writing(self._engine) as connection:
            for head in heads:
                same = (SEEN.c.size == head.size) & (SEEN.c.root == head.root)
                of_log = update(SEEN).where((SEEN.c.log == origin) & same)
                connection.execute(of_log.values(checked=True))
            for alarm in alarms:
                _keep(connection, alarm)

    def keep(self, alarm: MonitorAlarm) -> None:
        """Keep an alarm; the same one once, and of too many of a kind the first."""
        with database.writing(self._engine) as connection:
            _keep(connection, alarm)

    def alarms(self) -> list[MonitorAlarm]:
        """Return all alarms, oldest first."""
        columns = (RAISED.c.log, RAISED.c.at, RAISED.c.code, RAISED.c.told, RAISED.c.note)
        with database.reading(self._engine) as connection:
            found = connection.execute(select(*columns).order_by(RAISED.c.id)).all()
        return [MonitorAlarm(*row) for row in found]


def _keep(connection: Connection, alarm: MonitorAlarm) -> None:
    of_kind = (RAISED.c.log == alarm.log) & (RAISED.c.code == alarm.code)
    count = connection.execute(select(func.count()).where(of_kind)).scalar() or 0
    known = select(RAISED.c.id).where(of_kind & (RAISED.c.note == alarm.note))
    if count >= MAX_ALARMS or connection.execute(known).first() is not None:
        return
    row = {
        "log": alarm.log,
        "at": alarm.at,
        "code": alarm.code,
        "told": alarm.told,
        "note": alarm.note,
    }
    connection.execute(insert(RAISED).values(row))
