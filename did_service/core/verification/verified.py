"""What was verified before under one policy and is not verified again.

    checkpoint note ─► its quorum      leaf of an entry ─► what it says
    digest of a status list ─► the list, its keeper's signature, its bits

Each is kept under the bytes that were judged, or their hash, and says nothing of the time: so
it holds whoever brings those bytes again. Within one verification it has every list and record
read once for all credentials; for a counter that keeps it, from one visit to the next. It is
for one thread at a time.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from did_service.core.anchor.bodies.authority import Authority
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.bodies.schema import SchemaBody
from did_service.core.anchor.bodies.status import StatusBody
from did_service.core.credentials.bitstring_status_list import BitstringStatusList
from did_service.core.credentials.model import Credential
from did_service.core.credentials.proof_set import VerifiedProof
from did_service.core.did.document import DidDocument
from did_service.core.evidence.checked import Checked
from did_service.core.evidence.proofs import verify_evidence
from did_service.core.evidence.proven_set import Evidence, Tree
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.limits import MAX_LISTS_KEPT, MAX_VERIFIED_KEPT
from did_service.core.log.policy import VerifiedCheckpoint

K = TypeVar("K")
T = TypeVar("T")

Record: TypeAlias = tuple[DidDocument, bool]
"""What a did entry says: the document, and whether the DID has ended with it."""


@dataclass(slots=True, eq=False)
class ReadList:
    """A status list that was read.

    Attributes:
        credential: The list.
        keys: The verification methods and keys with which its proofs were verified.
        proofs: Those proofs; empty while none was verified.
    """

    credential: Credential
    keys: tuple[tuple[str, bytes], ...] = ()
    proofs: tuple[VerifiedProof, ...] = ()


@dataclass(slots=True, eq=False)
class Verified:
    """See the module's docstring.

    Attributes:
        policy: SHA-256 of the policy under which it was.
        notes: Checkpoints by their notes.
        records, statements, statuses, schemas: By the leaf, which is a hash of all that the
            entry says.
        lists: By SHA-256.
        bits: Of the lists, by `encodedList`.
    """

    policy: bytes
    notes: dict[bytes, VerifiedCheckpoint] = field(default_factory=dict)
    records: dict[bytes, Record] = field(default_factory=dict)
    statements: dict[bytes, Authority] = field(default_factory=dict)
    statuses: dict[bytes, StatusBody] = field(default_factory=dict)
    schemas: dict[bytes, SchemaBody] = field(default_factory=dict)
    lists: dict[bytes, ReadList] = field(default_factory=dict)
    bits: dict[str, BitstringStatusList] = field(default_factory=dict)
    _own: tuple[Sequence[object], Evidence] | None = None

    @classmethod
    def under(cls, policy: Policy | None, kept: "Verified | None") -> "Verified":
        """Return what was kept, within bounds, or nothing: another policy judges all anew."""
        digest = b"" if policy is None else policy.digest
        if kept is None or kept.policy != digest:
            return cls(digest)
        _trim(kept.notes, MAX_VERIFIED_KEPT)
        _trim(kept.records, MAX_VERIFIED_KEPT)
        _trim(kept.statements, MAX_VERIFIED_KEPT)
        _trim(kept.statuses, MAX_VERIFIED_KEPT)
        _trim(kept.schemas, MAX_VERIFIED_KEPT)
        _trim(kept.lists, MAX_LISTS_KEPT)
        _trim(kept.bits, MAX_LISTS_KEPT)
        return kept

    def prove(
        self,
        own: Sequence[tuple[str, UnverifiedEvidence]],
        brought: Sequence[tuple[str, UnverifiedEvidence]],
        policy: Policy,
        trees: Mapping[str, Tree],
        forked: frozenset[str],
    ) -> Evidence:
        """Say what evidence proves; the counter's own alone, asked for again, is at hand.

        Args:
            own: The counter's own sets by name.
            brought: Those that came with the presentation.
            policy: The pinned one.
            trees: The largest tree of each log that this verifier has met.
            forked: Origins of logs whose fork is on record.
        """
        checked = Checked(self.policy, self.notes)
        if brought:
            return verify_evidence((*own, *brought), policy, trees, forked, checked)
        asked = (*own, trees, forked, policy.digest)
        if self._own is None or self._own[0] != asked:
            self._own = asked, verify_evidence(own, policy, trees, forked, checked)
        return self._own[1]

    def read_bits(self, text: str) -> BitstringStatusList:
        """Unpack the bits of a list once; as few stay unpacked as lists are kept.

        Raises:
            MalformedError, LimitError: as `BitstringStatusList.decode`.
        """
        if text not in self.bits:
            _trim(self.bits, MAX_LISTS_KEPT - 1)
            self.bits[text] = BitstringStatusList.decode(text)
        return self.bits[text]


def _trim(kept: MutableMapping[K, T], most: int) -> None:
    """Forget the oldest."""
    while len(kept) > most:
        del kept[next(iter(kept))]
