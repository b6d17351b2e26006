"""Step 13: what the answers rest on is recent enough for the tier; judges what others used."""

from __future__ import annotations

from collections.abc import Iterator

from did_service.core.errors import quote
from did_service.core.verification.context import CredentialContext
from did_service.core.verification.report import Check


def check(context: CredentialContext) -> Iterator[Check]:
    """Check that each statement that a positive answer used is recent enough.

    Step 9 judges the age of a status list, under a code that has a waiver of its own.
    """
    used = [each for each in context.used.values() if each.kind != "status"]
    if not used:
        yield Check("freshness_unknown", context.position)
        return
    stale = [each for each in used if not context.is_fresh(each)]
    for each in stale:
        basis = context.basis(each, limited=context.limit_seconds)
        detail = f"{each.kind} {quote(each.subject)}"
        yield Check("evidence_stale", context.position, basis, detail)
    if not stale:
        oldest = min(used, key=lambda each: each.as_of)
        basis = context.basis(oldest, limited=context.limit_seconds)
        yield Check("evidence_fresh", context.position, basis)
