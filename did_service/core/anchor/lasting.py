"""What no later policy takes back: names, roots, logs and rules stay with who has them.

    hosts        a name is its region's, or nobody's (`hosts`)
    roots        a region that stays keeps its root DID
    schema ids   the region with the longest fitting prefix; `urn:didsvc:` the nation-wide one's
    logs         a region that stays keeps every log that it has had
    rules        their number never falls

Where an id is at home again in a log in which it once stood, or a later log is left out, what
was replaced elsewhere is the latest again though nobody has signed it: a schema without its
newer demands, a status list before a revocation. Where another DID becomes a root, all that it
has ever granted stands again, whatever its own authority has come to (threat rule 17,
docs/adr/0075, 0078).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from did_service.core.anchor.hosts import Hosts, check_stay, home_of
from did_service.core.anchor.region import Region
from did_service.core.errors import PolicyError, quote

COMMON_PREFIX = "urn:didsvc:"  # schema ids of the federation itself; the nation-wide region's
NATION_WIDE = "000000"
Prefixes = Mapping[str, Region]
"""By prefix of schema ids, the region at home there; the longest that fits counts."""


class Lasting(Protocol):
    """What is asked of a policy."""

    @property
    def regions(self) -> tuple[Region, ...]:
        """Its members."""

    @property
    def hosts(self) -> Hosts:
        """Who has which host."""

    @property
    def rules(self) -> int:
        """The number by which logs are judged."""


def prefixes_of(regions: tuple[Region, ...]) -> Prefixes:
    """Return who has which prefix; of two nation-wide regions the first has the common one."""
    found = {prefix: region for region in regions for prefix in region.prefixes}
    common = [each for each in regions if NATION_WIDE in each.territory]
    return {**found, COMMON_PREFIX: common[0]} if common else found


def longest_prefix(identifier: str, prefixes: Prefixes) -> str | None:
    """Return the longest prefix that an id begins with, None if none does."""
    fitting = (prefix for prefix in prefixes if identifier.startswith(prefix))
    return max(fitting, key=len, default=None)


def check_lasting(held: Lasting, offered: Lasting) -> None:
    """Check that the next policy takes back nothing on which older evidence rests.

    Raises:
        PolicyError: `host_moved`, `prefix_moved`, `roots_changed`, `log_dropped`, `rules_fall`.
    """
    if offered.rules < held.rules:
        raise PolicyError("rules_fall", f"rules {offered.rules} after rules {held.rules}")
    check_stay(held.hosts, offered.hosts)
    staying = {home_of(region) for region in offered.regions}
    for region in held.regions:
        if home_of(region) in staying:
            _check_kept(region, offered)
    _check_prefixes(held, offered, staying)


def _check_kept(region: Region, offered: Lasting) -> None:
    kept = next(each for each in offered.regions if each.id == region.id)
    if kept.root != region.root:
        raise PolicyError("roots_changed", f"{quote(region.id)} has another root DID")
    for origin in region.logs:
        if origin not in kept.logs:
            raise PolicyError("log_dropped", f"{quote(origin)} is left out")


def _check_prefixes(
    held: Lasting, offered: Lasting, staying: set[tuple[str, str] | None]
) -> None:
    """Who has an id changes only at the prefixes of either policy, so those are all to see.

    What a region had that has left, another may take: its logs prove nothing any more.
    """
    before, after = prefixes_of(held.regions), prefixes_of(offered.regions)
    for prefix in sorted({*before, *after}):
        former, now = longest_prefix(prefix, before), longest_prefix(prefix, after)
        owner = None if former is None else home_of(before[former])
        if owner not in staying or owner is None:
            continue
        if now is None or home_of(after[now]) != owner:
            raise PolicyError("prefix_moved", f"{quote(prefix)} was not free to be given away")
