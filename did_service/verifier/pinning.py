"""Pinning a policy: the first under its fingerprint, any other as the signed next one.

The policy is the only thing that is trusted. The fingerprint of the first comes over a second
channel; each later one is signed by the governors of the one before and by its own
(docs/threat-model.md rule 17). Programs are faces of this room: they read files and show what
came of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from did_service.core.anchor.bodies.policy import (
    Policy,
    check_current,
    check_first,
    check_successor,
    parse_policy,
)
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import DidServiceError, UsageError
from did_service.core.evidence.policy_succession import with_counted_proofs
from did_service.verifier.directory import TrustDirectory
from did_service.verifier.held import demand_policy, demanded, forked_logs, read_policy


@dataclass(frozen=True, slots=True)
class Pinned:
    """The policy that is pinned now, and the one before it."""

    before: Policy | None
    policy: Policy

    @property
    def is_new(self) -> bool:
        """Whether another one was pinned before, or none."""
        return self.before is None or self.before.digest != self.policy.digest


def pin(
    directory: TrustDirectory, offered: Policy, fingerprint: str | None, now: datetime
) -> Pinned:
    """Pin a policy; the one that is pinned already changes nothing.

    Args:
        directory: Where.
        offered: The policy, parsed.
        fingerprint: As a second channel gave it; needed for the first policy.
        now: The present instant.

    Raises:
        UsageError: `fingerprint_missing`: the first policy, and nobody vouched for it.
        PolicyError: `fingerprint_wrong`, or a code of `check_current` or `check_successor`.
    """
    check_current(offered, now)

    def chosen(held: Policy | None) -> Policy:
        check_may_follow(held, offered, fingerprint)
        return with_counted_proofs(offered, held)

    chosen(read_policy(directory))  # nothing is made on disk for one that is refused
    return _replace(directory, chosen)


def check_may_follow(held: Policy | None, offered: Policy, fingerprint: str | None) -> None:
    """Check that a policy may be pinned after the one held.

    Raises:
        UsageError: `fingerprint_missing`.
        PolicyError: `fingerprint_wrong`, or a code of `check_successor`.
    """
    if fingerprint is not None:
        check_first(offered, fingerprint)
    elif held is None:
        raise UsageError(
            "fingerprint_missing",
            "the first policy is pinned with --fingerprint, learned over a second channel",
        )
    if held is not None and held.digest != offered.digest:
        check_successor(held, offered)


def follow(directory: TrustDirectory, offered: Sequence[JsonObject], now: datetime) -> Pinned:
    """Go on to the policies that follow the one held, a step at a time.

    Raises:
        PolicyError: `policy_missing`, `policy_forked`.
    """
    demand_policy(directory)  # nothing is made on disk where there is none
    policies = [policy for members in offered if (policy := _readable(members)) is not None]
    policies.sort(key=lambda each: each.sequence)

    def chosen(held: Policy | None) -> Policy:
        return _walk(demanded(held), policies, now)

    return _replace(directory, chosen)


def _walk(held: Policy, offered: Sequence[Policy], now: datetime) -> Policy:
    """Return the last of the policies, by sequence, that each follow the one before."""
    for policy in offered:
        try:
            check_successor(held, policy)
            check_current(policy, now)
        except DidServiceError as error:
            if error.code == "policy_forked":
                raise
            continue
        held = with_counted_proofs(policy, held)
    return held


def _readable(members: JsonObject) -> Policy | None:
    try:
        return parse_policy(members)
    except DidServiceError:
        return None


def _replace(directory: TrustDirectory, choose: Callable[[Policy | None], Policy]) -> Pinned:
    """Put a policy in the place of the one held, and settle the forks that it settles.

    The file and the memory are no one step, so the trees of those logs are forgotten before:
    whoever is killed in between keeps a policy under which they are on record as forked, so
    nothing of them is remembered, and the same command again goes on. The other way round, the
    tree of a settled fork would stay, and bring the fork back under the policy that settled it.

    Args:
        directory: Where; its lock is not held.
        choose: Says what follows the policy held; another process may have come first.
    """
    with directory.locked():
        _settle(directory, choose)
    with directory.locked():
        pinned = _settle(directory, choose)
        if pinned.is_new:
            stored = strict_json.dumps(pinned.policy.members).encode() + b"\n"
            directory.write_policy(stored)
    return pinned


def _settle(directory: TrustDirectory, choose: Callable[[Policy | None], Policy]) -> Pinned:
    """Forget the trees of logs that have forked under the policy held and under none later."""
    held = read_policy(directory)
    pinned = Pinned(held, choose(held))
    if pinned.is_new:
        forked = frozenset() if held is None else forked_logs(directory, held)
        settled = forked - forked_logs(directory, pinned.policy)
        directory.change(lambda memory: memory.without_logs(settled))
    return pinned
