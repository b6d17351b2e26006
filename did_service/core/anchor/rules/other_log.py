"""The other log on which an entry rests, by the checkpoint in its `x` (threat rule 6).

A statement of a granter at home elsewhere rests on one, and so does the join of a DID. Every
validator keeps a copy of each control log: `x` says up to where all of them read it.
"""

from __future__ import annotations

from did_service.core.anchor.bodies.other_log import OtherLog
from did_service.core.anchor.region import control_origin
from did_service.core.anchor.view import LogPrefix, LogView, RuleContext
from did_service.core.errors import PolicyError, RuleError, UnavailableError, quote
from did_service.core.limits import MAX_SUBMISSION_SECONDS


def check_other(other: OtherLog, at: int, here: LogPrefix, world: RuleContext) -> LogView:
    """Check the witnessed checkpoint on which an entry rests, and return its log.

    Raises:
        RuleError: `x_wrong`: no other control log, another tree, or older than an hour.
        PolicyError, ProofError, MalformedError: no checkpoint of that log; `log_forked`.
        UnavailableError: `log_behind`, `log_not_mirrored`: no copy of it up to there.
    """
    home = world.policy.region_of_log(other.origin)
    if other.origin != control_origin(home) or other.origin == here.log.origin:
        raise RuleError("x_wrong", f"x names {quote(other.origin)}, no other control log")
    verified = world.policy.log_policy(other.origin).verify(other.note.encode())
    named = other.origin, other.size, other.root
    checkpoint = verified.checkpoint
    if (checkpoint.origin, checkpoint.size, checkpoint.root) != named:
        raise RuleError("x_wrong", "x.proof is the checkpoint of another log, size or root")
    if verified.fresh_at < at - MAX_SUBMISSION_SECONDS:
        raise RuleError("x_wrong", "x.proof is more than an hour old")
    log = world.log(other.origin)
    if log.size() < other.size:
        raise UnavailableError("log_behind", f"no copy of {other.origin} up to {other.size}")
    if log.root(other.size) != other.root:
        raise PolicyError("log_forked", f"x contradicts our copy of {other.origin}")
    return log
