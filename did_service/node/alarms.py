"""The alarms that a service keeps, read from its database beside the running process.

    witness.sqlite   a log's fork or misuse    settled by a policy, or by an officer's statement
    issuer.sqlite    what is wrong here        ends by itself when it is right again

A second process may read and add rows, each in one transaction. Nothing is changed or deleted,
and no key is opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from did_service.core.anchor.bodies.policy import Policy, check_successor
from did_service.core.anchor.governance import counting
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.errors import ConflictError, NotFoundError, UsageError
from did_service.core.text import hidden_in, quote
from did_service.issuer.alarm_store import IssuerAlarm
from did_service.issuer.store import IssuerStore
from did_service.node.configuration import Configuration
from did_service.node.pinned_policy import read_policy
from did_service.node.setting_table import WITNESSING, ServiceKind
from did_service.node.storage_setup import storage_of
from did_service.program.files import whole
from did_service.storage.database import open_database
from did_service.witness.store import KeptAlarm, SettledBy, Settlement, WitnessStore

MAX_STATEMENT, MAX_OFFICER = 1_000, 64  # characters


@dataclass(frozen=True, slots=True)
class ListedAlarm:
    """An alarm of either database.

    Attributes:
        name: A number for a witness's, `WORD-SECOND` for an agency's.
        code: Why, or the word of `/ready`.
        about: Origin of the log, or what is wrong here; foreign text in it is quoted.
        at: POSIX second when it was raised.
        ended: POSIX second when it was settled or was right again; None while it is open.
        settlement: What has settled it, for a witness's.
        notes: The checkpoints that prove it, as the log signed them: `offered` and `held`.
    """

    name: str
    code: str
    about: str
    at: int
    ended: int | None
    settlement: Settlement | None = None
    notes: tuple[tuple[str, str], ...] = ()

    def encode(self) -> JsonObject:
        """Return the answer for machines, without the notes."""
        settled: JsonObject | None = None
        if self.settlement is not None:
            said = self.settlement
            settled = {"by": said.kind.value, "what": said.what, "officer": said.officer}
        return {
            "alarm": self.name,
            "code": self.code,
            "about": self.about,
            "at": _time(self.at),
            "ended": None if self.ended is None else _time(self.ended),
            "settlement": settled,
        }


def kept_alarms(configuration: Configuration) -> list[ListedAlarm]:
    """Return all alarms that a service keeps, oldest first.

    Raises:
        UsageError: `alarms_of_registry`: its witness keeps them.
        NotFoundError: `database_missing`: it has not been served yet.
        ConflictError, UnavailableError: as `storage.history.prepare`.
    """
    if configuration.kind is ServiceKind.AGENCY:
        with _issuer(configuration) as store:
            return [_of_issuer(each) for each in store.alarms.kept()]
    with _witness(configuration) as store:
        return [_of_witness(each) for each in store.kept_alarms()]


def alarm_named(configuration: Configuration, name: str) -> ListedAlarm:
    """Return one alarm; raises `alarm_unknown` as well."""
    for alarm in kept_alarms(configuration):
        if alarm.name == name:
            return alarm
    raise NotFoundError("alarm_unknown", f"no alarm {quote(name)}")


def settle_by_statement(
    configuration: Configuration, name: str, statement: str, officer: str, now: int
) -> ListedAlarm:
    """Settle an alarm by what an officer says.

    Args:
        configuration: Of a witness or a region.
        name: Of the alarm.
        statement: One line.
        officer: Who says so.
        now: POSIX second.

    Raises:
        UsageError: `statement_invalid`: not one line that can be read, or too long.
        ConflictError: `alarm_settled`, or `alarm_ends_itself` for an agency's.
        NotFoundError: `alarm_unknown`.
    """
    _check_line(statement, MAX_STATEMENT)
    settlement = Settlement(now, SettledBy.STATEMENT, statement, officer)
    return _settled(configuration, name, settlement)


def settle_by_policy(
    configuration: Configuration, name: str, file: Path, officer: str, now: int
) -> ListedAlarm:
    """Settle an alarm by a policy that the federation has signed since.

    Args:
        configuration: Of a witness or a region.
        name: Of the alarm.
        file: The policy: the one in force here, or the one after it.
        officer: Who says so.
        now: POSIX second.

    Raises:
        UsageError: `policy_before_alarm`.
        PolicyError, NotFoundError: as `read_policy` and `check_successor`.
        ConflictError, UsageError, NotFoundError: as `settle_by_statement`.
    """
    policy = read_policy(file)
    held = read_policy(configuration.path("service.policy"))
    if policy.digest != held.digest:
        check_successor(held, policy)
    if _signed_at(policy) < alarm_named(configuration, name).at:
        told = f"{whole(file)} was signed before alarm {name} was raised"
        raise UsageError("policy_before_alarm", told)
    settlement = Settlement(now, SettledBy.POLICY, policy.digest.hex(), officer)
    return _settled(configuration, name, settlement)


def _settled(configuration: Configuration, name: str, settlement: Settlement) -> ListedAlarm:
    _check_line(settlement.officer, MAX_OFFICER)
    alarm = alarm_named(configuration, name)
    if configuration.kind is ServiceKind.AGENCY:
        raise ConflictError("alarm_ends_itself", f"{alarm.code} goes when it is right again")
    with _witness(configuration) as store:
        return _of_witness(store.settle(int(name), settlement))


def _check_line(text: str, most: int) -> None:
    if not text.strip() or len(text) > most or hidden_in(text) is not None:
        raise UsageError(
            "statement_invalid", f"not one plain line of at most {most} characters"
        )


def _signed_at(policy: Policy) -> int:
    """Return the second by which its governance has signed: the last that the threshold needs.

    One governor alone who signs again later says nothing for the federation.
    """
    proofs = counting(policy.document, policy.proofs, policy.governors).values()
    created = [Fields(proof, "proof").text("created") for proof in proofs]
    times = [timestamps.to_posix(timestamps.parse_utc(each)) for each in created]
    return sorted(times, reverse=True)[policy.threshold - 1]


def _of_witness(kept: KeptAlarm) -> ListedAlarm:
    alarm, settled = kept.alarm, kept.settled
    offered, held = alarm.offered.decode(), alarm.held.decode()
    return ListedAlarm(
        name=str(kept.number),
        code=alarm.code,
        about=alarm.log,
        at=alarm.at,
        ended=None if settled is None else settled.at,
        settlement=settled,
        notes=(("offered", offered), ("held", held)),
    )


def _of_issuer(kept: IssuerAlarm) -> ListedAlarm:
    return ListedAlarm(
        f"{kept.word}-{kept.since}", kept.word, kept.detail, kept.since, kept.until
    )


def _time(second: int) -> str:
    return timestamps.encode(timestamps.from_posix(second))


@contextmanager
def _witness(configuration: Configuration) -> Iterator[WitnessStore]:
    if configuration.kind not in WITNESSING:
        raise UsageError("alarms_of_registry", "a registry keeps no alarms: its witness does")
    engine = open_database(storage_of(configuration).database_url("witness"), make=False)
    try:
        yield WitnessStore(engine)
    finally:
        engine.dispose()


@contextmanager
def _issuer(configuration: Configuration) -> Iterator[IssuerStore]:
    engine = open_database(storage_of(configuration).database_url("issuer"), make=False)
    try:
        yield IssuerStore(engine)
    finally:
        engine.dispose()
