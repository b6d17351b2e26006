"""Proof sets and proof chains (W3C Data Integrity 1.0, §2.1.1, §2.1.2 and §4.4 to §4.8).

Every proof of a document must verify: one that does not is an altered document, not a spare.
A chained proof names the proofs it rests on, and those then belong to what it signs:

    hashed document = unsecured document [+ "proof": the proofs named in previousProof]

`signer_of` is the only function that says who signed a document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from did_service.core.credentials import eddsa_rdfc_2022, spelling
from did_service.core.credentials.model import Credential, Presentation
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.encoding import jcs, timestamps
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import MalformedError, ProofError, UnsupportedError, quote
from did_service.core.integrity import data_integrity, eddsa_jcs_2022
from did_service.core.integrity.data_integrity import Cryptosuite, Proof

ASSERTION = "assertionMethod"
AUTHENTICATION = "authentication"
SUITES: Mapping[str, Cryptosuite] = {
    eddsa_jcs_2022.NAME: eddsa_jcs_2022,
    eddsa_rdfc_2022.NAME: eddsa_rdfc_2022,
}
_METHOD = re.compile(r"(did:[^/?#]*)#.+", re.DOTALL)

KeyResolver: TypeAlias = Callable[[str, str], bytes]
"""(DID URL of a verification method, proof purpose) → the 32-byte Ed25519 key.

Raises `NotFoundError` or `ProofError` where the method is unknown or not for that purpose.
"""


@dataclass(frozen=True, slots=True)
class ProofOptions:
    """What a new proof says about itself."""

    verification_method: str
    purpose: str
    created: datetime
    expires: datetime | None = None
    challenge: str | None = None
    domain: str | None = None
    id: str | None = None
    previous: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProofDemand:
    """What a verifier demands of every proof; `None` for challenge or domain: not asked."""

    purpose: str
    suites: frozenset[str]
    now: datetime
    challenge: str | None
    domain: str | None


@dataclass(frozen=True, slots=True)
class VerifiedProof:
    """A proof that verified, with the DID whose verification method made it."""

    verification_method: str
    did: str
    purpose: str
    cryptosuite: str
    created: datetime | None


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
    proofs = data_integrity.split(document)[1] if "proof" in document else ()
    unsecured = _without_proof(document)
    hashed = _rest_on(unsecured, options.previous, proofs)
    made = data_integrity.create(hashed, _members(options), key, suite)
    found: list[JsonValue] = [proof.members for proof in proofs]
    return {**unsecured, "proof": [*found, made] if found else made}


def verify_proofs(
    document: JsonObject,
    resolve: KeyResolver,
    demand: ProofDemand,
    suites: Mapping[str, Cryptosuite] = SUITES,
) -> tuple[VerifiedProof, ...]:
    """Check every proof of a secured document.

    Args:
        document: The document as received.
        resolve: Finds the key of a verification method.
        demand: Purpose, accepted suites, time, challenge and domain.
        suites: The implementations that names of suites lead to.

    Returns:
        One value for each proof, in their order; never empty.

    Raises:
        ProofError: `signature_invalid`, `purpose_wrong`, `proof_expired`, `challenge_wrong`,
            `domain_wrong`, `previous_proof_missing`, `proof_id_repeated`, `context_mismatch`,
            or what `resolve` raises.
        UnsupportedError: `cryptosuite_not_accepted`, or `names_not_plain`: a proof over
            statements in a document that can be spelled in another way.
        MalformedError: a proof or document that is not what it should be.
    """
    unsecured, proofs = data_integrity.split(document)
    names = [proof.identifier for proof in proofs if proof.identifier is not None]
    if len(set(names)) != len(names):
        raise ProofError("proof_id_repeated", "two proofs have the same id")
    for proof in proofs:
        _check_demand(proof, demand, suites)
    _check_order(unsecured, proofs)
    return tuple(
        _verify(_rest_on(unsecured, proof.previous, proofs), proof, resolve, suites)
        for proof in proofs
    )


def signer_of(
    document: Credential | Presentation, proofs: tuple[VerifiedProof, ...]
) -> VerifiedProof:
    """Return the proof of the party that the document speaks for.

    For a credential that is the issuer; for a presentation the holder it names or, when it
    names none, the one DID that signed. Other proofs lend nothing: their signers are nobody.

    Raises:
        ProofError: `signer_mismatch` when that party did not sign.
    """
    claimed = document.issuer if isinstance(document, Credential) else document.holder
    signers = {proof.did for proof in proofs}
    if claimed is None and len(signers) == 1:
        return proofs[0]
    for proof in proofs:
        if proof.did == claimed:
            return proof
    raise ProofError("signer_mismatch", f"{quote(claimed)} did not sign the document")


def did_of(verification_method: str) -> str:
    """Return the DID before the fragment of a verification method's DID URL.

    Raises:
        MalformedError: `verification_method_invalid`, also for a path or query.
    """
    match = _METHOD.fullmatch(verification_method)
    if match is None:
        raise MalformedError(
            "verification_method_invalid",
            f"not a DID URL of a key: {quote(verification_method)}",
        )
    return match[1]


def _verify(
    hashed: JsonObject, proof: Proof, resolve: KeyResolver, suites: Mapping[str, Cryptosuite]
) -> VerifiedProof:
    did = did_of(proof.verification_method)
    public = resolve(proof.verification_method, proof.purpose)
    data_integrity.verify(hashed, proof, public, suites[proof.cryptosuite])
    return VerifiedProof(
        verification_method=proof.verification_method,
        did=did,
        purpose=proof.purpose,
        cryptosuite=proof.cryptosuite,
        created=proof.created,
    )


def _check_demand(proof: Proof, demand: ProofDemand, suites: Mapping[str, Cryptosuite]) -> None:
    if proof.cryptosuite not in demand.suites & suites.keys():
        raise UnsupportedError(
            "cryptosuite_not_accepted",
            f"cryptosuite {quote(proof.cryptosuite)} is not accepted",
        )
    if proof.purpose != demand.purpose:
        raise ProofError("purpose_wrong", f"proof is for {quote(proof.purpose)}")
    if proof.expires is not None and proof.expires <= demand.now:
        raise ProofError("proof_expired", "the proof has expired")
    if demand.challenge is not None and proof.challenge != demand.challenge:
        raise ProofError("challenge_wrong", "the proof answers another challenge")
    if demand.domain is not None and demand.domain not in proof.domains:
        raise ProofError("domain_wrong", "the proof is made for another verifier")


def _check_order(unsecured: JsonObject, proofs: tuple[Proof, ...]) -> None:
    """Refuse an order of sets that one proof keeps and another, the issuer's perhaps, does not.

    Anybody may add a proof of his own over any order.
    """
    suites = {proof.cryptosuite for proof in proofs}
    if eddsa_rdfc_2022.NAME not in suites or len(suites) == 1:
        return
    if jcs.encode(spelling.in_order(unsecured)) != jcs.encode(unsecured):
        raise UnsupportedError("names_not_plain", "an order that not every proof keeps")


def _rest_on(
    unsecured: JsonObject, previous: tuple[str, ...], proofs: tuple[Proof, ...]
) -> JsonObject:
    """Return what a proof signs: the document and, in a chain, the proofs that it names."""
    if not previous:
        return unsecured
    by_name = {proof.identifier: proof.members for proof in proofs}
    missing = [name for name in previous if name not in by_name]
    if missing:
        raise ProofError("previous_proof_missing", f"no proof has the id {quote(missing[0])}")
    return {**unsecured, "proof": [by_name[name] for name in previous]}


def _without_proof(document: JsonObject) -> JsonObject:
    return {name: value for name, value in document.items() if name != "proof"}


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
