"""Multikey (W3C Controlled Identifiers 1.0 §2.2.2): a public key as one line of text.

Ed25519 only here: `z6Mk…`, base58btc of 0xed 0x01 and 32 bytes. The same few keys come again
and again, in every entry of a log and every proof of an issuer, so both directions remember.
"""

from __future__ import annotations

from functools import lru_cache

from did_service.core.crypto.ed25519 import PUBLIC_BYTES
from did_service.core.encoding.multiformats import (
    ED25519_PUBLIC,
    multibase_decode,
    multibase_encode,
)
from did_service.core.errors import MalformedError, UnsupportedError, quote
from did_service.core.limits import MAX_KEYS_CACHED


@lru_cache(maxsize=MAX_KEYS_CACHED)
def encode_ed25519(public: bytes) -> str:
    """Write a 32-byte Ed25519 public key as a multikey."""
    return multibase_encode(ED25519_PUBLIC + public)


@lru_cache(maxsize=MAX_KEYS_CACHED)
def decode_ed25519(text: str) -> bytes:
    """Read an Ed25519 multikey in base58btc.

    Raises:
        UnsupportedError: `key_type_unknown` for another kind of key.
        MalformedError: not multibase, or not 32 bytes.
    """
    if not text.startswith("z"):
        raise UnsupportedError("multibase_unknown", f"a multikey starts with z: {quote(text)}")
    data = multibase_decode(text)
    if data[:2] != ED25519_PUBLIC:
        raise UnsupportedError("key_type_unknown", f"not an Ed25519 multikey: {quote(text)}")
    if len(data) != 2 + PUBLIC_BYTES:
        raise MalformedError("length_wrong", f"a multikey of {len(data) - 2} key bytes")
    return data[2:]
