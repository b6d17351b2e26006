"""Steps 2, 3, 8 and 13: policy, log evidence, time, freshness.

One function for each step, from what is at hand to findings; the codes decide the results
(`messages.CHECKS`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from did_service.core.anchor.freshness import age_seconds
from did_service.core.anchor.policy import Policy, check_current
from did_service.core.encoding import timestamps
from did_service.core.errors import PolicyError, quote
from did_service.core.limits import MAX_DROPPED_NAMED
from did_service.core.verification.anchored import Anchored, Dropped, Evidence
from did_service.core.verification.case import Case
from did_service.core.verification.messages import Result
from did_service.core.verification.report import Basis, Check

_STEP_POLICY, _STEP_LOG, _STEP_TIME, _STEP_FRESH = 2, 3, 8, 13
_NAMED = ("log_unknown", "quorum_not_met")  # reasons for dropping that have codes of their own


def check_policy(policy: Policy | None, evidence: Evidence, now: datetime) -> Check:
    """Step 2: a policy is pinned, in force, and no two are signed of its number or the next."""
    if policy is None:
        return Check(_STEP_POLICY, "policy_missing")
    try:
        check_current(policy, now)
    except PolicyError as error:
        return Check(_STEP_POLICY, error.code, detail=error.message)
    numbers = [policy.sequence, *(members.get("seq") for members in evidence.policies)]
    twice = next((number for number in numbers if numbers.count(number) > 1), None)
    if twice is not None:
        return Check(_STEP_POLICY, "policy_forked", detail=f"there are two policies {twice}")
    return Check(_STEP_POLICY, "policy_current")


def check_log(
    evidence: Evidence, dropped: tuple[Dropped, ...], others: Iterable[Check], now: int
) -> Iterator[Check]:
    """Step 3: forks, what was dropped, and what a quorum stands behind.

    Args:
        evidence: What verified.
        dropped: What did not.
        others: The findings of the other steps: a dropped piece leaves things undecided only
            where something is undecided without it.
        now: POSIX seconds.
    """
    for fork in evidence.forks:
        yield Check(_STEP_LOG, "log_forked", detail=f"{quote(fork.origin)}, {fork.size}")
    missed = any(check.result is Result.UNDECIDED for check in others)
    for each in dropped[:MAX_DROPPED_NAMED]:
        code = each.code if each.code in _NAMED else "evidence_dropped"
        yield Check(
            _STEP_LOG,
            code if missed else "evidence_left_out",
            basis=Basis(each.source),
            detail=f"{each.what}: {each.code}",
        )
    newest = max(evidence.checkpoints, key=lambda each: each.fresh_at, default=None)
    if newest is None:
        yield Check(_STEP_LOG, "log_evidence_missing")
        return
    time = newest.fresh_at
    yield Check(
        _STEP_LOG,
        "log_witnessed",
        basis=Basis("checkpoint", time, age_seconds(time, now)),
        detail=f"{quote(newest.checkpoint.origin)}, {newest.checkpoint.size}",
    )


def check_time(case: Case) -> Check:
    """Step 8: `now` lies within the period of validity."""
    begin, end = case.credential.valid_from, case.credential.valid_until
    if end is not None and timestamps.to_posix(end) < case.now:
        return Check(_STEP_TIME, "expired", case.position, detail=timestamps.encode(end))
    if begin is not None and timestamps.to_posix(begin) > case.now:
        detail = timestamps.encode(begin)
        return Check(_STEP_TIME, "not_yet_valid", case.position, detail=detail)
    return Check(_STEP_TIME, "within_validity", case.position)


def check_freshness(case: Case, used: Iterable[Anchored]) -> Iterator[Check]:
    """Step 13: every statement that carries the decision is recent enough for the tier."""
    once = {(each.origin, each.placed.index): each for each in used}
    dated = [each for each in once.values() if each.time is not None]
    if not dated:
        yield Check(_STEP_FRESH, "freshness_unknown", case.position)
        return
    stale = [each for each in dated if not case.is_fresh(each)]
    for each in stale:
        basis = case.basis(each, limited=case.limit_seconds)
        detail = f"{each.entry.type} {quote(each.entry.subject)}"
        yield Check(_STEP_FRESH, "evidence_stale", case.position, basis, detail)
    if not stale:
        oldest = min(dated, key=lambda each: each.time or 0)
        basis = case.basis(oldest, limited=case.limit_seconds)
        yield Check(_STEP_FRESH, "evidence_fresh", case.position, basis)
