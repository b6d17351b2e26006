"""Strict base64 and base64url (RFC 4648 §4, §5).

Each value has one spelling: no padding where none belongs, no foreign characters, no
non-zero trailing bits. Decoding re-encodes and compares, so two texts never mean one value; it
asks `binascii`, as evidence has hundreds of hashes and `base64` takes twice as long to do so.
"""

from __future__ import annotations

import binascii

from did_service.core.errors import MalformedError, quote

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")


def encode_url(data: bytes) -> str:
    """Encode as base64url without padding."""
    padded = binascii.b2a_base64(data, newline=False).translate(_TO_URL)
    return padded.rstrip(b"=").decode("ascii")


def encode_word(random: bytes) -> str:
    """Encode random bytes, less their first bit, as base64url that begins with a letter.

    A first character `-` would be taken for an option on a command line.
    """
    first, *rest = random
    return encode_url(bytes([first & 0x7F, *rest]))


def decode_url(text: str, *, size: int | None = None) -> bytes:
    """Decode base64url without padding.

    Args:
        text: The encoded text; its only accepted spelling.
        size: Exact number of bytes expected, when the format fixes it.

    Raises:
        MalformedError: `base64_invalid` for any other spelling, `length_wrong` for another
            size.
    """
    try:
        padded = text.encode("ascii").translate(_FROM_URL) + b"=" * (-len(text) % 4)
        data = binascii.a2b_base64(padded)
    except (binascii.Error, ValueError) as error:
        raise MalformedError("base64_invalid", f"not base64url: {quote(text)}") from error
    if encode_url(data) != text:
        raise MalformedError("base64_invalid", f"not canonical base64url: {quote(text)}")
    return _sized(data, size)


def encode_std(data: bytes) -> str:
    """Encode as base64 with padding, as signed notes use it."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def decode_std(text: str, *, size: int | None = None) -> bytes:
    """Decode base64 with padding; arguments and errors as `decode_url`."""
    try:
        data = binascii.a2b_base64(text.encode("ascii"))
    except (binascii.Error, ValueError) as error:
        raise MalformedError("base64_invalid", f"not base64: {quote(text)}") from error
    if encode_std(data) != text:
        raise MalformedError("base64_invalid", f"not canonical base64: {quote(text)}")
    return _sized(data, size)


def _sized(data: bytes, size: int | None) -> bytes:
    if size is not None and len(data) != size:
        raise MalformedError("length_wrong", f"{len(data)} bytes where {size} are expected")
    return data
