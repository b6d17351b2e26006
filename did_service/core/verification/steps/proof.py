"""Step 5: the issuer signed what is shown. `proof_set.signer_of` alone says who signed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from did_service.core.credentials import members, proof_set, vocabulary
from did_service.core.credentials.proof_set import ProofDemand, ProofFinding
from did_service.core.did.document import Relationship
from did_service.core.did.own_key import is_own_key, public_in_did
from did_service.core.did.syntax import parse_webvh
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import DidServiceError, NotFoundError, ProofError, quote
from did_service.core.verification.context import CredentialContext
from did_service.core.verification.did_states import latest_state
from did_service.core.verification.report import Check
from did_service.core.verification.signatures import (
    NEGATIVES,
    Signature,
    SignatureCodes,
    has_lapsed,
    judge_proofs,
    unsigned,
)


def check(context: CredentialContext) -> Iterator[Check]:
    """Check every proof; the issuer's own, where it holds, is what later steps go by."""
    found = _signature(context)
    context.findings.signer = found.signer
    detail = found.detail
    if found.signer is not None and found.code is None:
        detail = found.signer.cryptosuite
    yield Check(found.code or "proof_valid", context.position, detail=detail)


def _signature(context: CredentialContext) -> Signature:
    credential, issuer = context.credential, context.findings.issuer
    codes = SignatureCodes("proof_unsupported", "proof_beside", partial(_proof_code, context))
    demand = ProofDemand(
        purpose=proof_set.ASSERTION,
        suites=frozenset(proof_set.SUITES),
        now=timestamps.from_posix(context.present.proven),
        challenge=None,
        domain=None,
    )
    resolve = partial(_resolve, context)
    try:
        vocabulary.check_contexts(credential.raw)
        findings = proof_set.examine_proofs(
            credential.raw, resolve, demand, read=context.proofs
        )
    except DidServiceError as error:
        return unsigned(error, codes)
    found = judge_proofs(credential, findings, codes)
    if found.signer is not None and not _are_contexts_signed(credential.raw, findings):
        return unsigned(ProofError("context_mismatch", "added after signing"), codes)
    if found.signer is not None and issuer.may_be_outdated:
        # a good signature, by a key that may be listed no more
        return Signature(None, "issuer_key_unknown", issuer.code)
    if found.code is None and has_lapsed(findings, context.now):
        return Signature(None, "proof_time_in_doubt", "proof_expired")
    return found


def _are_contexts_signed(credential: JsonObject, findings: Sequence[ProofFinding]) -> bool:
    """Say whether a proof of the issuer that verified covers every context.

    eddsa-jcs-2022 lets anybody append some (§3.3.2 step 4). Here they decide what a type means
    and so whose authority counts: those that were signed are the only ones.
    """
    contexts = credential["@context"]
    proofs = zip(members.objects(credential, "proof"), findings, strict=True)
    return any(
        found.verified is not None and proof.get("@context", contexts) == contexts
        for proof, found in proofs
        if found.did == members.party(credential, "issuer")
    )


def _resolve(context: CredentialContext, method: str, purpose: str) -> bytes:
    """Find the key of a verification method that may sign for a purpose."""
    did = proof_set.did_of(method)
    if is_own_key(did):
        return public_in_did(method, purpose)
    parse_webvh(did)  # no other method has records in a log
    own = did == context.credential.issuer
    states = context.findings.issuer.states if own else (latest_state(context, did),)
    refusal: DidServiceError = NotFoundError("signer_unknown", f"no record of {quote(did)}")
    for state in states:
        try:
            return state.document.public_key(method, Relationship(purpose))
        except ProofError as error:
            refusal = error
    raise refusal


def _proof_code(context: CredentialContext, error: DidServiceError) -> str:
    if isinstance(error, NotFoundError):
        return "issuer_key_unknown"
    if error.code == "key_not_listed":
        newest = context.findings.issuer.newest
        settled = newest is not None and context.speaks_against(newest.proven)
        return "key_not_listed" if settled else "issuer_key_unknown"
    if error.code == "proof_expired":
        return "proof_expired"
    return "proof_invalid" if error.code in NEGATIVES else "proof_unreadable"
