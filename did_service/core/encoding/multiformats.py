"""Multibase, varint codes and multihash, as DIDs and Data Integrity use them.

Only what our formats need: base58btc (`z`), base64url (`u`), the Ed25519 and P-256 public key
codes and SHA2-256. Everything else is refused by name. Base58 decoding is quadratic, so the
text length is bounded first.
"""

from __future__ import annotations

import base58

from did_service.core.encoding import b64
from did_service.core.errors import LimitError, MalformedError, UnsupportedError, quote
from did_service.core.limits import MAX_BASE58_CHARACTERS

ED25519_PUBLIC = b"\xed\x01"  # varint of 0xed
P256_PUBLIC = b"\x80\x24"  # varint of 0x1200
SHA2_256 = b"\x12\x20"  # multihash code and length


def base58_encode(data: bytes) -> str:
    """Encode as base58btc, without a multibase letter."""
    return base58.b58encode(data).decode("ascii")


def base58_decode(text: str) -> bytes:
    """Decode base58btc without a multibase letter.

    Raises:
        LimitError: more than 512 characters.
        MalformedError: `base58_invalid`.
    """
    if len(text) > MAX_BASE58_CHARACTERS:
        raise LimitError("too_large", f"base58 text of {len(text)} characters")
    if text[-1:].isspace():  # the library would strip it; nothing else has a second spelling
        raise MalformedError("base58_invalid", f"white space after base58btc: {quote(text)}")
    try:
        data: bytes = base58.b58decode(text.encode("ascii"))
    except ValueError as error:
        raise MalformedError("base58_invalid", f"not base58btc: {quote(text)}") from error
    return data


def multibase_encode(data: bytes) -> str:
    """Encode with multibase base58btc: `z` and the text."""
    return "z" + base58_encode(data)


def multibase_decode(text: str) -> bytes:
    """Decode multibase text in base58btc (`z`) or base64url (`u`).

    Raises:
        UnsupportedError: `multibase_unknown` for another letter.
        MalformedError: the rest is not in that base.
    """
    if text.startswith("z"):
        return base58_decode(text[1:])
    if text.startswith("u"):
        return b64.decode_url(text[1:])
    raise UnsupportedError("multibase_unknown", f"multibase of {quote(text)} is not z or u")


def multihash_sha256(digest: bytes) -> str:
    """Format a 32-byte SHA-256 digest as did:webvh does: base58btc of the multihash."""
    return base58_encode(SHA2_256 + digest)
