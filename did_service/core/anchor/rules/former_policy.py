"""The policy by which an entry is judged that speaks of a region which has left since.

    control log   policy 1   join, x of gd   policy 2, without gd   5, 6, …
                  └──── judged by policy 1 ──┘

A log says itself up to where the policy before was in force. Whoever copies it later, or was
slower to take the newer policy, has pinned one that does not name that region any more: it
judges as those did who judged first. Nothing is believed for it: a statement or join that rests
on the log of that region still needs its quorum of then, within the hour, and a copy of it.
Behind the newer policy such an entry is refused (docs/adr/0079).
"""

from __future__ import annotations

from collections.abc import Callable

from did_service.core.anchor.bodies.authority import parse_authority
from did_service.core.anchor.bodies.did import LEAVE, parse_did_body
from did_service.core.anchor.bodies.other_log import OtherLog
from did_service.core.anchor.bodies.policy import Policy, parse_policy_body
from did_service.core.anchor.entry import Entry
from did_service.core.anchor.hosts import longest
from did_service.core.anchor.moves import named
from did_service.core.anchor.view import LogView, RuleContext
from did_service.core.did.syntax import parse_webvh
from did_service.core.errors import DidServiceError


def as_then(entry: Entry, log: LogView, world: RuleContext) -> RuleContext:
    """Return the world in which an entry is judged: most often the one of now.

    Args:
        entry: The next one of the log.
        log: So far; its newest policy counts where the one in force does not name the region
            of which the entry speaks.
        world: Of the judge.
    """
    names = _asks_for_region(entry)
    if names is None or names(world.policy):
        return world
    newest = log.newest("policy", world.policy.federation)
    former = world.policy if newest is None else parse_policy_body(newest.entry.body)
    return world._replace(policy=former) if names(former) else world


def _asks_for_region(entry: Entry) -> Callable[[Policy], bool] | None:
    """Return what says whether a policy names the other region of which an entry speaks.

    None where it speaks of none, or cannot be read: the rules say what is wrong with it.
    """
    try:
        if entry.type == "authority":
            return _has_log(parse_authority(entry.body).other)
        if entry.type == "did":
            body = parse_did_body(entry.body)
            return _has_home(named(body)) if body.op == LEAVE else _has_log(body.other)
    except DidServiceError:
        return None
    return None


def _has_log(other: OtherLog | None) -> Callable[[Policy], bool] | None:
    if other is None:
        return None
    return lambda policy: any(other.origin in region.logs for region in policy.regions)


def _has_home(did: str) -> Callable[[Policy], bool]:
    host = parse_webvh(did).host
    return lambda policy: policy.hosts.get(longest(host, policy.hosts) or "") is not None
