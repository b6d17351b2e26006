"""How a credential stands: what a counter would say of it today, and until when.

A counter asks for evidence of a day at most (tier `day`), unless its service item says another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.encoding import timestamps
from did_service.core.errors import MalformedError
from did_service.core.text import Bilingual
from did_service.core.verification.codes import Result
from did_service.core.verification.report import Outcome, Report
from wallet_cli.holdings import HeldCredential

_TIER = "day"


@dataclass(frozen=True, slots=True)
class Standing:
    """A word for a list: stable for scripts, and in both languages for people."""

    code: str
    words: Bilingual


GOOD = Standing("good", Bilingual("可用", "good"))
LIMITED = Standing("limited", Bilingual("有条件可用", "with limits"))
UNCHECKED = Standing("unchecked", Bilingual("需更新", "refresh it"))
REFUSED = Standing("refused", Bilingual("不通过", "refused"))
_BY_FAILURE = {
    "not_yet_valid": Standing("not_yet_valid", Bilingual("未到生效日", "not valid yet")),
    "expired": Standing("expired", Bilingual("已到期", "expired")),
    "revoked": Standing("revoked", Bilingual("已作废", "revoked")),
    "suspended": Standing("suspended", Bilingual("暂停使用", "suspended")),
}


def standing_of(report: Report) -> Standing:
    """Put a verdict in a word; what failed for one reason alone is told by its own word."""
    match report.outcome:
        case Outcome.REFUSED:
            failed = {each.code for each in report.checks if each.result is Result.FAILED}
            named = _BY_FAILURE.get(next(iter(failed)))
            return named if named and len(failed) == 1 else REFUSED
        case Outcome.ACCEPTED | Outcome.DOCUMENT:  # the holder is whoever has this wallet
            return GOOD
        case Outcome.ACCEPTED_WITH_LIMITS:
            return LIMITED
        case Outcome.UNDECIDED | Outcome.ANSWERED:
            return UNCHECKED


def good_until(held: HeldCredential, policy: Policy | None) -> datetime | None:
    """Return until when counters usually take a credential with the evidence that it has.

    None where some of it is missing, or no policy says how old it may be.
    """
    if policy is None or not held.as_of:
        return None
    fresh = timestamps.parse_utc(held.as_of) + timedelta(seconds=policy.tiers[_TIER])
    return min(fresh, policy.expires, _valid_until(held) or fresh)


def _valid_until(held: HeldCredential) -> datetime | None:
    stamp = held.credential.get("validUntil")
    try:
        return timestamps.parse(stamp) if isinstance(stamp, str) else None
    except MalformedError:
        return None
