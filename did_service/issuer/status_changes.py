"""What officers do to issued credentials, written into the rows; `status` publishes it.

Two officers may do it at once, in two processes: whoever is second does it again, to the state
that the first one has left. So each change is one that its state allows, and the same change by
both is one change.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from did_service.core.errors import ConflictError
from did_service.issuer.credential_store import CredentialStore
from did_service.issuer.records import StatusChange
from did_service.issuer.states import MOVES, CredentialState, Verb
from did_service.program.clock import ClockAndRandom

_TRIES = 3  # of a change that somebody else was faster with


class StatusChanges:
    """The changes of state of one agency's credentials."""

    def __init__(self, store: CredentialStore, edge: ClockAndRandom) -> None:
        self._store, self._edge = store, edge

    def of_credential(self, credential: str, verb: Verb, officer: str, reason: str) -> None:
        """Record a change of a credential, unless it has been done before.

        Raises:
            NotFoundError: `credential_unknown`.
            ConflictError: `state_wrong`: a revoked credential stays revoked.
        """
        _beside_others(lambda: self._credential(credential, verb, officer, reason))

    def of_index(self, index: int, verb: Verb, officer: str, reason: str) -> None:
        """Record a change of whatever credential has an index, known here or not.

        Raises:
            ConflictError: as `of_credential`.
        """
        _beside_others(lambda: self._index(index, verb, officer, reason))

    def _credential(self, credential: str, verb: Verb, officer: str, reason: str) -> None:
        held = self._store.get(credential)
        change = self._change(held.state, verb, officer, reason)
        if change is not None:
            self._store.change(held.id, held.state, change)

    def _index(self, index: int, verb: Verb, officer: str, reason: str) -> None:
        credential = self._store.at(index)
        if credential is not None:
            self._credential(credential.id, verb, officer, reason)
            return
        held = self._store.orphan(index)
        former = CredentialState.VALID if held is None else held.state
        change = self._change(former, verb, officer, reason)
        if change is not None:
            self._store.change_orphan(index, former, change)

    def _change(
        self, former: CredentialState, verb: Verb, officer: str, reason: str
    ) -> StatusChange | None:
        """Return what is to be recorded, None where it has been done before."""
        allowed, state = MOVES[verb]
        if former is state:
            return None
        if former not in allowed:
            raise ConflictError("state_wrong", f"a {former} credential: cannot {verb}")
        return StatusChange(state, self._edge.posix(), officer, reason)


def _beside_others(step: Callable[[], None]) -> None:
    """Take a step again where it did not fit, for somebody else may have been faster."""
    for _ in range(_TRIES - 1):
        with suppress(ConflictError):
            step()
            return
    step()
