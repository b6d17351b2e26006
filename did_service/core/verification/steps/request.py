"""Step 12: what is shown answers what was asked. Queries are for a later release."""

from __future__ import annotations

from collections.abc import Iterator

from did_service.core.verification.context import PresentationContext
from did_service.core.verification.presented import QUERY
from did_service.core.verification.report import Check


def check(context: PresentationContext) -> Iterator[Check]:
    """Check that every credential stands under the one query, with the state of the request."""
    answers = all(each.query == QUERY for each in context.file.shown)
    if None not in (context.file.state, context.request.state):
        answers = answers and context.file.state == context.request.state
    yield Check("query_not_asked" if answers else "query_not_answered")
