"""Issuance batches: proof that a credential existed, without saying which or how many.

Each issued credential's secured bytes are hashed and salted into a leaf of a Merkle tree. The
leaves are filled up with random ones to a power of two and sorted, so that a place says
nothing; the root is anchored at fixed ticks, also when nothing was issued (threat rule 28). A
holder proves a record by salt and path; nobody can guess one.
"""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Mapping, Sequence

from did_service.core.anchor.batch import batch_leaf
from did_service.core.anchor.bodies.evidence import EvidenceBody
from did_service.core.anchor.entry import Entry
from did_service.core.anchor.streams import stream_id
from did_service.core.crypto.hashes import HASH_BYTES
from did_service.core.encoding import b64
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import UnavailableError
from did_service.core.limits import MAX_CLOCK_AHEAD_SECONDS
from did_service.core.log.merkle import parents
from did_service.issuer.agency import Agency
from did_service.issuer.chain import Chain, ChainStatement
from did_service.issuer.chains import Chains
from did_service.issuer.records import Value
from did_service.issuer.store import IssuerStore
from did_service.program.clock import ClockAndRandom

_SALT_BYTES = 32
_TRIES = 8  # to make a batch beside other processes
_RESTORED = "restore"  # stands where the name of an officer would
_RESTORED_NOTE = (
    "本机关的记录由备份恢复。如您尚未领到证件，请重新申请。"
    " Our records were restored from a backup: if you have no credential yet, apply again."
)
_LOG = logging.getLogger("did_service.issuer")
LEAST_LEAVES = 1_024  # a quiet tick and a busy one yield paths of the same length


class IssuanceEvidence:
    """The issuance stream of one agency."""

    def __init__(
        self, agency: Agency, store: IssuerStore, chains: Chains, edge: ClockAndRandom
    ) -> None:
        self._agency, self._store, self._chains, self._edge = agency, store, chains, edge
        self._ledger = store.ledger

    def tick(self) -> None:
        """Anchor one batch of all records not batched yet; an empty one where there are none.

        Raises:
            UnavailableError, RuleError: as `Chains.append`; the next tick takes the batch up.
        """
        self._chains.append(self._chain())

    def compare(self) -> None:
        """Find out once whether the log has batches that this database has forgotten.

        Raises:
            UnavailableError, RuleError: as `Chains.compare`.
        """
        self._chains.compare(self._chain())

    def _chain(self) -> Chain:
        stream = stream_id(self._agency.did, "issuance")
        return Chain("evidence", stream, self._statement, self._learn)

    def _learn(self, entry: Entry, _content: bytes) -> None:
        """Return what nobody has decided: it may be issued, and its batch be in the log.

        A batch says neither which credentials it holds nor how many, so it is all of them that
        came before it. What comes while another process learns the same may stay.
        """
        if self._ledger.has_batch(entry.digest or b""):
            return
        now, latest = self._edge.posix(), entry.at + MAX_CLOCK_AHEAD_SECONDS
        returned = self._store.return_open(_RESTORED_NOTE, _RESTORED, now, latest)
        _LOG.warning(
            "the log has batches that this database has not: %d applications returned", returned
        )

    def proof(self, record: bytes) -> JsonObject:
        """Return the `batches` item (docs/formats.md §5) of a record.

        Raises:
            NotFoundError: `batch_unknown`.
        """
        leaf = self._ledger.leaf(record)
        path = leaf.path
        steps = [path[i : i + HASH_BYTES] for i in range(0, len(path), HASH_BYTES)]
        return {
            "log": leaf.log,
            "index": leaf.entry_index,
            "record": b64.encode_url(record),
            "salt": b64.encode_url(leaf.salt),
            "position": leaf.position,
            "path": [b64.encode_url(step) for step in steps],
        }

    def _statement(self) -> ChainStatement:
        for _ in range(_TRIES):
            root = self._ledger.unsent_batch() or self._make_batch()
            if root is not None:
                return ChainStatement(EvidenceBody(self._agency.did, "issuance"), root)
        raise UnavailableError("database_busy", "other processes make every batch first")

    def _make_batch(self) -> bytes | None:
        """Make a batch and return its root; None where another process was faster."""
        salts = {record: self._edge.rng(_SALT_BYTES) for record in self._ledger.unbatched()}
        levels = _tree(self._leaves(salts))
        root = levels[-1][0]
        places: list[dict[str, Value]] = [
            _place(record, salt, levels) for record, salt in salts.items()
        ]
        is_ours = self._ledger.add_batch(root, self._edge.posix(), places)
        return root if is_ours else None

    def _leaves(self, salts: Mapping[bytes, bytes]) -> list[bytes]:
        leaves = [batch_leaf(salt, record) for record, salt in salts.items()]
        size = max(LEAST_LEAVES, 1 << max(0, len(leaves) - 1).bit_length())
        return sorted(leaves + [self._edge.rng(HASH_BYTES) for _ in range(size - len(leaves))])


def _tree(leaves: list[bytes]) -> list[list[bytes]]:
    """Return all levels of a tree of 2^k leaves, the root alone in the last."""
    levels = [leaves]
    while len(levels[-1]) > 1:
        levels.append(parents(levels[-1]))
    return levels


def _place(record: bytes, salt: bytes, levels: Sequence[list[bytes]]) -> dict[str, Value]:
    position = bisect_left(levels[0], batch_leaf(salt, record))
    path = [level[(position >> depth) ^ 1] for depth, level in enumerate(levels[:-1])]
    return {
        "record": record,
        "root": levels[-1][0],
        "salt": salt,
        "position": position,
        "path": b"".join(path),
    }
