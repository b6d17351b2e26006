"""Step 2: a policy is pinned, in force, and there are no two of one number."""

from __future__ import annotations

from collections.abc import Iterator

from did_service.core.anchor.bodies.policy import Policy, check_current
from did_service.core.encoding import timestamps
from did_service.core.errors import PolicyError
from did_service.core.verification.context import PresentationContext
from did_service.core.verification.report import Check


def check(context: PresentationContext) -> Iterator[Check]:
    """Check the pinned policy, and the signed ones at hand for a second of the same number."""
    yield _judge(context)


def _judge(context: PresentationContext) -> Check:
    policy, present = context.policy, context.present
    if policy is None:
        return Check("policy_missing")
    fault = _fault_at(policy, present.latest)
    if fault is not None:
        settled = not present.behind and _fault_at(policy, present.earliest) is not None
        code = fault.code if settled else "policy_time_in_doubt"
        return Check(code, detail=fault.message)
    numbers = [policy.sequence, *(members.get("seq") for members in context.evidence.policies)]
    twice = next((number for number in numbers if numbers.count(number) > 1), None)
    if twice is not None:
        return Check("policy_forked", detail=f"there are two policies {twice}")
    return Check("policy_current")


def _fault_at(policy: Policy, second: int) -> PolicyError | None:
    try:
        check_current(policy, timestamps.from_posix(second))
    except PolicyError as fault:
        return fault
    return None
