"""An entry that a quorum stands behind, and one that was its subject's latest as of a time.

    ProvenEntry ──named by a verified heads entry──► Latest
    no: any age          until the next: history      yes, now: CredentialContext.use

What evidence merely holds was chosen by whoever brings it, so only negatives and history may
read it; a positive answer needs a `Latest`, and step 13 judges its age (docs/adr/0018).

    T = min(fresh_at, heads.at[, iat])    time of "this is the latest of its subject"
"""

from collections.abc import MutableMapping
from dataclasses import dataclass

from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import ProofError
from did_service.core.evidence.pieces import UnverifiedBatch, UnverifiedItem


@dataclass(frozen=True, slots=True)
class ProvenHeads:
    """A verified heads entry: what a control log says about a log, and by which checkpoint.

    Attributes:
        about: Origin of the log whose subjects it lists.
        control: Origin of the log it stands in.
        item: As received.
        note: The checkpoint that proves it.
        size, count, root, at: Its body (docs/formats.md §2).
        tree: Root of the data log at `size`; None where it is about the control log itself.
        fresh_at, existed_by: Quorum times of the checkpoint, POSIX seconds.
    """

    about: str
    control: str
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
class ProvenEntry:
    """An entry that stands in a log under a quorum; a newer one may stand there too.

    What it says is behind doors, since whoever supplies evidence chooses how old it is: none
    of them serves a finding that holds now. That is for `Latest` (docs/adr/0018).

    Attributes:
        source: Name of the evidence set it came with.
        origin: Its log.
        as_received: The item, to keep and hand on; never to judge by.
        leaf: Its leaf hash, 32 bytes.
        note: The checkpoint its path leads to; None where a heads entry names the tree.
        tree: That heads entry, for a data log.
    """

    source: str
    origin: str
    as_received: UnverifiedItem
    leaf: bytes
    note: bytes | None = None
    tree: ProvenHeads | None = None

    @property
    def kind(self) -> str:
        """Entry type."""
        return self.as_received.entry.type

    @property
    def subject(self) -> str:
        """What its chain is about."""
        return self.as_received.entry.subject

    @property
    def chain(self) -> tuple[str, str, str]:
        """Its chain: log, kind, subject."""
        return self.origin, self.kind, self.subject

    @property
    def number(self) -> int:
        """Its place in its chain, from 1."""
        return self.as_received.entry.number

    @property
    def index(self) -> int:
        """Its place in its log, from 0."""
        return self.as_received.index

    @property
    def at(self) -> int:
        """When its log took it, POSIX seconds."""
        return self.as_received.entry.at

    @property
    def digest(self) -> bytes:
        """SHA-256 of the content that came with it; empty without one."""
        return self.as_received.entry.digest or b""

    @property
    def place(self) -> tuple[str, int]:
        """What no other entry has: its log, its index."""
        return self.origin, self.index

    @property
    def rank(self) -> tuple[int, int]:
        """What wins when sets are merged: the larger n, then the larger T."""
        return self.number, -1

    def read_against(self) -> JsonObject:
        """Return the body, to speak against a credential and never for it.

        From any age only what nothing later can mend: revoked, deactivated, ended.
        """
        return self.as_received.entry.body

    def read_until(self, successor: "ProvenEntry") -> JsonObject:
        """Return the body, as what stood until the next entry of the chain.

        Raises:
            ProofError: `successor_wrong`: it does not name this one as its former.
        """
        if successor.as_received.entry.previous != self.leaf:
            raise ProofError("successor_wrong", "an entry between the two is not at hand")
        return self.as_received.entry.body


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest(ProvenEntry):
    """The latest entry of its subject as of a time; `latest.LatestIndex` alone makes it.

    `CredentialContext.use` alone reads it, so that step 13 judges how old that is.

    Attributes:
        heads: The heads entry that names it.
        as_of: T, POSIX seconds.
    """

    heads: ProvenHeads
    as_of: int

    @property
    def rank(self) -> tuple[int, int]:
        """What wins when sets are merged: the larger n, then the larger T."""
        return self.number, self.as_of

    def read_into(self, used: "MutableMapping[tuple[str, int], Latest]") -> JsonObject:
        """Return the body, for an answer that holds as of T, and enter that it was used."""
        used[self.place] = self
        return self.as_received.entry.body


@dataclass(frozen=True, slots=True)
class IssuanceProof:
    """Proof that a record existed before entry `index` of the log `control`, and by a time.

    Attributes:
        owner: The DID whose issuance stream holds the record.
        control: Origin of the control log whose heads entry covers it.
        index: Index of that heads entry.
        existed_by: POSIX seconds: a quorum saw the tree with that entry by then.
        batch, entry: The proof, to keep and hand on.
    """

    owner: str
    control: str
    index: int
    existed_by: int
    batch: UnverifiedBatch
    entry: ProvenEntry
