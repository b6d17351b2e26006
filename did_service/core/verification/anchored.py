"""What the pinned policy stands behind: evidence after every proof in it was checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from did_service.core.anchor.entry import Placed
from did_service.core.anchor.policy import Policy
from did_service.core.log.policy import VerifiedCheckpoint
from did_service.core.verification.evidence import UnverifiedEvidence, UnverifiedItem


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
    """Two trees of one size, each with a quorum; `notes` are both checkpoints."""

    origin: str
    size: int
    notes: tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Anchored:
    """An entry that stands in a log under a quorum.

    Attributes:
        source: Name of the evidence set it came with.
        origin: Its log.
        placed: The entry, its index and leaf hash.
        item: As received, to keep and hand on.
        time: T, POSIX seconds, of "this is the latest of its subject"; None if not shown.
    """

    source: str
    origin: str
    placed: Placed
    item: UnverifiedItem
    time: int | None


@dataclass(frozen=True, slots=True)
class Issuance:
    """Proof that a record existed: `reg` entry `index` of second `at` rests on it.

    `owner` is the DID whose issuance stream holds it.
    """

    owner: str
    reg: str
    index: int
    at: int


class Evidence:
    """All that verified, by question. Entries of forked logs are not in it."""

    checkpoints: tuple[VerifiedCheckpoint, ...]
    dropped: tuple[Dropped, ...]
    forks: tuple[Fork, ...]
    fresh_at: int | None

    def newest(self, kind: str, subject: str, origin: str | None = None) -> Anchored | None:
        """Return the entry with the largest `n` of a chain, of those at hand."""
        raise NotImplementedError

    def chain(self, kind: str, subject: str, origin: str | None = None) -> tuple[Anchored, ...]:
        """Return all entries of a chain that are at hand, newest first."""
        raise NotImplementedError

    def statements_about(self, grantee: str) -> tuple[Anchored, ...]:
        """Return the newest authority entry of each chain about a grantee."""
        raise NotImplementedError

    def content(self, digest: bytes) -> bytes | None:
        """Return the bytes behind a SHA-256 digest."""
        raise NotImplementedError

    def issuances(self, record: bytes) -> tuple[Issuance, ...]:
        """Return the proofs that a record (SHA-256) existed, earliest first."""
        raise NotImplementedError

    def kept(self) -> UnverifiedEvidence:
        """Return the union to keep: per chain the larger n, then the larger T."""
        raise NotImplementedError


def verify_evidence(
    sources: Sequence[tuple[str, UnverifiedEvidence]],
    policy: Policy,
    remembered: Mapping[str, Tree],
    forked: frozenset[str] = frozenset(),
) -> Evidence:
    """Check every proof of evidence sets under a policy; what does not verify is dropped.

    No key inside the evidence is ever used to judge it. Nothing here raises for what the
    evidence holds; `Evidence.dropped` names it.
    """
    raise NotImplementedError
