"""Check every proof of evidence sets under the pinned policy (docs/offline-verification.md §3).

    checkpoint ◄─ policy's own text for that log: signature, quorum of other regions
        ▲ path
    control entry, heads entry ──tree──► data entry ──batch root──► issued record
                     └──root──► "this is the latest of its subject"

What does not verify is absent: dropped and named, never a failure, since anybody could have
spoilt it. Keys found inside evidence judge nothing. One origin and size with two roots, both
with a quorum, is a fork; nothing of that log counts then (threat rule 5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from did_service.core.anchor.bodies.heads import read_heads_body
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.region import control_origin
from did_service.core.anchor.snapshot import HeadsSnapshot
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding.compression import most_packed
from did_service.core.errors import (
    DidServiceError,
    LimitError,
    NotFoundError,
    ProofError,
    quote,
)
from did_service.core.evidence.batches import anchoring_of, take_batch
from did_service.core.evidence.branches import name_branches
from did_service.core.evidence.checked import Checked
from did_service.core.evidence.items import Items, Sources, items_of, what_is
from did_service.core.evidence.latest import LatestIndex, is_claim_unproven
from did_service.core.evidence.pieces import UnverifiedItem
from did_service.core.evidence.policy_succession import succeeding
from did_service.core.evidence.proven import IssuanceProof, ProvenEntry, ProvenHeads
from did_service.core.evidence.proven_set import Dropped, Evidence, Fork, Tree
from did_service.core.limits import HEADS_RECORD_BYTES, MAX_HEADS_FILE_BYTES
from did_service.core.log.policy import VerifiedCheckpoint


def verify_evidence(
    sources: Sources,
    policy: Policy,
    remembered: Mapping[str, Tree] | None = None,
    forked: frozenset[str] = frozenset(),
    checked: Checked | None = None,
) -> Evidence:
    """Check evidence sets under a policy and say what they prove.

    Args:
        sources: Sets by name.
        policy: The pinned policy; its own tlog-policy text judges each log.
        remembered: The largest tree of each log that was verified before: another root at the
            same size is a fork. It never makes a smaller tree unusable.
        forked: Origins of logs whose fork is on record; nothing of theirs counts.
        checked: What was checked before; if under this very policy it counts, and what is
            checked now is entered.

    Raises:
        Nothing for what the evidence holds: `Evidence.dropped` and `Evidence.forks` name it.
    """
    work = _Verification(policy, set(forked), Checked.under(policy, checked))
    for name, evidence in sources:
        work.dropped += (Dropped(name, each.what, each.code) for each in evidence.left_out)
    work.take_checkpoints(sources, remembered or {})
    items = list(items_of(sources))
    work.take_control(items)
    work.take_data(items)
    work.take_contents(sources)
    work.take_heads_files(sources)
    order = LatestIndex(work.heads, work.snapshots)
    entries = tuple(map(order.dated, work.found))
    work.dropped.extend(map(_undated, filter(is_claim_unproven, entries)))
    issued: dict[bytes, list[IssuanceProof]] = {}
    anchoring = anchoring_of(entries)
    batches = {batch: name for name, each in reversed(sources) for batch in each.batches}
    for batch, name in batches.items():
        what = f"batch of entry {batch.index} of {quote(batch.log)}"
        work.attempt(name, what, partial(take_batch, issued, batch, anchoring))
    for proofs in issued.values():
        proofs.sort(key=lambda each: (each.existed_by, each.index))
    return Evidence(
        checkpoints=(usable := tuple(work.usable_checkpoints())),
        entries=entries,
        contents=work.contents,
        issued=issued,
        policies=succeeding(policy, (p for _, each in sources for p in each.policies)),
        heads_files=work.heads_files,
        complete=order.complete(entries),
        dropped=tuple(name_branches(work.dropped, sources, usable, remembered or {})),
        forks=tuple(work.forks),
    )


class _Verification:
    """What has been proven so far. Only `take_…` add to it."""

    def __init__(self, policy: Policy, forked: set[str], checked: Checked) -> None:
        self.policy = policy
        self.forked = forked
        self.checked = checked
        self.notes: set[bytes] = set()
        self.trees: dict[tuple[str, int], dict[bytes, list[VerifiedCheckpoint]]] = {}
        self.heads: dict[str, list[ProvenHeads]] = {}
        self.ordered: set[tuple[str, int, int, bytes]] = set()
        self.covering: dict[tuple[str, int], ProvenHeads] = {}
        self.found: list[ProvenEntry] = []
        self.contents: dict[bytes, bytes] = {}
        self.snapshots: dict[bytes, HeadsSnapshot] = {}
        self.heads_files: dict[bytes, bytes] = {}
        self.dropped: list[Dropped] = []
        self.forks: list[Fork] = []

    def attempt(self, source: str, what: str, step: Callable[[], object]) -> None:
        """Take one piece, or drop and name it."""
        try:
            step()
        except DidServiceError as error:
            self.dropped.append(Dropped(source, what, error.code))

    def is_forked(self, origin: str) -> bool:
        """Say whether a log, or the control log that orders it, has shown two histories."""
        region = self.policy.region_of_log(origin)
        return origin in self.forked or control_origin(region) in self.forked

    def usable_checkpoints(self) -> Iterator[VerifiedCheckpoint]:
        """Yield the verified checkpoints of logs that are not forked."""
        for (origin, _), roots in self.trees.items():
            if not self.is_forked(origin):
                for checkpoints in roots.values():
                    yield from checkpoints

    def take_checkpoints(self, sources: Sources, remembered: Mapping[str, Tree]) -> None:
        for name, evidence in sources:
            for position, note in enumerate(dict.fromkeys(evidence.checkpoints)):
                self.attempt(name, f"checkpoint {position}", partial(self._checkpoint, note))
        for (origin, size), roots in self.trees.items():
            known = remembered.get(origin)
            others = {known.root} if known is not None and known.size == size else set()
            if len(others | roots.keys()) > 1:
                notes = tuple(each[0].note for each in roots.values())
                self._fork(Fork(origin, size, notes))

    def _checkpoint(self, note: bytes) -> None:
        verified = self.checked.verify(note, self.policy, self.notes)
        if verified is None:
            return
        tree = verified.checkpoint
        roots = self.trees.setdefault((tree.origin, tree.size), {})
        known = [*roots.get(tree.root, ()), verified]
        # Cosignatures can be left out and put in another order: many notes prove what two do.
        freshest = max(known, key=lambda each: each.fresh_at)
        earliest = min(known, key=lambda each: each.existed_by)
        roots[tree.root] = [freshest] if freshest is earliest else [freshest, earliest]

    def _fork(self, fork: Fork) -> None:
        self.forked.add(fork.origin)
        self.forks.append(fork)

    def take_control(self, items: Items) -> None:
        """Take the entries of control logs; their heads entries name the trees of data logs."""
        for name, item, leaf in items:
            if item.log.endswith("/reg"):
                self.attempt(name, what_is(item), partial(self._control_item, name, item, leaf))
        for known in self.heads.values():
            known.sort(key=lambda each: each.item.index, reverse=True)
            # If any two of one size differ, one of them differs from the one held against all.
            roots = {each.size: each for each in known}
            for each in known:
                self._compare(each, roots[each.size])

    def _compare(self, one: ProvenHeads, other: ProvenHeads) -> None:
        """Find a data log that shows two trees of one size, both under a quorum."""
        # Checkpoints of a data log and the heads entries of its control log both name its tree
        # under a quorum, so all must agree. A control log names none of its own (`tree` None).
        own = self.trees.get((one.about, one.size), {}) if one.tree is not None else {}
        notes = tuple(each[0].note for root, each in own.items() if root != one.tree)
        if one.tree != other.tree:
            notes += (other.note,)
        if notes and one.about not in self.forked:
            self._fork(Fork(one.about, one.size, (one.note, *notes)))

    def _control_item(self, source: str, item: UnverifiedItem, leaf: bytes) -> None:
        proving = self._checkpoints(item.log, item.size)
        root = proving[0].checkpoint.root
        self.checked.check_path(item, leaf, root)
        if item.entry.type == "heads":
            for checkpoint in proving:
                self._heads(item, checkpoint)
        else:
            self.found.append(ProvenEntry(source, item.log, item, leaf, proving[0].note))

    def _checkpoints(self, origin: str, size: int) -> list[VerifiedCheckpoint]:
        self.policy.region_of_log(origin)
        roots = self.trees.get((origin, size))
        if roots is None:
            raise NotFoundError("checkpoint_missing", f"no tree of {size} of {quote(origin)}")
        if self.is_forked(origin):
            raise ProofError("log_forked", f"{quote(origin)} has shown two histories")
        # Two roots of a size were a fork. Of its one: the freshest checkpoint and, if it is
        # another one, the earliest. "Is the latest" wants the first, "existed by" the second.
        (checkpoints,) = roots.values()
        return checkpoints

    def _heads(self, item: UnverifiedItem, checkpoint: VerifiedCheckpoint) -> None:
        about = item.entry.subject
        if control_origin(self.policy.region_of_log(about)) != item.log:
            raise ProofError(
                "heads_elsewhere", f"{quote(item.log)} does not order {quote(about)}"
            )
        body = read_heads_body(item.entry.body)
        heads = ProvenHeads(
            about=about,
            control=item.log,
            item=item,
            note=checkpoint.note,
            size=body.size,
            count=body.count,
            root=body.root,
            at=body.at,
            tree=body.tree_about(about, item.log),
            fresh_at=checkpoint.fresh_at,
            existed_by=checkpoint.existed_by,
        )
        if heads.at != item.entry.at or (heads.tree is None and heads.size != item.index):
            raise ProofError("heads_size_wrong", "a heads entry does not cover up to itself")
        known = self.heads.setdefault(about, [])
        if (item.log, item.size, item.index, checkpoint.note) not in self.ordered:
            self.ordered.add((item.log, item.size, item.index, checkpoint.note))
            known.append(heads)

    def take_data(self, items: Items) -> None:
        """Take the entries of data logs, through a heads entry or a checkpoint of their own."""
        self.covering = self._earliest_covering()
        for name, item, leaf in items:
            if not item.log.endswith("/reg"):
                take = partial(self._data_item, name, item, leaf)
                self.attempt(name, what_is(item), take)

    def _earliest_covering(self) -> dict[tuple[str, int], ProvenHeads]:
        """Find the heads entry that names each tree first, once for all items in it."""
        found: dict[tuple[str, int], ProvenHeads] = {}
        for each in (each for known in self.heads.values() for each in known):
            first = found.setdefault((each.about, each.size), each)
            if (each.item.index, each.existed_by) < (first.item.index, first.existed_by):
                found[each.about, each.size] = each
        return found

    def _data_item(self, source: str, item: UnverifiedItem, leaf: bytes) -> None:
        heads = self.covering.get((item.log, item.size))
        if self.is_forked(item.log):
            raise ProofError("log_forked", f"{quote(item.log)} has shown two histories")
        if heads is not None:
            root = heads.tree or b""
            self.checked.check_path(item, leaf, root)
            self.found.append(ProvenEntry(source, item.log, item, leaf, tree=heads))
            return
        note = self._checkpoints(item.log, item.size)[0]
        self.checked.check_path(item, leaf, note.checkpoint.root)
        self.found.append(ProvenEntry(source, item.log, item, leaf, note.note))

    def take_contents(self, sources: Sources) -> None:
        for name, evidence in sources:
            for digest, content in evidence.contents.items():
                if sha256(content) == digest:
                    self.contents[digest] = content
                else:
                    self.dropped.append(Dropped(name, "content", "digest_wrong"))

    def take_heads_files(self, sources: Sources) -> None:
        counts = {each.root: each.count for known in self.heads.values() for each in known}
        for name, evidence in sources:
            for root, file in evidence.heads_files.items():
                if root in counts and root not in self.snapshots:
                    size = min(counts[root] * HEADS_RECORD_BYTES, MAX_HEADS_FILE_BYTES)
                    take = partial(self._heads_file, root, size, file)
                    self.attempt(name, "heads file", take)

    def _heads_file(self, root: bytes, size: int, file: bytes) -> None:
        if len(file) > most_packed(size):  # it is kept as it came
            raise LimitError("too_large", f"{len(file)} bytes for {size} of records")
        self.snapshots[root] = self.checked.heads_files.read(root, file, size)
        self.heads_files[root] = file


def _undated(found: ProvenEntry) -> Dropped:
    return Dropped(found.source, what_is(found.as_received), "head_unproven")
