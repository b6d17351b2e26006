"""Steps 2, 3, 8 and 13: policy, log evidence, time, freshness.

One function for each step, from what is at hand to findings; the codes decide the results
(`codes.CHECKS`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial

from did_service.core.anchor.bodies.policy import Policy, check_current
from did_service.core.anchor.freshness import age_seconds
from did_service.core.encoding import timestamps
from did_service.core.errors import PolicyError, quote
from did_service.core.evidence.proven_set import Dropped, Evidence
from did_service.core.limits import MAX_DROPPED_NAMED
from did_service.core.verification.codes import Result
from did_service.core.verification.context import CredentialContext
from did_service.core.verification.present import Certainty, Present
from did_service.core.verification.report import Basis, Check

_STEP_POLICY, _STEP_LOG, _STEP_TIME, _STEP_FRESH = 2, 3, 8, 13
_NAMED = ("log_unknown", "quorum_not_met")  # reasons for dropping that have codes of their own


def check_policy(policy: Policy | None, evidence: Evidence, present: Present) -> Check:
    """Step 2: a policy is pinned and in force, and governance signed no second one beside it.

    Two policies of one number, the pinned one's or a later one's, are a fork: nobody can say
    which of them the federation means.
    """
    if policy is None:
        return Check(_STEP_POLICY, "policy_missing")
    fault = _fault_at(policy, present.latest)
    if fault is not None:
        settled = not present.behind and _fault_at(policy, present.earliest) is not None
        code = fault.code if settled else "clock_in_doubt"
        return Check(_STEP_POLICY, code, detail=fault.message)
    numbers = [policy.sequence, *(members.get("seq") for members in evidence.policies)]
    twice = next((number for number in numbers if numbers.count(number) > 1), None)
    if twice is not None:
        return Check(_STEP_POLICY, "policy_forked", detail=f"there are two policies {twice}")
    return Check(_STEP_POLICY, "policy_current")


def _fault_at(policy: Policy, second: int) -> PolicyError | None:
    try:
        check_current(policy, timestamps.from_posix(second))
    except PolicyError as fault:
        return fault
    return None


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
    yield from _strange(evidence)
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


def _strange(evidence: Evidence) -> Iterator[Check]:
    """Name the types that this release does not know, and how many entries each has."""
    counts = Counter((each.source, each.kind) for each in evidence.strange)
    for (source, kind), number in sorted(counts.items())[:MAX_DROPPED_NAMED]:
        detail = f"{kind}: {number}"
        yield Check(_STEP_LOG, "evidence_of_other_type", basis=Basis(source), detail=detail)


def check_clock(present: Present) -> Iterator[Check]:
    """Step 8: the clock is not behind what was shown or decided before."""
    if present.behind:
        latest = timestamps.encode(timestamps.from_posix(present.latest))
        yield Check(_STEP_TIME, "clock_behind", detail=latest)


def check_time(context: CredentialContext) -> Check:
    """Step 8: the present lies within the period of validity, and the issuer's date behind it.

    What is over or still to come refuses; a date ahead of the present leaves undecided, for
    somebody's clock is wrong, and the period of validity stands beside it.
    """
    check, present = partial(Check, _STEP_TIME, credential=context.position), context.present
    begin, end, signed = (
        context.credential.valid_from,
        context.credential.valid_until,
        context.claimed,
    )
    over = Certainty.NO if end is None else present.has_passed(end.seconds)
    if over is not Certainty.NO:
        return check(_settled(over, "expired"), detail=str(end))
    early = Certainty.NO if begin is None else present.is_ahead(begin.seconds)
    if early is not Certainty.NO:
        return check(_settled(early, "not_yet_valid"), detail=str(begin))
    if signed is not None and present.is_ahead(signed) is not Certainty.NO:
        detail = timestamps.encode(timestamps.from_posix(signed))
        return check(_settled(present.is_ahead(signed), "dated_ahead"), detail=detail)
    begins = [] if begin is None else [begin.seconds]
    begins += [] if signed is None else [signed]
    skewed = any(map(present.is_within_skew, begins))
    return check("within_clock_skew" if skewed else "within_validity")


def _settled(certainty: Certainty, code: str) -> str:
    return code if certainty is Certainty.YES else "clock_in_doubt"


def check_freshness(context: CredentialContext) -> Iterator[Check]:
    """Step 13: each statement that a positive answer used is recent enough for the tier.

    Step 9 judges the age of a status list, under a code that has a waiver of its own.
    """
    used = [each for each in context.used.values() if each.kind != "status"]
    if not used:
        yield Check(_STEP_FRESH, "freshness_unknown", context.position)
        return
    stale = [each for each in used if not context.is_fresh(each)]
    for each in stale:
        basis = context.basis(each, limited=context.limit_seconds)
        detail = f"{each.kind} {quote(each.subject)}"
        yield Check(_STEP_FRESH, "evidence_stale", context.position, basis, detail)
    if not stale:
        oldest = min(used, key=lambda each: each.as_of)
        basis = context.basis(oldest, limited=context.limit_seconds)
        yield Check(_STEP_FRESH, "evidence_fresh", context.position, basis)
