"""Importing evidence: believed in nothing, each item proves itself under the pinned policy.

    bundle ─► its policies, step by step ─► portion after portion:
    read what is held of the same ─► verify ─► lock ─► still so? ─► forks, items, sizes

Nothing that is held gets older, and nothing is lost. Each portion is kept as a whole: an import
that was cut leaves a directory that holds some of the bundle, and the same import again goes
on. What a bundle leaves out can still blind its counter: an entry that is newer but cannot be
used, since its list or its proof of being the latest was held back, stands before the one that
could. The counter is told of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.errors import ConflictError, LimitError
from did_service.core.evidence.checked import Checked
from did_service.core.evidence.proven import ProvenEntry
from did_service.core.evidence.proven_set import Evidence, Fork
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.verifier.directory import TrustDirectory
from did_service.verifier.held import (
    TrustState,
    demanded,
    prove,
    read_beside,
    read_subjects,
)
from did_service.verifier.keeping import keep_evidence, keep_forks, newest_usable, remember_logs
from did_service.verifier.pinning import follow
from did_service.verifier.portions import Bundle, halves

BUNDLE = "bundle"
_TRIES = 3  # of a portion, while others change the directory; then they wait for it
_Chain = tuple[str, str, str]


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
        forks: Logs that have shown two histories.
        counts: What the bundle brought.
        blinded: Kind and subject of which the newest entry at hand cannot be used, and an
            older one can: until the rest comes, nothing can be decided by it.
    """

    before: Policy
    policy: Policy
    forks: tuple[Fork, ...]
    counts: ImportCounts
    blinded: tuple[tuple[str, str], ...]

    @property
    def proven(self) -> int:
        """How many items of the bundle verified."""
        return self.counts.newer + self.counts.same + self.counts.older


@dataclass(slots=True)
class _Import:
    """An import at work: what was checked, and what came of the portions so far.

    Attributes:
        directory, boot, bundle: Where to, in which boot of the machine, and what.
        policy: By which the last portion was judged: another window may pin one meanwhile.
        checked: Under that policy, and no other.
        counts, forks, blinded: See `Imported`.
        shared: How much of what all portions share is dropped, by the policy's SHA-256.
        is_begun: Whether a portion is taken already.
    """

    directory: TrustDirectory
    boot: str
    bundle: Bundle
    policy: Policy
    checked: Checked
    counts: Counter[str] = field(default_factory=Counter)
    forks: dict[tuple[str, int], Fork] = field(default_factory=dict)
    blinded: dict[_Chain, bool] = field(default_factory=dict)
    shared: dict[bytes, int] = field(default_factory=dict)
    is_begun: bool = False

    def take(self, portion: UnverifiedEvidence) -> None:
        """Merge one portion, in two where it is too much with what is held of the same.

        A piece that is too much by itself is left out, and counted as dropped: what one subject
        has gathered keeps nobody from importing the others.
        """
        try:
            held, merged = self._merged(portion)
        except LimitError as error:
            if error.code != "too_much_to_check":
                raise
            self._take_in_two(portion)
        else:
            self._count(portion, held, merged)

    def _take_in_two(self, portion: UnverifiedEvidence) -> None:
        if self.bundle.is_whole:
            shared = _shared_in(portion)
            self.bundle = replace(self.bundle, shared=shared, is_whole=False)
        parts = halves(portion, self.bundle.shared)
        for part in parts:
            self.take(part)
        if not parts:
            self.counts["dropped"] += 1

    def _count(self, portion: UnverifiedEvidence, held: TrustState, merged: Evidence) -> None:
        alone = self.prove(replace(held, evidence=UnverifiedEvidence()), portion)
        before = prove(held, checked=self.checked)
        if self.is_begun:  # what they share was counted with the first
            self.counts["dropped"] -= self._dropped_of_shared(held)
        self.counts.update(_compared_each(before.entries, alone.entries))
        self.counts["dropped"] += _dropped(merged)
        self.forks |= {(fork.origin, fork.size): fork for fork in merged.forks}
        self.blinded |= _blinded(merged)
        self.checked.paths.clear()
        self.is_begun = True

    def prove(self, held: TrustState, offered: UnverifiedEvidence) -> Evidence:
        """Say what a set proves beside what is held; nothing is checked a second time."""
        self.policy = held.demand_policy()
        self.checked = Checked.under(self.policy, self.checked)
        return prove(held, (BUNDLE, offered), checked=self.checked)

    def _dropped_of_shared(self, held: TrustState) -> int:
        policy = held.demand_policy()
        if policy.digest not in self.shared:
            nothing = replace(held, evidence=UnverifiedEvidence())
            self.shared[policy.digest] = _dropped(self.prove(nothing, self.bundle.shared))
        return self.shared[policy.digest]

    def _merged(self, portion: UnverifiedEvidence) -> tuple[TrustState, Evidence]:
        """Prove a portion beside what is held of it, and keep it if that is still held."""
        for _ in range(_TRIES):
            version = self.directory.version
            held = self._read(portion)
            merged = self.prove(held, portion)
            with self.directory.locked():
                if self.directory.version == version and self._keep(held, merged, portion):
                    return held, merged
        with self.directory.locked():
            held = self._read(portion)
            merged = self.prove(held, portion)
            _keep(self.directory, held, merged, portion)
            return held, merged

    def _read(self, portion: UnverifiedEvidence) -> TrustState:
        """Read what a portion may change, with the first one what may contradict it as well.

        What could contradict the held is in each portion, so once is enough.
        """
        if self.bundle.is_whole:
            return read_beside(self.directory, self.boot, portion)
        first = not self.is_begun
        return read_subjects(self.directory, self.boot, portion, with_shared=first)

    def _keep(self, held: TrustState, merged: Evidence, portion: UnverifiedEvidence) -> bool:
        """Keep what was proven; not where another tree of a log was seen meanwhile."""
        try:
            remember_logs(self.directory.memory(), merged)
        except ConflictError:
            return False
        _keep(self.directory, held, merged, portion)
        return True


def import_bundle(
    directory: TrustDirectory, bundle: Bundle, now: datetime, boot: str
) -> Imported:
    """Merge a bundle into a trust directory: its policies first, then each item that is newer.

    Raises:
        PolicyError: `policy_missing`, `policy_forked`.
        LimitError: `too_large`: the directory would hold more than it may.
    """
    pinned = follow(directory, bundle.shared.policies, now)
    work = _Import(directory, boot, bundle, pinned.policy, Checked(pinned.policy.digest))
    for portion in bundle.portions:
        work.take(portion)
    counts = ImportCounts(
        *(work.counts[name] for name in ("newer", "same", "older", "dropped"))
    )
    blinded = {(kind, subject) for (_, kind, subject), is_so in work.blinded.items() if is_so}
    return Imported(
        demanded(pinned.before),
        work.policy,
        (*work.forks.values(),),
        counts,
        (*sorted(blinded),),
    )


def merge(
    directory: TrustDirectory,
    held: TrustState,
    offered: UnverifiedEvidence,
) -> Evidence:
    """Merge evidence and remember what it showed; the lock is held.

    Raises:
        PolicyError: `policy_missing`.
        LimitError: `too_large`.
    """
    merged = prove(held, (BUNDLE, offered))
    _keep(directory, held, merged, offered)
    return merged


def _keep(
    directory: TrustDirectory, held: TrustState, merged: Evidence, offered: UnverifiedEvidence
) -> None:
    keep_forks(directory, held, merged.forks)
    keep_evidence(directory, held, merged, offered)
    directory.change(lambda memory: remember_logs(memory, merged))


def _shared_in(whole: UnverifiedEvidence) -> UnverifiedEvidence:
    heads = tuple(item for item in whole.items if item.entry.type == "heads")
    return replace(whole, items=heads, contents={}, batches=(), left_out=())


def _dropped(merged: Evidence) -> int:
    return sum(each.source == BUNDLE for each in merged.dropped)


def _compared_each(
    before: Iterable[ProvenEntry], given: Iterable[ProvenEntry]
) -> Iterator[str]:
    best = {each.chain: each.rank for each in sorted(before, key=lambda each: each.rank)}
    return (_compared(each.rank, best.get(each.chain)) for each in given)


def _compared(rank: tuple[int, int], held: tuple[int, int] | None) -> str:
    if held is None or rank > held:
        return "newer"
    return "same" if rank == held else "older"


def _blinded(evidence: Evidence) -> dict[_Chain, bool]:
    """Say of each chain whether its newest entry stands before an older one that can serve."""
    newest: dict[_Chain, int] = {}
    for each in evidence.entries:
        newest[each.chain] = max(each.number, newest.get(each.chain, 0))
    usable = newest_usable(evidence)
    return {chain: usable.get(chain, number) < number for chain, number in newest.items()}
