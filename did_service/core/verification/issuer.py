"""Steps 4 and 5: who the issuer is, and that it signed.

The issuer's newest did entry in its home log gives the document; heads show that it is the
newest. After the DID's end, the document before the end still speaks for credentials that are
proven to be older. `proof_set.signer_of` alone says who signed.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from did_service.core.credentials import proof_set, vocabulary
from did_service.core.credentials.proof_set import ProofDemand, VerifiedProof
from did_service.core.did.document import DidDocument, Relationship, parse_document
from did_service.core.did.key import public_of_method_id
from did_service.core.did.syntax import parse_webvh
from did_service.core.did.webvh.entry import check_signatures, parse_entry
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.encoding.xsd_datetime import parse_datetime
from did_service.core.errors import (
    DidServiceError,
    NotFoundError,
    ProofError,
    UnsupportedError,
    quote,
)
from did_service.core.integrity import data_integrity, eddsa_jcs_2022
from did_service.core.verification.context import CredentialContext, End
from did_service.core.verification.proven import Latest, ProvenEntry
from did_service.core.verification.report import Check

_STEP_ISSUER, _STEP_PROOF = 4, 5
_DID_KEY = "did:key:"


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
    states = _states(context, context.credential.issuer)
    check = partial(Check, _STEP_ISSUER, credential=context.position)
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
    case: CredentialContext, issuer: IssuerFinding
) -> tuple[Check, VerifiedProof | None]:
    """Step 5: check every proof; return the issuer's own."""
    check = partial(Check, _STEP_PROOF, credential=case.position)
    demand = ProofDemand(
        purpose=proof_set.ASSERTION,
        suites=frozenset(proof_set.SUITES),
        now=timestamps.from_posix(case.present.proven),
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
    if issuer.may_be_outdated:  # a good signature, by a key that may be listed no more
        return check("issuer_key_unknown", detail=issuer.check.code), None
    if any(proof.has_lapsed_by(case.now) for proof in proofs):
        return check("clock_in_doubt", detail="proof_expired"), None
    return check("proof_valid", detail=signer.cryptosuite), signer


def _check_contexts(credential: JsonObject) -> None:
    """Refuse contexts that were added after signing, and names that they could bend.

    eddsa-jcs-2022 lets anybody append some (§3.3.2 step 4). Here they decide what a type means
    and so whose authority counts: those that were signed are the only ones. eddsa-rdfc-2022
    signs neither contexts nor names at all, so only plain ones are read.

    Raises:
        ProofError: `context_mismatch`.
        UnsupportedError: `names_not_plain`.
    """
    for proof in data_integrity.split(credential, parse_datetime)[1]:
        if proof.cryptosuite != eddsa_jcs_2022.NAME:
            vocabulary.check_plain(credential)
        if proof.members.get("@context", credential["@context"]) != credential["@context"]:
            raise ProofError("context_mismatch", "contexts were added after signing")


def read_state(proven: ProvenEntry, body: JsonObject) -> DidState:
    """Read a proven did entry on the fast path: the quorum checked the chain before it.

    SCID, DID, document and signer must agree; the signer is one of the entry's own update keys,
    which pre-rotation makes every version name.

    Args:
        proven: The entry.
        body: Of the entry, by the door that fits the question.

    Raises:
        DidServiceError: an entry that no honest quorum lets pass.
    """
    fields = Fields(body, "did entry")
    did, logged = fields.text("did"), parse_entry(fields.object("entry"))
    if parse_webvh(did).scid != proven.subject:
        raise ProofError("subject_wrong", "a did entry is about another SCID")
    document = parse_document(logged.state, did)
    document.check_self_controlled()
    keys = logged.parameters.get("updateKeys")
    deactivated = logged.parameters.get("deactivated") is True
    if isinstance(keys, list) and keys:
        check_signatures(logged, [key for key in keys if isinstance(key, str)])
    return DidState(proven, document, deactivated)


def _states(context: CredentialContext, did: str) -> tuple[DidState, ...]:
    """Return the newest state of a DID and, linked by its hash, the one before.

    Whether the newest is the latest is asked by whoever answers yes.
    """
    home = context.home(did)
    if home is None:
        return ()
    chain = context.evidence.chain("did", parse_webvh(did).scid, home)[:2]
    try:
        states = [read_state(newest, newest.read_against()) for newest in chain[:1]]
    except DidServiceError:
        return ()
    for newest, former in pairwise(chain):
        with suppress(DidServiceError):
            states.append(read_state(former, former.read_until(newest)))
    return tuple(states) if states and states[0].document.id == did else ()


def latest_state(context: CredentialContext, did: str) -> DidState:
    """Return the state of a DID that is shown to be the latest, for use now.

    Raises:
        NotFoundError: `signer_unknown`.
        DidServiceError: an entry that no honest quorum lets pass.
    """
    home = context.home(did)
    scid = None if home is None else parse_webvh(did).scid
    latest = None if home is None else context.evidence.latest("did", scid or "", home)
    if latest is None:
        raise NotFoundError("signer_unknown", f"no latest record of {quote(did)}")
    return read_state(latest, context.use(latest))


def _ended(context: CredentialContext, proven: ProvenEntry) -> str:
    end = End(proven.origin, proven.index, proven.at)
    if context.is_dated_after(end):
        return "issuer_deactivated"
    return "issuer_before_end" if context.existed_before(end) else "issuance_time_not_proven"


def _resolve(
    case: CredentialContext, issuer: IssuerFinding, method: str, purpose: str
) -> bytes:
    """Find the key of a verification method that may sign for a purpose."""
    did = proof_set.did_of(method)
    if did.startswith(_DID_KEY):
        return public_of_method_id(method)
    own = did == case.credential.issuer
    states = issuer.states if own else (latest_state(case, did),)
    refusal: DidServiceError = NotFoundError("signer_unknown", f"no record of {quote(did)}")
    for state in states:
        try:
            return state.document.public_key(method, Relationship(purpose))
        except ProofError as error:
            refusal = error
    raise refusal


def _proof_code(case: CredentialContext, issuer: IssuerFinding, error: DidServiceError) -> str:
    if isinstance(error, NotFoundError):
        return "issuer_key_unknown"
    if isinstance(error, UnsupportedError):
        return "unsupported"
    if error.code == "key_not_listed":
        newest = issuer.newest
        settled = newest is not None and case.speaks_against(newest.proven)
        return "key_not_listed" if settled else "issuer_key_unknown"
    return "expired" if error.code == "proof_expired" else "proof_invalid"
