"""Unpacking gzip (RFC 1952) with a cap: a few kilobytes of it can hold gigabytes."""

from __future__ import annotations

import zlib

from did_service.core.errors import LimitError, MalformedError

_GZIP = 16 + zlib.MAX_WBITS


def gunzip(data: bytes, max_bytes: int) -> bytes:
    """Unpack one gzip member; never more than `max_bytes` and one byte are produced.

    Raises:
        LimitError: `too_large`.
        MalformedError: `gzip_invalid`: not gzip, cut short, or followed by more.
    """
    unpacker = zlib.decompressobj(_GZIP)
    try:
        plain = unpacker.decompress(data, max_bytes + 1)
    except zlib.error as error:
        raise MalformedError("gzip_invalid", "not gzip, or damaged") from error
    if len(plain) > max_bytes:
        raise LimitError("too_large", f"more than {max_bytes} bytes unpacked")
    if not unpacker.eof or unpacker.unused_data:
        raise MalformedError("gzip_invalid", "gzip data is cut short, or followed by more")
    return plain
