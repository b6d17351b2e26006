"""Rules of `policy` entries: the chain of policies in a region's control log.

    b = {"policy": the policy in its `logged_form`}

Such an entry has no submitter: anybody may hand a policy in, and whoever comes first fixes the
bytes of the leaf. So a log takes one form only, in which no byte is anybody's but governors'.
Which of them stand below the policy, beyond the thresholds, decides nothing later, since no
hash that names a policy covers its proofs (threat rule 17, docs/adr/0024).
"""

from __future__ import annotations

from did_service.core.anchor.bodies.policy import (
    check_current,
    check_signed,
    check_successor,
    parse_policy_body,
)
from did_service.core.anchor.entry import Entry, LoggedEntry
from did_service.core.anchor.logged_policy import logged_form
from did_service.core.anchor.view import LogView, RuleContext
from did_service.core.encoding import jcs, timestamps
from did_service.core.errors import PolicyError, RuleError


def check(entry: Entry, former: LoggedEntry | None, _log: LogView, world: RuleContext) -> None:
    """Check a step of the policy chain, which leads through the policy in force.

    Args:
        entry: The policy entry.
        former: The one before it in this log, None for the first.
        world: For the policy in force.

    Raises:
        RuleError: `policy_elsewhere`, `policy_proofs_wrong`.
        PolicyError: it does not follow, is not the one in force, or has expired.
        MalformedError, LimitError: a shape.
    """
    offered, current = parse_policy_body(entry.body), world.policy
    if entry.subject != offered.federation or offered.federation != current.federation:
        raise RuleError("policy_elsewhere", "the policy is of another federation")
    check_current(offered, timestamps.from_posix(entry.at))
    held = None if former is None else parse_policy_body(former.entry.body)
    if held is not None:
        check_successor(held, offered)
    elif offered.sequence > current.sequence:
        raise PolicyError("policy_skipped", "the log begins with a policy not yet in force")
    else:
        check_signed(offered, offered)
    if offered.sequence == current.sequence and offered.digest != current.digest:
        raise PolicyError("policy_forked", f"not the policy {current.sequence} in force")
    if jcs.encode(entry.body) != jcs.encode(logged_form(offered, held).encode()):
        raise RuleError(
            "policy_proofs_wrong", "a log takes one proof of each governor, sorted, no other"
        )
