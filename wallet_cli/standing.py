"""How a credential stands: what a counter would say of it today, and until when.

A counter asks for evidence of a day at most (tier `day`), unless its service item says another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from did_service.core.credentials.model import parse_credential
from did_service.core.encoding import timestamps
from did_service.core.errors import DidServiceError, MalformedError
from did_service.core.limits import MAX_BEGINNING_AHEAD_SECONDS
from did_service.core.text import Bilingual
from wallet_cli.holdings import HeldCredential

if TYPE_CHECKING:
    from did_service.core.anchor.bodies.policy import Policy

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
BY_FAILURE = {
    "not_yet_valid": Standing("not_yet_valid", Bilingual("未到生效日", "not valid yet")),
    "expired": Standing("expired", Bilingual("已到期", "expired")),
    "revoked": Standing("revoked", Bilingual("已作废", "revoked")),
    "suspended": Standing("suspended", Bilingual("暂停使用", "suspended")),
}


def standing_unjudged(held: HeldCredential, now: datetime) -> Standing:
    """Say what a judge without a policy would: it goes by the document's own dates alone."""
    try:
        said = parse_credential(held.credential)
    except DidServiceError:  # what cannot be read refuses nobody
        return UNCHECKED
    second = timestamps.to_posix(now)
    if said.valid_until is not None and said.valid_until.seconds < second:
        return BY_FAILURE["expired"]
    begins = second if said.valid_from is None else said.valid_from.seconds
    if begins > second + MAX_BEGINNING_AHEAD_SECONDS:  # docs/adr/0027
        return BY_FAILURE["not_yet_valid"]
    return UNCHECKED


def good_until(held: HeldCredential, policy: Policy | None) -> datetime | None:
    """Return until when counters usually take a credential with the evidence that it has.

    None where some of it is missing, or no policy says how old it may be.
    """
    if policy is None or not held.as_of:
        return None
    fresh = timestamps.parse_utc(held.as_of) + timedelta(seconds=policy.tiers[_TIER])
    return min(fresh, policy.expires, _valid_until(held) or fresh)


def taken_until(
    held: HeldCredential, policy: Policy | None, standing: Standing, now: datetime
) -> datetime | None:
    """Return `good_until` of a credential that counters would take now.

    Evidence of the right age is no use to one that was revoked, whose issuer has ended, or
    whose type demands a proof that is not here. An end that is over is told in any case.
    """
    until = good_until(held, policy)
    is_over = until is not None and until <= now
    return until if is_over or standing in (GOOD, LIMITED) else None


def _valid_until(held: HeldCredential) -> datetime | None:
    stamp = held.credential.get("validUntil")
    try:
        return timestamps.parse(stamp) if isinstance(stamp, str) else None
    except MalformedError:
        return None
