"""How old evidence may be: what the service item demands, and the clerk at most tightens.

--tier     item at hand     judged by
none       no               day
none       yes              the item's
given      no               the given one; looser than day, it stands in `unsafe`
given      yes              the stricter of the two
"""

from __future__ import annotations

from did_service.core.anchor.freshness import TIERS
from did_service.core.anchor.policy import Policy
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import Fields
from did_service.core.errors import DidServiceError
from did_service.core.limits import MAX_SCHEMA_BYTES
from did_service.core.verification.anchored import Evidence

DEFAULT = "day"


def tier_of_item(item: str | None, policy: Policy, evidence: Evidence) -> str | None:
    """Return the tier that the newest published service item at hand demands, None without."""
    try:
        home = None if item is None else policy.home_of_schema(item)
        held = None if item is None or home is None else evidence.newest("schema", item, home)
        if held is None:
            return None
        body = Fields(held.entry.body, "schema")
        body.constant("kind", "service-item")
        content = body.text("content", max_chars=MAX_SCHEMA_BYTES)
        members = strict_json.load_object(content, max_bytes=MAX_SCHEMA_BYTES)
        return Fields(members, "service item").choice("tier", TIERS)
    except DidServiceError:
        return None


def binding(asked: str | None, demanded: str | None, policy: Policy) -> str:
    """Return the tier to judge by."""
    given = [tier for tier in (asked, demanded) if tier is not None]
    return min(given or [DEFAULT], key=policy.tiers.__getitem__)


def is_relaxed(tier: str, demanded: str | None, policy: Policy) -> bool:
    """Say whether a tier is looser than the default and no service item stands behind it."""
    return demanded is None and policy.tiers[tier] > policy.tiers[DEFAULT]
