"""The one form in which a log takes a policy (docs/formats.md §4, docs/adr/0024)."""

from __future__ import annotations

from dataclasses import replace

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.governance import counting


def logged_form(policy: Policy, former: Policy | None) -> Policy:
    """Return a policy as a log takes it: with one proof of each governor, and no other.

    Args:
        policy: With whatever proofs it has gathered.
        former: The policy before it in that log, whose governors have signed as well; None
            where the log begins with this one.
    """
    governors = {*(former.governors if former else ()), *policy.governors}
    counted = counting(policy.document, policy.proofs, governors).values()
    kept = [proof for proof in policy.proofs if proof in counted]
    return replace(policy, members={**policy.document, "proof": kept})
