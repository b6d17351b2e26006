"""The number of the rules by which logs are judged, and what belongs to which.

    policy.rules ≤ RULES    judged here        policy.rules > RULES    read, but not judged here

A release that changes what may stand in a log closes one number: 0.3.0 closed 2, 0.4.0 closes
3, 0.5.0 closes 4. The governors switch it on with a policy of that number, once every validator
can judge by it; until then what is new is refused, so that no log grows where the witness of
another region cannot follow. Readers of evidence judge no log, so they ask for no number
(docs/adr/0029).
"""

from __future__ import annotations

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.errors import RuleError, UnavailableError, quote

RULES = 2  # 0.1.0 and 0.2.0 judge by 1; 2 brings leave, join, void and the type didweb


def are_known(policy: Policy) -> bool:
    """Say whether this release knows the rules that a policy has put in force."""
    return policy.rules <= RULES


def check_known(policy: Policy) -> None:
    """Check that this release may judge a log under a policy.

    Raises:
        UnavailableError: `rules_unknown`. It says nothing about the log: a newer release can
            tell.
    """
    if not are_known(policy):
        what = f"the policy puts rules {policy.rules} in force; this release knows {RULES}"
        raise UnavailableError("rules_unknown", what)


def check_active(kind: str, since: int, policy: Policy) -> None:
    """Check that what rules of a later number have brought is in force already.

    Args:
        kind: A type of entry, or what else is new.
        since: The number of the rules that brought it.
        policy: The policy in force.

    Raises:
        RuleError: `rules_not_in_force`.
    """
    if since > policy.rules:
        raise RuleError("rules_not_in_force", f"{quote(kind)} needs rules {since}")
