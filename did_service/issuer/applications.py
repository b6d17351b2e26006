"""Applications: from a citizen's signed request to an officer's approval.

    received ──accept──► accepted ──approve──► issued ──pick-up, acknowledged──► collected
        └────────return────────┘► returned

Whoever accepts may not approve (threat rule 33). An application is bound to its holder's key by
a proof over the agency's own challenge, so that issuing binds a proven key. A credential that
was picked up can be fetched again until the wallet says that it has it, or a day has passed: an
answer that is lost on the way costs nobody a credential. Nor does one that is lost before: the
same application, handed in again, gets the same address.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock

from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import b64, jcs, strict_json, timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import (
    ConflictError,
    MalformedError,
    NotFoundError,
    RuleError,
    quote,
)
from did_service.core.limits import MAX_OPEN_APPLICATIONS, PICKUP_SECONDS
from did_service.issuer.agency import Agency, Item
from did_service.issuer.challenges import Challenges
from did_service.issuer.holder_request import HolderRequest, verify_kept, verify_request
from did_service.issuer.issuance import CredentialIssuer
from did_service.issuer.records import ApplicationRecord, UsedChallenge, Value
from did_service.issuer.standing import AgencyStanding
from did_service.issuer.states import ApplicationState
from did_service.issuer.store import UNDECIDED, IssuerStore, full
from did_service.program.clock import ClockAndRandom


class Applications:
    """The applications of one agency."""

    def __init__(
        self,
        agency: Agency,
        store: IssuerStore,
        issuance: CredentialIssuer,
        standing: AgencyStanding,
        edge: ClockAndRandom,
    ) -> None:
        self._agency, self._store, self._issuance, self._edge = agency, store, issuance, edge
        self._standing = standing
        self._challenges = Challenges(agency, store, edge)
        self._approving = Lock()

    def challenge(self) -> JsonObject:
        """Give out a challenge that one application may answer within ten minutes."""
        return self._challenges.give()

    def submit(self, body: JsonObject) -> JsonObject:
        """Take an application `{"item","claims","holder","proof"}`: once, however often.

        Returns:
            `{"id","pickup"}`: its name, and the one-time address where the credential will be.
            The same bytes get the same answer, also after their challenge has expired.

        Raises:
            NotFoundError: `item_unknown`.
            ConflictError: `challenge_unknown`.
            ProofError: the holder's proof does not verify.
            RuleError: `claims_invalid`, naming each claim that does not fit.
            UnavailableError: `authority_ended`, `applications_full`.
            LimitError: `too_large`.
            MalformedError: another shape.
        """
        request = verify_request(body, self._agency, self._edge.clock())
        item, code = self._item(request.item), request.pickup_code()
        identifier = self._taken(code)
        if identifier is None:
            self._standing.check_authority()
            self._check_room()
            challenge = self._challenges.answered(request.challenge)
            self._issuance.check_claims(item, request.claims, request.holder)
            identifier = self._take(request, challenge)
        return {"id": identifier, "pickup": f"{self._agency.url}/pickup/{code}"}

    def _check_room(self) -> None:
        """Check that another application may wait for officers, whoever sends so many.

        It is checked again when the application is stored; this one spares the judging.
        """
        if self._store.open_applications() >= MAX_OPEN_APPLICATIONS:
            raise full(MAX_OPEN_APPLICATIONS)

    def _take(self, request: HolderRequest, challenge: UsedChallenge) -> str:
        """Store an application, and return its name; one that came twice at once is one."""
        identifier, now = b64.encode_url(self._edge.rng(12)), self._edge.posix()
        code = request.pickup_code()
        row: dict[str, Value] = {
            "id": identifier,
            "item": request.item,
            "claims": jcs.encode(request.claims).decode(),
            "holder": request.holder,
            "signed": request.signed,
            "state": ApplicationState.RECEIVED,
            "note": "",
            "received": now,
            "pickup_sha256": sha256(code.encode()),
        }
        try:
            self._store.receive(challenge, MAX_OPEN_APPLICATIONS, row)
        except ConflictError:
            taken = self._taken(code)
            if taken is None:
                raise
            return taken
        return identifier

    def _taken(self, code: str) -> str | None:
        """Return the name of the application that has a pick-up code, None where none has."""
        try:
            return self._at(code).id
        except NotFoundError:
            return None

    def listed(self, state: ApplicationState | None, start: int) -> list[JsonObject]:
        """Return what officers see of the applications, the claims included.

        Args:
            state: Only those in it, None for all.
            start: Number of the first one wanted, oldest first.
        """
        return [
            {
                "id": row.id,
                "item": row.item,
                "holder": row.holder,
                "state": row.state,
                "note": row.note,
                "received": timestamps.encode(timestamps.from_posix(row.received)),
                "claims": _claims_in(row),
                "accepted_by": row.accepted_by,
                "approved_by": row.approved_by,
            }
            for row in self._store.applications(state, start)
        ]

    def accept(self, identifier: str, officer: str) -> None:
        """Mark an application as complete; the same officer may say it again.

        Raises:
            NotFoundError, ConflictError: `application_unknown`, `state_wrong`.
        """
        done: dict[str, Value] = {"state": ApplicationState.ACCEPTED, "accepted_by": officer}
        with self._unless_done(identifier, done):
            self._store.move(identifier, ApplicationState.RECEIVED, done)

    def send_back(self, identifier: str, note: str, officer: str) -> None:
        """Return an application to its citizen with a reason; again and raises as `accept`."""
        done: dict[str, Value] = {
            "state": ApplicationState.RETURNED,
            "note": note,
            "returned_by": officer,
        }
        with self._unless_done(identifier, done):
            state = self._store.application(identifier).state
            if state not in UNDECIDED:
                raise ConflictError("state_wrong", f"a {state} application is not returned")
            self._store.move(identifier, state, {**done, "ended": self._edge.posix()})

    @contextmanager
    def _unless_done(self, identifier: str, done: Mapping[str, Value]) -> Iterator[None]:
        """Pass over a conflict where the row says already what the caller wants.

        The answer was lost and it is asked again, perhaps by another process meanwhile.
        """
        try:
            yield
        except ConflictError:
            row = self._store.application(identifier)
            if any(getattr(row, name) != value for name, value in done.items()):
                raise

    def approve(self, identifier: str, officer: str) -> str:
        """Approve an accepted application and issue; returns the credential's id.

        One at a time, so that nothing is signed that is not kept; where another process
        approves the same, what is signed second is kept by nobody and shown to nobody. What is
        issued, and to whom, is what the holder has signed and not what the row says. The same
        officer may say it again.

        Raises:
            RuleError: `same_officer`: who accepted may not approve; `claims_invalid`: the
                item's schema has changed since.
            NotFoundError: `application_unknown`, `item_unknown`.
            ConflictError: `state_wrong`, and as `verify_kept`.
            UnavailableError: `status_list_full`, and as `AgencyStanding.check`.
        """
        with self._approving:
            self._standing.check()
            try:
                return self._approve(self._store.application(identifier), officer)
            except ConflictError:
                issued = self._store.credentials.approved(identifier, officer)
                if issued is None:
                    raise
                return issued

    def _approve(self, row: ApplicationRecord, officer: str) -> str:
        if row.state is not ApplicationState.ACCEPTED:
            raise ConflictError("state_wrong", f"a {row.state} application")
        if row.accepted_by == officer:
            raise RuleError(
                "same_officer",
                "one officer accepts an application, and another must approve it",
            )
        request = verify_kept(row, self._agency)
        return self._issuance.issue(row.id, request, self._item(request.item), officer)

    def collect(self, code: str) -> JsonObject:
        """Return what lies at a pick-up address.

        The first time begins the day in which a credential can be fetched again, the same one.

        Returns:
            `{"state","note"}` while there is nothing to hand over, else `{"credential",
            "batch","evidence","authority"}`.

        Raises:
            NotFoundError: `pickup_unknown`.
            ConflictError: `pickup_used`.
        """
        row, now = self._at(code), self._edge.posix()
        if (
            row.state is ApplicationState.COLLECTED
            or (row.handed_out or now) + PICKUP_SECONDS <= now
        ):
            raise ConflictError("pickup_used", "the credential has been picked up")
        if row.state is ApplicationState.ISSUED and row.credential is None:
            raise ConflictError("pickup_used", "the credential was not picked up in time")
        if row.state is not ApplicationState.ISSUED:
            return {"state": row.state, "note": row.note}
        held = self._store.hand_out(row.id, now)
        return self._issuance.handover(strict_json.load_object(held))

    def acknowledge(self, code: str) -> None:
        """Close a pick-up address and forget the credential; again: nothing is left to do.

        Raises:
            NotFoundError: `pickup_unknown`.
            ConflictError: `state_wrong`: it was not handed out yet.
        """
        row = self._at(code)
        if row.handed_out is None:
            raise ConflictError("state_wrong", "nothing has been handed out here")
        self._store.close_pickup(row.id, self._edge.posix())

    def tidy(self) -> None:
        """Delete what is over, by a clock that was compared with the log's.

        That is credentials handed out a day ago and never acknowledged, and after the times
        that the agency states what is personal of applications that are over.
        """
        now = self._edge.posix()
        self._store.close_pickups(now - PICKUP_SECONDS, now)
        ended, issued = (
            now - int(kept.total_seconds())
            for kept in (self._agency.claims_kept, self._agency.uncollected_kept)
        )
        self._store.delete_claims(ended, issued)
        self._store.forget_deleted()

    def _at(self, code: str) -> ApplicationRecord:
        return self._store.by_pickup(sha256(code.encode()))

    def _item(self, identifier: str) -> Item:
        for item in self._agency.items:
            if item.id == identifier:
                return item
        raise NotFoundError("item_unknown", f"no service item {quote(identifier)} here")


def _claims_in(row: ApplicationRecord) -> JsonObject:
    """Return the claims for officers; one damaged row does not hide the others from them."""
    try:
        return strict_json.load_object(row.claims)
    except MalformedError:
        return {}  # nor is it approved: `application_changed`
