"""One leaf of a batch: a record, hidden by a salt (docs/formats.md §2, threat rule 28).

    leaf = RFC 6962 leaf over JCS {"salt": 32 random bytes, "sha256": of the record}

Whoever makes batches and whoever proves a record in one write this leaf, and nobody else does.
"""

from __future__ import annotations

from did_service.core.encoding import b64, jcs
from did_service.core.log.merkle import leaf_hash


def batch_leaf(salt: bytes, record: bytes) -> bytes:
    """Return the leaf hash, 32 bytes, of a salted record.

    Args:
        salt: 32 random bytes.
        record: SHA-256 of the record.
    """
    return leaf_hash(
        jcs.encode({"salt": b64.encode_url(salt), "sha256": b64.encode_url(record)})
    )
