"""Evidence from a replica: what a wallet staples to a credential (docs/formats.md §5).

    checkpoint ─► heads entry about the log ─► record of the subject = its newest entry
              └──────► (data log: the tree that the heads entry names) ─► that entry

Everything is cut out at the hourly epoch checkpoint of the region's control log, so that all
wallets get the same bytes and none is told apart by them (threat rule 27);
`EvidenceMoment.NEWEST` is for programs that hold no credential. For a subject that is not
there, the two neighbouring records prove it. An entry that is no longer the newest is proven to
have existed: a data entry in the first tree that the control log says held it, which is as
early as can be shown (threat rule 13).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from did_service.core.anchor.bodies.heads import parse_heads_body
from did_service.core.anchor.entry import LoggedEntry
from did_service.core.anchor.snapshot import HeadsSnapshot, subject_key
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import MalformedError, NotFoundError, UnavailableError, quote
from did_service.core.evidence.audit_path import AuditPath
from did_service.core.evidence.moment import EvidenceMoment
from did_service.core.evidence.pieces import UnverifiedHead, UnverifiedItem
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.log import tiles
from did_service.core.log.checkpoint import checkpoint_in
from did_service.core.log.tiles import TileId
from did_service.replica.replica import Replica
from did_service.replica.single_flight import SingleFlight

_MOMENTS_KEPT = 4  # the epoch, the newest checkpoint, and those that are just being replaced


@dataclass(frozen=True, slots=True)
class HeadsTree:
    """A heads snapshot whose paths are quick to find: its tree is kept as tiles."""

    snapshot: HeadsSnapshot
    made: dict[TileId, bytes]

    @classmethod
    def of(cls, snapshot: HeadsSnapshot) -> HeadsTree:
        """Compute the tree of a snapshot once."""
        nothing: dict[TileId, bytes] = {}
        return cls(snapshot, tiles.extend(nothing.__getitem__, 0, snapshot.leaf_hashes()))

    def head(self, position: int) -> UnverifiedHead:
        """Return the record at a position with its path."""
        record = self.snapshot.records[position]
        path = tiles.inclusion_path(self.made.__getitem__, position, len(self.snapshot.records))
        return UnverifiedHead(position, record.encode(), AuditPath(path))


@dataclass(frozen=True, slots=True)
class _Cut:
    """A checkpoint of the control log, the newest heads entry below it, and its snapshot."""

    note: bytes
    size: int
    entry: LoggedEntry
    heads: HeadsTree


class EvidenceService:
    """Gives evidence about the entries of one log.

    Args:
        log: The log asked about.
        control: The control log of its region; the same replica where that is asked about.
    """

    def __init__(self, log: Replica, control: Replica) -> None:
        self._log = log
        self._control = control
        self._cut = SingleFlight(self._make_cut, _MOMENTS_KEPT)
        # Of a checkpoint all evidence rests on the same few heads entries.
        self._heads_item = SingleFlight(self._make_heads_item, _MOMENTS_KEPT)
        self._head = lru_cache(_MOMENTS_KEPT)(checkpoint_in)  # each request reads the same few

    def newest(self, kind: str, subject: str, moment: EvidenceMoment) -> UnverifiedEvidence:
        """Return the evidence of a subject's newest entry.

        Raises:
            NotFoundError: `subject_unknown`; see `absence`.
            UnavailableError: `checkpoint_missing` or `heads_missing`: the log is too young.
        """
        return self.newest_at(kind, subject, self.checkpoint(moment))

    def newest_at(self, kind: str, subject: str, note: bytes) -> UnverifiedEvidence:
        """Return what `newest` returns at a checkpoint of ours; for one note always the same.

        Raises:
            NotFoundError, UnavailableError: as `newest`.
        """
        cut = self._cut(note)
        if kind == "heads":
            return UnverifiedEvidence((cut.note,), (self._heads_about(subject, cut),))
        position = cut.heads.snapshot.find(kind, subject)
        placed = self._log.store.placed(cut.heads.snapshot.records[position].index)
        item = self._item(placed, self._log, self._proven_size(cut))
        named = UnverifiedItem(
            item.log, item.size, item.index, item.entry, item.path, cut.heads.head(position)
        )
        return self._evidence(cut, named, cut.entry)

    def numbered(
        self, kind: str, subject: str, number: int, moment: EvidenceMoment
    ) -> UnverifiedEvidence:
        """Return the evidence that an entry of a chain existed, newest or not.

        Raises:
            NotFoundError: `entry_unknown`.
            UnavailableError: `not_covered_yet`, and as `newest`.
        """
        cut = self._cut(self.checkpoint(moment))
        placed = self._log.store.numbered(kind, subject, number)
        if placed is None:
            raise NotFoundError("entry_unknown", f"no {kind} entry {number} of this subject")
        if self._log is self._control:
            heads, size = cut.entry, cut.size
        else:
            heads = self._first_heads_with(placed.index, cut)
            size = _covered(heads)
        if placed.index >= size:
            raise UnavailableError(
                "not_covered_yet", "the entry is younger than the checkpoint"
            )
        return self._evidence(cut, self._item(placed, self._log, size), heads)

    def absence(self, kind: str, subject: str, moment: EvidenceMoment) -> JsonObject:
        """Return the proof that a subject has no entry: the records beside its place."""
        cut = self._cut(self.checkpoint(moment))
        records = cut.heads.snapshot.records
        after = bisect_left(records, subject_key(kind, subject), key=lambda record: record.key)
        beside = [at for at in (after - 1, after) if 0 <= at < len(records)]
        neighbours: list[JsonValue] = [cut.heads.head(at).encode() for at in beside]
        heads = self._item(cut.entry, self._control, cut.size)
        evidence = UnverifiedEvidence((cut.note,), (heads,))
        return {"evidence": evidence.encode(), "neighbours": neighbours}

    def checkpoint(self, moment: EvidenceMoment) -> bytes:
        """Return the checkpoint of a moment.

        Raises:
            UnavailableError: `checkpoint_missing`; `file_damaged`: until the next one.
        """
        tree = self._control.tree
        try:
            note = tree.epoch() if moment is EvidenceMoment.EPOCH else tree.checkpoint()
            if note is not None:
                self._head(note)
        except MalformedError as error:  # our own file, not what was asked
            raise UnavailableError("file_damaged", f"{error.message}") from error
        if note is None:
            raise UnavailableError("checkpoint_missing", "nothing was published yet")
        return note

    def _make_cut(self, note: bytes) -> _Cut:
        size = self._head(note).size
        entry = self._control.store.newest("heads", self._log.origin, size)
        if entry is None:
            raise UnavailableError("heads_missing", f"no heads about {self._log.origin} yet")
        snapshot = self._log.store.snapshot(_covered(entry))
        return _Cut(note, size, entry, HeadsTree.of(snapshot))

    def _proven_size(self, cut: _Cut) -> int:
        """Return the size of the tree that paths lead to.

        The control log's own checkpoint has it, and for a data log the heads entry about it.
        """
        return cut.size if self._log is self._control else _covered(cut.entry)

    def _heads_about(self, origin: str, cut: _Cut) -> UnverifiedItem:
        placed = self._control.store.newest("heads", origin, cut.size)
        if placed is None:
            raise NotFoundError("subject_unknown", f"no heads about {quote(origin)}")
        return self._item(placed, self._control, cut.size)

    def _first_heads_with(self, index: int, cut: _Cut) -> LoggedEntry:
        """Return the first heads entry whose data tree holds an entry; sizes never fall."""
        store, origin = self._control.store, self._log.origin

        def covered(number: int) -> int:
            placed = store.numbered("heads", origin, number)
            return 0 if placed is None else _covered(placed)

        # The earliest such entry shows the earliest time by which the entry existed. Sizes
        # never fall, so it is found by bisection; the newest, not among `numbers`, is the last
        # resort.
        numbers = range(1, cut.entry.entry.number)
        number = 1 + bisect_left(numbers, index + 1, key=covered)
        return store.numbered("heads", origin, number) or cut.entry

    def _item(self, placed: LoggedEntry, log: Replica, size: int) -> UnverifiedItem:
        with log.store.reading() as connection:  # one for all tiles of the path
            hashes = log.store.within(connection).hashes
            path: Sequence[bytes] = tiles.inclusion_path(hashes, placed.index, size)
        return UnverifiedItem(log.origin, size, placed.index, placed.entry, AuditPath(path))

    def _make_heads_item(self, place: tuple[bytes, int]) -> UnverifiedItem:
        note, index = place
        placed = self._control.store.placed(index)
        return self._item(placed, self._control, self._head(note).size)

    def _evidence(
        self, cut: _Cut, item: UnverifiedItem, heads: LoggedEntry
    ) -> UnverifiedEvidence:
        """Put an item together with the heads entry it rests on and its content."""
        digest = item.entry.digest
        content = self._log.store.content(digest) if digest else None
        return UnverifiedEvidence(
            checkpoints=(cut.note,),
            items=(item, self._heads_item((cut.note, heads.index))),
            contents={digest: content} if digest and content is not None else {},
        )


def _covered(heads: LoggedEntry) -> int:
    """Return the number of entries that a heads entry speaks of."""
    return parse_heads_body(heads.entry.body).size
