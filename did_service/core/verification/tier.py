"""How old evidence may be: what the service item demands, and the clerk at most tightens.

    own copy ──latest, as of a day at most──► its tier, looser than `day` too
    any copy at hand, whoever brought it ──► tightens

--tier     item                          judged by
none       not at hand                   day
none       at hand                       the stricter of day and the item's
none       at hand, own and fresh        the item's
given      not at hand                   the given one
given      at hand                       the stricter of the two

What is looser than day without an own, fresh copy behind it stands in `unsafe`. Whoever is
judged could otherwise bring an old version of the item, and choose how old evidence may be: so
a copy that came with the presentation never loosens anything (docs/adr/0018).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.bodies.schema import may_be_service_item, parse_schema_body
from did_service.core.anchor.freshness import TIERS, age_seconds
from did_service.core.anchor.homes import home_of_schema
from did_service.core.anchor.region import control_origin
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.errors import DidServiceError
from did_service.core.evidence.checked import Checked
from did_service.core.evidence.proofs import verify_evidence
from did_service.core.evidence.proven import Latest, ProvenEntry
from did_service.core.evidence.proven_set import Evidence
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.limits import MAX_SCHEMA_BYTES
from did_service.core.text import Bilingual
from did_service.core.verification.request import Remembered
from did_service.core.verification.summary import title_in
from did_service.core.verification.verified import Verified

DEFAULT = "day"


class Demand(NamedTuple):
    """What a service item demands.

    Attributes:
        strictest: No looser tier than this one; None where no item is at hand.
        loosens: Whether the counter's own fresh copy stands behind what is looser than day.
        name: What the item is called, by the counter's own copy, else by any at hand.
    """

    strictest: str | None = None
    loosens: bool = False
    name: Bilingual | None = None

    def binding(self, asked: str | None, policy: Policy | None) -> str:
        """Return the tier to judge by; `asked` is the clerk's."""
        if policy is None:
            return asked or DEFAULT  # nothing will be judged
        default = None if asked is not None or self.loosens else DEFAULT
        given = [each for each in (asked, self.strictest, default) if each is not None]
        return _strictest(given, policy.tiers)

    def is_relaxed(self, tier: str, policy: Policy) -> bool:
        """Say whether a tier is looser than the default by the clerk's word alone."""
        return not self.loosens and policy.tiers[tier] > policy.tiers[DEFAULT]


class _Item(NamedTuple):
    """What one copy of an item says.

    Attributes:
        tier: What it demands; None where there is no copy, or its text cannot be read.
        name: What it is called, where it says so.
        is_in_use: Whether it can be read and is not withdrawn; only then it loosens anything.
    """

    tier: str | None = None
    name: Bilingual | None = None
    is_in_use: bool = False


def demand_of_item(
    item: str | None,
    policy: Policy,
    own: Sequence[tuple[str, UnverifiedEvidence]],
    evidence: Evidence,
    *,
    remembered: Remembered,
    now: int,
) -> Demand:
    """Find what a service item demands.

    Args:
        item: Its id; None where none was named.
        policy: The pinned policy.
        own: The counter's evidence sets by name, without what was presented.
        evidence: All that was proven at hand.
        remembered: What the trust directory remembers of the logs.
        now: POSIX seconds.
    """
    home = None if item is None else home_of_schema(item, policy)
    if item is None or home is None:
        return Demand()
    log = control_origin(home)
    narrowed = [(name, each.about(log, "schema", item)) for name, each in own]
    trees, forked = remembered.trees, remembered.forked
    verified = Verified.under(policy, remembered.verified)
    checked = Checked(verified.policy, verified.notes)
    kept = verify_evidence(narrowed, policy, trees, forked, checked)
    mine = kept.newest("schema", item, home)
    copies = [_read(each, policy) for each in (mine, evidence.newest("schema", item, home))]
    tiers = [each.tier for each in copies if each.tier is not None]
    name = next((each.name for each in copies if each.name is not None), None)
    if not tiers:
        return Demand(name=name)
    fresh = isinstance(mine, Latest) and age_seconds(mine.as_of, now) <= policy.tiers[DEFAULT]
    loosens = fresh and all(each.is_in_use for each in copies)
    return Demand(_strictest(tiers, policy.tiers), loosens, name)


def strictest_demand(policy: Policy) -> Demand:
    """Return the demand of an item of which nothing is known but that it has one."""
    return Demand(_strictest(TIERS, policy.tiers))


def is_service_item(proven: ProvenEntry) -> bool:
    """Say whether an entry is a service item, of whatever age.

    One of a kind that this release does not know may be an item as well.
    """
    return proven.kind == "schema" and may_be_service_item(proven.read_against())


def _read(proven: ProvenEntry | None, policy: Policy) -> _Item:
    """Read a copy of an item; one that a later release has written may demand any tier."""
    if proven is None or not is_service_item(proven):
        return _Item()
    try:
        body = parse_schema_body(proven.read_against())
    except DidServiceError:
        return _Item(_strictest(TIERS, policy.tiers))
    try:
        members = strict_json.load_object(body.content, max_bytes=MAX_SCHEMA_BYTES)
    except DidServiceError:
        return _Item()
    tier = _tier_in(members)
    in_use = tier is not None and not body.is_deprecated
    return _Item(tier, title_in(members.get("name")), in_use)


def _tier_in(members: JsonObject) -> str | None:
    """Return the tier that an item's text names; none of ours demands nothing."""
    try:
        return Fields(members, "service item").choice("tier", TIERS)
    except DidServiceError:
        return None


def _strictest(tiers: Sequence[str], seconds: Mapping[str, int]) -> str:
    return min(tiers, key=seconds.__getitem__)
