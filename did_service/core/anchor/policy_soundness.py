"""Is a policy sound by itself: keys, names and quorums (threat rules 1 and 18).

Votes count by operator. A quorum of a log is k of the other regions' witnesses; where outside
witnesses exist, their group has to agree as well and can never do alone. Two quorums must
share an honest cosigner even if as many lie as the policy states: k > (m + f) / 2.
"""

from __future__ import annotations

from did_service.core.anchor.hosts import Hosts, longest
from did_service.core.anchor.region import Region, is_under, year_of
from did_service.core.crypto import multikey
from did_service.core.did.syntax import parse_webvh
from did_service.core.errors import PolicyError, quote
from did_service.core.limits import MAX_LOG_KEYS
from did_service.core.log.note import VerifierKey
from did_service.core.log.policy import LogPolicy, operator
from did_service.core.log.quorum import Group, shares_honest_cosigner

Regions = tuple[Region, ...]


def check_governance(threshold: int, governors: tuple[str, ...]) -> None:
    """Refuse a threshold that two disjoint sets of governance keys can meet, or none.

    Raises:
        PolicyError: `governance_unsafe`.
    """
    if not len(governors) < 2 * threshold <= 2 * len(governors):
        few = f"{threshold} of {len(governors)} governance keys"
        raise PolicyError("governance_unsafe", f"{few} is no majority")


def check_unique(
    regions: Regions, governors: tuple[str, ...], retired: tuple[str, ...] = ()
) -> None:
    """Check that nothing stands twice, and that a key has one role (rule 18).

    Raises:
        PolicyError: `region_repeated`, `key_repeated`.
    """
    keys = [multikey.decode_ed25519(key) for key in governors]
    keys += [region.witness.public for region in regions]
    keys += [key for region in regions for key in _log_keys(region)]
    for what, values in (
        ("region id", [region.id for region in regions]),
        ("root", [region.root for region in regions]),
        ("host", [*retired, *(host for region in regions for host in region.hosts)]),
        ("prefix", [prefix for region in regions for prefix in region.prefixes]),
        ("log", [origin for region in regions for origin in region.logs]),
        ("data log of a region and year", [each for one in regions for each in _years(one)]),
    ):
        if len(set(values)) != len(values):
            raise PolicyError("region_repeated", f"a {what} stands in the policy twice")
    if len(set(keys)) != len(keys):
        raise PolicyError("key_repeated", "a key has two roles in the policy")


def _years(region: Region) -> list[str]:
    """Name each data log by region and year: a list goes on in one log of a year."""
    years = (year_of(origin) for origin in region.logs)
    return [f"{region.id} {year}" for year in years if year is not None]


def check_roots(hosts: Hosts) -> None:
    """Check that each region's root DID has a host of that region, so that its log says it.

    A DID of another region's, or of an agency there, has granted before: what ended with its
    authority would stand again once it is a root.

    Raises:
        PolicyError: `root_elsewhere`.
    """
    for region in filter(None, hosts.values()):
        own = longest(parse_webvh(region.root).host, hosts)
        if own is None or hosts[own] is not region:
            raise PolicyError("root_elsewhere", f"the root of {quote(region.id)}")


def _log_keys(region: Region) -> set[bytes]:
    """A region may sign all its logs with one key, and name the one before: one role."""
    return {known.key.public for log in region.logs.values() for known in log.logs}


def check_quorum(
    origin: str, regions: Regions, region_faults: int, outside_faults: int
) -> None:
    """Check a log's quorum: one group, or all of several, none of which mixes its members.

    Args:
        origin: A log of one of the regions.
        regions: All regions of the policy.
        region_faults: How many of the other regions may lie.
        outside_faults: How many of an outside group may lie.

    Raises:
        PolicyError: `log_unknown`, `operator_repeated`, `quorum_unsafe`.
    """
    region = next(each for each in regions if origin in each.logs)
    log = region.logs[origin]
    if {known.key.name for known in log.logs} != {origin} or len(log.logs) > MAX_LOG_KEYS:
        raise PolicyError("log_unknown", f"the text of {quote(origin)} names another log")
    groups = {group.name: group for group in log.quorum.groups}
    top = groups.get(log.quorum.name)
    if top is None:
        raise PolicyError("quorum_unsafe", f"{quote(origin)}: the quorum is not a group")
    # The quorum is one group of witnesses, or a group whose members are groups and all needed:
    # otherwise the outsiders could meet it without any region, or the regions without them.
    voting = [groups[name] for name in top.members if name in groups] or [top]
    if voting != [top] and top.threshold != len(top.members):
        raise PolicyError("quorum_unsafe", f"{quote(origin)}: one group alone would do")
    inside = [_is_inside(group, regions, region, log) for group in voting]
    for group, of_regions in zip(voting, inside, strict=True):
        # Two quorums of k of m overlap in 2k - m members; more than f of them must be there, so
        # that one is honest and has cosigned only one of two histories.
        faults = region_faults if of_regions else outside_faults
        if not shares_honest_cosigner(group.threshold, len(group.members), faults):
            few = f"{group.threshold} of {len(group.members)}"
            raise PolicyError(
                "quorum_unsafe", f"{quote(origin)}: {few} leaves no honest overlap"
            )
    if not any(inside):
        raise PolicyError("quorum_unsafe", f"{quote(origin)}: no region has to agree")


def _is_inside(group: Group, regions: Regions, own: Region, log: LogPolicy) -> bool:
    """Say whether a group is of other regions' witnesses; else it is of outsiders alone."""
    keys = {known.name: known.key for known in log.witnesses}
    others = {other.witness for other in regions if other is not own}
    members = [keys.get(name) for name in group.members]
    if all(key in others for key in members):
        return True
    for key in members:
        if key is None or _is_of_a_region(key, regions):
            raise PolicyError(
                "operator_repeated", f"group {quote(group.name)} mixes its members"
            )
    return False


def _is_of_a_region(key: VerifierKey, regions: Regions) -> bool:
    host = operator(key)
    return any(is_under(host, own) for region in regions for own in region.hosts)
