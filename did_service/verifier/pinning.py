"""Pinning a policy: the first under its fingerprint, any other as the signed next one.

The policy is the only thing that is trusted. The fingerprint of the first comes over a second
channel; each later one is signed by the governors of the one before and by its own
(docs/threat-model.md rule 17). Programs are faces of this room: they read files and show what
came of it.
"""

from __future__ import annotations

from collections.abc import Iterable
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
from did_service.verifier.directory import TrustDirectory
from did_service.verifier.held import forked_logs, read_policy


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
    check_may_follow(read_policy(directory), offered, fingerprint)
    with directory.locked():
        held = read_policy(directory)  # another process may have come first
        check_may_follow(held, offered, fingerprint)
        pinned = Pinned(held, offered)
        if pinned.is_new:
            _write_policy(directory, held, offered)
    return pinned


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


def follow(
    directory: TrustDirectory, held: Policy, offered: Iterable[JsonObject], now: datetime
) -> Policy:
    """Go on to the policies that follow the one held, a step at a time; the lock is held.

    Raises:
        PolicyError: `policy_forked`.
    """
    last = _walk(held, offered, now)
    if last is not held:
        _write_policy(directory, held, last)
    return last


def _walk(held: Policy, offered: Iterable[JsonObject], now: datetime) -> Policy:
    policies = [policy for members in offered if (policy := _readable(members)) is not None]
    for policy in sorted(policies, key=lambda each: each.sequence):
        try:
            check_successor(held, policy)
            check_current(policy, now)
        except DidServiceError as error:
            if error.code == "policy_forked":
                raise
            continue
        held = policy
    return held


def _readable(members: JsonObject) -> Policy | None:
    try:
        return parse_policy(members)
    except DidServiceError:
        return None


def _write_policy(directory: TrustDirectory, held: Policy | None, offered: Policy) -> None:
    """Write the policy; it settles the forks that came to light before it."""
    settled = frozenset() if held is None else forked_logs(directory, held)
    directory.write_policy(strict_json.dumps(offered.members).encode() + b"\n")
    settled -= forked_logs(directory, offered)
    directory.change(lambda memory: memory.without_logs(settled))
