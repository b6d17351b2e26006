"""The issuer's rows, asked for and changed in whole transactions.

Reads return plain values; each change is one transaction, so that a killed process leaves
either all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    Table,
    delete,
    func,
    insert,
    inspect,
    select,
    update,
)
from sqlmodel import SQLModel

from did_service.core.anchor.entry import Placed
from did_service.core.errors import ConflictError, NotFoundError, UnavailableError, quote
from did_service.core.limits import MAX_LISTED_ROWS, MAX_OPEN_CHALLENGES
from did_service.issuer.tables import (
    TABLES,
    ApplicationRow,
    BatchRow,
    ChainRow,
    ChallengeRow,
    CredentialRow,
    LeafRow,
    ListRow,
)
from did_service.web.database import create_tables, reading, writing

Value = str | int | bytes | None
Row = dict[str, Any]  # one row by column name, as `tables` describes it


def _table(model: type[SQLModel]) -> Table:
    return cast("Table", inspect(model).local_table)  # mapped classes have one table each


_CHALLENGE = _table(ChallengeRow)
_APPLICATION = _table(ApplicationRow)
_CREDENTIAL = _table(CredentialRow)
_LIST = _table(ListRow)
_CHAIN = _table(ChainRow)
_BATCH = _table(BatchRow)
_LEAF = _table(LeafRow)


class IssuerStore:
    """The database of one agency."""

    def __init__(self, engine: Engine) -> None:
        """Take an engine and make the tables where they are missing."""
        self._engine = engine
        create_tables(engine, *TABLES)

    # --- applications ------------------------------------------------------------------------

    def add_challenge(self, challenge: str, expires: int, now: int) -> None:
        """Remember a challenge, and forget those that have expired.

        Raises:
            UnavailableError: `too_many_requests`: more are open than citizens would ask for.
        """
        with writing(self._engine) as connection:
            connection.execute(delete(_CHALLENGE).where(_CHALLENGE.c.expires <= now))
            opened = connection.execute(select(func.count()).select_from(_CHALLENGE))
            if opened.scalar_one() >= MAX_OPEN_CHALLENGES:
                raise UnavailableError("too_many_requests", "too many challenges are open")
            connection.execute(insert(_CHALLENGE).values(challenge=challenge, expires=expires))

    def receive(self, challenge: str, now: int, application: dict[str, Value]) -> None:
        """Use up a challenge and store the application it was answered with, at once.

        Raises:
            ConflictError: `challenge_unknown`: never given out, used, or expired.
        """
        with writing(self._engine) as connection:
            used = connection.execute(
                delete(_CHALLENGE).where(
                    _CHALLENGE.c.challenge == challenge, _CHALLENGE.c.expires > now
                )
            )
            if used.rowcount != 1:
                raise ConflictError("challenge_unknown", "the challenge is unknown or used")
            connection.execute(insert(_APPLICATION).values(**application))

    def application(self, identifier: str) -> Row:
        """Return an application.

        Raises:
            NotFoundError: `application_unknown`.
        """
        return self._one(
            select(_APPLICATION).where(_APPLICATION.c.id == identifier),
            NotFoundError("application_unknown", f"no application {quote(identifier)}"),
        )

    def applications(self, state: str | None, start: int = 0) -> list[Row]:
        """Return the applications in a state, or all, oldest first, from number `start` on."""
        question = select(_APPLICATION).order_by(_APPLICATION.c.received, _APPLICATION.c.id)
        if state is not None:
            question = question.where(_APPLICATION.c.state == state)
        return self._many(question.offset(start).limit(MAX_LISTED_ROWS))

    def by_pickup(self, digest: bytes) -> Row:
        """Return the application behind the SHA-256 of a pick-up code.

        Raises:
            NotFoundError: `pickup_unknown`.
        """
        return self._one(
            select(_APPLICATION).where(_APPLICATION.c.pickup_sha256 == digest),
            NotFoundError("pickup_unknown", "no such pick-up code"),
        )

    def move(self, identifier: str, state: str, changes: dict[str, Value]) -> None:
        """Change an application that is still in `state`.

        Raises:
            ConflictError: `state_wrong`: it is not in that state any more.
        """
        with writing(self._engine) as connection:
            _move(connection, _APPLICATION, (identifier, state), changes)

    def hand_out(self, identifier: str, now: int) -> None:
        """Note when a credential was handed out first."""
        row = (_APPLICATION.c.id == identifier, _APPLICATION.c.handed_out.is_(None))
        with writing(self._engine) as connection:
            connection.execute(update(_APPLICATION).where(*row).values(handed_out=now))

    def close_pickup(self, identifier: str) -> None:
        """Forget a credential that its wallet has."""
        with writing(self._engine) as connection:
            _collected(connection, _APPLICATION.c.id == identifier)

    def close_pickups(self, before: int) -> None:
        """Forget the credentials that were handed out first at or before a POSIX second."""
        with writing(self._engine) as connection:
            _collected(connection, _APPLICATION.c.handed_out <= before)

    # --- credentials -------------------------------------------------------------------------

    def add_credential(
        self, application: str, changes: dict[str, Value], credential: dict[str, Value]
    ) -> None:
        """Mark an accepted application as issued and store what was issued, at once.

        Raises:
            ConflictError: `state_wrong`.
        """
        with writing(self._engine) as connection:
            _move(connection, _APPLICATION, (application, "accepted"), changes)
            connection.execute(insert(_CREDENTIAL).values(**credential))

    def credential(self, identifier: str) -> Row:
        """Return what is known of an issued credential.

        Raises:
            NotFoundError: `credential_unknown`.
        """
        return self._one(
            select(_CREDENTIAL).where(_CREDENTIAL.c.id == identifier),
            NotFoundError("credential_unknown", f"no credential {quote(identifier)}"),
        )

    def credentials(self, start: int = 0) -> list[Row]:
        """Return what is known of issued credentials, oldest first, from number `start` on."""
        question = select(_CREDENTIAL).order_by(_CREDENTIAL.c.issued, _CREDENTIAL.c.id)
        return self._many(question.offset(start).limit(MAX_LISTED_ROWS))

    def change_credential(
        self, identifier: str, former: str, changes: dict[str, Value]
    ) -> None:
        """Change a credential that is still in the state `former`.

        Raises:
            ConflictError: `state_wrong`.
        """
        with writing(self._engine) as connection:
            _move(connection, _CREDENTIAL, (identifier, former), changes)

    def used_indices(self) -> set[int]:
        """Return the status indices that are taken."""
        with reading(self._engine) as connection:
            return set(connection.execute(select(_CREDENTIAL.c.index)).scalars())

    def indices_in(self, states: Iterable[str]) -> list[int]:
        """Return the status indices of credentials in these states."""
        question = select(_CREDENTIAL.c.index).where(_CREDENTIAL.c.state.in_(list(states)))
        with reading(self._engine) as connection:
            return list(connection.execute(question).scalars())

    # --- what is anchored --------------------------------------------------------------------

    def status_list(self, url: str) -> Row | None:
        """Return the anchored list of a URL, None before the first."""
        return self._maybe(select(_LIST).where(_LIST.c.url == url))

    def chain(self, kind: str, subject: str) -> Row | None:
        """Return the row of a chain, None before its first entry."""
        return self._maybe(select(_CHAIN).filter_by(type=kind, subject=subject))

    def pending_count(self) -> int:
        """Return how many entries are on their way to the log."""
        question = select(func.count()).where(_CHAIN.c.pending.is_not(None))
        with reading(self._engine) as connection:
            return connection.execute(question).scalar_one()

    def set_pending(self, kind: str, subject: str, entry: bytes, content: bytes | None) -> None:
        """Remember an entry, and the bytes behind its digest, before it is sent."""
        chain = {"type": kind, "subject": subject}
        values = {"pending": entry, "content": content}
        with writing(self._engine) as connection:
            done = connection.execute(update(_CHAIN).filter_by(**chain).values(**values))
            if done.rowcount == 0:
                connection.execute(insert(_CHAIN).values(**chain, **values))

    def forget_pending(self, kind: str, subject: str) -> None:
        """Forget an entry that the log has refused."""
        chain = update(_CHAIN).filter_by(type=kind, subject=subject)
        with writing(self._engine) as connection:
            connection.execute(chain.values(pending=None, content=None))

    def anchored(self, placed: Placed) -> None:
        """Record that the entry on its way stands in the log, with what follows from it."""
        entry = placed.entry
        chain = {"type": entry.type, "subject": entry.subject}
        held = {"newest": entry.encode(), "index": placed.index}
        with writing(self._engine) as connection:
            sent = select(_CHAIN.c.content).filter_by(**chain)
            content = connection.execute(sent).scalar_one()
            connection.execute(
                update(_CHAIN).filter_by(**chain).values(pending=None, content=None, **held)
            )
            if entry.type == "status":
                served = {"url": entry.subject, "issued": entry.body["iat"]}
                connection.execute(delete(_LIST).where(_LIST.c.url == entry.subject))
                connection.execute(insert(_LIST).values(content=content, **served))
            else:
                batch = update(_BATCH).where(_BATCH.c.root == entry.digest)
                connection.execute(batch.values(entry_index=placed.index))

    # --- issuance batches --------------------------------------------------------------------

    def unbatched(self) -> list[bytes]:
        """Return the records that stand in no batch yet, oldest first."""
        question = (
            select(_CREDENTIAL.c.record)
            .where(_CREDENTIAL.c.record.not_in(select(_LEAF.c.record)))
            .order_by(_CREDENTIAL.c.issued)
        )
        with reading(self._engine) as connection:
            return list(connection.execute(question).scalars())

    def add_batch(self, root: bytes, made: int, leaves: Sequence[dict[str, Value]]) -> None:
        """Store a batch and the places of its records before it is sent to the log."""
        with writing(self._engine) as connection:
            connection.execute(insert(_BATCH).values(root=root, made=made))
            if leaves:
                connection.execute(insert(_LEAF), list(leaves))

    def unsent_batch(self) -> bytes | None:
        """Return the root of a batch that the log has not taken yet."""
        with reading(self._engine) as connection:
            question = select(_BATCH.c.root).where(_BATCH.c.entry_index.is_(None))
            return connection.execute(question).scalars().first()

    def leaf(self, record: bytes) -> Row:
        """Return the place of a record in an anchored batch.

        Raises:
            NotFoundError: `batch_unknown`: no such record, or its batch is not anchored yet.
        """
        return self._one(
            select(_LEAF, _BATCH.c.entry_index)
            .join(_BATCH, _BATCH.c.root == _LEAF.c.root)
            .where(_LEAF.c.record == record, _BATCH.c.entry_index.is_not(None)),
            NotFoundError("batch_unknown", "this record is in no anchored batch"),
        )

    def _many(self, question: Select[tuple[Value, ...]]) -> list[Row]:
        with reading(self._engine) as connection:
            return [dict(row) for row in connection.execute(question).mappings()]

    def _maybe(self, question: Select[tuple[Value, ...]]) -> Row | None:
        return next(iter(self._many(question)), None)

    def _one(self, question: Select[tuple[Value, ...]], missing: NotFoundError) -> Row:
        row = self._maybe(question)
        if row is None:
            raise missing
        return row


def _collected(connection: Connection, which: ColumnElement[bool]) -> None:
    issued = update(_APPLICATION).where(which, _APPLICATION.c.state == "issued")
    connection.execute(issued.values(state="collected", credential=None))


def _move(
    connection: Connection, table: Table, former: tuple[str, str], changes: dict[str, Value]
) -> None:
    """Change the row with this id that is still in this state, or raise `state_wrong`."""
    identifier, state = former
    held = (table.c.id == identifier, table.c.state == state)
    if connection.execute(update(table).where(*held).values(**changes)).rowcount != 1:
        raise ConflictError("state_wrong", f"it is not {state} any more")
