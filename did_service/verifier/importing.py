"""Importing evidence: believed in nothing, each item proves itself under the pinned policy.

    bundle ─► its policies, step by step ─► verify with what is held ─► forks, items, sizes

Nothing that is held gets older, and nothing is lost. What a bundle leaves out can still blind
its counter: an entry that is newer but cannot be used, since its list or its proof of being
the latest was held back, stands before the one that could. The counter is told of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.errors import PolicyError
from did_service.core.evidence.proven import ProvenEntry
from did_service.core.evidence.proven_set import Evidence
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.verifier.directory import TrustDirectory
from did_service.verifier.held import (
    TrustState,
    keep_evidence,
    keep_forks,
    newest_usable,
    prove,
    read_beside,
    read_policy,
    remember_logs,
)
from did_service.verifier.pinning import follow

BUNDLE = "bundle"


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What a bundle brought, in items: newer, the same, older; and what did not verify."""

    newer: int
    same: int
    older: int
    dropped: int


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import.

    Attributes:
        before, policy: The policy pinned before, and now.
        evidence: What the directory and the bundle prove together.
        counts: What the bundle brought.
        blinded: Kind and subject of which the newest entry at hand cannot be used, and an
            older one can: until the rest comes, nothing can be decided by it.
    """

    before: Policy
    policy: Policy
    evidence: Evidence
    counts: ImportCounts
    blinded: tuple[tuple[str, str], ...]


def import_bundle(
    directory: TrustDirectory, bundle: UnverifiedEvidence, now: datetime, boot: str
) -> Imported:
    """Merge a bundle into a trust directory: its policies first, then each item that is newer.

    Raises:
        PolicyError: `policy_missing`, `policy_forked`.
        LimitError: `too_large`: the directory would hold more than it may.
    """
    demand_policy(directory)
    with directory.locked():
        before = demand_policy(directory)
        policy = follow(directory, before, bundle.policies, now)
        held = read_beside(directory, boot, bundle)
        merged = merge(directory, held, bundle)
    alone = prove(replace(held, evidence=bundle))
    counts = _count(prove(held).entries, alone.entries, merged)
    return Imported(before, policy, merged, counts, _blinded(merged))


def demand_policy(directory: TrustDirectory) -> Policy:
    """Return the pinned policy.

    Raises:
        PolicyError: `policy_missing`.
    """
    policy = read_policy(directory)
    if policy is None:
        raise PolicyError("policy_missing", "")
    return policy


def merge(directory: TrustDirectory, held: TrustState, offered: UnverifiedEvidence) -> Evidence:
    """Merge evidence and remember what it showed; the lock is held.

    Raises:
        PolicyError: `policy_missing`.
        LimitError: `too_large`.
    """
    merged = prove(held, (BUNDLE, offered))
    keep_forks(directory, held, merged.forks)
    keep_evidence(directory, held, merged, offered)
    directory.change(lambda memory: remember_logs(memory, merged))
    return merged


def _count(
    before: Iterable[ProvenEntry], given: Iterable[ProvenEntry], merged: Evidence
) -> ImportCounts:
    best = {_chain(each): each.rank for each in sorted(before, key=lambda each: each.rank)}
    counts = Counter(_compared(each.rank, best.get(_chain(each))) for each in given)
    dropped = sum(each.source == BUNDLE for each in merged.dropped)
    return ImportCounts(counts["newer"], counts["same"], counts["older"], dropped)


def _chain(proven: ProvenEntry) -> tuple[str, str, str]:
    return proven.origin, proven.kind, proven.subject


def _compared(rank: tuple[int, int], held: tuple[int, int] | None) -> str:
    if held is None or rank > held:
        return "newer"
    return "same" if rank == held else "older"


def _blinded(evidence: Evidence) -> tuple[tuple[str, str], ...]:
    """Find the chains whose newest entry at hand stands before an older one that can serve."""
    newest: dict[tuple[str, str, str], int] = {}
    for each in evidence.entries:
        newest[_chain(each)] = max(each.number, newest.get(_chain(each), 0))
    usable = newest_usable(evidence)
    behind = (chain for chain, number in usable.items() if number < newest[chain])
    return tuple(sorted({(kind, subject) for _, kind, subject in behind}))
