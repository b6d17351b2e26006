"""The one walk up a chain of grants: where it ends, and after how many statements.

    issuer ◄── granter ◄── granter ◄── root of a region        at most 4 statements

The log that takes a grant, the counter that judges one and the wallet that fetches what both
need ask different things of each statement, but all go up alike (threat rule 11).
"""

from typing import NamedTuple

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.region import Region
from did_service.core.limits import MAX_AUTHORITY_HOPS


class Climb(NamedTuple):
    """Somebody in a chain of grants: at most `hops` statements lie between it and the root.

    A circle of grants has no root, so it ends with the hops and is worth nothing.
    """

    policy: Policy
    hops: int = MAX_AUTHORITY_HOPS

    def root(self, did: str) -> Region | None:
        """Return the region whose root a granter is: there a chain ends. None: it goes on."""
        return self.policy.region_of_root(did)

    def up(self) -> "Climb | None":
        """Go on to the granter of a statement; None where the chain has become too long."""
        return Climb(self.policy, self.hops - 1) if self.hops > 1 else None
