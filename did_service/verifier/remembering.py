"""What a decision leaves behind in the trust directory: a nonce that is spent, and evidence."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from did_service.core.crypto.hashes import sha256
from did_service.core.errors import (
    DidServiceError,
    LimitError,
)
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.verification.headline import is_final
from did_service.core.verification.presented import STAPLE
from did_service.core.verification.report import NowFrom, Report
from did_service.verifier.directory import TrustDirectory
from did_service.verifier.held import TrustState
from did_service.verifier.keeping import keep_evidence, keep_forks, of_decision, remember_logs
from did_service.verifier.memory import Answered, Memory
from did_service.verifier.question import Question


def can_spend(question: Question, memory: Memory) -> bool:
    """Say whether the question of an answer is still open."""
    try:
        _spend(question, memory)
    except DidServiceError:
        return False
    return True


def _spend(question: Question, memory: Memory, answer: Answered | None = None) -> Memory:
    """Take the answer; a clock set back keeps no question open that had closed."""
    instant = max(question.now, memory.floor or question.now)
    return memory.with_answer(question.request.nonce or "", instant, answer)


def keep(
    question: Question, directory: TrustDirectory, held: TrustState, report: Report
) -> Report:
    """Write what must not be forgotten of a decision, before it is told; return it."""
    if report.policy is None:
        return report
    lasting = UnverifiedEvidence(
        batches=tuple(batch for _, bundle in question.bundles for batch in bundle.batches)
    )
    keep_forks(directory, held, report.evidence.forks)
    with suppress(LimitError):  # a directory that is full keeps what it has
        needed = of_decision(report.evidence, report.policy, report.proven, STAPLE)
        keep_evidence(directory, held, needed, lasting)
    directory.change(lambda _: _after(question, held.memory, report))
    return report


def _after(question: Question, memory: Memory, report: Report) -> Memory:
    """Remember the decision; what nobody can act upon may be asked again, with better evidence.

    That is what stays undecided, and limits that nobody has accepted: neither costs the holder
    a second presentation.
    """
    after = remember_logs(memory, report.evidence)
    if not is_final(report):
        return after
    if report.holder_signed:
        answer = Answered(report.now, report.outcome, sha256(question.presented))
        after = _spend(question, after, answer)
    lasting = _lasting(report, after.witnessed)
    if question.source is not NowFrom.CLOCK or lasting is None or question.now > lasting:
        return after
    return after.with_decided(question.now)


def _lasting(report: Report, witnessed: datetime | None) -> datetime | None:
    """Return until when the clock at a decision may be remembered as a time that has been.

    Not when it is further ahead of all that a quorum has shown than the tier allows evidence to
    be old: nothing is accepted then, and the clock may be years ahead.
    """
    if witnessed is None or report.policy is None:
        return None
    return witnessed + timedelta(seconds=report.policy.tiers[report.tier])
