"""Step 3: forks, what was dropped, and what a quorum stands behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from did_service.core.anchor.freshness import age_seconds
from did_service.core.errors import quote
from did_service.core.evidence.branches import CONTRADICTED
from did_service.core.evidence.proven_set import Evidence
from did_service.core.limits import MAX_DROPPED_NAMED
from did_service.core.verification.codes import Result
from did_service.core.verification.context import PresentationContext
from did_service.core.verification.report import Basis, Check

_NAMED = (
    "log_unknown",
    "quorum_not_met",
    CONTRADICTED,
)  # reasons for dropping that have codes of their own


def check(context: PresentationContext) -> Iterator[Check]:
    """Check what the logs have shown; runs last.

    A dropped piece leaves things undecided only where another step is undecided without it.
    """
    evidence = context.evidence
    for fork in evidence.forks:
        yield Check("log_forked", detail=f"{quote(fork.origin)}, {fork.size}")
    missed = any(check.result is Result.UNDECIDED for check in context.checks)
    for each in context.dropped[:MAX_DROPPED_NAMED]:
        code = each.code if each.code in _NAMED else "evidence_dropped"
        yield Check(
            code if missed else "evidence_left_out",
            basis=Basis(each.source),
            detail=f"{each.what}: {each.code}",
        )
    yield from _strange(evidence)
    newest = max(evidence.checkpoints, key=lambda each: each.fresh_at, default=None)
    if newest is None:
        yield Check("log_evidence_missing")
        return
    time = newest.fresh_at
    yield Check(
        "log_witnessed",
        basis=Basis("checkpoint", time, age_seconds(time, context.present.latest)),
        detail=f"{quote(newest.checkpoint.origin)}, {newest.checkpoint.size}",
    )


def _strange(evidence: Evidence) -> Iterator[Check]:
    """Name the types that this release does not know, and how many entries each has."""
    counts = Counter((each.source, each.kind) for each in evidence.strange)
    for (source, kind), number in sorted(counts.items())[:MAX_DROPPED_NAMED]:
        detail = f"{kind}: {number}"
        yield Check("evidence_of_other_type", basis=Basis(source), detail=detail)
