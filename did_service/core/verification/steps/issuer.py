"""Step 4: who the issuer is, by the newest did entry in its home log.

Heads show that it is the newest. After the DID's end, the document before the end still speaks
for credentials that are proven to be older.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from did_service.core.errors import DidServiceError, quote
from did_service.core.evidence.proven import Latest, ProvenEntry
from did_service.core.verification.context import CredentialContext, End
from did_service.core.verification.did_states import states_of
from did_service.core.verification.findings import DidState, IssuerFinding
from did_service.core.verification.report import Check


def check(context: CredentialContext) -> Iterator[Check]:
    """Find the issuer's newest state and say whether it is the latest."""
    found, states = _find(context)
    context.findings.issuer = IssuerFinding(found.code, states)
    yield found


def _find(context: CredentialContext) -> tuple[Check, tuple[DidState, ...]]:
    check = partial(Check, credential=context.position)
    if not context.credential.issuer.startswith("did:webvh:"):
        named = quote(context.credential.issuer)
        return check("issuer_unsupported", detail=f"did_method_unknown: {named}"), ()
    try:
        states = states_of(context, context.credential.issuer)
    except DidServiceError as error:
        code = "issuer_moved" if error.code == "did_left" else "issuer_evidence_missing"
        return check(code, detail=error.code), ()
    if not states:
        return check("issuer_evidence_missing"), ()
    newest = states[0]
    basis = context.basis(newest.proven, limited=context.limit_seconds)
    if newest.deactivated:
        return check(_ended(context, newest.proven), basis=basis), states
    if not isinstance(newest.proven, Latest):
        return check("issuer_not_latest", basis=basis), states[:1]
    context.use(newest.proven)
    return check("issuer_current", basis=basis), states[:1]


def _ended(context: CredentialContext, proven: ProvenEntry) -> str:
    end = End(proven.origin, proven.index, proven.at)
    if context.is_dated_after(end):
        return "issuer_deactivated"
    return (
        "issuer_before_end" if context.existed_before(end) else "issued_before_end_not_proven"
    )
