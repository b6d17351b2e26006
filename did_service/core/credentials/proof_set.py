"""Proof sets and proof chains (W3C Data Integrity 1.0, §2.1.1, §2.1.2 and §4.4 to §4.8).

Members of a set are independent: each is examined by itself (`examine_proofs`); what the set
comes to is its reader's rule (docs/adr/0020). `verify_proofs` demands that every one verifies.
A chained proof names the proofs it rests on, and those then belong to what it signs:

    hashed document = unsecured document [+ "proof": the proofs named in previousProof]

`signer_of` is the only function that says who signed a document.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from functools import partial
from typing import NamedTuple, TypeAlias

from did_service.core.credentials import eddsa_rdfc_2022, proof_chain
from did_service.core.credentials.members import is_url
from did_service.core.credentials.model import Credential, Presentation
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.encoding.xsd_datetime import Instant, parse_datetime
from did_service.core.errors import (
    DidServiceError,
    MalformedError,
    ProofError,
    UnsupportedError,
    quote,
)
from did_service.core.integrity import data_integrity, eddsa_jcs_2022
from did_service.core.integrity.data_integrity import Cryptosuite, Proof, ReadProof, read_proof

ASSERTION = "assertionMethod"
AUTHENTICATION = "authentication"
SUITES: Mapping[str, Cryptosuite] = {
    eddsa_jcs_2022.NAME: eddsa_jcs_2022,
    eddsa_rdfc_2022.NAME: eddsa_rdfc_2022,
}
_DID = re.compile(r"did:[^/?#]*")
_METHOD = re.compile(r"(did:[^/?#]*)#.+", re.DOTALL)

KeyResolver: TypeAlias = Callable[[str, str], bytes]
"""(DID URL of a verification method, proof purpose) → the 32-byte Ed25519 key.

Raises `NotFoundError` or `ProofError` where the method is unknown or not for that purpose.
"""


class ProofOptions(NamedTuple):
    """What a new proof says about itself."""

    verification_method: str
    purpose: str
    created: datetime
    expires: datetime | None = None
    challenge: str | None = None
    domain: str | None = None
    id: str | None = None
    previous: tuple[str, ...] = ()


class ProofDemand(NamedTuple):
    """What a verifier demands of every proof; `None` for challenge or domain: not asked."""

    purpose: str
    suites: frozenset[str]
    now: datetime
    challenge: str | None
    domain: str | None


class VerifiedProof(NamedTuple):
    """A proof that verified, with the DID whose verification method made it."""

    verification_method: str
    did: str
    purpose: str
    cryptosuite: str
    created: Instant | None
    expires: Instant | None

    def has_lapsed_by(self, second: int) -> bool:
        """Say whether its `expires` is reached at a POSIX second."""
        return self.expires is not None and self.expires <= Instant(second)


class ProofFinding(NamedTuple):
    """What came out of one proof: `verified` or a `refusal`; `did` as far as it can be read."""

    did: str | None
    verified: VerifiedProof | None = None
    refusal: DidServiceError | None = None


def sign(
    document: JsonObject, key: SigningKey, options: ProofOptions, suite: Cryptosuite
) -> JsonObject:
    """Add one proof to a document; proofs that are there already are kept.

    Args:
        document: The document, with or without proofs.
        key: Signs; its public key must be what the verification method lists.
        options: What the proof says. `previous` names proofs of the document to rest on.
        suite: `SUITES[name]`.

    Returns:
        The secured document: `proof` is an object, or a list when there are several.

    Raises:
        ProofError: `previous_proof_missing`.
        MalformedError: the document cannot be canonicalized.
    """
    proofs = data_integrity.split(document, parse_datetime)[1] if "proof" in document else ()
    found: list[JsonValue] = [proof.members for proof in proofs]
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    by_id = proof_chain.proofs_by_id(found)
    hashed = proof_chain.signed_by_chained(unsecured, by_id, options.previous)
    made = data_integrity.create(hashed, _members(options), key, suite)
    return {**unsecured, "proof": [*found, made] if found else made}


def verify_proofs(
    document: JsonObject,
    resolve: KeyResolver,
    demand: ProofDemand,
    suites: Mapping[str, Cryptosuite] = SUITES,
) -> tuple[VerifiedProof, ...]:
    """Check that every proof of a secured document verifies; arguments as `examine_proofs`.

    Raises:
        DidServiceError: what `examine_proofs` raises, or the first refusal that it finds.
    """
    findings = examine_proofs(document, resolve, demand, suites)
    for refused in (each.refusal for each in findings if each.refusal is not None):
        raise refused
    return tuple(each.verified for each in findings if each.verified is not None)


def examine_proofs(
    document: JsonObject,
    resolve: KeyResolver,
    demand: ProofDemand,
    suites: Mapping[str, Cryptosuite] = SUITES,
    read: Sequence[ReadProof] | None = None,
) -> tuple[ProofFinding, ...]:
    """Examine every proof of a secured document by itself.

    A proof is held against the demand only once its signature has verified, so that whoever
    changes `expires` or `challenge` on the way is told nothing but that it was changed.

    Args:
        document: As received.
        resolve: Finds the key of a verification method.
        demand: What each must say.
        suites: The implementations by name.
        read: The document's proofs, where `read_each` has read them before.

    Returns:
        One finding for each proof, in their order; never empty. Its refusal is what `resolve`
        raised, an UnsupportedError (type, base, suite, verification method), a MalformedError,
        or a ProofError: `signature_invalid`, `context_mismatch`, `purpose_wrong`,
        `proof_expired`, `challenge_wrong`, `domain_wrong`, `previous_proof_missing`.

    Raises:
        ProofError: `proof_id_repeated`: nobody can tell what a chain rests on.
        UnsupportedError: `names_not_plain`: an order that not every proof keeps.
        MalformedError: `proof_missing`, or more than 8 proofs.
    """
    unsecured, unread = data_integrity.split_unread(document)
    proof_chain.check_order(unsecured, unread)
    by_id = proof_chain.proofs_by_id(unread)
    rest_on = partial(proof_chain.signed_by_chained, unsecured, by_id)
    judge = partial(_verify, rest_on, resolve, demand, suites)
    if read is None:
        read = [read_proof(each, parse_datetime) for each in unread]
    return tuple(_examine(*each, judge) for each in zip(unread, read, strict=True))


def signer_of(
    document: Credential | Presentation, proofs: tuple[VerifiedProof, ...]
) -> VerifiedProof:
    """Return the proof of the party that the document speaks for.

    Other proofs lend nothing: their signers are nobody.

    Raises:
        ProofError: `signer_mismatch` when that party did not sign.
    """
    party = party_of(document, {proof.did for proof in proofs})
    for proof in proofs:
        if proof.did == party:
            return proof
    raise ProofError("signer_mismatch", f"{quote(party)} did not sign the document")


def party_of(document: Credential | Presentation, dids: AbstractSet[str | None]) -> str | None:
    """Return whom a document speaks for; `dids` are those that its proofs name.

    For a credential that is the issuer; for a presentation the holder it names or, when it
    names none, the one DID that signed.
    """
    if isinstance(document, Credential):
        return document.issuer
    return next(iter(dids)) if document.holder is None and len(dids) == 1 else document.holder


def did_of(verification_method: str) -> str:
    """Return the DID before the fragment of a verification method's DID URL.

    Raises:
        UnsupportedError: `verification_method_unknown`: a URL of another form, as one that
            chooses a version of the DID.
        MalformedError: `verification_method_invalid`: no URL at all.
    """
    match = _METHOD.fullmatch(verification_method)
    if match is not None:
        return match[1]
    shown = quote(verification_method)
    if is_url(verification_method):
        raise UnsupportedError("verification_method_unknown", f"a key named by {shown}")
    raise MalformedError("verification_method_invalid", f"not a URL of a key: {shown}")


def _examine(
    value: JsonValue, proof: ReadProof, verify: Callable[[Proof], VerifiedProof]
) -> ProofFinding:
    if isinstance(proof, DidServiceError):
        return ProofFinding(_claimed_did(value), refusal=proof)
    try:
        verified = verify(proof)
    except DidServiceError as error:
        return ProofFinding(_claimed_did(value), refusal=error)
    return ProofFinding(verified.did, verified)


def _claimed_did(value: JsonValue) -> str | None:
    method = value.get("verificationMethod") if isinstance(value, dict) else None
    claimed = _DID.match(method) if isinstance(method, str) else None
    return None if claimed is None else claimed[0]


def _verify(
    rest_on: Callable[[tuple[str, ...]], JsonObject],
    resolve: KeyResolver,
    demand: ProofDemand,
    suites: Mapping[str, Cryptosuite],
    proof: Proof,
) -> VerifiedProof:
    suite = suites.get(proof.cryptosuite) if proof.cryptosuite in demand.suites else None
    if suite is None:
        named = quote(proof.cryptosuite)
        raise UnsupportedError("cryptosuite_not_accepted", f"cryptosuite {named}")
    did = did_of(proof.verification_method)
    public = resolve(proof.verification_method, demand.purpose)
    data_integrity.verify(rest_on(proof.previous), proof, public, suite)
    _check_demand(proof, demand)
    return VerifiedProof(
        verification_method=proof.verification_method,
        did=did,
        purpose=proof.purpose,
        cryptosuite=proof.cryptosuite,
        created=proof.created,
        expires=proof.expires,
    )


def _check_demand(proof: Proof, demand: ProofDemand) -> None:
    if proof.purpose != demand.purpose:
        raise ProofError("purpose_wrong", f"proof is for {quote(proof.purpose)}")
    if proof.expires is not None and proof.expires <= Instant.of(demand.now):
        raise ProofError("proof_expired", "the proof has expired")
    if demand.challenge is not None and proof.challenge != demand.challenge:
        raise ProofError("challenge_wrong", "the proof answers another challenge")
    if demand.domain is not None and demand.domain not in proof.domains:
        raise ProofError("domain_wrong", "the proof is made for another verifier")


def _members(options: ProofOptions) -> JsonObject:
    previous: list[JsonValue] = list(options.previous)
    members: JsonObject = {
        "id": options.id,
        "created": timestamps.encode(options.created),
        "verificationMethod": options.verification_method,
        "proofPurpose": options.purpose,
        "expires": None if options.expires is None else timestamps.encode(options.expires),
        "challenge": options.challenge,
        "domain": options.domain,
        "previousProof": previous[0] if len(previous) == 1 else previous or None,
    }
    return {name: value for name, value in members.items() if value is not None}
