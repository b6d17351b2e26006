"""Step 8: the present lies within the period of validity, and the issuer's date behind it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from did_service.core.encoding import timestamps
from did_service.core.verification.context import CredentialContext, PresentationContext
from did_service.core.verification.present import Certainty
from did_service.core.verification.report import Check


def check_clock(context: PresentationContext) -> Iterator[Check]:
    """Check that the clock is not behind what was shown or decided before."""
    if context.present.behind:
        latest = timestamps.encode(timestamps.from_posix(context.present.latest))
        yield Check("clock_behind", detail=latest)


def check(context: CredentialContext) -> Iterator[Check]:
    """Check the period of validity, and the date of the signature.

    What is over or still to come refuses; a date ahead of the present leaves undecided, for
    somebody's clock is wrong, and the period of validity stands beside it.
    """
    yield _judge(context)


def _judge(context: CredentialContext) -> Check:
    check, present = partial(Check, credential=context.position), context.present
    begin, end, signed = (
        context.credential.valid_from,
        context.credential.valid_until,
        context.claimed,
    )
    over = Certainty.NO if end is None else present.has_passed(end.seconds)
    if over is not Certainty.NO:
        return check(_settled(over, "expired"), quoted=str(end))
    early = Certainty.NO if begin is None else present.is_ahead(begin.seconds)
    if early is not Certainty.NO:
        return check(_settled(early, "not_yet_valid"), quoted=str(begin))
    if signed is not None and present.is_ahead(signed) is not Certainty.NO:
        date = timestamps.encode(timestamps.from_posix(signed))
        return check(_settled(present.is_ahead(signed), "dated_ahead"), quoted=date)
    begins = [] if begin is None else [begin.seconds]
    begins += [] if signed is None else [signed]
    skewed = any(map(present.is_within_skew, begins))
    return check("within_clock_skew" if skewed else "within_validity")


def _settled(certainty: Certainty, code: str) -> str:
    return code if certainty is Certainty.YES else "clock_in_doubt"
