"""The issuer's rows, asked for and changed in whole transactions.

Reads return plain values; each change is one transaction, so that a killed process leaves
either all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    Table,
    delete,
    func,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from did_service.core.errors import ConflictError, NotFoundError, UnavailableError, quote
from did_service.core.limits import MAX_LISTED_ROWS, MAX_OPEN_CHALLENGES
from did_service.issuer.ledger import Ledger, Row, Value
from did_service.issuer.tables import APPLICATION, CHALLENGE, CREDENTIAL, ORPHANED, TABLES
from did_service.web.database import create_tables, reading, rows, writing

_WITH_STATUS = (CREDENTIAL, ORPHANED)


class IssuerStore:
    """The database of one agency.

    Attributes:
        ledger: The part about what stands in the log.
    """

    def __init__(self, engine: Engine) -> None:
        """Take an engine and make the tables where they are missing."""
        self._engine = engine
        create_tables(engine, *TABLES)
        self.ledger = Ledger(engine)

    # --- applications ------------------------------------------------------------------------

    def add_challenge(self, challenge: str, expires: int, now: int) -> None:
        """Remember a challenge, and forget those that have expired.

        Raises:
            UnavailableError: `too_many_requests`: more are open than citizens would ask for.
        """
        with writing(self._engine) as connection:
            connection.execute(delete(CHALLENGE).where(CHALLENGE.c.expires <= now))
            opened = connection.execute(select(func.count()).select_from(CHALLENGE))
            if opened.scalar_one() >= MAX_OPEN_CHALLENGES:
                raise UnavailableError("too_many_requests", "too many challenges are open")
            connection.execute(insert(CHALLENGE).values(challenge=challenge, expires=expires))

    def receive(self, challenge: str, now: int, application: dict[str, Value]) -> None:
        """Use up a challenge and store the application it was answered with, at once.

        Raises:
            ConflictError: `challenge_unknown`: never given out, used, or expired.
        """
        with writing(self._engine) as connection:
            used = connection.execute(
                delete(CHALLENGE).where(
                    CHALLENGE.c.challenge == challenge, CHALLENGE.c.expires > now
                )
            )
            if used.rowcount != 1:
                raise ConflictError("challenge_unknown", "the challenge is unknown or used")
            connection.execute(insert(APPLICATION).values(**application))

    def application(self, identifier: str) -> Row:
        """Return an application.

        Raises:
            NotFoundError: `application_unknown`.
        """
        return self._one(
            select(APPLICATION).where(APPLICATION.c.id == identifier),
            NotFoundError("application_unknown", f"no application {quote(identifier)}"),
        )

    def applications(self, state: str | None, start: int = 0) -> list[Row]:
        """Return the applications in a state, or all, oldest first, from number `start` on."""
        question = select(APPLICATION).order_by(APPLICATION.c.received, APPLICATION.c.id)
        if state is not None:
            question = question.where(APPLICATION.c.state == state)
        return rows(self._engine, question.offset(start).limit(MAX_LISTED_ROWS))

    def by_pickup(self, digest: bytes) -> Row:
        """Return the application behind the SHA-256 of a pick-up code.

        Raises:
            NotFoundError: `pickup_unknown`.
        """
        return self._one(
            select(APPLICATION).where(APPLICATION.c.pickup_sha256 == digest),
            NotFoundError("pickup_unknown", "no such pick-up code"),
        )

    def move(self, identifier: str, state: str, changes: dict[str, Value]) -> None:
        """Change an application that is still in `state`.

        Raises:
            ConflictError: `state_wrong`: it is not in that state any more.
        """
        with writing(self._engine) as connection:
            _move(connection, APPLICATION, (identifier, state), changes)

    def hand_out(self, identifier: str, now: int) -> None:
        """Note when a credential was handed out first."""
        row = (APPLICATION.c.id == identifier, APPLICATION.c.handed_out.is_(None))
        with writing(self._engine) as connection:
            connection.execute(update(APPLICATION).where(*row).values(handed_out=now))

    def close_pickup(self, identifier: str) -> None:
        """Forget a credential that its wallet has."""
        with writing(self._engine) as connection:
            _collected(connection, APPLICATION.c.id == identifier)

    def close_pickups(self, before: int) -> None:
        """Forget the credentials that were handed out first at or before a POSIX second."""
        with writing(self._engine) as connection:
            _collected(connection, APPLICATION.c.handed_out <= before)

    # --- credentials -------------------------------------------------------------------------

    def add_credential(
        self, application: str, changes: dict[str, Value], credential: dict[str, Value]
    ) -> None:
        """Mark an accepted application as issued and store what was issued, at once.

        Raises:
            ConflictError: `state_wrong`.
        """
        with writing(self._engine) as connection:
            _move(connection, APPLICATION, (application, "accepted"), changes)
            connection.execute(insert(CREDENTIAL).values(**credential))

    def credential(self, identifier: str) -> Row:
        """Return what is known of an issued credential.

        Raises:
            NotFoundError: `credential_unknown`.
        """
        return self._one(
            select(CREDENTIAL).where(CREDENTIAL.c.id == identifier),
            NotFoundError("credential_unknown", f"no credential {quote(identifier)}"),
        )

    def credentials(self, start: int = 0) -> list[Row]:
        """Return what is known of issued credentials, oldest first, from number `start` on."""
        question = select(CREDENTIAL).order_by(CREDENTIAL.c.issued, CREDENTIAL.c.id)
        return rows(self._engine, question.offset(start).limit(MAX_LISTED_ROWS))

    def change_credential(
        self, identifier: str, former: str, changes: dict[str, Value]
    ) -> None:
        """Change a credential that is still in the state `former`.

        Raises:
            ConflictError: `state_wrong`.
        """
        with writing(self._engine) as connection:
            _move(connection, CREDENTIAL, (identifier, former), changes)

    def used_indices(self) -> set[int]:
        """Return the status indices that are taken."""
        question = union_all(select(CREDENTIAL.c.index), select(ORPHANED.c.index))
        with reading(self._engine) as connection:
            return set(connection.execute(question).scalars())

    def indices_in(self, state: str) -> list[int]:
        """Return the status indices of credentials in a state."""
        question = union_all(
            *(select(table.c.index).where(table.c.state == state) for table in _WITH_STATUS)
        )
        with reading(self._engine) as connection:
            return list(connection.execute(question).scalars())

    def learn_states(
        self, indices: Iterable[int], former: Iterable[str], state: str, now: int
    ) -> None:
        """Take over a state that the log shows, where it follows from the one held here."""
        shown: list[dict[str, Value]] = [{"index": each, "state": state} for each in indices]
        known = select(CREDENTIAL.c.index)
        with writing(self._engine) as connection:
            held = set(connection.execute(known).scalars())
            lost = [row for row in shown if row["index"] not in held]
            if lost:
                connection.execute(insert(ORPHANED).on_conflict_do_nothing(), lost)
            for table, changes in ((CREDENTIAL, {"changed": now}), (ORPHANED, {})):
                allowed = table.c.state.in_(list(former))
                change = update(table).where(allowed).values(state=state, **changes)
                for row in shown:
                    connection.execute(change.where(table.c.index == row["index"]))

    def _one(self, question: Select[tuple[Value, ...]], missing: NotFoundError) -> Row:
        row = next(iter(rows(self._engine, question)), None)
        if row is None:
            raise missing
        return row


def _collected(connection: Connection, which: ColumnElement[bool]) -> None:
    issued = update(APPLICATION).where(which, APPLICATION.c.state == "issued")
    connection.execute(issued.values(state="collected", credential=None))


def _move(
    connection: Connection, table: Table, former: tuple[str, str], changes: dict[str, Value]
) -> None:
    """Change the row with this id that is still in this state, or raise `state_wrong`."""
    identifier, state = former
    held = (table.c.id == identifier, table.c.state == state)
    if connection.execute(update(table).where(*held).values(**changes)).rowcount != 1:
        raise ConflictError("state_wrong", f"it is not {state} any more")
