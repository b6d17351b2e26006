"""What the pinned policy stands behind: evidence after every proof in it was checked.

`Evidence` answers by question: the newest entry of a subject, who stated what about whom, the
bytes behind a digest, since when a record has existed. It is made by `proofs.verify_evidence`
alone. Entries of a log that has shown two histories are not in it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from did_service.core.anchor.bodies.authority import custodian_of, parties_of
from did_service.core.anchor.freshness import statement_time
from did_service.core.anchor.region import Region
from did_service.core.anchor.types import TYPES
from did_service.core.did.syntax import did_id
from did_service.core.encoding import b64
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.evidence.pieces import UnverifiedBatch
from did_service.core.evidence.proven import IssuanceProof, Latest, ProvenEntry
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.log.policy import VerifiedCheckpoint


class Tree(NamedTuple):
    """A tree of one log: its size and 32-byte root."""

    size: int
    root: bytes


RECORD = "record"  # kind of the chain of one record's issuance proofs


@dataclass(frozen=True, slots=True)
class ChainKey:
    """By what a chain is found: log, kind and subject; of a statement also the grantee's id.

    Attributes:
        as_of: POSIX seconds as of which its newest entry is its subject's latest; None where
            that is not shown.
        subjects: How many its log had then.
    """

    log: str
    kind: str
    subject: str
    about: str = ""
    as_of: int | None = field(default=None, compare=False)
    subjects: int = field(default=0, compare=False)


class Dropped(NamedTuple):
    """A piece of evidence that did not verify: whose, what, and the code of the reason."""

    source: str
    what: str
    code: str


class Fork(NamedTuple):
    """Two trees of one size; `notes` are the checkpoints at hand that show them."""

    origin: str
    size: int
    notes: tuple[bytes, ...]


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that verified. `complete` has the logs of which every subject is at hand, with T."""

    checkpoints: tuple[VerifiedCheckpoint, ...] = ()
    entries: tuple[ProvenEntry, ...] = ()
    contents: Mapping[bytes, bytes] = field(default_factory=dict)
    issued: Mapping[bytes, Sequence[IssuanceProof]] = field(default_factory=dict)
    policies: tuple[JsonObject, ...] = ()
    heads_files: Mapping[bytes, bytes] = field(default_factory=dict)
    complete: Mapping[str, int] = field(default_factory=dict)
    dropped: tuple[Dropped, ...] = ()
    forks: tuple[Fork, ...] = ()

    @cached_property
    def _chains(self) -> dict[tuple[str, str], list[ProvenEntry]]:
        chains: dict[tuple[str, str], list[ProvenEntry]] = {}
        for each in self.entries:
            chains.setdefault((each.kind, each.subject), []).append(each)
        for chain in chains.values():
            chain.sort(key=lambda each: each.rank, reverse=True)
        return chains

    @cached_property
    def _parties(self) -> dict[tuple[str, str], tuple[str, str] | None]:
        """Granter and grantee's id by log and subject; None where no statement tells them."""
        found: dict[tuple[str, str], tuple[str, str] | None] = {}
        for each in self.entries:
            chain = each.origin, each.subject
            if each.kind == "authority" and found.get(chain) is None:
                found[chain] = parties_of(each.as_received.entry.body, each.subject)
        return found

    @cached_property
    def _subjects(self) -> dict[str, set[str]]:
        """Subjects of the statements about each grantee, by id."""
        found: dict[str, set[str]] = {}
        for (_, subject), parties in self._parties.items():
            if parties is not None:
                found.setdefault(parties[1], set()).add(subject)
        return found

    @property
    def strange(self) -> Iterator[ProvenEntry]:
        """The entries of types that this release does not know; they answer no question."""
        return (each for each in self.entries if each.kind not in TYPES)

    @property
    def fresh_at(self) -> int | None:
        """The newest time that a quorum has shown, POSIX seconds: the floor of the clock."""
        return max((each.fresh_at for each in self.checkpoints), default=None)

    def chain(self, kind: str, subject: str, home: Region) -> tuple[ProvenEntry, ...]:
        """Return the entries of a chain in its home region's logs, newest n first."""
        found: dict[int, ProvenEntry] = {}
        for proven in self._chains.get((kind, subject), ()):
            if proven.origin in home.logs:
                found.setdefault(proven.number, proven)
        return tuple(found.values())

    def newest(self, kind: str, subject: str, home: Region) -> ProvenEntry | None:
        """Return the entry of a chain with the largest n at hand, the latest or not."""
        return next(iter(self.chain(kind, subject, home)), None)

    def beyond(self, kind: str, subject: str, home: Region) -> list[ProvenEntry]:
        """Return what other regions' logs have of a chain with later numbers than its home.

        A chain goes on elsewhere only after it has left; whoever brings what stood before has
        left the rest out.
        """
        chain = self._chains.get((kind, subject), ())
        here = max((each.number for each in chain if each.origin in home.logs), default=None)
        if here is None:
            return []
        return [each for each in chain if each.origin not in home.logs and each.number > here]

    def latest(self, kind: str, subject: str, home: Region) -> Latest | None:
        """Return the newest entry at hand where it is shown to be the latest of its subject."""
        newest = self.newest(kind, subject, home)
        return newest if isinstance(newest, Latest) else None

    def statements_about(
        self, grantee: str, home: Region
    ) -> tuple[tuple[ProvenEntry, ...], ...]:
        """Return every chain of authority entries about a DID, each newest first."""
        subjects = sorted(self._subjects.get(did_id(grantee), ()))
        chains = (self.chain("authority", subject, home) for subject in subjects)
        return tuple(chain for chain in chains if chain)

    def granter(self, statement: ProvenEntry) -> str:
        """Name who made a statement: whose record to look for next, and no verdict."""
        parties = self._parties.get((statement.origin, statement.subject))
        return "" if parties is None else parties[0]

    def custodian(self, statement: ProvenEntry) -> str:
        """Name who keeps the lists of a statement that is over: likewise no verdict."""
        return custodian_of(statement.as_received.entry.body, self.fresh_at or 0)

    def about_nobody(self, home: Region) -> ProvenEntry | None:
        """Return a statement of which nobody can tell whom it is about; it may be anybody."""
        strange = {chain for chain, parties in self._parties.items() if parties is None}
        for origin, subject in sorted(strange):
            if origin in home.logs:
                return self.newest("authority", subject, home)
        return None

    def content(self, digest: bytes) -> bytes | None:
        """Return the bytes behind a SHA-256 digest, None where they are not at hand."""
        return self.contents.get(digest)

    def is_usable(self, proven: ProvenEntry) -> bool:
        """Say whether an entry can serve a yes: the latest as of a time, its list at hand."""
        whole = proven.kind != "status" or proven.digest in self.contents
        return isinstance(proven, Latest) and whole

    def issuances(self, record: bytes, issuer: str) -> tuple[IssuanceProof, ...]:
        """Return the proofs that a record existed, from its issuer's own stream.

        Another agency's stream shows nothing of what this one has issued.

        Args:
            record: SHA-256 of its bytes.
            issuer: DID.
        """
        known = self.issued.get(record, ())
        return tuple(each for each in known if did_id(each.owner) == did_id(issuer))

    def kept_chains(self) -> Iterator[tuple[ChainKey, UnverifiedEvidence]]:
        """Yield what is worth keeping, chain by chain, each as a set that proves itself.

        Of each chain the two newest entries stay, since the one before an end still counts, and
        the newest that can be used. Chains are counted for each log by itself, so entries of
        one log never push out those of another. All proofs that a record existed stay. Nothing
        at hand is ever replaced by something older, or by something newer that lacks a part.
        """
        for chain, best in self._by_number().items():
            newest = best[max(best)]
            heads = newest.heads if isinstance(newest, Latest) else None
            root = b"" if heads is None else heads.root
            as_of = None if heads is None else statement_time(heads.fresh_at, heads.at)
            files = {root: self.heads_files[root]} if root in self.heads_files else {}
            own = self.select(best[number] for number in self._lasting(best))
            parties = (
                self._parties.get((chain[0], chain[2])) if chain[1] == "authority" else None
            )
            yield (
                ChainKey(
                    *chain, parties[1] if parties else "", as_of, heads.count if heads else 0
                ),
                replace(own, heads_files=files),
            )
        for record, proofs in self.issued.items():
            for log in dict.fromkeys(proof.batch.log for proof in proofs):
                own = self.select((), [proof for proof in proofs if proof.batch.log == log])
                yield ChainKey(log, RECORD, b64.encode_url(record)), own

    def _by_number(self) -> dict[tuple[str, str, str], dict[int, ProvenEntry]]:
        """Return the entries of each log's chain by number, the best of each."""
        chains: dict[tuple[str, str, str], dict[int, ProvenEntry]] = {}
        for each in sorted(self.entries, key=lambda each: each.rank, reverse=True):
            if each.kind != "evidence":
                chains.setdefault(each.chain, {}).setdefault(each.number, each)
        return chains

    def _lasting(self, chain: Mapping[int, ProvenEntry]) -> list[int]:
        usable = [number for number, each in chain.items() if self.is_usable(each)]
        return sorted({*sorted(chain)[-2:], *sorted(usable)[-1:]})

    def select(
        self, entries: Iterable[ProvenEntry], issuances: Iterable[IssuanceProof] = ()
    ) -> UnverifiedEvidence:
        """Return the set that proves these entries and no others: a staple, for example."""
        issued = tuple(issuances)
        chosen = [*entries, *(each.entry for each in issued)]
        trees = [each.tree for each in chosen if each.tree is not None]
        heads = [*trees, *(each.heads for each in chosen if isinstance(each, Latest))]
        notes = [each.note for each in chosen if each.note is not None]
        notes += [each.note for each in heads]
        items = [*(each.item for each in heads), *(each.as_received for each in chosen)]
        digests = [each.digest for each in chosen]
        return UnverifiedEvidence(
            checkpoints=tuple(dict.fromkeys(notes)),
            items=tuple({(i.log, i.size, i.index): i for i in items}.values()),
            contents={d: self.contents[d] for d in digests if d in self.contents},
            batches=tuple({_key(each.batch): each.batch for each in issued}.values()),
        )


def _key(batch: UnverifiedBatch) -> tuple[str, int, bytes]:
    return batch.log, batch.index, batch.record
