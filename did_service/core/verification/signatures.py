"""Whose signature a document bears, by all of its proofs together (docs/adr/0020).

    the party's own proof verifies   every other one does too   it is signed
                                     another one does not       undecided: what is it there for?
    none of the party's verifies     one could not be judged    undecided: it may be good
                                     all of them were judged    the first one's negative

Anybody may add a proof to a document, or take one away, and the others stay as good as they
were. So one that does not verify says nothing against a document that its party signed, and a
negative is authentic only where no proof is left that could still be good.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from did_service.core.credentials.model import Credential, Presentation
from did_service.core.credentials.proof_set import (
    ProofFinding,
    VerifiedProof,
    party_of,
    signer_of,
)
from did_service.core.errors import DidServiceError, LimitError, ProofError, UnsupportedError
from did_service.core.verification.codes import CHECKS, Result

# What is known of a proof that was judged, and not merely that it could not be.
NEGATIVES = frozenset(
    {
        "signature_invalid",
        "context_mismatch",
        "purpose_wrong",
        "proof_expired",
        "challenge_wrong",
        "domain_wrong",
        "signer_mismatch",
        "key_not_listed",
    }
)


class SignatureCodes(NamedTuple):
    """A step's own codes for what stands in the way of a signature.

    Attributes:
        unsupported: A proof is of a form that this release does not process.
        beside: The party's proof verifies, and another one beside it does not.
        of: The code for a proof that did not verify, where it is of a form that we process.
    """

    unsupported: str
    beside: str
    of: Callable[[DidServiceError], str]


class Signature(NamedTuple):
    """What the proofs of a document come to.

    Attributes:
        signer: The party's own proof, where one verified.
        code: What stands in the way; None where every proof verified.
        detail: What exactly.
    """

    signer: VerifiedProof | None
    code: str | None = None
    detail: str | None = None


def judge_proofs(
    document: Credential | Presentation, findings: Sequence[ProofFinding], codes: SignatureCodes
) -> Signature:
    """Judge a proof set as a whole by what was found of its members."""
    party = party_of(document, {each.did for each in findings})
    if party is None and any(each.verified for each in findings):
        # anybody may have added his own proof, and no holder is named to tell them apart
        return Signature(None, codes.unsupported, "holder_not_named")
    own = [each for each in findings if each.did == party]
    refusals = [each.refusal for each in findings if each.refusal is not None]
    if any(each.verified for each in own):
        verified = tuple(each.verified for each in own if each.verified is not None)
        return _beside(signer_of(document, verified), refusals, codes)
    if own:
        refusals = [each.refusal for each in own if each.refusal is not None]
    judged = [unsigned(each, codes) for each in refusals]
    mismatch = unsigned(ProofError("signer_mismatch", "the party did not sign"), codes)
    open_ones = (each for each in judged if CHECKS[each.code or ""].result is Result.UNDECIDED)
    return next(open_ones, next(iter(judged), mismatch))


def has_lapsed(findings: Sequence[ProofFinding], second: int) -> bool:
    """Say whether a proof that verified has an `expires` that a POSIX second has reached."""
    verified = (each.verified for each in findings)
    return any(each is not None and each.has_lapsed_by(second) for each in verified)


def unsigned(error: DidServiceError, codes: SignatureCodes) -> Signature:
    """Return what a refusal means where no proof of the party verified."""
    if isinstance(error, UnsupportedError | LimitError):
        return Signature(None, codes.unsupported, f"{error.code}: {error.message}")
    return Signature(None, codes.of(error), error.code)


def _beside(
    signer: VerifiedProof, refusals: Sequence[DidServiceError], codes: SignatureCodes
) -> Signature:
    """Say what stands beside the party's own good proof."""
    for error in refusals:
        if isinstance(error, UnsupportedError | LimitError):
            return Signature(signer, codes.unsupported, f"{error.code}: {error.message}")
    return Signature(signer, codes.beside, refusals[0].code) if refusals else Signature(signer)
