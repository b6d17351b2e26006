"""Multibase, varint codes and multihash, as DIDs and Data Integrity use them.

Only what our formats need: base58btc (`z`), base64url (`u`), the Ed25519 public key code and
SHA2-256. Everything else is refused by name.
"""

from __future__ import annotations

from did_service.core.encoding import b64, base58
from did_service.core.errors import UnsupportedError, quote

ED25519_PUBLIC = b"\xed\x01"  # varint of 0xed
SHA2_256 = b"\x12\x20"  # multihash code and length


def multibase_encode(data: bytes) -> str:
    """Encode with multibase base58btc: `z` and the text."""
    return "z" + base58.encode(data)


def multibase_decode(text: str) -> bytes:
    """Decode multibase text in base58btc (`z`) or base64url (`u`).

    Raises:
        UnsupportedError: `multibase_unknown` for another letter.
        MalformedError: the rest is not in that base.
    """
    if text.startswith("z"):
        return base58.decode(text[1:])
    if text.startswith("u"):
        return b64.decode_url(text[1:])
    raise UnsupportedError("multibase_unknown", f"multibase of {quote(text)} is not z or u")


def multihash_sha256(digest: bytes) -> str:
    """Format a 32-byte SHA-256 digest as did:webvh does: base58btc of the multihash."""
    return base58.encode(SHA2_256 + digest)
