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

from threading import Lock

from did_service.core.credentials import proof_set
from did_service.core.credentials.proof_set import ProofDemand
from did_service.core.crypto.hashes import sha256
from did_service.core.did.key import public_of_did_key, public_of_method_id
from did_service.core.encoding import b64, jcs, strict_json, timestamps
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.errors import ConflictError, NotFoundError, ProofError, RuleError, quote
from did_service.core.limits import CHALLENGE_SECONDS, PICKUP_SECONDS
from did_service.issuer.agency import Agency, Item
from did_service.issuer.issuance import CredentialIssuer
from did_service.issuer.ledger import Row, Value
from did_service.issuer.store import IssuerStore
from did_service.program.clock import ClockAndRandom

_RANDOM_BYTES = 32
_SUITES = frozenset({"eddsa-jcs-2022"})


class Applications:
    """The applications of one agency."""

    def __init__(
        self,
        agency: Agency,
        store: IssuerStore,
        issuance: CredentialIssuer,
        edge: ClockAndRandom,
    ) -> None:
        self._agency, self._store, self._issuance, self._edge = agency, store, issuance, edge
        self._approving = Lock()

    def challenge(self) -> JsonObject:
        """Give out a challenge that one application may answer within ten minutes.

        Raises:
            UnavailableError: `too_many_requests`.
        """
        challenge = b64.encode_url(self._edge.rng(_RANDOM_BYTES))
        now = self._edge.posix()
        self._store.add_challenge(challenge, now + CHALLENGE_SECONDS, now)
        expires = timestamps.encode(timestamps.from_posix(now + CHALLENGE_SECONDS))
        return {"challenge": challenge, "expires": expires}

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
            MalformedError: another shape.
        """
        fields = Fields(body, "application")
        item = self._item(fields.text("item", max_chars=64))
        claims, holder = fields.object("claims"), fields.text("holder")
        challenge = fields.fields("proof").text("challenge", max_chars=64)
        fields.close()
        self._check_holder(body, holder, challenge)
        code = _code_of(body)
        identifier = self._taken(code)
        if identifier is None:
            self._issuance.check_claims(item, claims, holder)
            row: dict[str, Value] = {
                "item": item.id,
                "claims": jcs.encode(claims).decode(),
                "holder": holder,
            }
            identifier = self._take(row, challenge, code)
        return {"id": identifier, "pickup": f"{self._agency.url}/pickup/{code}"}

    def _take(self, application: dict[str, Value], challenge: str, code: str) -> str:
        """Store an application, and return its name; one that came twice at once is one."""
        identifier, now = b64.encode_url(self._edge.rng(12)), self._edge.posix()
        row: dict[str, Value] = {
            **application,
            "id": identifier,
            "state": "received",
            "note": "",
            "received": now,
            "pickup_sha256": sha256(code.encode()),
        }
        try:
            self._store.receive(challenge, now, row)
        except ConflictError:
            taken = self._taken(code)
            if taken is None:
                raise
            return taken
        return identifier

    def _taken(self, code: str) -> str | None:
        """Return the name of the application that has a pick-up code, None where none has."""
        try:
            return str(self._at(code)["id"])
        except NotFoundError:
            return None

    def listed(self, state: str | None, start: int) -> list[JsonObject]:
        """Return what officers see of the applications, the claims included.

        Args:
            state: Only those in it, None for all.
            start: Number of the first one wanted, oldest first.
        """
        return [
            {
                "id": row["id"],
                "item": row["item"],
                "state": row["state"],
                "note": row["note"],
                "received": timestamps.encode(timestamps.from_posix(row["received"])),
                "claims": strict_json.loads(row["claims"]),
                "accepted_by": row["accepted_by"],
                "approved_by": row["approved_by"],
            }
            for row in self._store.applications(state, start)
        ]

    def accept(self, identifier: str, officer: str) -> None:
        """Mark an application as complete; raises `application_unknown` or `state_wrong`."""
        self._store.application(identifier)
        changes: dict[str, Value] = {"state": "accepted", "accepted_by": officer}
        self._store.move(identifier, "received", changes)

    def send_back(self, identifier: str, note: str, officer: str) -> None:
        """Return an application to its citizen with a reason; raises as `accept`."""
        state = self._store.application(identifier)["state"]
        if state not in ("received", "accepted"):
            raise ConflictError("state_wrong", f"a {state} application is not returned")
        changes: dict[str, Value] = {"state": "returned", "note": note, "returned_by": officer}
        self._store.move(identifier, state, changes)

    def approve(self, identifier: str, officer: str) -> str:
        """Approve an accepted application and issue; returns the credential's id.

        One at a time, so that nothing is signed that is not kept.

        Raises:
            RuleError: `same_officer`: who accepted may not approve; `claims_invalid`: the
                item's schema has changed since.
            NotFoundError, ConflictError: `application_unknown`, `state_wrong`.
            UnavailableError: `status_list_full`.
        """
        with self._approving:
            row = self._store.application(identifier)
            if row["state"] != "accepted":
                raise ConflictError("state_wrong", f"a {row['state']} application")
            if row["accepted_by"] == officer:
                raise RuleError(
                    "same_officer",
                    "one officer accepts an application, and another must approve it",
                )
            return self._issuance.issue(row, self._item(row["item"]), officer)

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
        if row["state"] == "collected" or (row["handed_out"] or now) + PICKUP_SECONDS <= now:
            raise ConflictError("pickup_used", "the credential has been picked up")
        if row["state"] != "issued":
            return {"state": row["state"], "note": row["note"]}
        self._store.hand_out(row["id"], now)
        return self._issuance.handover(strict_json.load_object(row["credential"]))

    def acknowledge(self, code: str) -> None:
        """Close a pick-up address and forget the credential; again: nothing is left to do.

        Raises:
            NotFoundError: `pickup_unknown`.
            ConflictError: `state_wrong`: it was not handed out yet.
        """
        row = self._at(code)
        if row["handed_out"] is None:
            raise ConflictError("state_wrong", "nothing has been handed out here")
        self._store.close_pickup(row["id"])

    def close_pickups(self) -> None:
        """Forget the credentials that were handed out a day ago and never acknowledged."""
        self._store.close_pickups(self._edge.posix() - PICKUP_SECONDS)

    def _at(self, code: str) -> Row:
        return self._store.by_pickup(sha256(code.encode()))

    def _item(self, identifier: str) -> Item:
        for item in self._agency.items:
            if item.id == identifier:
                return item
        raise NotFoundError("item_unknown", f"no service item {quote(identifier)} here")

    def _check_holder(self, body: JsonObject, holder: str, challenge: str) -> None:
        """Check that the holder's key signed the application for this agency."""
        public = public_of_did_key(holder)
        demand = ProofDemand(
            purpose=proof_set.AUTHENTICATION,
            suites=_SUITES,
            now=self._edge.clock(),
            challenge=challenge,
            domain=self._agency.url,
        )

        def resolve(method: str, _purpose: str) -> bytes:
            if public_of_method_id(method) != public:
                raise ProofError("holder_proof_invalid", "another key than the holder's")
            return public

        proof_set.verify_proofs(body, resolve, demand)


def _code_of(application: JsonObject) -> str:
    """Return the pick-up code of a signed application: 43 characters.

    Nobody guesses it without the holder's signature over our challenge, and whoever has that
    has all that the address would show.
    """
    return b64.encode_url(sha256(b"didsvc-pickup/1\n" + jcs.encode(application)))
