"""Steps 4 and 5: who the issuer is, and that it signed.

The issuer's newest did entry in its home log gives the document; heads show that it is the
newest. After the DID's end, the document before the end still speaks for credentials that are
proven to be older. `proof_set.signer_of` alone says who signed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from did_service.core.credentials import proof_set, vocabulary
from did_service.core.credentials.proof_set import ProofDemand, VerifiedProof
from did_service.core.did.document import DidDocument, Relationship, parse_document
from did_service.core.did.key import public_of_method_id
from did_service.core.did.syntax import parse_webvh
from did_service.core.did.webvh.entry import check_signatures, parse_entry
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.errors import (
    DidServiceError,
    LimitError,
    NotFoundError,
    ProofError,
    UnsupportedError,
    quote,
)
from did_service.core.integrity import data_integrity
from did_service.core.verification.anchored import Anchored
from did_service.core.verification.case import Case, End
from did_service.core.verification.report import Check

_STEP_ISSUER, _STEP_PROOF = 4, 5
_DID_KEY = "did:key:"


@dataclass(frozen=True, slots=True)
class DidState:
    """What one did entry says: the document, and whether the DID has ended with it."""

    held: Anchored
    document: DidDocument
    deactivated: bool


@dataclass(frozen=True, slots=True)
class IssuerFinding:
    """Step 4: the check, the states whose keys may have signed, the newest first."""

    check: Check
    states: tuple[DidState, ...] = ()

    @property
    def newest(self) -> DidState | None:
        """The newest state at hand."""
        return next(iter(self.states), None)


def find_issuer(case: Case) -> IssuerFinding:
    """Step 4: find the issuer's newest state and say whether it is the latest."""
    states = _states(case, case.credential.issuer)
    check = partial(Check, _STEP_ISSUER, credential=case.position)
    if not states:
        return IssuerFinding(check("issuer_evidence_missing"))
    newest = states[0]
    basis = case.basis(newest.held, limited=case.limit_seconds)
    if newest.deactivated:
        return IssuerFinding(check(_ended(case, newest.held), basis=basis), states)
    if newest.held.time is None:
        return IssuerFinding(check("issuer_not_latest", basis=basis), states[:1])
    return IssuerFinding(check("issuer_current", basis=basis), states[:1])


def check_proof(case: Case, issuer: IssuerFinding) -> tuple[Check, VerifiedProof | None]:
    """Step 5: check every proof; return the issuer's own."""
    check = partial(Check, _STEP_PROOF, credential=case.position)
    demand = ProofDemand(
        purpose=proof_set.ASSERTION,
        suites=frozenset(proof_set.SUITES),
        now=timestamps.from_posix(case.now),
        challenge=None,
        domain=None,
    )
    try:
        _check_contexts(case.credential.raw)
        resolve = partial(_resolve, case, issuer)
        proofs = proof_set.verify_proofs(case.credential.raw, resolve, demand)
        signer = proof_set.signer_of(case.credential, proofs)
    except DidServiceError as error:
        return check(_proof_code(case, issuer, error), detail=error.code), None
    return check("proof_valid", detail=signer.cryptosuite), signer


def _check_contexts(credential: JsonObject) -> None:
    """Refuse contexts that were added after signing, and names that they could bend.

    eddsa-jcs-2022 lets anybody append some (§3.3.2 step 4). Here they decide what a type means
    and so whose authority counts: those that were signed are the only ones.

    Raises:
        ProofError: `context_mismatch`.
        UnsupportedError: `names_not_plain`.
    """
    vocabulary.check_contexts(credential)
    for proof in data_integrity.split(credential)[1]:
        if proof.members.get("@context", credential["@context"]) != credential["@context"]:
            raise ProofError("context_mismatch", "contexts were added after signing")


def state_of(held: Anchored) -> DidState:
    """Read an anchored did entry on the fast path: the quorum checked the chain before it.

    SCID, DID, document and signer must agree; the signer is one of the entry's own update keys,
    which pre-rotation makes every version name.

    Raises:
        DidServiceError: an entry that no honest quorum lets pass.
    """
    body = Fields(held.entry.body, "did entry")
    did, logged = body.text("did"), parse_entry(body.object("entry"))
    if parse_webvh(did).scid != held.entry.subject:
        raise ProofError("subject_wrong", "a did entry is about another SCID")
    document = parse_document(logged.state, did)
    keys = logged.parameters.get("updateKeys")
    deactivated = logged.parameters.get("deactivated") is True
    if isinstance(keys, list) and keys:
        check_signatures(logged, [key for key in keys if isinstance(key, str)])
    return DidState(held, document, deactivated)


def _states(case: Case, did: str) -> tuple[DidState, ...]:
    """Return the newest state of a DID and, linked by its hash, the one before."""
    home = case.home(did)
    if home is None:
        return ()
    chain = case.evidence.chain("did", parse_webvh(did).scid, home)
    former = [held for held in chain[1:2] if chain[0].entry.previous == held.placed.leaf]
    try:
        states = tuple(state_of(held) for held in (*chain[:1], *former))
    except DidServiceError:
        return ()
    return states if states and states[0].document.id == did else ()


def _ended(case: Case, held: Anchored) -> str:
    end = End(held.origin, held.placed.index, held.entry.at or 0)
    if case.is_dated_after(end):
        return "issuer_deactivated"
    return "issuer_before_end" if case.existed_before(end) else "issuance_time_not_proven"


def _resolve(case: Case, issuer: IssuerFinding, method: str, purpose: str) -> bytes:
    """Find the key of a verification method that may sign for a purpose."""
    did = proof_set.did_of(method)
    if did.startswith(_DID_KEY):
        return public_of_method_id(method)
    own = did == case.credential.issuer
    states = issuer.states if own else _states(case, did)[:1]
    refusal: DidServiceError = NotFoundError("signer_unknown", f"no record of {quote(did)}")
    for state in states:
        try:
            return state.document.public_key(method, Relationship(purpose))
        except ProofError as error:
            refusal = error
    raise refusal


def _proof_code(case: Case, issuer: IssuerFinding, error: DidServiceError) -> str:
    if isinstance(error, NotFoundError):
        return "issuer_key_unknown"
    if isinstance(error, UnsupportedError | LimitError):
        return "unsupported"
    if error.code == "key_not_listed":
        newest = issuer.newest
        settled = newest is not None and case.speaks_against(newest.held)
        return "key_not_listed" if settled else "issuer_key_unknown"
    return "expired" if error.code == "proof_expired" else "proof_invalid"
