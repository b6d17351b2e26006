"""Steps 4 and 5: who the issuer is, and that it signed.

The issuer's newest did entry in its home log gives the document; heads show that it is the
newest. After the DID's end, the document before the end still speaks for credentials that are
proven to be older. `proof_set.signer_of` alone says who signed.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from did_service.core.anchor.bodies.did import parse_did_body
from did_service.core.credentials import members, proof_set, vocabulary
from did_service.core.credentials.proof_set import ProofDemand, ProofFinding, VerifiedProof
from did_service.core.did.document import DidDocument, Relationship, parse_document
from did_service.core.did.own_key import is_own_key, public_in_did
from did_service.core.did.syntax import parse_webvh
from did_service.core.did.webvh.entry import check_signatures, parse_entry
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import (
    DidServiceError,
    NotFoundError,
    ProofError,
    UnsupportedError,
    quote,
)
from did_service.core.evidence.proven import Latest, ProvenEntry
from did_service.core.verification.context import CredentialContext, End, Record
from did_service.core.verification.report import Check
from did_service.core.verification.signatures import (
    NEGATIVES,
    UNREADABLE,
    Signature,
    has_lapsed,
    judge_proofs,
    unsigned,
)

_STEP_ISSUER, _STEP_PROOF = 4, 5


@dataclass(frozen=True, slots=True)
class DidState:
    """What one did entry says: the document, and whether the DID has ended with it."""

    proven: ProvenEntry
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

    @property
    def may_be_outdated(self) -> bool:
        """Whether a later entry may have withdrawn a key: neither the latest nor the end."""
        newest = self.newest
        return newest is not None and not (
            newest.deactivated or isinstance(newest.proven, Latest)
        )


def find_issuer(context: CredentialContext) -> IssuerFinding:
    """Step 4: find the issuer's newest state and say whether it is the latest."""
    check = partial(Check, _STEP_ISSUER, credential=context.position)
    if not context.credential.issuer.startswith("did:webvh:"):
        named = quote(context.credential.issuer)
        return IssuerFinding(check("unsupported", detail=f"did_method_unknown: {named}"))
    try:
        states = _states(context, context.credential.issuer)
    except DidServiceError as error:
        return IssuerFinding(check("issuer_evidence_missing", detail=error.code))
    if not states:
        return IssuerFinding(check("issuer_evidence_missing"))
    newest = states[0]
    basis = context.basis(newest.proven, limited=context.limit_seconds)
    if newest.deactivated:
        return IssuerFinding(check(_ended(context, newest.proven), basis=basis), states)
    if not isinstance(newest.proven, Latest):
        return IssuerFinding(check("issuer_not_latest", basis=basis), states[:1])
    context.use(newest.proven)
    return IssuerFinding(check("issuer_current", basis=basis), states[:1])


def check_proof(
    context: CredentialContext, issuer: IssuerFinding
) -> tuple[Check, VerifiedProof | None]:
    """Step 5: check every proof; return the issuer's own."""
    found = _signature(context, issuer)
    code, detail = found.code or "proof_valid", found.detail
    if found.signer is not None and found.code is None:
        detail = found.signer.cryptosuite
    return Check(_STEP_PROOF, code, context.position, detail=detail), found.signer


def _signature(context: CredentialContext, issuer: IssuerFinding) -> Signature:
    credential, code_of = context.credential, partial(_proof_code, context, issuer)
    demand = ProofDemand(
        purpose=proof_set.ASSERTION,
        suites=frozenset(proof_set.SUITES),
        now=timestamps.from_posix(context.present.proven),
        challenge=None,
        domain=None,
    )
    resolve = partial(_resolve, context, issuer)
    try:
        vocabulary.check_contexts(credential.raw)
        findings = proof_set.examine_proofs(credential.raw, resolve, demand)
    except DidServiceError as error:
        return unsigned(error, code_of)
    found = judge_proofs(credential, findings, code_of)
    if found.signer is not None and not _are_contexts_signed(credential.raw, findings):
        return unsigned(ProofError("context_mismatch", "added after signing"), code_of)
    if found.signer is not None and issuer.may_be_outdated:
        # a good signature, by a key that may be listed no more
        return Signature(None, "issuer_key_unknown", issuer.check.code)
    if found.code is None and has_lapsed(findings, context.now):
        return Signature(None, "clock_in_doubt", "proof_expired")
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


def read_state(
    proven: ProvenEntry, body: JsonObject, known: MutableMapping[bytes, Record]
) -> DidState:
    """Read a proven did entry alone: its cosigners judged the chain before it (docs/adr/0030).

    SCID, DID, document and signer must agree; the signer is one of the entry's own update keys,
    which pre-rotation makes every version name.

    Args:
        proven: The entry.
        body: Of the entry, by the door that fits the question.
        known: What was read before, by the leaf, which is a hash of all that the entry says.

    Raises:
        DidServiceError: an entry that this release cannot read, or that no honest quorum lets
            pass.
    """
    if proven.leaf not in known:
        known[proven.leaf] = _read_record(proven, body)
    return DidState(proven, *known[proven.leaf])


def _read_record(proven: ProvenEntry, body: JsonObject) -> Record:
    said = parse_did_body(body)
    logged = parse_entry(said.entry)
    if parse_webvh(said.did).scid != proven.subject:
        raise ProofError("subject_wrong", "a did entry is about another SCID")
    document = parse_document(logged.state, said.did)
    document.check_self_controlled()
    keys = logged.parameters.get("updateKeys")
    deactivated = logged.parameters.get("deactivated") is True
    if isinstance(keys, list) and keys:
        check_signatures(logged, [key for key in keys if isinstance(key, str)])
    return document, deactivated


def _states(context: CredentialContext, did: str) -> tuple[DidState, ...]:
    """Return the newest state of a DID and, linked by its hash, the one before.

    Whether the newest is the latest is asked by whoever answers yes.

    Raises:
        DidServiceError: the newest cannot be read; no older one takes its place.
    """
    home = context.home(did)
    if home is None:
        return ()
    chain = context.evidence.chain("did", parse_webvh(did).scid, home)[:2]
    states = [
        read_state(newest, newest.read_against(), context.records) for newest in chain[:1]
    ]
    for newest, former in pairwise(chain):
        with suppress(DidServiceError):
            body = former.read_until(newest)
            states.append(read_state(former, body, context.records))
    return tuple(states) if states and states[0].document.id == did else ()


def latest_state(context: CredentialContext, did: str) -> DidState:
    """Return the state of a DID that is shown to be the latest, for use now.

    Raises:
        NotFoundError: `signer_unknown`.
        UnsupportedError: an entry that cannot be read, with the code of the reason: nothing
            is known of whoever signed, neither for nor against.
    """
    home = context.home(did)
    scid = None if home is None else parse_webvh(did).scid
    latest = None if home is None else context.evidence.latest("did", scid or "", home)
    if latest is None:
        raise NotFoundError("signer_unknown", f"no latest record of {quote(did)}")
    try:
        return read_state(latest, context.use(latest), context.records)
    except DidServiceError as error:
        raise UnsupportedError("record_unreadable", error.code) from error


def _ended(context: CredentialContext, proven: ProvenEntry) -> str:
    end = End(proven.origin, proven.index, proven.at)
    if context.is_dated_after(end):
        return "issuer_deactivated"
    return "issuer_before_end" if context.existed_before(end) else "issuance_time_not_proven"


def _resolve(
    context: CredentialContext, issuer: IssuerFinding, method: str, purpose: str
) -> bytes:
    """Find the key of a verification method that may sign for a purpose."""
    did = proof_set.did_of(method)
    if is_own_key(did):
        return public_in_did(method, purpose)
    parse_webvh(did)  # no other method has records in a log
    own = did == context.credential.issuer
    states = issuer.states if own else (latest_state(context, did),)
    refusal: DidServiceError = NotFoundError("signer_unknown", f"no record of {quote(did)}")
    for state in states:
        try:
            return state.document.public_key(method, Relationship(purpose))
        except ProofError as error:
            refusal = error
    raise refusal


def _proof_code(
    context: CredentialContext, issuer: IssuerFinding, error: DidServiceError
) -> str:
    if isinstance(error, NotFoundError):
        return "issuer_key_unknown"
    if error.code == "key_not_listed":
        newest = issuer.newest
        settled = newest is not None and context.speaks_against(newest.proven)
        return "key_not_listed" if settled else "issuer_key_unknown"
    if error.code == "proof_expired":
        return "expired"
    return "proof_invalid" if error.code in NEGATIVES else UNREADABLE
