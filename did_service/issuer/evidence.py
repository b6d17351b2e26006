"""Issuance batches: proof that a credential existed, without saying which or how many.

Each issued credential's secured bytes are hashed and salted into a leaf of a Merkle tree, the
leaves are filled up to a power of two, and the root is anchored at fixed ticks, also when there
was nothing to anchor. A holder proves a record by salt and path; nobody can guess one.

    leaf = RFC 6962 leaf over JCS {"salt": 32 random bytes, "sha256": of the record}
"""

from __future__ import annotations

from did_service.core.anchor.rules_ev import stream_id
from did_service.core.crypto.hashes import HASH_BYTES, sha256
from did_service.core.encoding import b64, jcs
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.log.merkle import inclusion_path, leaf_hash, tree_root
from did_service.issuer.agency import Agency
from did_service.issuer.chains import Chains
from did_service.issuer.store import IssuerStore, Value
from did_service.web.settings import Edge

_SALT_BYTES = 32
_LEAST_LEAVES = 16  # small days look alike


def record_of(credential: JsonObject) -> bytes:
    """Return the record of an issued credential: SHA-256 of its secured canonical bytes."""
    return sha256(jcs.encode(credential))


class IssuanceEvidence:
    """The issuance stream of one agency."""

    def __init__(self, agency: Agency, store: IssuerStore, chains: Chains, edge: Edge) -> None:
        self._agency, self._store, self._chains, self._edge = agency, store, chains, edge

    def tick(self) -> None:
        """Anchor one batch of all records not batched yet; an empty one where there are none.

        Raises:
            UnavailableError: the log did not answer; the batch is kept and sent next time.
        """
        self._chains.flush()
        root = self._store.unsent_batch() or self._make_batch()
        stream = stream_id(self._agency.did, "issuance")
        body: JsonObject = {"owner": self._agency.did, "kind": "issuance"}
        self._chains.append("evidence", stream, body, None, root)

    def proof(self, record: bytes) -> JsonObject:
        """Return the `batches` item (docs/formats.md §5) of a record.

        Raises:
            NotFoundError: `batch_unknown`.
        """
        row = self._store.leaf(record)
        path = row["path"]
        steps = [path[i : i + HASH_BYTES] for i in range(0, len(path), HASH_BYTES)]
        return {
            "log": self._agency.evidence_log,
            "index": row["entry_index"],
            "record": b64.encode_url(record),
            "salt": b64.encode_url(row["salt"]),
            "position": row["position"],
            "path": [b64.encode_url(step) for step in steps],
        }

    def _make_batch(self) -> bytes:
        records = self._store.unbatched()
        salts = [self._edge.rng(_SALT_BYTES) for _ in records]
        leaves = [_leaf(salt, record) for salt, record in zip(salts, records, strict=True)]
        size = max(_LEAST_LEAVES, 1 << (len(leaves) - 1).bit_length() if leaves else 0)
        leaves += [self._edge.rng(HASH_BYTES) for _ in range(size - len(leaves))]
        root = tree_root(leaves)
        places: list[dict[str, Value]] = [
            {
                "record": record,
                "root": root,
                "salt": salt,
                "position": position,
                "path": b"".join(inclusion_path(leaves, position)),
            }
            for position, (record, salt) in enumerate(zip(records, salts, strict=True))
        ]
        self._store.add_batch(root, self._edge.posix(), places)
        return root


def _leaf(salt: bytes, record: bytes) -> bytes:
    value: JsonObject = {"salt": b64.encode_url(salt), "sha256": b64.encode_url(record)}
    return leaf_hash(jcs.encode(value))
