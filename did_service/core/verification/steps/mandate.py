"""Step 11: whoever acts for another has his mandate. Mandates are for a later release."""

from __future__ import annotations

from collections.abc import Iterator

from did_service.core.verification.context import PresentationContext
from did_service.core.verification.report import Check


def check(context: PresentationContext) -> Iterator[Check]:
    """Say that nobody acts for another: step 10 demands that the subject itself presents."""
    del context
    yield Check("mandate_not_asked")
