"""Whose a name is: the hosts of regions, and those that nobody has any more.

A DID stands only in the control log of the region that has its host. A region to which a policy
gave another's names would begin their DIDs anew in its log, out of a first version that once
stood elsewhere: keys that were rotated away would sign again. So who has a name keeps it, or
nobody has it (threat rule 17, docs/adr/0071).

    gd.example -> gd      hn.gd.example -> hn      zj.example -> nobody: zj has left
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from did_service.core.anchor.region import Region, control_origin
from did_service.core.did.location import parse_location
from did_service.core.encoding.strict_json import Fields
from did_service.core.errors import MalformedError, PolicyError, quote
from did_service.core.limits import MAX_RETIRED_HOSTS

Hosts = Mapping[str, Region | None]
"""By host, the region that has it and what is below it; None where that region has left."""


def parse_retired(fields: Fields) -> tuple[str, ...]:
    """Read `retired` of a policy, which stands there only once a region has left.

    Raises:
        MalformedError: another shape, none in it, or not a host name.
    """
    if not fields.has("retired"):
        return ()
    retired = fields.texts("retired", most=MAX_RETIRED_HOSTS)
    for host in retired:
        if parse_location(host).host != host:
            raise MalformedError("member_invalid", f"host {quote(host)} is not a host name")
    if not retired:
        raise MalformedError("member_invalid", f"{fields.path('retired')} is empty")
    return retired


def hosts_of(regions: Sequence[Region], retired: Sequence[str]) -> Hosts:
    """Return who has which host in a sound policy, in which no host stands twice."""
    return {
        **dict.fromkeys(retired, None),
        **{own: region for region in reversed(regions) for own in region.hosts},
    }


def longest(host: str, hosts: Hosts) -> str | None:
    """Return the longest host that equals this one or is its suffix at a dot, None if none."""
    name = host
    while name and name not in hosts:
        _, _, name = name.partition(".")
    return name or None


def check_stay(held: Hosts, offered: Hosts) -> None:
    """Check that no name changes hands from one policy to the next.

    Who has a name changes only at the hosts of either policy, so those are all to look at.

    Raises:
        PolicyError: `host_moved`: a name below a host of the policy before would belong to
            another region or control log, to anybody after its region had left, or would be
            left out.
    """
    for name in sorted({*held, *offered}):
        before = longest(name, held)
        if before is None:
            continue
        after = longest(name, offered)
        stays = after is not None and home_of(held[before]) == home_of(offered[after])
        if not stays and (after is None or offered[after] is not None):
            raise PolicyError("host_moved", f"{quote(name)} was not free to be given away")


def home_of(region: Region | None) -> tuple[str, str] | None:
    """Return what makes a region the same one in the next policy: its id and control log."""
    return None if region is None else (region.id, control_origin(region))
