"""From sequenced entries to a witnessed checkpoint that everybody may read.

    sign ─ swap ─ make files ─ ask ─ publish         of one log: `LogPublisher`
      │      │         │         │
      │      │         │         └ all witnesses; without the quorum nothing is published
      │      │         └ tiles, bundles, contents and heads files, out of the rows
      │      └ of the checkpoint row; a signature is used only by who won
      └ after the guard file has taken the head as an extension of the last one

A process that is killed between any two of these goes on from there: no file is made before its
tree has won the row, and every file of the signed tree is made again where it is missing. A
region publishes in rounds: first what the control log has before what rests on it, then the
data logs, then the heads of all in the control log. Design: docs/formats.md §9, adr 45, threat
rules 2 and 9.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby, takewhile
from typing import TypeAlias

from did_service.core.anchor.bodies.heads import HeadsBody, parse_heads_body
from did_service.core.anchor.entry import Entry, compose
from did_service.core.anchor.snapshot import HeadsSnapshot
from did_service.core.anchor.view import LogView
from did_service.core.crypto.hashes import HASH_BYTES
from did_service.core.errors import (
    ConflictError,
    DidServiceError,
    NotFoundError,
    UnavailableError,
)
from did_service.core.limits import TILE_WIDTH
from did_service.core.log import tiles
from did_service.core.log.checkpoint import Checkpoint, checkpoint_in
from did_service.core.log.merkle import leaf_hash
from did_service.core.log.policy import LogPolicy, VerifiedCheckpoint
from did_service.core.log.tiles import TileId
from did_service.program.logs import about
from did_service.registry.history import LogHistory
from did_service.registry.region import RegionStores
from did_service.registry.store import check_leads
from did_service.registry.witness_pool import WitnessPool
from did_service.replica.files import complete_files, grow_files
from did_service.replica.tree import StaticTree
from did_service.signer.log_key import KeyHolder
from did_service.storage.blobs import NOT_SYNCED

EntryPlace: TypeAlias = tuple[int, bytes]  # index and leaf hash of an entry
_LOG = logging.getLogger("did_service.registry")


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
        history: What the log has said; nothing is signed before its rows hold all of it.
        key_holder: Signs.
        cosigners: The log's witnesses.
    """

    def __init__(
        self,
        region: RegionStores,
        origin: str,
        history: LogHistory,
        key_holder: KeyHolder,
        cosigners: WitnessPool,
    ) -> None:
        self._region = region
        self._replica = region.replicas[origin]
        self._history = history
        self._checkpoints = history.checkpoints
        self._key_holder = key_holder
        self._cosigners = cosigners
        self._complete = False
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
        """Return the newest head that everybody may read, None before the first.

        None as well where its file is damaged: the next one replaces it.
        """
        return self.tree.head()

    def published_size(self) -> int:
        """Return the size of the published tree, 0 before the first."""
        head = self.published()
        return 0 if head is None else head.size

    def shown(self, places: Iterable[EntryPlace]) -> Iterator[EntryPlace]:
        """Yield which of these places, in order of index, the published tree has.

        The head is read once, and each tile once.
        """
        size = self.published_size()
        reached = takewhile(lambda place: place[0] < size, places)
        for number, of_tile in groupby(reached, key=lambda place: place[0] // TILE_WIDTH):
            first = number * TILE_WIDTH
            try:
                hashes = self.tree.tile(TileId(0, number, min(TILE_WIDTH, size - first)))
            except NotFoundError:
                continue  # a file was lost; the next round makes it again
            for index, leaf in of_tile:
                at = (index - first) * HASH_BYTES
                if hashes[at : at + HASH_BYTES] == leaf:
                    yield index, leaf

    def ask_again(self, policy: LogPolicy) -> None:
        """Have the newest head cosigned once more, for what the witnesses say of the time.

        The log may be published meanwhile, by the thread that does so: then it is the head that
        was signed there that counts.

        Raises:
            ProofError: `quorum_not_met`.
            UnavailableError, ConflictError: as `KeyHolder.sign`.
        """
        while (newest := self._newest()) is not None:
            # After a pull it is larger than the row of what was signed, and its files, which
            # the witnesses are going to read, may not be there yet.
            complete_files(self._replica, newest.size, self._heads(newest.size))
            try:
                note = self._sign(newest)
            except ConflictError:
                if newest == self._newest():
                    raise
                continue
            self._gather(note, policy)
            return

    def recover(self) -> None:
        """Make every file of the signed tree that is not there, whoever lost it.

        A head that the guard has taken and the row has not, because the process was killed
        between the two, becomes the row's as well: it is the newest one, about which witnesses
        are asked for their time, and they have to find its files.

        Raises:
            UnavailableError: `NOT_SYNCED`; after any other failure `publish` tries again.
        """
        try:
            self._complete_signed()
            newest = self._newest()
            if newest is not None:
                self._history.check(self._replica.store)
                self._grow_to(newest.size)
        except DidServiceError as error:
            if error.code == NOT_SYNCED:
                raise
            _LOG.warning("its files are not made", extra=about(error, log=self.origin))

    def publish(self, policy: LogPolicy) -> None:
        """Sign what has been sequenced, have it witnessed, publish it.

        Raises:
            ProofError: `quorum_not_met`: signed and kept, but not published.
            UnavailableError: as `LogHistory.check`: nothing was signed.
            ConflictError: `signed_more_before`, `signed_other_before`, `checkpoint_moved`,
                `tile_differs`: this process must not sign; somebody has to look.
            NotFoundError: `tile_unknown`: a file was lost; the next call makes it again.
            UnavailableError: `another_leads`: nothing was published.
            UnavailableError: `database_damaged`: an entry is not what its hash says.
        """
        self._history.check(self._replica.store)
        if not self._complete:
            self._complete_signed()
        note = self._grow()
        if note is None:
            return
        witnessed = self._gather(note, policy)
        try:
            check_leads(self._region.engine, self._region.leadership)
            # The hour is that of the witnesses: our own clock may be wrong.
            self.tree.publish(witnessed.note, witnessed.fresh_at)
        except NotFoundError:
            self._complete = False
            raise

    def _newest(self) -> Checkpoint | None:
        """Return the largest head that the log is known to have signed."""
        return max(self._history.heads().values(), key=lambda head: head.size, default=None)

    def _gather(self, note: bytes, policy: LogPolicy) -> VerifiedCheckpoint:
        size = checkpoint_in(note).size
        prove = partial(tiles.consistency_proof, self._replica.store.hashes, new_size=size)
        return self._cosigners.gather(note, policy, prove)

    def _complete_signed(self) -> None:
        """Make the files of the signed head that are not there.

        Raises:
            ConflictError: `signed_other_before`: the rows are not the tree that was signed.
        """
        signed, store = self.signed(), self._replica.store
        if signed is not None:
            if store.size() < signed.size or store.root(signed.size) != signed.root:
                what = f"{self.origin} was signed at {signed.size} with another history"
                raise ConflictError("signed_other_before", what)
            made = complete_files(self._replica, signed.size, self._heads(signed.size))
            if made:
                _LOG.warning("files made again: %d", len(made), extra=about(log=self.origin))
        self._complete = True

    def _grow(self) -> bytes | None:
        """Return the log's signed checkpoint over everything sequenced; None if it is empty."""
        return self._grow_to(self._replica.store.size())

    def _grow_to(self, size: int) -> bytes | None:
        """Sign a tree larger than the signed one and make its files; else return that one.

        What a former key has signed is signed again, also where nothing new has come: the next
        policy may take that key out.
        """
        held = self._checkpoints.read(self.origin)
        old_size = 0 if held is None else checkpoint_in(held).size
        if size < old_size or (size == old_size and not self._is_of_former_key(held)):
            return held
        note = self._sign(Checkpoint(self.origin, size, self._root(old_size, size)))
        self._complete = False  # until the files of what is now signed are there
        self._checkpoints.swap(self.origin, held, note)
        grow_files(self._replica, old_size, size, self._heads(size, old_size))
        self._complete = True
        return note

    def _sign(self, head: Checkpoint) -> bytes:
        hashes = self._replica.store.hashes
        prove = partial(tiles.consistency_proof, hashes, new_size=head.size)
        return self._key_holder.sign(head, prove)

    def _is_of_former_key(self, held: bytes | None) -> bool:
        return held is not None and not self._key_holder.has_signed(held)

    def _root(self, old_size: int, size: int) -> bytes:
        """Return the root over all entries, of which those not signed yet are hashed again."""
        store = self._replica.store
        edge = tiles.right_edge(store.hashes, old_size)
        for first in range(old_size, size, TILE_WIDTH):
            stop = min(first + TILE_WIDTH, size)
            leaves = [leaf_hash(data) for data in store.entries(first, stop)]
            if leaves != store.leaves(first, stop):
                what = f"entries {first} to {stop} of {self.origin} are not what was stored"
                raise UnavailableError("database_damaged", what)
            edge.extend(leaves)
        return edge.root()

    def _heads(self, size: int, since: int = 0) -> list[HeadsSnapshot]:
        """Return the snapshots that the newest heads entries from `since` on name."""
        stores = self._region.stores
        newest = {about: self._replica.store.newest("heads", about, size) for about in stores}
        return [
            stores[about].snapshot(parse_heads_body(placed.entry.body).size)
            for about, placed in newest.items()
            if placed is not None and placed.index >= since
        ]
