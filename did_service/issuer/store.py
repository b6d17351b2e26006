"""The issuer's rows, asked for and changed in whole transactions.

Reads return plain values; each change is one transaction, so that a killed process leaves
either all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from did_service.core.did.syntax import did_id
from did_service.core.errors import (
    ConflictError,
    NotFoundError,
    UnavailableError,
    UsageError,
    quote,
)
from did_service.core.limits import MAX_LISTED_ROWS
from did_service.issuer.agency import Agency
from did_service.issuer.alarm_store import AlarmStore
from did_service.issuer.credential_store import CredentialStore, move_row
from did_service.issuer.ledger import Ledger
from did_service.issuer.officer_store import OfficerStore
from did_service.issuer.records import ApplicationRecord, UsedChallenge, Value
from did_service.issuer.states import ApplicationState
from did_service.issuer.tables import (
    ABOUT,
    APPLICATION,
    CHALLENGE,
    CREDENTIAL,
    HISTORY,
)
from did_service.storage.database import (
    empty_journal,
    insert_if_absent,
    reading,
    rows,
    writing,
)
from did_service.storage.history import prepare

UNDECIDED = (ApplicationState.RECEIVED, ApplicationState.ACCEPTED)
OVER = (ApplicationState.RETURNED, ApplicationState.COLLECTED)
# 0.2.0 kept no second of the end
_ENDED = func.coalesce(APPLICATION.c.ended, APPLICATION.c.handed_out, APPLICATION.c.received)
_OPEN = select(func.count()).where(APPLICATION.c.state.in_([*UNDECIDED]))
_FULL_SECONDS = 3_600  # officers decide some within it
_NOTHING_PERSONAL: dict[str, Value] = {
    "holder": "",
    "claims": "{}",
    "note": "",
    "signed": None,
    "credential": None,
}


class IssuerStore:
    """The database of one agency.

    Attributes:
        ledger: The part about what stands in the log.
        alarms: What is or was wrong.
        officers: Who may do what.
        credentials: What was issued.
    """

    def __init__(self, engine: Engine) -> None:
        """Take an engine and make the tables in a database that has none, else check them."""
        self._engine = engine
        prepare(engine, HISTORY)
        self.ledger = Ledger(engine)
        self.alarms = AlarmStore(engine)
        self.officers = OfficerStore(engine)
        self.credentials = CredentialStore(engine)

    def belong_to(self, agency: Agency) -> None:
        """Make the database that of an agency, for good, by the id of its DID.

        One that says nothing of itself, as those of release 0.2.0, is known by its chains.

        Raises:
            UsageError: `database_of_another`.
        """
        written = self.ledger.chains()
        streams = {each for each in written if each[0] == "evidence"}  # named by the DID's id
        known = streams or written
        if known and not known & agency.chains and not self._has_about("agency"):
            raise UsageError("database_of_another", "its lists are not this agency's")
        own = did_id(agency.did).encode()
        owner = self._about("agency", lambda: own)
        if owner != own:
            told = f"this database belongs to {quote(owner.decode(errors='replace'))}"
            raise UsageError("database_of_another", told)

    def challenge_key(self, make: Callable[[], bytes]) -> bytes:
        """Return the key of this agency's challenges, which is made where it has none yet."""
        return self._about("challenge_key", make)

    def _has_about(self, name: str) -> bool:
        return bool(rows(self._engine, select(ABOUT.c.name).where(ABOUT.c.name == name)))

    def _about(self, name: str, make: Callable[[], bytes]) -> bytes:
        question = select(ABOUT.c.value).where(ABOUT.c.name == name)
        found = rows(self._engine, question)
        if found:
            return bytes(found[0]["value"])
        made = {"name": name, "value": make()}
        with writing(self._engine) as connection:
            connection.execute(insert_if_absent(ABOUT).values(made))
            return bytes(connection.execute(question).scalar_one())  # it may be another's

    # --- applications ------------------------------------------------------------------------

    def receive(
        self, challenge: UsedChallenge, most: int, application: dict[str, Value]
    ) -> None:
        """Use up a challenge and store the application it was answered with, at once.

        Args:
            challenge: Checked already; it is remembered as used until it has expired.
            most: So many applications may be open.
            application: The row.

        Raises:
            ConflictError: `challenge_unknown`: it was used before.
            UnavailableError: `applications_full`.
        """
        used = select(CHALLENGE.c.challenge).where(CHALLENGE.c.challenge == challenge.text)
        row = {"challenge": challenge.text, "expires": challenge.expires}
        with writing(self._engine) as connection:
            over = CHALLENGE.c.expires <= challenge.forgotten
            connection.execute(delete(CHALLENGE).where(over))
            if connection.execute(used).first() is not None:
                raise ConflictError("challenge_unknown", "the challenge has been used")
            if connection.execute(_OPEN).scalar_one() >= most:
                raise full(most)
            connection.execute(insert(CHALLENGE).values(row))
            connection.execute(insert(APPLICATION).values(**application))

    def application(self, identifier: str) -> ApplicationRecord:
        """Return an application.

        Raises:
            NotFoundError: `application_unknown`.
        """
        missing = NotFoundError("application_unknown", f"no application {quote(identifier)}")
        return self._application(APPLICATION.c.id == identifier, missing)

    def applications(
        self, state: ApplicationState | None, start: int = 0
    ) -> list[ApplicationRecord]:
        """Return the applications in a state, or all, oldest first, from number `start` on."""
        question = select(APPLICATION).order_by(APPLICATION.c.received, APPLICATION.c.id)
        if state is not None:
            question = question.where(APPLICATION.c.state == state)
        found = rows(self._engine, question.offset(start).limit(MAX_LISTED_ROWS))
        return [ApplicationRecord.of(row) for row in found]

    def open_applications(self) -> int:
        """Return how many applications nobody has decided."""
        with reading(self._engine) as connection:
            return connection.execute(_OPEN).scalar_one()

    def by_pickup(self, digest: bytes) -> ApplicationRecord:
        """Return the application behind the SHA-256 of a pick-up code.

        Raises:
            NotFoundError: `pickup_unknown`.
        """
        missing = NotFoundError("pickup_unknown", "no such pick-up code")
        return self._application(APPLICATION.c.pickup_sha256 == digest, missing)

    def move(self, identifier: str, state: ApplicationState, changes: dict[str, Value]) -> None:
        """Change an application that is still in `state`.

        Raises:
            ConflictError: `state_wrong`: it is not in that state any more.
        """
        with writing(self._engine) as connection:
            move_row(connection, APPLICATION, (identifier, state), changes)

    def hand_out(self, identifier: str, now: int) -> str:
        """Return a credential, and note when it was handed out first.

        Raises:
            ConflictError: `pickup_used`: it is not kept any more, whoever has just ended that.
        """
        row = (APPLICATION.c.id == identifier, APPLICATION.c.state == ApplicationState.ISSUED)
        first = update(APPLICATION).where(*row, APPLICATION.c.handed_out.is_(None))
        with writing(self._engine) as connection:
            held = connection.execute(select(APPLICATION.c.credential).where(*row)).scalar()
            if held is None:
                raise ConflictError("pickup_used", "the credential has been picked up")
            connection.execute(first.values(handed_out=now))
        return str(held)

    def close_pickup(self, identifier: str, now: int) -> None:
        """Forget a credential that its wallet has."""
        with writing(self._engine) as connection:
            _collected(connection, APPLICATION.c.id == identifier, now)

    def close_pickups(self, before: int, now: int) -> None:
        """Forget the credentials that were handed out first at or before a POSIX second."""
        with writing(self._engine) as connection:
            _collected(connection, APPLICATION.c.handed_out <= before, now)

    def return_open(self, note: str, by: str, now: int, received_by: int) -> int:
        """Return all applications that nobody has decided to their citizens; how many.

        Args:
            note: Why, for the citizen.
            by: Stands where the name of an officer would.
            now: POSIX seconds.
            received_by: Those that came later stay.
        """
        came = APPLICATION.c.received <= received_by
        undecided = and_(APPLICATION.c.state.in_([*UNDECIDED]), came)
        changes = {"state": ApplicationState.RETURNED, "note": note, "returned_by": by}
        with writing(self._engine) as connection:
            done = update(APPLICATION).where(undecided).values(**changes, ended=now)
            return connection.execute(done).rowcount

    def delete_claims(self, ended_before: int, issued_before: int) -> int:
        """Delete what is personal of applications that are over; returns of how many.

        Args:
            ended_before: Of those that were returned or collected at or before this second.
            issued_before: And of those issued by then that nobody has picked up.
        """
        late = select(CREDENTIAL.c.application).where(CREDENTIAL.c.issued <= issued_before)
        state = APPLICATION.c.state
        over = or_(
            and_(state.in_([*OVER]), ended_before >= _ENDED),
            and_(state == ApplicationState.ISSUED, APPLICATION.c.id.in_(late)),
        )
        with writing(self._engine) as connection:
            gone = update(APPLICATION).where(over, APPLICATION.c.holder != "")
            return connection.execute(gone.values(_NOTHING_PERSONAL)).rowcount

    def forget_deleted(self) -> None:
        """Let no file show what was deleted; where somebody reads, the next call does it."""
        empty_journal(self._engine)

    def _application(
        self, which: ColumnElement[bool], missing: NotFoundError
    ) -> ApplicationRecord:
        found = rows(self._engine, select(APPLICATION).where(which))
        if not found:
            raise missing
        return ApplicationRecord.of(found[0])


def full(most: int) -> UnavailableError:
    """Return the error of an agency at which so many applications wait."""
    what = f"{most} applications wait for officers"
    return UnavailableError("applications_full", what, retry_after=_FULL_SECONDS)


def _collected(connection: Connection, which: ColumnElement[bool], now: int) -> None:
    issued = update(APPLICATION).where(which, APPLICATION.c.state == ApplicationState.ISSUED)
    over: dict[str, Value] = {"state": ApplicationState.COLLECTED, "ended": now}
    connection.execute(issued.values(**over, credential=None))
