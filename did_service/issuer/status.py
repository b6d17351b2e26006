"""Status lists: signed by the agency, anchored in the log, then served.

There is one list for revocation and one for suspension; a credential has the same index in
both. What a list says is computed from the states of the credentials, so a list that could not
be anchored is made again by the next tick, and what is served is always what the log has.

    valid ◄──reinstate── suspended        revoked is the end
      └──────suspend──────►│
      └──────────revoke────┴──► revoked
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from functools import partial

from did_service.core.anchor.bodies.status import StatusBody, parse_status_body
from did_service.core.anchor.entry import Entry
from did_service.core.anchor.status_content import check_description
from did_service.core.credentials import proof_set
from did_service.core.credentials.bitstring_status_list import (
    BitstringStatusList,
    ListDescription,
    Purpose,
    status_list_credential,
)
from did_service.core.credentials.proof_set import SUITES, ProofDemand, ProofOptions
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import jcs, strict_json, timestamps
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.errors import (
    ConflictError,
    DidServiceError,
    NotFoundError,
    ProofError,
    RuleError,
    UnavailableError,
    quote,
)
from did_service.core.limits import MAX_CLOCK_AHEAD_SECONDS, MAX_JSON_BYTES
from did_service.issuer.agency import Agency
from did_service.issuer.chains import Chain, Chains, ChainStatement
from did_service.issuer.ledger import Row
from did_service.issuer.store import IssuerStore
from did_service.program.clock import ClockAndRandom


class Verb(StrEnum):
    """What an officer can do to an issued credential."""

    REVOKE = "revoke"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"


# verb: the states it starts from, the state it leads to
_MOVES: Mapping[Verb, tuple[tuple[str, ...], str]] = {
    Verb.REVOKE: (("valid", "suspended"), "revoked"),
    Verb.SUSPEND: (("valid",), "suspended"),
    Verb.REINSTATE: (("suspended",), "valid"),
}
_VERBS = {Purpose.REVOCATION: Verb.REVOKE, Purpose.SUSPENSION: Verb.SUSPEND}
_STATES = {purpose: _MOVES[verb][1] for purpose, verb in _VERBS.items()}
_SUITE = "eddsa-jcs-2022"
LIST_LIFETIME = timedelta(days=7)
_MAX_AHEAD_SECONDS = MAX_CLOCK_AHEAD_SECONDS // 2  # the log's clock may be behind ours


class StatusLists:
    """The two status lists of one agency."""

    def __init__(
        self, agency: Agency, store: IssuerStore, chains: Chains, edge: ClockAndRandom
    ) -> None:
        self._agency, self._store, self._chains, self._edge = agency, store, chains, edge

    def change(self, credential: str, verb: Verb, officer: str) -> str:
        """Revoke, suspend or reinstate a credential; returns its new state.

        The same change again makes nothing new, and tries again to publish.

        Raises:
            NotFoundError: `credential_unknown`.
            ConflictError: `state_wrong`: a revoked credential stays revoked.
            UnavailableError: `status_pending`: recorded; a tick publishes it once the log
                answers.
            RuleError: `log_refused`: recorded, but the log does not take this agency's list.
        """
        allowed, state = _MOVES[verb]
        former = self._store.credential(credential)["state"]
        if former != state:
            if former not in allowed:
                raise ConflictError("state_wrong", f"a {former} credential: cannot {verb}")
            now = self._edge.posix()
            self._store.change_credential(
                credential, former, {"state": state, "changed": now, "changed_by": officer}
            )
        try:
            for purpose in Purpose:
                self.publish(purpose)
        except UnavailableError as error:
            raise UnavailableError(
                "status_pending", "recorded; it is published once the log answers"
            ) from error
        return state

    def publish(self, purpose: Purpose) -> None:
        """Sign and anchor a list whose bits have changed, or that has become old.

        Raises:
            UnavailableError, RuleError: as `Chains.append`; `list_ahead` when changes came so
                fast that the list's time would run ahead of the clock.
        """
        url = self._agency.list_url(purpose)
        say, learn = partial(self._statement, purpose), partial(self._learn, purpose)
        self._chains.append(Chain("status", url, say, learn))

    def served(self, number: str) -> bytes:
        """Return a list as anchored.

        Raises:
            NotFoundError: `list_unknown`.
        """
        row = self._store.ledger.status_list(f"{self._agency.url}/status/{number}")
        if row is None:
            raise NotFoundError("list_unknown", f"no status list {quote(number)}")
        return bytes(row["content"])

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
                "id": row["id"],
                "application": row["application"],
                "state": row["state"],
                "index": row["index"],
                "issued": timestamps.encode(timestamps.from_posix(row["issued"])),
                "published": _agrees(row, shown),
            }
            for row in self._store.credentials(start)
        ]

    def _shown(self, purpose: Purpose) -> BitstringStatusList | None:
        row = self._store.ledger.status_list(self._agency.list_url(purpose))
        if row is None:
            return None
        return _bits(strict_json.load_object(row["content"]))

    def _learn(self, purpose: Purpose, entry: Entry, content: bytes) -> None:
        """Take over what an anchored list of ours says and this database does not know.

        Who is revoked or suspended there is so here; never the other way, for what is recorded
        here may not be published yet.

        Raises:
            RuleError: `log_refused`, reason `list_foreign`: not this list as this agency's key
                has signed it, or older than the one held here.
        """
        listed = strict_json.load_object(content)
        self._check_own(entry, listed)
        bits = _bits(listed)
        shown = [index for index in range(len(bits)) if bits[index]]
        self._store.learn_states(shown, *_MOVES[_VERBS[purpose]], self._edge.posix())

    def _check_own(self, entry: Entry, listed: JsonObject) -> None:
        def resolve(method: str, _purpose: str) -> bytes:
            if method != self._agency.method:
                raise ProofError("key_not_listed", "signed by another key")
            return self._agency.key.public

        demand = ProofDemand(
            proof_set.ASSERTION, frozenset({_SUITE}), self._edge.clock(), None, None
        )
        try:
            proof_set.verify_proofs(listed, resolve, demand)
            check_description(entry.subject, parse_status_body(entry.body), listed)
            self._check_newer(entry)
        except DidServiceError as error:
            told = f"the newest list in the log is not this agency's: {error.code}"
            raise RuleError("log_refused", told, reason="list_foreign") from error

    def _check_newer(self, entry: Entry) -> None:
        held = self._store.ledger.status_list(entry.subject)
        if held is not None and parse_status_body(entry.body).issued < held["issued"]:
            raise RuleError("status_time_falls", "older than the list held here")

    def _statement(self, purpose: Purpose) -> ChainStatement | None:
        """Return the next entry of a list's chain, None while the last one will do."""
        former = self._store.ledger.status_list(self._agency.list_url(purpose))
        bits = BitstringStatusList.empty()
        for index in self._store.indices_in(_STATES[purpose]):
            bits.set(index)
        if former is not None and not self._is_due(former, bits):
            return None
        issued = self._next_time(former)
        description = self._description(purpose, issued)
        content = self._signed(description, bits)
        body = StatusBody(
            issuer=self._agency.did,
            issued=issued,
            expires=timestamps.to_posix(description.valid_until),
            ttl_seconds=description.ttl_seconds,
            bits=len(bits),
        )
        return ChainStatement(body, sha256(content), content)

    def _is_due(self, former: Row, bits: BitstringStatusList) -> bool:
        age = self._edge.posix() - former["issued"]
        unchanged = bits.encode().encode() in former["content"]
        return age >= self._agency.status_period.total_seconds() or not unchanged

    def _next_time(self, former: Row | None) -> int:
        """Return an iat that rises strictly, also when two changes fall into one second."""
        now = self._edge.posix()
        issued: int = max(now, former["issued"] + 1) if former else now
        if issued > now + _MAX_AHEAD_SECONDS:
            raise UnavailableError("list_ahead", "the list's time has run ahead of the clock")
        return issued

    def _description(self, purpose: Purpose, issued: int) -> ListDescription:
        begins = timestamps.from_posix(issued)
        return ListDescription(
            url=self._agency.list_url(purpose),
            issuer=self._agency.did,
            purpose=purpose,
            valid_from=begins,
            valid_until=begins + LIST_LIFETIME,
            ttl_seconds=int(self._agency.status_period.total_seconds()),
        )

    def _signed(self, description: ListDescription, bits: BitstringStatusList) -> bytes:
        method, created = self._agency.method, description.valid_from
        options = ProofOptions(method, proof_set.ASSERTION, created)
        listed = status_list_credential(description, bits)
        suite = SUITES[_SUITE]
        return jcs.encode(proof_set.sign(listed, self._agency.key, options, suite))


def _bits(listed: JsonObject) -> BitstringStatusList:
    subject = Fields(listed, "list").fields("credentialSubject")
    return BitstringStatusList.decode(subject.text("encodedList", max_chars=MAX_JSON_BYTES))


def _agrees(row: Row, shown: Mapping[Purpose, BitstringStatusList | None]) -> bool:
    return all(
        bits is not None and bool(bits[row["index"]]) == (row["state"] == _STATES[purpose])
        for purpose, bits in shown.items()
    )
