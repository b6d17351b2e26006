"""The issuer's rows, asked for and changed in whole transactions.

Reads return plain values; each change is one transaction, so that a killed process leaves
either all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Engine, Select, Table, delete, func, insert, inspect, select, update
from sqlmodel import SQLModel

from did_service.core.errors import ConflictError, NotFoundError, quote
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


@dataclass(frozen=True, slots=True)
class Anchored:
    """Where an entry on its way has come to stand; `issued` is the iat of a status list."""

    type: str
    subject: str
    entry: bytes
    index: int
    issued: int


class IssuerStore:
    """The database of one agency."""

    def __init__(self, engine: Engine) -> None:
        """Take an engine and make the tables where they are missing."""
        self._engine = engine
        create_tables(engine, *TABLES)

    def add_challenge(self, challenge: str, expires: int, now: int) -> None:
        """Remember a challenge, and forget those that have expired."""
        with writing(self._engine) as connection:
            connection.execute(delete(_CHALLENGE).where(_CHALLENGE.c.expires <= now))
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

    def applications(self, state: str | None) -> list[Row]:
        """Return the applications in a state, or all, oldest first."""
        question = select(_APPLICATION).order_by(_APPLICATION.c.received)
        if state is not None:
            question = question.where(_APPLICATION.c.state == state)
        with reading(self._engine) as connection:
            return [dict(row) for row in connection.execute(question).mappings()]

    def move(self, identifier: str, state: str, changes: dict[str, Value]) -> None:
        """Change an application that is still in `state`.

        Raises:
            ConflictError: `state_wrong`: it is not in that state any more.
        """
        with writing(self._engine) as connection:
            done = connection.execute(
                update(_APPLICATION)
                .where(_APPLICATION.c.id == identifier, _APPLICATION.c.state == state)
                .values(**changes)
            )
            if done.rowcount != 1:
                raise ConflictError("state_wrong", f"the application is not {state}")

    def add_credential(
        self, application: str, changes: dict[str, Value], credential: dict[str, Value]
    ) -> None:
        """Mark an accepted application as issued and store what was issued, at once.

        Raises:
            ConflictError: `state_wrong`.
        """
        with writing(self._engine) as connection:
            done = connection.execute(
                update(_APPLICATION)
                .where(_APPLICATION.c.id == application, _APPLICATION.c.state == "accepted")
                .values(**changes)
            )
            if done.rowcount != 1:
                raise ConflictError("state_wrong", "the application is not accepted")
            connection.execute(insert(_CREDENTIAL).values(**credential))

    def by_pickup(self, digest: bytes) -> Row:
        """Return the application behind the SHA-256 of a pick-up code.

        Raises:
            NotFoundError: `pickup_unknown`.
        """
        return self._one(
            select(_APPLICATION).where(_APPLICATION.c.pickup_sha256 == digest),
            NotFoundError("pickup_unknown", "no such pick-up code"),
        )

    def credential(self, identifier: str) -> Row:
        """Return what is known of an issued credential.

        Raises:
            NotFoundError: `credential_unknown`.
        """
        return self._one(
            select(_CREDENTIAL).where(_CREDENTIAL.c.id == identifier),
            NotFoundError("credential_unknown", f"no credential {quote(identifier)}"),
        )

    def credential_count(self) -> int:
        """Return how many credentials were issued."""
        with reading(self._engine) as connection:
            return connection.execute(
                select(func.count()).select_from(_CREDENTIAL)
            ).scalar_one()

    def used_indices(self) -> set[int]:
        """Return the status indices that are taken."""
        with reading(self._engine) as connection:
            return set(connection.execute(select(_CREDENTIAL.c.index)).scalars())

    def set_state(self, identifier: str, former: str, state: str) -> None:
        """Change the state of a credential.

        Raises:
            ConflictError: `state_wrong`.
        """
        with writing(self._engine) as connection:
            done = connection.execute(
                update(_CREDENTIAL)
                .where(_CREDENTIAL.c.id == identifier, _CREDENTIAL.c.state == former)
                .values(state=state)
            )
            if done.rowcount != 1:
                raise ConflictError("state_wrong", f"the credential is not {former}")

    def indices_in(self, states: Iterable[str]) -> list[int]:
        """Return the status indices of credentials in these states."""
        question = select(_CREDENTIAL.c.index).where(_CREDENTIAL.c.state.in_(list(states)))
        with reading(self._engine) as connection:
            return list(connection.execute(question).scalars())

    def status_list(self, url: str) -> Row | None:
        """Return the anchored list of a URL, None before the first."""
        return self._maybe(select(_LIST).where(_LIST.c.url == url))

    def chain(self, kind: str, subject: str) -> Row | None:
        """Return the row of a chain, None before its first entry."""
        return self._maybe(
            select(_CHAIN).where(_CHAIN.c.type == kind, _CHAIN.c.subject == subject)
        )

    def pending_chains(self) -> list[Row]:
        """Return the chains with an entry on its way."""
        with reading(self._engine) as connection:
            question = select(_CHAIN).where(_CHAIN.c.pending.is_not(None))
            return [dict(row) for row in connection.execute(question).mappings()]

    def set_pending(
        self, kind: str, subject: str, entry: bytes | None, content: bytes | None
    ) -> None:
        """Remember an entry before it is sent, or forget one that the log refused."""
        key = {"type": kind, "subject": subject}
        with writing(self._engine) as connection:
            done = connection.execute(
                update(_CHAIN).filter_by(**key).values(pending=entry, content=content)
            )
            if done.rowcount == 0:
                connection.execute(insert(_CHAIN).values(pending=entry, content=content, **key))

    def anchored(self, place: Anchored) -> None:
        """Record that the entry on its way stands in the log, with what follows from it."""
        key = {"type": place.type, "subject": place.subject}
        with writing(self._engine) as connection:
            chain = select(_CHAIN.c.content).filter_by(**key)
            content = connection.execute(chain).scalar_one()
            connection.execute(
                update(_CHAIN)
                .filter_by(**key)
                .values(newest=place.entry, index=place.index, pending=None, content=None)
            )
            if place.type == "status":
                connection.execute(delete(_LIST).where(_LIST.c.url == place.subject))
                served = {"url": place.subject, "content": content, "issued": place.issued}
                connection.execute(insert(_LIST).values(**served))
            else:
                connection.execute(
                    update(_BATCH)
                    .where(_BATCH.c.entry_index.is_(None))
                    .values(entry_index=place.index)
                )

    def unbatched(self) -> list[bytes]:
        """Return the records that stand in no batch yet, oldest first."""
        batched = select(_LEAF.c.record)
        question = (
            select(_CREDENTIAL.c.record)
            .where(_CREDENTIAL.c.record.not_in(batched))
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
            return connection.execute(
                select(_BATCH.c.root).where(_BATCH.c.entry_index.is_(None))
            ).scalar_one_or_none()

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

    def _maybe(self, question: Select[tuple[Value, ...]]) -> Row | None:
        with reading(self._engine) as connection:
            row = connection.execute(question).mappings().one_or_none()
            return None if row is None else dict(row)

    def _one(self, question: Select[tuple[Value, ...]], missing: NotFoundError) -> Row:
        row = self._maybe(question)
        if row is None:
            raise missing
        return row
