"""Step 12: what is shown answers what was asked. Queries are for a later release."""

from __future__ import annotations

from collections.abc import Iterator

from did_service.core.errors import quote
from did_service.core.verification.context import PresentationContext
from did_service.core.verification.presented import QUERY
from did_service.core.verification.report import Check


def check(context: PresentationContext) -> Iterator[Check]:
    """Check that every credential stands under the one query, with the state of the request.

    Nobody signs either of them, and whoever carries the file can change them: what differs is
    undecided, and no word about the answer (docs/adr/0044).
    A code that was given out for one service item answers for no other: the laxer of two would
    be judged by its own tier and waivers.
    """
    answers = all(each.query == QUERY for each in context.file.shown)
    if None not in (context.file.state, context.request.state):
        answers = answers and context.file.state == context.request.state
    yield Check("query_not_asked" if answers else "query_not_answered")
    errand = context.request.errand
    if errand not in (None, context.request.item):
        yield Check("item_differs", detail=quote(errand))
