"""Applications: from a citizen's signed request to an officer's approval.

    received ──accept──► accepted ──approve──► issued ──pick-up──► collected
        └────────return────────┘► returned

Whoever accepts may not approve (threat rule 33). An application is bound to its holder's key by
a proof over the agency's own challenge, so that issuing binds a proven key.
"""

from __future__ import annotations

from did_service.core.credentials import proof_set
from did_service.core.credentials.proof_set import ProofDemand
from did_service.core.crypto.hashes import sha256
from did_service.core.did.key import public_of_did_key
from did_service.core.encoding import b64, strict_json, timestamps
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.errors import (
    ConflictError,
    MalformedError,
    NotFoundError,
    ProofError,
    RuleError,
    quote,
)
from did_service.issuer.agency import Agency, Item
from did_service.issuer.issuance import Issuance
from did_service.issuer.store import IssuerStore, Value
from did_service.web.settings import Edge

_CHALLENGE_SECONDS = 600
_RANDOM_BYTES = 32
_SUITES = frozenset({"eddsa-jcs-2022"})


class Applications:
    """The applications of one agency."""

    def __init__(
        self, agency: Agency, store: IssuerStore, issuance: Issuance, edge: Edge
    ) -> None:
        self._agency, self._store, self._issuance, self._edge = agency, store, issuance, edge

    def challenge(self) -> JsonObject:
        """Give out a challenge that one application may answer within ten minutes."""
        challenge = b64.encode_url(self._edge.rng(_RANDOM_BYTES))
        now = self._edge.posix()
        self._store.add_challenge(challenge, now + _CHALLENGE_SECONDS, now)
        expires = timestamps.encode(timestamps.from_posix(now + _CHALLENGE_SECONDS))
        return {"challenge": challenge, "expires": expires}

    def submit(self, body: JsonObject) -> JsonObject:
        """Take an application `{"item","claims","holder","proof"}`.

        Returns:
            `{"id","pickup"}`: its name, and the one-time address where the credential will be.

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
        fields.value("proof")
        fields.close()
        challenge = self._check_holder(body, holder)
        self._issuance.check_claims(item, claims, holder)
        code = b64.encode_url(self._edge.rng(_RANDOM_BYTES))
        identifier = b64.encode_url(self._edge.rng(12))
        row: dict[str, Value] = {
            "id": identifier,
            "item": item.id,
            "claims": strict_json.dumps(claims),
            "holder": holder,
            "state": "received",
            "note": "",
            "received": self._edge.posix(),
            "pickup_sha256": sha256(code.encode()),
        }
        self._store.receive(challenge, self._edge.posix(), row)
        return {"id": identifier, "pickup": f"{self._agency.url}/pickup/{code}"}

    def listed(self, state: str | None) -> list[JsonObject]:
        """Return what officers see of the applications, the claims included."""
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
            for row in self._store.applications(state)
        ]

    def accept(self, identifier: str, officer: str) -> None:
        """Mark an application as complete; raises `application_unknown` or `state_wrong`."""
        self._store.application(identifier)
        changes: dict[str, Value] = {"state": "accepted", "accepted_by": officer}
        self._store.move(identifier, "received", changes)

    def send_back(self, identifier: str, note: str) -> None:
        """Return an application to its citizen with a reason; raises as `accept`."""
        state = self._store.application(identifier)["state"]
        if state not in ("received", "accepted"):
            raise ConflictError("state_wrong", f"a {state} application is not returned")
        self._store.move(identifier, state, {"state": "returned", "note": note})

    def approve(self, identifier: str, officer: str) -> str:
        """Approve an accepted application and issue; returns the credential's id.

        Raises:
            RuleError: `same_officer`: who accepted may not approve.
            NotFoundError, ConflictError: `application_unknown`, `state_wrong`.
        """
        row = self._store.application(identifier)
        if row["accepted_by"] == officer:
            raise RuleError("same_officer", "accepting and approving take two officers")
        return self._issuance.issue(row, self._item(row["item"]), officer)

    def collect(self, code: str) -> JsonObject:
        """Hand over an issued credential, once.

        Returns:
            `{"state"}` while there is nothing to hand over, else `{"credential","batch",
            "evidence","authority"}`.

        Raises:
            NotFoundError: `pickup_unknown`.
            ConflictError: `pickup_used`.
        """
        row = self._store.by_pickup(sha256(code.encode()))
        if row["state"] == "collected":
            raise ConflictError("pickup_used", "the credential has been picked up")
        if row["state"] != "issued":
            return {"state": row["state"], "note": row["note"]}
        changes: dict[str, Value] = {"state": "collected", "credential": None}
        self._store.move(row["id"], "issued", changes)
        return self._issuance.handover(strict_json.load_object(row["credential"]))

    def _item(self, identifier: str) -> Item:
        for item in self._agency.items:
            if item.id == identifier:
                return item
        raise NotFoundError("item_unknown", f"no service item {quote(identifier)} here")

    def _check_holder(self, body: JsonObject, holder: str) -> str:
        """Check that the holder's key signed the application; return the challenge."""
        demand = ProofDemand(
            purpose="authentication",
            suites=_SUITES,
            now=self._edge.clock(),
            challenge=None,
            domain=self._agency.url,
        )
        public = public_of_did_key(holder)

        def resolve(method: str, _purpose: str) -> bytes:
            if proof_set.did_of(method) != holder:
                raise ProofError("holder_proof_invalid", "another key than the holder's")
            return public

        proofs = proof_set.verify_proofs(body, resolve, demand)
        members = body["proof"]
        challenge = members.get("challenge") if isinstance(members, dict) else None
        if len(proofs) != 1 or not isinstance(challenge, str):
            raise MalformedError("challenge_missing", "one proof over the challenge is needed")
        return challenge
