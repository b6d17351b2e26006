"""Strict base64 and base64url (RFC 4648 §4, §5).

Each value has one spelling: no padding where none belongs, no foreign characters, no
non-zero trailing bits. Decoding re-encodes and compares, so two texts never mean one value.
"""

from __future__ import annotations

import base64
import binascii

from did_service.core.errors import MalformedError, quote


def encode_url(data: bytes) -> str:
    """Encode as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


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
        data = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise MalformedError("base64_invalid", f"not base64url: {quote(text)}") from error
    if encode_url(data) != text:
        raise MalformedError("base64_invalid", f"not canonical base64url: {quote(text)}")
    return _sized(data, size)


def encode_std(data: bytes) -> str:
    """Encode as base64 with padding, as signed notes use it."""
    return base64.b64encode(data).decode("ascii")


def decode_std(text: str, *, size: int | None = None) -> bytes:
    """Decode base64 with padding; arguments and errors as `decode_url`."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedError("base64_invalid", f"not base64: {quote(text)}") from error
    if encode_std(data) != text:
        raise MalformedError("base64_invalid", f"not canonical base64: {quote(text)}")
    return _sized(data, size)


def _sized(data: bytes, size: int | None) -> bytes:
    if size is not None and len(data) != size:
        raise MalformedError("length_wrong", f"{len(data)} bytes where {size} are expected")
    return data
