"""What a trust directory holds, told without proving it again: numbers, and as of when.

    small directory ─► its evidence, proven ─┐
    large directory ─► columns of its chains ─┴─► Outline ─► good until when

A chain's row says as of when its newest entry was shown to be the latest, and how many
subjects its log had then: where as many chains say the same, everything of that log is at hand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from did_service.core.encoding import timestamps
from did_service.core.evidence.proven import Latest
from did_service.core.evidence.proven_set import Evidence
from did_service.verifier import quorums
from did_service.verifier.cells import instant, number, text
from did_service.verifier.directory import TrustDirectory
from did_service.verifier.held import TrustState, prove

if TYPE_CHECKING:
    from did_service.verifier.database import Rows

_KINDS = "SELECT kind, count(*) FROM chains WHERE log <> '' GROUP BY kind"
_TIMES = """
SELECT log, as_of, subjects, count(*) FROM chains
WHERE as_of IS NOT NULL GROUP BY log, as_of, subjects
"""


@dataclass(frozen=True, slots=True)
class Outline:
    """What is held.

    Attributes:
        kinds: How many, by type: entries of a small directory, subjects of a large one.
        complete: The logs of which every subject is at hand, and as of when, POSIX seconds.
        newest: By log, as of when the newest is that is shown to be a latest.
    """

    kinds: Mapping[str, int] = field(default_factory=dict)
    complete: Mapping[str, int] = field(default_factory=dict)
    newest: Mapping[str, int] = field(default_factory=dict)

    @property
    def oldest(self) -> int | None:
        """As of when the oldest of its logs is, POSIX seconds; None where nothing is held."""
        return min((self.complete or self.newest).values(), default=None)


def outline(directory: TrustDirectory, held: TrustState) -> Outline:
    """Say what a directory holds and as of when: by its rows where it is large.

    Raises:
        PolicyError: `policy_missing`.
    """
    basis = quorums.basis_of(held.demand_policy())
    if directory.is_large:
        return directory.read(lambda rows: outline_of_rows(rows, basis), Outline())
    evidence = directory.evidence()
    verified = directory.recalled(evidence.checkpoints, basis)
    return outline_of(prove(replace(held, evidence=evidence, verified=verified)))


def outline_of(evidence: Evidence) -> Outline:
    """Tell what evidence holds that was proven."""
    newest: dict[str, int] = {}
    for each in evidence.entries:
        if isinstance(each, Latest):
            newest[each.origin] = max(each.as_of, newest.get(each.origin, 0))
    return Outline(Counter(each.kind for each in evidence.entries), evidence.complete, newest)


def outline_of_rows(rows: Rows, basis: str) -> Outline:
    """Tell what the rows hold; of time they tell nothing that was judged by another basis."""
    kinds = {text(kind): number(count) for kind, count in rows.all(_KINDS)}
    newest: dict[str, int] = {}
    complete: dict[str, int] = {}
    if quorums.is_judged_by(rows, basis):
        for log, as_of, subjects, count in rows.all(_TIMES):
            origin, time = text(log), timestamps.to_posix(instant(as_of))
            newest[origin] = max(time, newest.get(origin, 0))
            if count == subjects:
                complete[origin] = max(time, complete.get(origin, 0))
    return Outline(kinds, complete, newest)
