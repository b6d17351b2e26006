"""The record of a credential: by what batches and staples know it (docs/formats.md §2).

    record = SHA-256(JCS(credential with all its proofs))

Two credentials with one record are the same bytes once they are canonical, and nothing else is.
"""

from __future__ import annotations

from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import jcs
from did_service.core.encoding.strict_json import JsonObject


def record_of(credential: JsonObject) -> bytes:
    """Return the record, 32 bytes, of a secured credential as it was received."""
    return sha256(jcs.encode(credential))
