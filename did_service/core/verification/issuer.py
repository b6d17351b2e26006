"""Steps 4 and 5: who the issuer is, and that it signed.

The issuer's newest did entry in its home log gives the document; heads show that it is the
newest. After the DID's end, the document before the end still speaks for credentials that are
proven to be older. `proof_set.signer_of` alone says who signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from did_service.core.credentials import eddsa_rdfc_2022, members, proof_set, vocabulary
from did_service.core.credentials.proof_set import ProofDemand, ProofFinding, VerifiedProof
from did_service.core.did.document import DidDocument, Relationship, parse_document
from did_service.core.did.own_key import is_own_key, public_in_did
from did_service.core.did.syntax import parse_webvh
from did_service.core.did.webvh.entry import check_signatures, parse_entry
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.errors import (
    DidServiceError,
    NotFoundError,
    ProofError,
    quote,
)
from did_service.core.verification.anchored import Anchored
from did_service.core.verification.case import Case, End
from did_service.core.verification.report import Check
from did_service.core.verification.signatures import (
    NEGATIVES,
    UNREADABLE,
    Signature,
    judge_proofs,
    unsigned,
)

_STEP_ISSUER, _STEP_PROOF = 4, 5


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
    check = partial(Check, _STEP_ISSUER, credential=case.position)
    if not case.credential.issuer.startswith("did:webvh:"):
        named = quote(case.credential.issuer)
        return IssuerFinding(check("unsupported", detail=f"did_method_unknown: {named}"))
    states = _states(case, case.credential.issuer)
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
    found = _signature(case, issuer)
    code, detail = found.code or "proof_valid", found.detail
    if found.signer is not None and found.code is None:
        detail = found.signer.cryptosuite
    return Check(_STEP_PROOF, code, case.position, detail=detail), found.signer


def _signature(case: Case, issuer: IssuerFinding) -> Signature:
    credential, code_of = case.credential, partial(_proof_code, case, issuer)
    demand = ProofDemand(
        purpose=proof_set.ASSERTION,
        suites=frozenset(proof_set.SUITES),
        now=timestamps.from_posix(case.now),
        challenge=None,
        domain=None,
    )
    resolve = partial(_resolve, case, issuer)
    try:
        _check_names(credential.raw)
        findings = proof_set.examine_proofs(credential.raw, resolve, demand)
    except DidServiceError as error:
        return unsigned(error, code_of)
    found = judge_proofs(credential, findings, code_of)
    if found.signer is not None and not _are_contexts_signed(credential.raw, findings):
        return unsigned(ProofError("context_mismatch", "added after signing"), code_of)
    return found


def _check_names(credential: JsonObject) -> None:
    """Refuse names that contexts could bend, before anything is made of them.

    eddsa-rdfc-2022 signs neither contexts nor names, so only plain ones are read.

    Raises:
        UnsupportedError: `names_not_plain`.
    """
    suites = [proof.get("cryptosuite") for proof in members.objects(credential, "proof")]
    if eddsa_rdfc_2022.NAME in suites:
        vocabulary.check_plain(credential)


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
    if is_own_key(did):
        return public_in_did(method, purpose)
    parse_webvh(did)  # no other method has records in a log
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
    if error.code == "key_not_listed":
        newest = issuer.newest
        settled = newest is not None and case.speaks_against(newest.held)
        return "key_not_listed" if settled else "issuer_key_unknown"
    if error.code == "proof_expired":
        return "expired"
    return "proof_invalid" if error.code in NEGATIVES else UNREADABLE
