"""Step 10: whoever presents is the holder, here and now.

    credentialSubject.id == holder == signer of the presentation (a did:key or did:jwk)
    proof: authentication, challenge = this counter's nonce, domain = this counter

Every credential of one response must be shown by the same signer.
"""

from collections.abc import Iterator
from typing import NamedTuple

from did_service.core.credentials import proof_set, vocabulary
from did_service.core.credentials.model import Presentation
from did_service.core.credentials.proof_set import ProofDemand
from did_service.core.did.own_key import public_in_did
from did_service.core.encoding import timestamps
from did_service.core.errors import DidServiceError
from did_service.core.verification.context import PresentationContext
from did_service.core.verification.present import Certainty, Present
from did_service.core.verification.presented import PresentedCredential
from did_service.core.verification.report import HOLDER_PROVEN, Check
from did_service.core.verification.request import NonceState, Request
from did_service.core.verification.signatures import (
    NEGATIVES,
    SignatureCodes,
    has_lapsed,
    judge_proofs,
    unsigned,
)

_CODES = {"challenge_wrong": "nonce_unknown", "domain_wrong": "audience_wrong"}
_NONCE = {NonceState.USED: "nonce_used", NonceState.UNKNOWN: "nonce_unknown"}
_LAPSED = {Certainty.YES: "nonce_unknown", Certainty.UNSURE: "holder_time_in_doubt"}


class HolderFinding(NamedTuple):
    """Who signed a presentation, or the code that says why nobody did."""

    signer: str | None
    code: str | None = None
    detail: str | None = None


def check(context: PresentationContext) -> Iterator[Check]:
    """Check the holder of each credential shown; a nonce makes the check a demand."""
    shown, request, present = context.file.shown, context.request, context.present
    found: dict[int, HolderFinding] = {}
    for each in shown:
        if each.presentation is not None and id(each.presentation) not in found:
            found[id(each.presentation)] = _signer(each.presentation, request, present)
    signers = {finding.signer for finding in found.values() if finding.signer is not None}
    for position, each in enumerate(shown):
        finding = None if each.presentation is None else found[id(each.presentation)]
        code, detail = _judge(each, finding, request, signers)
        if code == HOLDER_PROVEN:
            code = _nonce_code(request, present)
        yield Check(code, position, detail=detail)


def _judge(
    shown: PresentedCredential,
    finding: HolderFinding | None,
    request: Request,
    signers: set[str],
) -> tuple[str, str | None]:
    if request.nonce is None:
        if finding is None or finding.code in (None, "holder_proof_missing"):
            return "holder_not_asked", None
        return finding.code, finding.detail
    if finding is None:
        return "holder_proof_missing", None
    if finding.code is not None:
        return finding.code, finding.detail
    subjects = {subject.get("id") for subject in shown.credential.subjects}
    if not subjects == signers == {finding.signer}:
        return "holder_mismatch", None
    return HOLDER_PROVEN, None


def _nonce_code(request: Request, present: Present) -> str:
    """Say what becomes of an answer that is good, by the state of its question."""
    if request.nonce_state in _NONCE:
        return _NONCE[request.nonce_state]
    if request.nonce_until is None:
        return HOLDER_PROVEN
    last = timestamps.to_posix(request.nonce_until) - 1  # the last second of its day
    return _LAPSED.get(present.has_passed(last), HOLDER_PROVEN)


def _signer(presentation: Presentation, request: Request, present: Present) -> HolderFinding:
    """Check the proofs of a presentation and return who signed it."""
    if "proof" not in presentation.raw:
        return HolderFinding(None, "holder_proof_missing")
    demand = ProofDemand(
        purpose=proof_set.AUTHENTICATION,
        suites=frozenset(proof_set.SUITES),
        now=timestamps.from_posix(present.proven),
        challenge=request.nonce,
        domain=request.audience if request.nonce is not None else None,
    )
    try:
        vocabulary.check_contexts(presentation.raw)
        findings = proof_set.examine_proofs(presentation.raw, public_in_did, demand)
        found = judge_proofs(presentation, findings, _SIGNATURE)
    except DidServiceError as error:
        found, findings = unsigned(error, _SIGNATURE), ()
    signer = None if found.signer is None else found.signer.did
    if found.code is None and has_lapsed(findings, present.latest):
        return HolderFinding(signer, "holder_time_in_doubt", "proof_expired")
    return HolderFinding(signer, found.code, found.detail)


def _code(error: DidServiceError) -> str:
    invalid = "holder_proof_invalid" if error.code in NEGATIVES else "holder_proof_unreadable"
    return _CODES.get(error.code, invalid)


_SIGNATURE = SignatureCodes("holder_proof_unsupported", "holder_proof_beside", _code)
