"""Step 9: revoked, suspended, or clear, and by which list.

A list counts when its digest is anchored under the credential's own URL, that URL is
registered for the issuer, and the issuer's newest state signed it (after the issuer's end: its
custodian). Revoked counts from an anchored list of any age; clear only from the latest, and
within the tier. A list that cannot be found says neither (threat rules 13, 22).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from did_service.core.anchor.authority import Authority
from did_service.core.anchor.view import same_subject
from did_service.core.credentials import bitstring_status_list as lists
from did_service.core.credentials import proof_set
from did_service.core.credentials.bitstring_status_list import Purpose, Status, StatusEntry
from did_service.core.credentials.model import Credential, parse_credential
from did_service.core.credentials.proof_set import ProofDemand
from did_service.core.did.document import Relationship
from did_service.core.did.syntax import parse_webvh
from did_service.core.encoding import strict_json, timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import (
    DidServiceError,
    NotFoundError,
    ProofError,
    quote,
)
from did_service.core.limits import MAX_LISTS_TRIED, MAX_STATUS_CONTENT_BYTES
from did_service.core.verification.anchored import Anchored
from did_service.core.verification.authority import statements
from did_service.core.verification.case import Case
from did_service.core.verification.issuer import state_of
from did_service.core.verification.report import Check
from did_service.core.verification.schema import SchemaFinding

_STEP = 9
_SET = {Status.REVOKED: "revoked", Status.SUSPENDED: "suspended"}
_CLEAR = {Purpose.REVOCATION: "status_clear", Purpose.SUSPENSION: "not_suspended"}


def check_status(case: Case, schemas: Sequence[SchemaFinding]) -> Iterator[Check]:
    """Check every status entry of a credential.

    Args:
        case: The credential.
        schemas: What step 7 found: the terms of a type say whether it keeps a status.
    """
    if not case.credential.statuses:
        yield Check(_STEP, _without_entry(case, schemas), case.position)
    for member in case.credential.statuses:
        yield _check_member(case, member)


def _without_entry(case: Case, schemas: Sequence[SchemaFinding]) -> str:
    """Say what it means that a credential has no status entry."""
    if any(each.check.code == "schema_missing" for each in schemas):
        return "status_missing"  # nobody knows what its type demands
    demanding = [e.held for e in schemas if e.held and e.terms.get("status") == "required"]
    if not demanding:
        return "status_not_required"
    refused = any(map(case.speaks_against, demanding))
    return "status_entry_missing" if refused else "status_missing"


def _check_member(case: Case, member: JsonObject) -> Check:
    check = partial(Check, _STEP, credential=case.position)
    try:
        entry = lists.parse_status_entry(member)
    except DidServiceError as error:
        return check("status_unsupported", detail=f"{error.code}: {error.message}")
    home = case.home(case.credential.issuer)
    chain = () if home is None else case.evidence.chain("status", entry.list_url, home)
    tried = chain[:MAX_LISTS_TRIED]
    revoking = next((held for held in tried if _revokes(case, entry, held)), None)
    if revoking is not None:
        return check("revoked", basis=case.basis(revoking))
    known = [each.says for each in statements(case)]
    registered = [each for each in known if entry.list_url in each.status_lists]
    if known and not registered:
        return check("status_list_unregistered")
    if not chain:
        return check("status_missing")
    return _check_newest(case, entry, chain[0], registered)


def _check_newest(
    case: Case, entry: StatusEntry, held: Anchored, registered: list[Authority]
) -> Check:
    """Judge by the newest list at hand, which must be the latest and properly signed."""
    basis = case.basis(held, limited=case.limit_seconds)
    check = partial(Check, _STEP, credential=case.position, basis=basis)
    try:
        status = _says(case, entry, held)
        _check_signer(case, held, registered)
    except DidServiceError as error:
        known = error.code == "index_out_of_range"
        return check("index_out_of_range" if known else "status_missing", detail=error.code)
    if status is None or held.time is None:
        return check("status_missing")
    expires = held.entry.body.get("exp")
    lapsed = not isinstance(expires, int) or expires <= case.now
    if lapsed or not case.is_fresh(held):
        # A waiver lets an old "clear" pass; an old "suspended" says nothing either way.
        return check("status_missing" if status is Status.SUSPENDED else "status_stale")
    return check(_SET.get(status, _CLEAR[entry.purpose]))


def _revokes(case: Case, entry: StatusEntry, held: Anchored) -> bool:
    try:
        return _says(case, entry, held) is Status.REVOKED
    except DidServiceError:
        return False


def _says(case: Case, entry: StatusEntry, held: Anchored) -> Status | None:
    """Read what an anchored list says; None where it is not at hand or not the issuer's.

    Raises:
        MalformedError: `index_out_of_range`.
    """
    issuer = held.entry.body.get("issuer")
    if not isinstance(issuer, str) or not same_subject(issuer, case.credential.issuer):
        return None
    try:
        return lists.check_status(entry, _list(case, held))
    except DidServiceError as error:
        if error.code == "index_out_of_range":
            raise
        return None


def _list(case: Case, held: Anchored) -> Credential:
    content = case.evidence.content(held.entry.digest or b"")
    if content is None:
        raise NotFoundError("content_missing", "the list itself is not at hand")
    members = strict_json.load_object(content, max_bytes=MAX_STATUS_CONTENT_BYTES)
    return parse_credential(members)


def _check_signer(case: Case, held: Anchored, registered: list[Authority]) -> None:
    """Check the list's signature, and that its signer may still keep it.

    Raises:
        ProofError, NotFoundError, MalformedError: the list counts for nothing.
    """
    status_list = _list(case, held)
    demand = ProofDemand(
        purpose=proof_set.ASSERTION,
        suites=frozenset(proof_set.SUITES),
        now=timestamps.from_posix(case.now),
        challenge=None,
        domain=None,
    )
    proofs = proof_set.verify_proofs(status_list.raw, partial(_key, case), demand)
    signer = proof_set.signer_of(status_list, proofs).did
    if not any(same_subject(signer, keeper) for keeper in _keepers(case, held, registered)):
        raise ProofError("signer_wrong", f"{quote(signer)} may not keep this list now")


def _keepers(case: Case, held: Anchored, registered: list[Authority]) -> set[str]:
    """Return who could sign a list when it was logged: its issuer, after an end a custodian.

    An end counts, whatever other statement still names the list.
    """
    logged = held.entry.at or 0
    ended = [each for each in registered if each.state == "ended"]
    if any(logged >= _end_of(case, each) for each in ended):
        keepers = [each.status_custodian for each in ended]
    else:
        keepers = [s.grantee if logged < s.until else s.status_custodian for s in registered]
    return {keeper for keeper in keepers if keeper is not None}


def _end_of(case: Case, statement: Authority) -> int:
    """Return the second at which an ended statement ended."""
    if statement.since is not None:
        return statement.since
    logged = [each.held.entry.at or 0 for each in statements(case) if each.says == statement]
    return min(logged, default=0)


def _key(case: Case, method: str, purpose: str) -> bytes:
    """Find a key in the newest state of its DID; a retired key signs no lists."""
    did = proof_set.did_of(method)
    home = case.home(did)
    held = None if home is None else case.evidence.newest("did", parse_webvh(did).scid, home)
    if held is None:
        raise NotFoundError("signer_unknown", f"no record of {quote(did)}")
    return state_of(held).document.public_key(method, Relationship(purpose))
