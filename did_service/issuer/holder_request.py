"""What a citizen has signed: an application, and the proof that it is the holder's.

It is kept as it came and verified again before a credential is signed, so that the database
decides neither what is issued nor to whom.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from did_service.core.credentials import proof_set
from did_service.core.credentials.proof_set import ProofDemand
from did_service.core.crypto.hashes import sha256
from did_service.core.did.key import public_of_did_key, public_of_method_id
from did_service.core.encoding import b64, jcs, strict_json, timestamps
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.errors import ConflictError, DidServiceError, LimitError, ProofError
from did_service.core.limits import MAX_APPLICATION_BYTES
from did_service.issuer.agency import Agency
from did_service.issuer.challenges import MAX_CHALLENGE_CHARACTERS
from did_service.issuer.records import ApplicationRecord

_SUITES = frozenset({"eddsa-jcs-2022"})


@dataclass(frozen=True, slots=True)
class HolderRequest:
    """A signed application, verified.

    Attributes:
        item: Id of the service item.
        claims: What the credential should say.
        holder: did:key of the holder, whose key has signed.
        challenge: Which challenge of the agency it answers.
        signed: The whole application in canonical form.
    """

    item: str
    claims: JsonObject
    holder: str
    challenge: str
    signed: bytes

    def pickup_code(self) -> str:
        """Return the code of its pick-up address: 43 characters.

        Nobody guesses it without the holder's signature over our challenge, and whoever has
        that has all that the address would show.
        """
        return b64.encode_url(sha256(b"didsvc-pickup/1\n" + self.signed))


def verify_request(body: JsonObject, agency: Agency, now: datetime) -> HolderRequest:
    """Check that the holder's key has signed an application for this agency.

    Args:
        body: As it came.
        agency: This one.
        now: When it came: a proof may expire.

    Raises:
        ProofError: it has not.
        LimitError: `too_large`: a proof may have members that no rule knows, and all is kept.
        MalformedError: another shape.
    """
    fields, signed = Fields(body, "application"), jcs.encode(body)
    if len(signed) > MAX_APPLICATION_BYTES:
        told = f"an application of {len(signed)} bytes; {MAX_APPLICATION_BYTES} are taken"
        raise LimitError("too_large", told)
    request = HolderRequest(
        item=fields.text("item", max_chars=64),
        claims=fields.object("claims"),
        holder=fields.text("holder"),
        challenge=fields.fields("proof").text("challenge", max_chars=MAX_CHALLENGE_CHARACTERS),
        signed=signed,
    )
    fields.close()
    public = public_of_did_key(request.holder)
    demand = ProofDemand(
        purpose=proof_set.AUTHENTICATION,
        suites=_SUITES,
        now=now,
        challenge=request.challenge,
        domain=agency.url,
    )

    def resolve(method: str, _purpose: str) -> bytes:
        if public_of_method_id(method) != public:
            raise ProofError("holder_proof_invalid", "another key than the holder's")
        return public

    proof_set.verify_proofs(body, resolve, demand)
    return request


def verify_kept(row: ApplicationRecord, agency: Agency) -> HolderRequest:
    """Verify again what a row keeps, and that the row says nothing else.

    Raises:
        ConflictError: `application_unsigned`: it came when signed applications were not kept;
            `application_changed`: the row is not what the holder has signed.
    """
    if row.signed is None:
        what = "what the holder signed was not kept: return it, to be handed in again"
        raise ConflictError("application_unsigned", what)
    try:
        came = timestamps.from_posix(row.received)
        request = verify_request(strict_json.load_object(row.signed), agency, came)
        said = (row.item, row.holder, strict_json.load_object(row.claims))
    except DidServiceError as error:
        raise _changed(error.code) from error
    own_code = sha256(request.pickup_code().encode())
    if (request.item, request.holder, request.claims) != said or own_code != row.pickup_sha256:
        raise _changed("it differs from its row")
    return request


def _changed(why: str) -> ConflictError:
    return ConflictError("application_changed", f"not what the holder has signed: {why}")
