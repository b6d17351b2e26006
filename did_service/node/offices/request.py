"""The request `didsvc-agency-request/1`: what an agency asks its region for; all public.

    {"format","name":{"zh","en"},"scope","roles":[…],"types":[…],"territory":[…],
     "status_lists":[url…],"did_log":[did.jsonl objects],"proof"}

The agency's own key has signed it, so nobody asks in another's name; whether the office is what
it says is for people to find out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from did_service.core.anchor.territory import checked_codes
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.did.document import Relationship
from did_service.core.did.webvh.state import HistoryState, accept
from did_service.core.encoding import bilingual, jcs, strict_json, timestamps
from did_service.core.encoding.strict_json import Fields, JsonObject, JsonValue, as_object
from did_service.core.errors import ProofError, quote
from did_service.core.integrity import data_integrity, eddsa_jcs_2022
from did_service.core.limits import MAX_CARRIED_BYTES
from did_service.core.text import Bilingual

FORMAT = "didsvc-agency-request/1"
_PURPOSE = "assertionMethod"
_MOST = 64


@dataclass(frozen=True, slots=True)
class AgencyRequest:
    """What an agency asks for; `members` is the file as received.

    Attributes:
        state: Its DID as the request brings it.
        scope: A word that tells several statements between the same two apart.
    """

    name: Bilingual
    scope: str
    roles: tuple[str, ...]
    types: tuple[str, ...]
    territory: tuple[str, ...]
    status_lists: tuple[str, ...]
    state: HistoryState
    versions: tuple[JsonObject, ...]
    members: JsonObject

    def encode(self) -> bytes:
        """Write the file; `parse_request` reads it."""
        return jcs.encode(self.members) + b"\n"


def make_request(
    asked: JsonObject, versions: Sequence[JsonObject], key: SigningKey, now: datetime
) -> AgencyRequest:
    """Sign a request, and read it back.

    Args:
        asked: `name`, `scope`, `roles`, `types`, `territory`, `status_lists`.
        versions: The agency's did.jsonl.
        key: One that its DID lists for assertions, as `#key-1`.
        now: Aware UTC.

    Raises:
        ProofError, MalformedError: as `parse_request`.
    """
    listed: list[JsonValue] = [*versions]
    document: JsonObject = {"format": FORMAT, **asked, "did_log": listed}
    did = as_object(versions[-1]["state"], "state")["id"]
    options: JsonObject = {
        "verificationMethod": f"{did}#key-1",
        "proofPurpose": _PURPOSE,
        "created": timestamps.encode(now),
    }
    proof = data_integrity.create(document, options, key, eddsa_jcs_2022)
    return parse_request(jcs.encode({**document, "proof": proof}), now)


def parse_request(data: bytes, now: datetime) -> AgencyRequest:
    """Read a request, its DID's history, and its signature.

    Raises:
        MalformedError, LimitError: another shape.
        ProofError: `request_proof_wrong`, or the DID's history is none.
    """
    members = strict_json.load_object(data, max_bytes=MAX_CARRIED_BYTES)
    fields = Fields(members, "request")
    fields.constant("format", FORMAT)
    versions = tuple(as_object(e, "did_log") for e in fields.array("did_log", most=_MOST))
    request = AgencyRequest(
        name=bilingual.parse(fields.value("name"), "request.name"),
        scope=fields.text("scope", max_chars=32),
        roles=fields.texts("roles", most=_MOST),
        types=fields.texts("types", most=_MOST),
        territory=checked_codes(fields.texts("territory", most=_MOST)),
        status_lists=fields.texts("status_lists", most=_MOST),
        state=_state(versions, now),
        versions=versions,
        members=members,
    )
    proof = data_integrity.parse_proof(fields.value("proof"))
    fields.close()
    _check_proof(request, proof)
    return request


def _state(versions: Sequence[JsonObject], now: datetime) -> HistoryState:
    state: HistoryState | None = None
    for version in versions:
        state = accept(state, version, now=now)
    if state is None:
        raise ProofError("request_proof_wrong", "the request brings no DID")
    return state


def _check_proof(request: AgencyRequest, proof: data_integrity.Proof) -> None:
    document = {name: value for name, value in request.members.items() if name != "proof"}
    try:
        public = request.state.version.document.public_key(
            proof.verification_method, Relationship.ASSERTION_METHOD
        )
        data_integrity.verify(document, proof, public, eddsa_jcs_2022)
    except ProofError as error:
        what = f"{quote(request.state.did)} has not signed this request"
        raise ProofError("request_proof_wrong", what) from error
    if proof.purpose != _PURPOSE:
        raise ProofError("request_proof_wrong", "signed for another purpose")
