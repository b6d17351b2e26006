"""What a witness holds: newest heads, alarms, approvals. Each change is one transaction."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import Engine, func, select

from did_service.core.errors import ConflictError, NotFoundError
from did_service.core.limits import MAX_ALARMS
from did_service.core.log.checkpoint import Checkpoint
from did_service.core.log.witnessing import HeldCheckpoint
from did_service.storage import database, history
from did_service.witness.tables import ALARM, APPROVAL, HELD, HISTORY, SETTLEMENT


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


class AlarmKind(StrEnum):
    """What an alarm says of a history; any other code is that of the rule that an entry breaks.

    Each has a row of docs/what-to-do.md, and is explained in docs/operating.md, `fork_alarm`.
    """

    LOG_FORKED = "log_forked"  # another root than our copy has at that size
    TREE_DIFFERS = "tree_differs"  # what the log serves is not the tree that it has signed
    HISTORY_UNPROVEN = "history_unproven"  # beyond our copy, and no proof leads there


class SettledBy(StrEnum):
    """What may settle an alarm."""

    POLICY = "policy"
    STATEMENT = "statement"


@dataclass(frozen=True, slots=True)
class Settlement:
    """What has settled an alarm.

    Attributes:
        at: POSIX second.
        kind: A policy that the federation has signed since, or an officer's statement.
        what: The digest of that policy in hex, or the statement.
        officer: Who has said so.
    """

    at: int
    kind: SettledBy
    what: str
    officer: str


@dataclass(frozen=True, slots=True)
class KeptAlarm:
    """An alarm, its number, and what has settled it; None while it is open."""

    number: int
    alarm: RaisedAlarm
    settled: Settlement | None


class WitnessStore:
    """The tables of one witness."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        history.prepare(engine, HISTORY)

    def held(self, origin: str) -> CosignedHead | None:
        """Return the newest head that was cosigned for a log, None before the first."""
        found = select(HELD.c.size, HELD.c.root, HELD.c.note).where(HELD.c.log == origin)
        with database.reading(self._engine) as connection:
            row = connection.execute(found).first()
        return (
            None if row is None else CosignedHead(HeldCheckpoint(row.size, row.root), row.note)
        )

    def hold(self, head: Checkpoint, note: bytes, after: HeldCheckpoint | None) -> None:
        """Note that a head is about to be cosigned.

        Args:
            head: What is held from now on.
            note: It, as the log signed it.
            after: The head held so far, which this one was proven to extend; None for none.

        Raises:
            ConflictError: `head_moved`: another one was stored meanwhile.
        """
        fresh = {"log": head.origin, "size": head.size, "root": head.root, "note": note}
        with database.writing(self._engine) as connection:
            found = select(HELD.c.size, HELD.c.root).where(HELD.c.log == head.origin)
            row = connection.execute(found).first()
            held = None if row is None else HeldCheckpoint(row.size, row.root)
            if held != after:
                raise ConflictError("head_moved", f"{head.origin} is held elsewhere by now")
            connection.execute(database.insert_or_replace(HELD).values(fresh))

    def remember_alarm(self, alarm: RaisedAlarm) -> None:
        """Keep an alarm; the same one is kept once, and of too many of a kind the first.

        Those that are settled take no place of new ones.
        """
        alike = (
            select(func.count())
            .select_from(ALARM.outerjoin(SETTLEMENT, SETTLEMENT.c.alarm == ALARM.c.id))
            .where(ALARM.c.log == alarm.log, ALARM.c.code == alarm.code)
            .where(SETTLEMENT.c.alarm.is_(None))
        )
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
                connection.execute(database.insert_if_absent(ALARM).values(row))

    def alarms(self) -> list[RaisedAlarm]:
        """Return all alarms, oldest first, settled or not."""
        return [kept.alarm for kept in self.kept_alarms()]

    def kept_alarms(self) -> list[KeptAlarm]:
        """Return all alarms with what has settled them, oldest first."""
        columns = (ALARM.c.log, ALARM.c.at, ALARM.c.code, ALARM.c.offered, ALARM.c.held)
        settled = (SETTLEMENT.c.at, SETTLEMENT.c.kind, SETTLEMENT.c.what, SETTLEMENT.c.officer)
        found = (
            select(ALARM.c.id, *columns, *settled)
            .select_from(ALARM.outerjoin(SETTLEMENT, SETTLEMENT.c.alarm == ALARM.c.id))
            .order_by(ALARM.c.id)
        )
        with database.reading(self._engine) as connection:
            rows = connection.execute(found).all()
        return [_kept(tuple(row)) for row in rows]

    def alarm(self, number: int) -> KeptAlarm:
        """Return one alarm by its number.

        Raises:
            NotFoundError: `alarm_unknown`.
        """
        for kept in self.kept_alarms():
            if kept.number == number:
                return kept
        raise NotFoundError("alarm_unknown", f"no alarm {number}")

    def settle(self, number: int, settlement: Settlement) -> KeptAlarm:
        """Keep what has settled an alarm, for ever; the alarm stays as it is.

        Raises:
            NotFoundError: `alarm_unknown`.
            ConflictError: `alarm_settled`: something else has settled it before.
        """
        held = self.alarm(number).settled
        if held is None:
            row = {"alarm": number, **asdict(settlement), "kind": settlement.kind.value}
            with database.writing(self._engine) as connection:
                connection.execute(database.insert_if_absent(SETTLEMENT).values(row))
        kept = self.alarm(number)
        if kept.settled is None or replace(kept.settled, at=settlement.at) != settlement:
            raise ConflictError("alarm_settled", f"alarm {number} was settled in another way")
        return kept

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
            connection.execute(database.insert_if_absent(APPROVAL).values(row))


def _kept(row: tuple[Any, ...]) -> KeptAlarm:
    number, alarm, (at, kind, what, officer) = row[0], RaisedAlarm(*row[1:6]), row[6:]
    settled = None if at is None else Settlement(at, SettledBy(kind), what, officer)
    return KeptAlarm(number, alarm, settled)
