"""Step 9: revoked, suspended, or clear, and by which list.

A list counts when its digest is anchored under the credential's own URL, that URL is
registered for the issuer, and its keeper's latest state signed it (after the issuer's end: its
custodian's). Revoked counts from an anchored list of any age; clear only from the latest, and
within the tier. A list that cannot be found says neither (threat rules 13, 22).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from did_service.core.anchor.bodies.status import StatusBody, parse_status_body
from did_service.core.anchor.view import same_subject
from did_service.core.credentials import bitstring_status_list as lists
from did_service.core.credentials.bitstring_status_list import (
    CredentialStatus,
    Purpose,
    StatusEntry,
)
from did_service.core.credentials.model import parse_credential
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import DidServiceError, NotFoundError
from did_service.core.evidence.proven import Latest, ProvenEntry
from did_service.core.limits import MAX_LISTS_TRIED, MAX_STATUS_CONTENT_BYTES
from did_service.core.verification.context import CredentialContext
from did_service.core.verification.list_keepers import check_kept, registering
from did_service.core.verification.report import Check
from did_service.core.verification.statements import (
    ProvenStatement,
    statements,
    unread_naming,
)
from did_service.core.verification.verified import ReadList

_CLEAR = {Purpose.REVOCATION: "status_clear", Purpose.SUSPENSION: "not_suspended"}


def check(context: CredentialContext) -> Iterator[Check]:
    """Check every status entry of a credential, and that the one its type demands is there."""
    members = context.credential.statuses
    if not any(map(_may_revoke, members)):
        code = _without_revocation(context)
        if code != "status_not_required" or not any(map(lists.concerns_validity, members)):
            yield Check(code, context.position)
    known = statements(context)
    for member in members:
        yield _check_member(context, member, known)


def _may_revoke(member: JsonObject) -> bool:
    """Say whether an entry can revoke; one that cannot be read might, and is judged as that."""
    try:
        return lists.parse_status_entry(member).purpose is Purpose.REVOCATION
    except DidServiceError:
        return lists.concerns_validity(member)


def _without_revocation(context: CredentialContext) -> str:
    """Say what it means that no status entry of a credential can revoke it.

    A suspension can be lifted: what a type demands is the entry of what cannot.
    """
    schemas = context.findings.schemas
    if schemas is None or any(each.is_missing for each in schemas):
        return "status_missing"
    demanding = [e.latest for e in schemas if e.latest and e.terms.get("status") == "required"]
    if not demanding:
        return "status_not_required"
    refused = any(map(context.speaks_against, demanding))
    return "status_entry_missing" if refused else "status_missing"


def _check_member(
    context: CredentialContext, member: JsonObject, known: Sequence[ProvenStatement]
) -> Check:
    check = partial(Check, credential=context.position)
    if not lists.concerns_validity(member):
        return check("status_passed_over", quoted=str(member.get("statusPurpose")))
    try:
        entry = lists.parse_status_entry(member)
    except DidServiceError as error:
        return check("status_unsupported", quoted=f"{error.code}: {error.message}")
    return _check_entry(context, entry, known)


def _check_entry(
    context: CredentialContext, entry: StatusEntry, known: Sequence[ProvenStatement]
) -> Check:
    check = partial(Check, credential=context.position)
    home = context.home(context.credential.issuer)
    chain = () if home is None else context.evidence.chain("status", entry.list_url, home)
    tried = chain[:MAX_LISTS_TRIED]
    revoking = next((each for each in tried if _revokes(context, entry, each)), None)
    if revoking is not None:
        return check("revoked", basis=context.basis(revoking))
    unread = unread_naming(context, known, entry.list_url)
    if unread is not None:
        return check("status_missing", detail=unread)
    if not registering(known, entry.list_url):
        named = any(entry.list_url in each.statement.status_lists for each in known)
        return check("status_missing" if named or not known else "status_list_unregistered")
    if not chain:
        return check("status_missing")
    return _check_newest(context, entry, chain[0], known)


def _check_newest(
    context: CredentialContext,
    entry: StatusEntry,
    newest: ProvenEntry,
    known: Sequence[ProvenStatement],
) -> Check:
    """Judge by the newest list at hand, which must be the latest and properly signed.

    Suspended can be mended, so it refuses only while all that the answer rests on is fresh.
    """
    basis = context.basis(newest, limited=context.limit_seconds)
    check = partial(Check, credential=context.position, basis=basis)
    if not isinstance(newest, Latest):
        return check("status_missing")
    body = context.use(newest)
    try:
        said = _body(context, newest, body)
        status = _says(context, entry, said, newest.digest)
        kept = check_kept(context, _list(context, newest.digest), newest.at, known)
    except DidServiceError as error:
        beyond = error.code == "index_out_of_range"
        return check("index_out_of_range" if beyond else "status_missing", detail=error.code)
    if status is None:
        return check("status_missing")
    lapsed = said.expires <= context.now
    if status is not CredentialStatus.CLEAR:
        is_settled = not lapsed and all(map(context.is_fresh, [newest, *kept]))
        return check("suspended" if is_settled else "status_missing")
    if lapsed or not context.is_fresh(newest):
        return check("status_stale")  # a waiver lets an old "clear" pass
    return check(_CLEAR[entry.purpose])


def _revokes(context: CredentialContext, entry: StatusEntry, proven: ProvenEntry) -> bool:
    """Say whether a list revokes; nothing later can mend that, so one of any age will do."""
    try:
        body = _body(context, proven, proven.read_against())
        said = _says(context, entry, body, proven.digest)
    except DidServiceError:
        return False
    return said is CredentialStatus.REVOKED


def _body(context: CredentialContext, proven: ProvenEntry, body: JsonObject) -> StatusBody:
    """Read a status entry's body once; errors as `parse_status_body`."""
    known = context.verified.statuses
    if proven.leaf not in known:
        known[proven.leaf] = parse_status_body(body)
    return known[proven.leaf]


def _says(
    context: CredentialContext, entry: StatusEntry, body: StatusBody, digest: bytes
) -> CredentialStatus | None:
    """Read what an anchored list says; None where it is not at hand or not the issuer's.

    Raises:
        MalformedError: `index_out_of_range`.
    """
    if not same_subject(body.issuer, context.credential.issuer):
        return None
    try:
        read = _list(context, digest)
        return lists.check_status(entry, read.credential, context.verified.read_bits)
    except DidServiceError as error:
        if error.code == "index_out_of_range":
            raise
        return None


def _list(context: CredentialContext, digest: bytes) -> ReadList:
    """Read a list that is at hand; each once, though several entries and questions meet it."""
    content = context.evidence.content(digest)
    if content is None:
        raise NotFoundError("content_missing", "the list itself is not at hand")
    known = context.verified.lists
    if digest not in known:
        members = strict_json.load_object(content, max_bytes=MAX_STATUS_CONTENT_BYTES)
        known[digest] = ReadList(parse_credential(members))
    return known[digest]
