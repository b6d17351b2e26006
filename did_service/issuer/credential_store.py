"""The rows of what was issued: credentials, and status indices without their credential.

A credential has the same index in both status lists. After a restore from backup the log shows
indices of credentials that this database has forgotten; their states are kept here as well.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import asdict

from sqlalchemy import Connection, Engine, Table, func, insert, select, union_all, update

from did_service.core.errors import ConflictError, NotFoundError, UnavailableError, quote
from did_service.core.limits import MAX_LISTED_ROWS, STATUS_LIST_BITS
from did_service.issuer.records import (
    IssuedCredential,
    OrphanedStatus,
    StatusChange,
    Value,
    state_of,
)
from did_service.issuer.states import ApplicationState, CredentialState
from did_service.issuer.tables import APPLICATION, CREDENTIAL, ORPHANED
from did_service.storage.database import reading, rows, writing
from did_service.storage.transactions import ROW_EXISTS

_WITH_STATUS = (CREDENTIAL, ORPHANED)
_USED = union_all(*(select(table.c.index) for table in _WITH_STATUS))
_COUNT = select(func.count()).select_from(_USED.subquery())
MOST_INDICES = STATUS_LIST_BITS // 2  # one that is free is found in two draws


class CredentialStore:
    """What one agency has issued."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(
        self, application: str, changes: dict[str, Value], credential: dict[str, Value]
    ) -> None:
        """Mark an accepted application as issued and store what was issued, at once.

        Raises:
            ConflictError: `state_wrong`; `row_exists` where the index was taken meanwhile.
            UnavailableError: `status_list_full`.
        """
        with writing(self._engine) as connection:
            if connection.execute(_COUNT).scalar_one() >= MOST_INDICES:
                raise full()
            _check_free(connection, ORPHANED, credential["index"])
            move_row(connection, APPLICATION, (application, ApplicationState.ACCEPTED), changes)
            connection.execute(insert(CREDENTIAL).values(**credential))

    def get(self, identifier: str) -> IssuedCredential:
        """Return what is known of an issued credential.

        Raises:
            NotFoundError: `credential_unknown`.
        """
        found = rows(self._engine, select(CREDENTIAL).where(CREDENTIAL.c.id == identifier))
        if not found:
            raise NotFoundError("credential_unknown", f"no credential {quote(identifier)}")
        return IssuedCredential.of(found[0])

    def approved(self, application: str, officer: str) -> str | None:
        """Return the id of what an officer's approval of an application has issued, if any."""
        of_both = CREDENTIAL.c.application == APPLICATION.c.id
        question = select(CREDENTIAL.c.id).join(APPLICATION, of_both)
        asked = (APPLICATION.c.id == application, APPLICATION.c.approved_by == officer)
        found = rows(self._engine, question.where(*asked))
        return str(found[0]["id"]) if found else None

    def listed(self, start: int = 0) -> list[IssuedCredential]:
        """Return what is known of issued credentials, oldest first, from number `start` on."""
        question = select(CREDENTIAL).order_by(CREDENTIAL.c.issued, CREDENTIAL.c.id)
        found = rows(self._engine, question.offset(start).limit(MAX_LISTED_ROWS))
        return [IssuedCredential.of(row) for row in found]

    def at(self, index: int) -> IssuedCredential | None:
        """Return the credential with a status index, None where this database knows none."""
        found = rows(self._engine, select(CREDENTIAL).where(CREDENTIAL.c.index == index))
        return IssuedCredential.of(found[0]) if found else None

    def change(self, identifier: str, former: CredentialState, change: StatusChange) -> None:
        """Change a credential that is still in the state `former`.

        Raises:
            ConflictError: `state_wrong`.
        """
        with writing(self._engine) as connection:
            move_row(connection, CREDENTIAL, (identifier, former), asdict(change))

    # --- credentials that the database has forgotten ------------------------------------------

    def orphans(self, start: int = 0) -> list[OrphanedStatus]:
        """Return the indices of credentials that are not known here, from number `start` on."""
        question = select(ORPHANED).order_by(ORPHANED.c.index)
        found = rows(self._engine, question.offset(start).limit(MAX_LISTED_ROWS))
        return [OrphanedStatus.of(row) for row in found]

    def orphan(self, index: int) -> OrphanedStatus | None:
        """Return what is known of an index without its credential."""
        found = rows(self._engine, select(ORPHANED).where(ORPHANED.c.index == index))
        return OrphanedStatus.of(found[0]) if found else None

    def change_orphan(self, index: int, former: CredentialState, change: StatusChange) -> None:
        """Change an index that is in the state `former`; one never seen before is valid.

        Raises:
            ConflictError: `state_wrong`; `row_exists` where a credential has it meanwhile.
        """
        found = select(ORPHANED.c.index).where(ORPHANED.c.index == index)
        with writing(self._engine) as connection:
            _check_free(connection, CREDENTIAL, index)
            if connection.execute(found).first() is None:
                valid = {"index": index, "state": CredentialState.VALID}
                connection.execute(insert(ORPHANED).values(valid))
            held = (ORPHANED.c.index == index, ORPHANED.c.state == former)
            values = update(ORPHANED).where(*held).values(asdict(change))
            if connection.execute(values).rowcount != 1:
                raise ConflictError("state_wrong", f"it is not {former} any more")

    # --- statuses ----------------------------------------------------------------------------

    def used_indices(self) -> set[int]:
        """Return the status indices that are taken."""
        with reading(self._engine) as connection:
            return set(connection.execute(_USED).scalars())

    def indices_in(self, state: CredentialState) -> list[int]:
        """Return the status indices of credentials in a state."""
        question = union_all(
            *(select(table.c.index).where(table.c.state == state) for table in _WITH_STATUS)
        )
        with reading(self._engine) as connection:
            return list(connection.execute(question).scalars())

    def learn(
        self, state: CredentialState, shown: AbstractSet[int], issued: int, now: int
    ) -> None:
        """Take over what a list says that the log has and this database did not know.

        Who is revoked there is so here. A suspension is learnt both ways, but for what was
        changed here at or after the list's time: that has not been published yet.

        Args:
            state: What the list is about: revoked or suspended.
            shown: The indices with a bit in it.
            issued: Its `iat`.
            now: Stands as the time of the change.
        """
        with writing(self._engine) as connection:
            for table in _WITH_STATUS:
                for index, held, changed in _statuses(connection, table):
                    learnt = _learnt(state, held, is_shown=index in shown)
                    is_newer = changed is not None and changed >= issued
                    if learnt is held or (is_newer and state is CredentialState.SUSPENDED):
                        continue
                    change = update(table).where(table.c.index == index)
                    connection.execute(change.values(state=learnt, changed=now))
            known = {row[0] for each in _WITH_STATUS for row in _statuses(connection, each)}
            lost = [{"index": index, "state": state} for index in sorted(shown - known)]
            if lost:
                connection.execute(insert(ORPHANED), lost)


def full() -> UnavailableError:
    """Return the error of an agency that has given away all indices that it may."""
    return UnavailableError("status_list_full", "the status lists of this agency are full")


def move_row(
    connection: Connection,
    table: Table,
    former: tuple[str, ApplicationState | CredentialState],
    changes: dict[str, Value],
) -> None:
    """Change the row with this id that is still in this state, or raise `state_wrong`."""
    identifier, state = former
    held = (table.c.id == identifier, table.c.state == state)
    if connection.execute(update(table).where(*held).values(**changes)).rowcount != 1:
        raise ConflictError("state_wrong", f"it is not {state} any more")


def _check_free(connection: Connection, table: Table, index: Value) -> None:
    """Check that no row of the other table has an index, which no key of this one can tell."""
    found = select(table.c.index).where(table.c.index == index)
    if connection.execute(found).first() is not None:
        raise ConflictError(ROW_EXISTS, "this status index was taken meanwhile")


def _statuses(
    connection: Connection, table: Table
) -> list[tuple[int, CredentialState, int | None]]:
    found = connection.execute(select(table.c.index, table.c.state, table.c.changed))
    return [
        (index, state_of(CredentialState, state), changed) for index, state, changed in found
    ]


def _learnt(
    about: CredentialState, held: CredentialState, *, is_shown: bool
) -> CredentialState:
    """Return the state of a credential after a list that shows it, or does not."""
    if held is CredentialState.REVOKED:
        return held
    if is_shown:
        return about
    is_lifted = about is CredentialState.SUSPENDED and held is about
    return CredentialState.VALID if is_lifted else held
