"""Step 10: whoever presents is the holder, here and now.

    credentialSubject.id == holder == signer of the presentation (a did:key)
    proof: authentication, challenge = this counter's nonce, domain = this counter

Every credential of one response must be shown by the same signer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from did_service.core.credentials import proof_set, vocabulary
from did_service.core.credentials.model import Presentation
from did_service.core.credentials.proof_set import ProofDemand
from did_service.core.did.key import public_of_method_id
from did_service.core.errors import DidServiceError
from did_service.core.verification.presented import Shown
from did_service.core.verification.report import Check
from did_service.core.verification.request import NonceState, Request

_STEP = 10
_CODES = {
    "challenge_wrong": "nonce_unknown",
    "domain_wrong": "audience_wrong",
    **dict.fromkeys(
        ("names_not_plain", "number_refused", "too_large", "graph_too_complex"), "unsupported"
    ),
}
_NONCE = {NonceState.USED: "nonce_used", NonceState.UNKNOWN: "nonce_unknown"}


@dataclass(frozen=True, slots=True)
class HolderFinding:
    """Who signed a presentation, or the code that says why nobody did."""

    signer: str | None
    code: str | None = None
    detail: str | None = None


def check_holders(shown: Sequence[Shown], request: Request, now: datetime) -> Iterator[Check]:
    """Check the holder of each credential shown; a nonce makes the check a demand."""
    found: dict[int, HolderFinding] = {}
    for each in shown:
        if each.presentation is not None and id(each.presentation) not in found:
            found[id(each.presentation)] = _signer(each.presentation, request, now)
    signers = {finding.signer for finding in found.values() if finding.signer is not None}
    for position, each in enumerate(shown):
        finding = None if each.presentation is None else found[id(each.presentation)]
        code, detail = _judge(each, finding, request, signers)
        yield Check(_STEP, code, position, detail=detail)


def _judge(
    shown: Shown, finding: HolderFinding | None, request: Request, signers: set[str]
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
    return _NONCE.get(request.nonce_state, "holder_proven"), None


def _signer(presentation: Presentation, request: Request, now: datetime) -> HolderFinding:
    """Check the proofs of a presentation and return who signed it."""
    if "proof" not in presentation.raw:
        return HolderFinding(None, "holder_proof_missing")
    demand = ProofDemand(
        purpose=proof_set.AUTHENTICATION,
        suites=frozenset(proof_set.SUITES),
        now=now,
        challenge=request.nonce,
        domain=request.audience if request.nonce is not None else None,
    )
    try:
        vocabulary.check_contexts(presentation.raw)
        proofs = proof_set.verify_proofs(presentation.raw, _key, demand)
        return HolderFinding(proof_set.signer_of(presentation, proofs).did)
    except DidServiceError as error:
        return HolderFinding(None, _CODES.get(error.code, "holder_proof_invalid"), error.code)


def _key(method: str, purpose: str) -> bytes:
    del purpose  # a did:key is listed for every purpose
    return public_of_method_id(method)
