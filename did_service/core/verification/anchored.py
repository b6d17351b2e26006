"""What the pinned policy stands behind: evidence after every proof in it was checked.

`Evidence` answers by question: the newest entry of a subject, who stated what about whom, the
bytes behind a digest, since when a record has existed. It is made by `proving.verify_evidence`
alone. Entries of a log that has shown two histories are not in it.

    T = min(fresh_at, heads.at[, iat])    time of "this is the latest of its subject"
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from did_service.core.anchor.authority import parse_authority
from did_service.core.anchor.entry import Entry, Placed
from did_service.core.anchor.policy import Region
from did_service.core.did.syntax import did_id
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import DidServiceError
from did_service.core.log.policy import VerifiedCheckpoint
from did_service.core.verification.evidence import (
    UnverifiedBatch,
    UnverifiedEvidence,
    UnverifiedItem,
)


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree of one log: its size and 32-byte root."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Dropped:
    """A piece of evidence that did not verify: whose, what, and the code of the reason."""

    source: str
    what: str
    code: str


@dataclass(frozen=True, slots=True)
class Fork:
    """Two trees of one size; `notes` are the checkpoints at hand that show them."""

    origin: str
    size: int
    notes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Heads:
    """A verified heads entry: what reg says about a log, and through which checkpoint.

    Attributes:
        about: Origin of the log whose subjects it lists.
        reg: Origin of the log it stands in.
        item: As received.
        note: The checkpoint that proves it.
        size, count, root, at: Its body (docs/formats.md §2).
        tree: Root of the ev log at `size`; None where it is about reg itself.
        fresh_at, existed_by: Quorum times of the checkpoint, POSIX seconds.
    """

    about: str
    reg: str
    item: UnverifiedItem
    note: bytes
    size: int
    count: int
    root: bytes
    at: int
    tree: bytes | None
    fresh_at: int
    existed_by: int


@dataclass(frozen=True, slots=True)
class Anchored:
    """An entry that stands in a log under a quorum.

    Attributes:
        source: Name of the evidence set it came with.
        origin: Its log.
        placed: The entry, its index and leaf hash.
        item: As received, to keep and hand on.
        note: The checkpoint its path leads to; None where a heads entry names the tree.
        tree: That heads entry, for an ev log.
        heads: The heads entry that names it as its subject's latest; None if none does.
        time: T, POSIX seconds; None where `heads` is.
    """

    source: str
    origin: str
    placed: Placed
    item: UnverifiedItem
    note: bytes | None = None
    tree: Heads | None = None
    heads: Heads | None = None
    time: int | None = None

    @property
    def entry(self) -> Entry:
        """The entry."""
        return self.placed.entry

    @property
    def rank(self) -> tuple[int, int]:
        """What wins when sets are merged: the larger n, then the larger T."""
        return self.entry.number, -1 if self.time is None else self.time


@dataclass(frozen=True, slots=True)
class Issuance:
    """Proof that a record existed before entry `index` of the log `reg`, and by a time.

    Attributes:
        owner: The DID whose issuance stream holds the record.
        reg: Origin of the control log whose heads entry covers it.
        index: Index of that heads entry.
        existed_by: POSIX seconds: a quorum saw the tree with that entry by then.
        batch, entry: The proof, to keep and hand on.
    """

    owner: str
    reg: str
    index: int
    existed_by: int
    batch: UnverifiedBatch
    entry: Anchored


@dataclass(frozen=True)
class Evidence:
    """All that verified. `complete` has the logs of which every subject is at hand, with T."""

    checkpoints: tuple[VerifiedCheckpoint, ...] = ()
    entries: tuple[Anchored, ...] = ()
    contents: Mapping[bytes, bytes] = field(default_factory=dict)
    issued: Mapping[bytes, Sequence[Issuance]] = field(default_factory=dict)
    policies: tuple[JsonObject, ...] = ()
    heads_files: Mapping[bytes, bytes] = field(default_factory=dict)
    complete: Mapping[str, int] = field(default_factory=dict)
    dropped: tuple[Dropped, ...] = ()
    forks: tuple[Fork, ...] = ()

    @cached_property
    def _chains(self) -> dict[tuple[str, str], list[Anchored]]:
        chains: dict[tuple[str, str], list[Anchored]] = {}
        for each in self.entries:
            chains.setdefault((each.entry.type, each.entry.subject), []).append(each)
        for chain in chains.values():
            chain.sort(key=lambda each: each.rank, reverse=True)
        return chains

    @cached_property
    def _subjects_by_grantee(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for each in self.entries:
            if each.entry.type == "authority":
                found.setdefault(_grantee(each.entry), set()).add(each.entry.subject)
        return found

    @property
    def fresh_at(self) -> int | None:
        """The newest time that a quorum has shown, POSIX seconds: the floor of the clock."""
        return max((each.fresh_at for each in self.checkpoints), default=None)

    def chain(self, kind: str, subject: str, home: Region) -> tuple[Anchored, ...]:
        """Return the entries of a chain in its home region's logs, newest n first."""
        found: dict[int, Anchored] = {}
        for anchored in self._chains.get((kind, subject), ()):
            if anchored.origin in home.logs:
                found.setdefault(anchored.entry.number, anchored)
        return tuple(found.values())

    def newest(self, kind: str, subject: str, home: Region) -> Anchored | None:
        """Return the entry of a chain with the largest n at hand."""
        return next(iter(self.chain(kind, subject, home)), None)

    def statements_about(self, grantee: str, home: Region) -> tuple[tuple[Anchored, ...], ...]:
        """Return every chain of authority entries about a DID, each newest first."""
        subjects = sorted(self._subjects_by_grantee.get(did_id(grantee), ()))
        chains = (self.chain("authority", subject, home) for subject in subjects)
        return tuple(chain for chain in chains if chain)

    def content(self, digest: bytes) -> bytes | None:
        """Return the bytes behind a SHA-256 digest, None where they are not at hand."""
        return self.contents.get(digest)

    def issuances(self, record: bytes) -> tuple[Issuance, ...]:
        """Return the proofs that a record existed, by the SHA-256 of its bytes."""
        return tuple(self.issued.get(record, ()))

    def kept(self) -> UnverifiedEvidence:
        """Return the union worth keeping, as one set.

        Of each log's chain the two newest entries stay (the one before an end counts too): no
        log crowds out another's. Of each record every proof of existence stays. Nothing that
        is at hand is ever replaced by something older.
        """
        chains: dict[tuple[str, str, str], dict[int, Anchored]] = {}
        for each in sorted(self.entries, key=lambda each: each.rank, reverse=True):
            if each.entry.type != "evidence":
                chain = each.origin, each.entry.type, each.entry.subject
                chains.setdefault(chain, {}).setdefault(each.entry.number, each)
        newest = [best[n] for _, best in sorted(chains.items()) for n in sorted(best)[-2:]]
        issued = [each for proofs in self.issued.values() for each in proofs]
        kept = self.select(newest, issued)
        current = (best[max(best)].heads for best in chains.values())
        roots = {heads.root for heads in current if heads is not None}
        files = {root: file for root, file in self.heads_files.items() if root in roots}
        return replace(kept, policies=self.policies, heads_files=files)

    def select(
        self, entries: Iterable[Anchored], issuances: Iterable[Issuance] = ()
    ) -> UnverifiedEvidence:
        """Return the set that proves these entries and no others: a staple, for example."""
        issued = tuple(issuances)
        chosen = [*entries, *(each.entry for each in issued)]
        heads = [h for each in chosen for h in (each.tree, each.heads) if h is not None]
        notes = [each.note for each in chosen if each.note is not None]
        notes += [each.note for each in heads]
        items = [*(each.item for each in heads), *(each.item for each in chosen)]
        digests = [each.entry.digest for each in chosen if each.entry.digest is not None]
        return UnverifiedEvidence(
            checkpoints=tuple(dict.fromkeys(notes)),
            items=tuple({(i.log, i.size, i.index): i for i in items}.values()),
            contents={d: self.contents[d] for d in digests if d in self.contents},
            batches=tuple({_key(each.batch): each.batch for each in issued}.values()),
        )


def _grantee(entry: Entry) -> str:
    """Name the grantee; an entry that cannot be read is nobody's."""
    try:
        return did_id(parse_authority(entry.body).grantee)
    except DidServiceError:
        return ""


def _key(batch: UnverifiedBatch) -> tuple[str, int, bytes]:
    return batch.log, batch.index, batch.record
