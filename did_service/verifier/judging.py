"""Judging: what a file comes to under a policy; nothing is kept.

No trust directory is needed for it, and nothing of one is loaded: whoever judges by a policy
alone, as `did-verify check --policy`, needs no memory. `decide` remembers what is judged.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.evidence.proven_set import Dropped
from did_service.core.verification.codes import Result
from did_service.core.verification.report import Basis, Check, Report
from did_service.core.verification.request import Clock, Remembered
from did_service.core.verification.verify import verify
from did_service.verifier.file_kinds import check_presented
from did_service.verifier.question import Question

if TYPE_CHECKING:  # of a trust directory, where there is one
    from did_service.verifier.held import TrustState


def judge_alone(question: Question, policy: Policy) -> Report:
    """Judge by a policy alone: nothing is remembered, so a second answer is not noticed.

    Raises:
        UsageError: `file_…`.
    """
    report = judge(question, policy)
    return replace(report, unsafe=(*report.unsafe, "nothing_remembered"))


def judge(question: Question, policy: Policy | None, held: TrustState | None = None) -> Report:
    """Judge a file under a policy, with what a directory holds; nothing is kept.

    Raises:
        UsageError: `file_…`: the file is something else; nothing was decided.
    """
    now, source = question.now, question.source
    report = verify(
        question.presented,
        policy=policy,
        evidence=(*(() if held is None else held.sources), *question.bundles),
        request=question.request,
        clock=Clock(now, source) if held is None else held.clock(now, source),
        remembered=Remembered() if held is None else held.remembered,
    )
    check_presented(question.name, question.presented, report)
    report = replace(report, accepts_limits=question.accept_limits)
    return _with_unreadable(report, question.unreadable)


def _with_unreadable(report: Report, unreadable: tuple[Dropped, ...]) -> Report:
    """Name the bundles that could not be read, as step 3 names what did not verify."""
    missed = any(check.result is Result.UNDECIDED for check in report.checks)
    code = "evidence_dropped" if missed else "evidence_left_out"
    named = [
        Check(code, basis=Basis(each.source), detail=f"{each.what}: {each.code}")
        for each in unreadable
    ]
    before = [check for check in report.checks if check.step <= 3]
    after = report.checks[len(before) :]
    return replace(report, checks=(*before, *named, *after))
