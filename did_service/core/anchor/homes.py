"""Where a DID or a schema is at home: the region in whose logs alone it may stand.

`Policy` raises for what has no home, since a log refuses it for that reason. Whoever only looks
for evidence asks here, and goes on without.
"""

from __future__ import annotations

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.region import Region
from did_service.core.did.syntax import parse_webvh
from did_service.core.errors import DidServiceError


def home_of_did(did: str, policy: Policy) -> Region | None:
    """Return the home region of a did:webvh, None for any other DID and any other text."""
    try:
        return policy.home_of_did(parse_webvh(did))
    except DidServiceError:
        return None


def home_of_schema(identifier: str, policy: Policy) -> Region | None:
    """Return the home region of a schema or service item, None where it has none here."""
    try:
        return policy.home_of_schema(identifier)
    except DidServiceError:
        return None
