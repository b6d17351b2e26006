"""From sequenced entries to a witnessed checkpoint that everybody may read.

    stage ─ sign ─ swap ─ install ─ ask ─ publish         of one log: `LogPublisher`
      │       │      │                 │
      │       │      │                 └ all witnesses; without the quorum nothing is published
      │       │      └ of the checkpoint row; a signature is used only by who won
      │       └ after the guard file has taken the head as an extension of the last one
      └ tiles, bundles, contents and heads files, not yet under their names

A process that is killed between any two of these goes on from there: what is staged belongs to
the row, or is made again. A region publishes in rounds: first what the control log has before
what rests on it, then the data logs, then the heads of all in the control log. Design:
docs/formats.md §9, threat rules 2 and 9.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from did_service.core.anchor.bodies.heads import HeadsBody, parse_heads_body
from did_service.core.anchor.entry import Entry, compose, parse_entry
from did_service.core.anchor.snapshot import HeadsSnapshot
from did_service.core.anchor.view import LogView
from did_service.core.log import tiles
from did_service.core.log.checkpoint import Checkpoint, checkpoint_in
from did_service.core.log.policy import LogPolicy
from did_service.registry.cosigners import WitnessPool
from did_service.registry.key_holder import KeyHolder
from did_service.registry.region import RegionStores
from did_service.registry.store import CheckpointStore
from did_service.replica.tree import StaticTree


@dataclass(frozen=True, slots=True)
class HeadsEntry:
    """The next heads entry about a log, composed when its turn comes.

    Attributes:
        control: Origin of the control log, in which it will stand.
        about: Origin of the log whose newest entries it names.
        size: How much of a data log it covers; the control log itself is covered up to the
            entry, and this is None.
    """

    control: str
    about: str
    size: int | None = None
    contents: Mapping[bytes, bytes] = field(default_factory=dict)

    def compose(self, logs: Mapping[str, LogView], at: int) -> Entry:
        """Return the sequenced entry."""
        subject = logs[self.about]
        size = subject.size() if self.size is None else self.size
        snapshot = subject.snapshot(size)
        tree = None if self.size is None else subject.root(size)
        body = HeadsBody(size, len(snapshot.records), snapshot.root, at, tree)
        former = logs[self.control].newest("heads", self.about)
        return compose("heads", self.about, body.encode(), after=former).sequenced(at)


class LogPublisher:
    """Publishes one log. One thread at a time.

    Args:
        region: The region, for its stores and clock.
        origin: The log.
        checkpoints: The rows that are swapped.
        key_holder: Signs.
        cosigners: The log's witnesses.
    """

    def __init__(
        self,
        region: RegionStores,
        origin: str,
        checkpoints: CheckpointStore,
        key_holder: KeyHolder,
        cosigners: WitnessPool,
    ) -> None:
        self._region = region
        self._replica = region.replicas[origin]
        self._checkpoints = checkpoints
        self._key_holder = key_holder
        self._cosigners = cosigners
        self.origin = origin

    @property
    def tree(self) -> StaticTree:
        """The log's files."""
        return self._replica.tree

    def signed(self) -> Checkpoint | None:
        """Return the newest head that the log has signed, None before the first."""
        note = self._checkpoints.read(self.origin)
        return None if note is None else checkpoint_in(note)

    def published(self) -> Checkpoint | None:
        """Return the newest head that everybody may read, None before the first."""
        note = self.tree.checkpoint()
        return None if note is None else checkpoint_in(note)

    def published_size(self) -> int:
        """Return the size of the published tree, 0 before the first."""
        head = self.published()
        return 0 if head is None else head.size

    def recover(self) -> None:
        """Finish what a killed process has begun, and remove what it has lost."""
        self._install_signed()
        for staged in self.tree.staged():
            self.tree.discard(staged)

    def publish(self, policy: LogPolicy) -> None:
        """Sign what has been sequenced, have it witnessed, publish it.

        Raises:
            ProofError: `quorum_not_met`: signed and kept, but not published.
            ConflictError: `signed_more_before`, `checkpoint_moved`, `tile_differs`: this
                process must not sign; somebody has to look.
        """
        self._install_signed()  # if that has failed before
        note = self._grow()
        if note is not None:
            size = checkpoint_in(note).size
            prove = partial(tiles.consistency_proof, self._replica.store.hashes, new_size=size)
            witnessed = self._cosigners.gather(note, policy, prove)
            self.tree.publish(witnessed, self._region.edge.posix())

    def _install_signed(self) -> None:
        """Give the files of the signed head their names, unless they have them."""
        signed = self.signed()
        for staged in self.tree.staged():
            if signed is not None and (staged.size, staged.root) == (signed.size, signed.root):
                self.tree.install(staged)
                self.tree.discard(staged)

    def _grow(self) -> bytes | None:
        """Return the log's signed checkpoint over everything sequenced; None if it is empty."""
        held = self._checkpoints.read(self.origin)
        old_size = 0 if held is None else checkpoint_in(held).size
        store = self._replica.store
        size = store.size()
        if size == old_size:
            return held
        entries = [parse_entry(data) for data in store.entries(old_size, size)]
        staged = self.tree.stage(
            old_size,
            [entry.encode() for entry in entries],
            contents=self._contents(entries),
            heads=self._snapshots(entries),
        )
        head = Checkpoint(self.origin, staged.size, staged.root)
        prove = partial(tiles.consistency_proof, store.hashes, new_size=staged.size)
        note = self._key_holder.sign(head, prove)
        self._checkpoints.swap(self.origin, held, note)
        self.tree.install(staged)
        self.tree.discard(staged)
        return note

    def _contents(self, entries: list[Entry]) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        for digest in {entry.digest for entry in entries if entry.digest is not None}:
            content = self._replica.store.content(digest)
            if content is not None:
                found[digest] = content
        return found

    def _snapshots(self, entries: list[Entry]) -> list[HeadsSnapshot]:
        """Return the snapshots that the newest heads entries among these name."""
        newest = {entry.subject: entry for entry in entries if entry.type == "heads"}
        return [
            self._region.stores[about].snapshot(parse_heads_body(entry.body).size)
            for about, entry in newest.items()
        ]
