"""Until when the evidence at hand is good: the question of every morning at a counter.

    as of T: everything of each log that is held whole, else the newest that is held of each
    good until T + limit, a tier each, and never longer than the policy

The oldest log decides: until then nobody from a region that is held is turned away for its age.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.freshness import TIERS
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.text import Bilingual
from did_service.core.verification.tier import DEFAULT
from did_service.verifier.dates import duration, moment, moment_in_zone, zone_name
from did_service.verifier.outline import Outline

_NOTHING = Bilingual("", "")


@dataclass(frozen=True, slots=True)
class Validity:
    """How long a counter can go on with what it holds.

    Attributes:
        policy: The pinned one.
        as_of: Of when the oldest of its logs is; None where nothing is held.
        until: The end by tier; that of the policy where nothing is held.
    """

    policy: Policy
    as_of: datetime | None
    until: Mapping[str, datetime]

    def is_over(self, now: datetime) -> bool:
        """Whether the policy has expired, or the evidence is too old for the usual tier."""
        return now >= self.until[DEFAULT]

    def encode(self) -> JsonObject:
        """Write it for machines."""
        return {
            "as_of": None if self.as_of is None else timestamps.encode(self.as_of),
            "good_until": {tier: timestamps.encode(end) for tier, end in self.until.items()},
        }


def validity(held: Outline, policy: Policy) -> Validity:
    """Say until when evidence serves under a policy.

    Args:
        held: What is held, as it was verified.
        policy: The pinned one: its tiers, and its own end.
    """
    oldest = held.oldest
    if oldest is None:
        return Validity(policy, None, dict.fromkeys(TIERS, policy.expires))
    as_of = timestamps.from_posix(oldest)
    ends = {tier: as_of + timedelta(seconds=policy.tiers[tier]) for tier in TIERS}
    return Validity(policy, as_of, {t: min(end, policy.expires) for t, end in ends.items()})


def validity_text(found: Validity, now: datetime, zone: tzinfo | None = None) -> Bilingual:
    """Answer in one line: good until when at which tier, or what is over and what to do."""
    if now >= found.policy.expires:
        end = moment_in_zone(found.policy.expires, now, zone)
        return Bilingual(
            f"信任策略已于 {end.zh} 到期：请向主管部门领取新的信任策略",
            f"the policy expired on {end.en}: get the new one from your supervising office",
        )
    if found.as_of is None:
        return Bilingual(
            "本机没有核验数据：只能依据持证人随附的，请导入核验数据包",
            "no evidence is held: only what holders bring can serve; import a bundle",
        )
    good = [_until(found, tier, now, zone) for tier in _usual(found) if now < found.until[tier]]
    zh, en = "、".join(each.zh for each in good), ", ".join(each.en for each in good)
    if not found.is_over(now):
        return Bilingual(f"可核验至 {zh}", f"good until {en}")
    as_of = moment_in_zone(found.as_of, now, zone)
    still = Bilingual(f"；仍可用至 {zh}", f"; still good until {en}") if good else _NOTHING
    return Bilingual(
        f"核验数据已超过时限（截至 {as_of.zh}），请更新{still.zh}",
        f"too old: data as of {as_of.en}; update them{still.en}",
    )


def _usual(found: Validity) -> list[str]:
    """Return the tiers that last as long as the usual one: minutes are no plan for a day."""
    limits = found.policy.tiers
    return [tier for tier in TIERS if limits[tier] >= limits[DEFAULT]]


def _until(found: Validity, tier: str, now: datetime, zone: tzinfo | None) -> Bilingual:
    end, limit = found.until[tier], duration(found.policy.tiers[tier])
    same = zone_name(end, zone) == zone_name(
        found.until[DEFAULT], zone
    )  # no summer time between
    named = tier == DEFAULT or not same
    time = moment_in_zone(end, now, zone) if named else moment(end, now, zone)
    zh, en = f"{limit.zh}内，{tier}", f"within {limit.en}, {tier}"
    return Bilingual(f"{time.zh}（{zh}）", f"{time.en} ({en})")
