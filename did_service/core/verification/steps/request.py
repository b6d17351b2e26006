"""Step 12: what is shown answers what was asked. Queries are for a later release."""

from __future__ import annotations

from collections.abc import Iterator

from did_service.core.verification.context import PresentationContext
from did_service.core.verification.presented import QUERY
from did_service.core.verification.report import Check


def check(context: PresentationContext) -> Iterator[Check]:
    """Check that every credential stands under the one query that is known."""
    strays = any(each.query != QUERY for each in context.file.shown)
    yield Check("query_not_answered" if strays else "query_not_asked")
