"""Status lists: signed by the agency, anchored in the log, then served.

There is one list for revocation and one for suspension; a credential has the same index in
both. What a list says is computed from the states of the credentials, so a list that could not
be anchored is made again by the next tick, and what is served is always what the log has. But
what was revoked stays so: a list for revocation has every bit of the one before, whatever the
rows say now, and where a row has lost one that is an alarm. Moves between states are drawn in
`states`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from functools import partial

from did_service.core.anchor.bodies.status import parse_status_body
from did_service.core.anchor.entry import Entry
from did_service.core.credentials.bitstring_status_list import BitstringStatusList, Purpose
from did_service.core.encoding import strict_json, timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import (
    DidServiceError,
    NotFoundError,
    RuleError,
    UnavailableError,
    UsageError,
    quote,
)
from did_service.core.limits import MAX_CLOCK_AHEAD_SECONDS, STATUS_LIST_BITS
from did_service.issuer.agency import Agency
from did_service.issuer.alarm_store import AlarmWord
from did_service.issuer.chain import Chain, ChainStatement, placed_in
from did_service.issuer.chains import Chains
from did_service.issuer.records import (
    AnchoredList,
    IssuedCredential,
    OrphanedStatus,
)
from did_service.issuer.states import MOVES, CredentialState, Verb
from did_service.issuer.status_changes import StatusChanges
from did_service.issuer.status_signing import bits_of, check_own, statement
from did_service.issuer.store import IssuerStore
from did_service.program.clock import ClockAndRandom
from did_service.program.logs import about

_LOG = logging.getLogger("did_service.issuer")


_STATES = {
    Purpose.REVOCATION: CredentialState.REVOKED,
    Purpose.SUSPENSION: CredentialState.SUSPENDED,
}
_MAX_AHEAD_SECONDS = MAX_CLOCK_AHEAD_SECONDS // 2  # the log's clock may be behind ours
_MOST_NAMED = 8  # indices named in one alarm


class StatusLists:
    """The two status lists of one agency."""

    def __init__(
        self, agency: Agency, store: IssuerStore, chains: Chains, edge: ClockAndRandom
    ) -> None:
        self._agency, self._store, self._chains, self._edge = agency, store, chains, edge
        self._changes = StatusChanges(store.credentials, edge)

    # --- changes -----------------------------------------------------------------------------

    def change(
        self, credential: str, verb: Verb, officer: str, reason: str = ""
    ) -> CredentialState:
        """Revoke, suspend or reinstate a credential; returns its new state.

        The same change again makes nothing new, and tries again to publish.

        Raises:
            NotFoundError: `credential_unknown`.
            ConflictError: `state_wrong`: a revoked credential stays revoked.
            UnavailableError: `status_pending`: recorded; a tick publishes it once the log
                answers.
            RuleError: `log_refused`: recorded, but the log does not take this agency's list.
        """
        self._learn_first()
        self._changes.of_credential(credential, verb, officer, reason)
        return self._published(verb)

    def change_index(
        self, index: int, verb: Verb, officer: str, reason: str = ""
    ) -> CredentialState:
        """Change the credential with a status index, also one that this database forgot.

        Of an index that nobody knows of, a credential may have been issued by a database that
        is lost: it can be revoked and suspended, and is not given to another.

        Raises:
            UsageError: `index_unknown`: the lists have no such place.
            ConflictError, UnavailableError, RuleError: as `change`.
        """
        if not 0 <= index < STATUS_LIST_BITS:
            raise UsageError("index_unknown", f"a list has the places 0 to {STATUS_LIST_BITS}")
        self._learn_first()
        self._changes.of_index(index, verb, officer, reason)
        return self._published(verb)

    def _learn_first(self) -> None:
        """Learn what a restored database has forgotten; without a log what is known must do."""
        with suppress(UnavailableError, RuleError):
            self.compare()

    def _published(self, verb: Verb) -> CredentialState:
        try:
            for purpose in Purpose:
                self.publish(purpose)
        except UnavailableError as error:
            raise UnavailableError(
                "status_pending", "recorded; it is published once the log answers"
            ) from error
        return MOVES[verb][1]

    # --- the log -----------------------------------------------------------------------------

    def publish(self, purpose: Purpose) -> None:
        """Sign and anchor a list whose bits have changed, or that has become old.

        Raises:
            UnavailableError, RuleError: as `Chains.append`; `list_ahead` when changes came so
                fast that the list's time would run ahead of the clock.
        """
        self._chains.append(self._chain(purpose))

    def compare(self) -> None:
        """Learn from the log what its newest lists say, once; raises as `Chains.compare`."""
        for purpose in Purpose:
            self._chains.compare(self._chain(purpose))

    def _chain(self, purpose: Purpose) -> Chain:
        url = self._agency.list_url(purpose)
        say, learn = partial(self._statement, purpose), partial(self._learn, purpose)
        return Chain("status", url, say, learn)

    def _learn(self, purpose: Purpose, entry: Entry, content: bytes) -> None:
        """Take over what an anchored list of ours says and this database does not know.

        Raises:
            RuleError: `log_refused`, reason `list_foreign`: not this list as this agency's key
                has signed it, or older than the one held here.
        """
        listed = strict_json.load_object(content)
        try:
            check_own(self._agency, entry, listed, self._edge)
            self._check_newer(entry)
        except DidServiceError as error:
            told = f"the newest list in the log is not this agency's: {error.code}"
            raise RuleError("log_refused", told, reason="list_foreign") from error
        shown = set(bits_of(listed).indices())
        issued, now = parse_status_body(entry.body).issued, self._edge.posix()
        self._store.credentials.learn(_STATES[purpose], shown, issued, now)

    def _check_newer(self, entry: Entry) -> None:
        row = self._store.ledger.chain(entry.type, entry.subject)
        if row is None or row.newest is None:
            return
        held = parse_status_body(placed_in(row).entry.body)
        if parse_status_body(entry.body).issued < held.issued:
            raise RuleError("status_time_falls", "older than the list held here")

    # --- what a list says --------------------------------------------------------------------

    def _statement(self, purpose: Purpose) -> ChainStatement | None:
        """Return the next entry of a list's chain, None while the last one will do."""
        former = self._store.ledger.status_list(self._agency.list_url(purpose))
        bits = BitstringStatusList.empty()
        for index in self._store.credentials.indices_in(_STATES[purpose]):
            bits.set(index)
        if purpose is Purpose.REVOCATION and former is not None:
            self._keep_revoked(bits, former)
        if former is not None and not self._is_due(former, bits):
            return None
        return statement(self._agency, purpose, self._next_time(former), bits)

    def _keep_revoked(self, bits: BitstringStatusList, former: AnchoredList) -> None:
        """Set what was anchored as revoked, and say where the rows do not know it any more."""
        lost = bits.lacks(bits_of(strict_json.load_object(former.content)))
        for index in lost:
            bits.set(index)
        alarms, now = self._store.alarms, self._edge.posix()
        if not lost:
            if alarms.settle(AlarmWord.REVOCATION_LOST, now):
                _LOG.warning("every revocation that was anchored is in the database again")
            return
        named = ", ".join(map(str, lost[:_MOST_NAMED]))
        told = f"{len(lost)} revoked in the anchored list and not in the database: {named}"
        if alarms.raise_once(AlarmWord.REVOCATION_LOST, told, now):
            _LOG.error("revocation_lost: %s", told, extra=about(code=AlarmWord.REVOCATION_LOST))

    def _is_due(self, former: AnchoredList, bits: BitstringStatusList) -> bool:
        age = self._edge.posix() - former.issued
        unchanged = bits.encode().encode() in former.content
        return age >= self._agency.status_period.total_seconds() or not unchanged

    def _next_time(self, former: AnchoredList | None) -> int:
        """Return an iat that rises strictly, also when two changes fall into one second."""
        now = self._edge.posix()
        issued = max(now, former.issued + 1) if former else now
        if issued > now + _MAX_AHEAD_SECONDS:
            raise UnavailableError("list_ahead", "the list's time has run ahead of the clock")
        return issued

    # --- what is shown -----------------------------------------------------------------------

    def served(self, number: str) -> bytes:
        """Return a list as anchored.

        Raises:
            NotFoundError: `list_unknown`.
        """
        row = self._store.ledger.status_list(f"{self._agency.url}/status/{number}")
        if row is None:
            raise NotFoundError("list_unknown", f"no status list {quote(number)}")
        return row.content

    def anchored(self) -> bool:
        """Say whether every list stands in the log, as issued credentials need it."""
        urls = map(self._agency.list_url, Purpose)
        return all(self._store.ledger.status_list(url) is not None for url in urls)

    def listed(self, start: int) -> list[JsonObject]:
        """Return what officers see of issued credentials, oldest first.

        `published` says whether the served lists show the state.

        Args:
            start: Number of the first one wanted.
        """
        shown = {purpose: self._shown(purpose) for purpose in Purpose}
        return [
            {
                "id": row.id,
                "application": row.application,
                "state": row.state,
                "index": row.index,
                "issued": timestamps.encode(timestamps.from_posix(row.issued)),
                "reason": row.reason or "",
                "published": _agrees(row, shown),
            }
            for row in self._store.credentials.listed(start)
        ]

    def forgotten(self, start: int) -> list[JsonObject]:
        """Return the indices whose credentials this database does not know, rising."""
        shown = {purpose: self._shown(purpose) for purpose in Purpose}
        return [
            {
                "index": row.index,
                "state": row.state,
                "reason": row.reason or "",
                "published": _agrees(row, shown),
            }
            for row in self._store.credentials.orphans(start)
        ]

    def _shown(self, purpose: Purpose) -> BitstringStatusList | None:
        row = self._store.ledger.status_list(self._agency.list_url(purpose))
        return None if row is None else bits_of(strict_json.load_object(row.content))


def _agrees(
    row: IssuedCredential | OrphanedStatus,
    shown: Mapping[Purpose, BitstringStatusList | None],
) -> bool:
    return all(
        bits is not None and bool(bits[row.index]) == (row.state is _STATES[purpose])
        for purpose, bits in shown.items()
    )
