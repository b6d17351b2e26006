"""SHA-256 (FIPS 180-4), the only hash of our formats, and its family for those of others."""

from __future__ import annotations

import hashlib

HASH_BYTES = 32


def sha256(data: bytes) -> bytes:
    """Return the 32-byte SHA-256 digest."""
    return hashlib.sha256(data).digest()


def sha2(name: str, data: bytes) -> bytes:
    """Return a digest by a function of SHA-2: `sha256`, `sha384` or `sha512`."""
    known = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}
    return known[name](data).digest()
