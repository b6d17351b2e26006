"""SHA-256 (FIPS 180-4), the only hash of our formats."""

from __future__ import annotations

import hashlib

HASH_BYTES = 32


def sha256(data: bytes) -> bytes:
    """Return the 32-byte SHA-256 digest."""
    return hashlib.sha256(data).digest()
