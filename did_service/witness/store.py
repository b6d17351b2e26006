"""What a witness holds: newest heads, alarms, approvals. Each change is one transaction."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, func, select
from sqlalchemy.dialects.sqlite import insert

from did_service.core.errors import ConflictError
from did_service.core.limits import MAX_ALARMS
from did_service.core.log.checkpoint import Checkpoint
from did_service.core.log.witnessing import HeldCheckpoint
from did_service.web import database
from did_service.witness.tables import ALARM, APPROVAL, HELD, MODELS


@dataclass(frozen=True, slots=True)
class CosignedHead:
    """The newest head that was cosigned; `note` as the log signed it."""

    head: HeldCheckpoint
    note: bytes


@dataclass(frozen=True, slots=True)
class RaisedAlarm:
    """A checkpoint that was refused although its log signed it.

    Attributes:
        log: Origin.
        at: POSIX second.
        code: Why.
        offered: The note that was refused.
        held: The note that was held then, empty for none.
    """

    log: str
    at: int
    code: str
    offered: bytes
    held: bytes


class WitnessStore:
    """The tables of one witness."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        database.create_tables(engine, *MODELS)

    def held(self, origin: str) -> CosignedHead | None:
        """Return the newest head that was cosigned for a log, None before the first."""
        found = select(HELD.c.size, HELD.c.root, HELD.c.note).where(HELD.c.log == origin)
        with database.reading(self._engine) as connection:
            row = connection.execute(found).first()
        return (
            None if row is None else CosignedHead(HeldCheckpoint(row.size, row.root), row.note)
        )

    def hold(self, head: Checkpoint, note: bytes) -> None:
        """Note that a head is about to be cosigned.

        Raises:
            ConflictError: `head_moved`: a larger one was stored meanwhile, or another of that
                size.
        """
        fresh = {"log": head.origin, "size": head.size, "root": head.root, "note": note}
        with database.writing(self._engine) as connection:
            found = select(HELD.c.size, HELD.c.root).where(HELD.c.log == head.origin)
            row = connection.execute(found).first()
            if row is not None and (
                row.size > head.size or (row.size == head.size and row.root != head.root)
            ):
                raise ConflictError("head_moved", f"{head.origin} is held at {row.size}")
            changed = insert(HELD).values(fresh)
            connection.execute(changed.on_conflict_do_update(["log"], set_=fresh))

    def remember_alarm(self, alarm: RaisedAlarm) -> None:
        """Keep an alarm; the same one is kept once, and of too many of a kind the first."""
        alike = select(func.count()).where(ALARM.c.log == alarm.log, ALARM.c.code == alarm.code)
        with database.writing(self._engine) as connection:
            count = connection.execute(alike).scalar() or 0
            if count < MAX_ALARMS:
                row = {
                    "log": alarm.log,
                    "at": alarm.at,
                    "code": alarm.code,
                    "offered": alarm.offered,
                    "held": alarm.held,
                }
                connection.execute(insert(ALARM).values(row).on_conflict_do_nothing())

    def alarms(self) -> list[RaisedAlarm]:
        """Return all alarms, oldest first."""
        columns = (ALARM.c.log, ALARM.c.at, ALARM.c.code, ALARM.c.offered, ALARM.c.held)
        with database.reading(self._engine) as connection:
            rows = connection.execute(select(*columns).order_by(ALARM.c.id)).all()
        return [RaisedAlarm(*row) for row in rows]

    def approve(self, scid: str, number: int, version_id: str) -> None:
        """Note that a version is about to be approved.

        Raises:
            ConflictError: `version_conflict`: another one of that number was approved.
        """
        found = select(APPROVAL.c.version_id).where(
            APPROVAL.c.scid == scid, APPROVAL.c.number == number
        )
        row = {"scid": scid, "number": number, "version_id": version_id}
        with database.writing(self._engine) as connection:
            former = connection.execute(found).scalar()
            if former not in (None, version_id):
                raise ConflictError("version_conflict", f"version {number} is another one")
            connection.execute(insert(APPROVAL).values(row).on_conflict_do_nothing())
