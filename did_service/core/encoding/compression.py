"""Unpacking gzip (RFC 1952) with a cap: a few kilobytes of it can hold gigabytes."""

from __future__ import annotations

import zlib

from did_service.core.errors import LimitError, MalformedError
from did_service.core.limits import MAX_GZIP_MEMBERS

_GZIP = 16 + zlib.MAX_WBITS


def most_packed(size: int) -> int:
    """Return how long gzip of so many bytes may be, whoever packs them.

    What does not pack is stored with a few bytes for each block (RFC 1951 §3.2.4): far less
    than an eighth. Whatever is longer is padded: a name or comment in its header (RFC 1952
    §2.3.1), or members and blocks of nothing, may have megabytes.
    """
    return size + size // 8 + 512


def gunzip(data: bytes, max_bytes: int) -> bytes:
    """Unpack gzip data; never more than `max_bytes` and one byte are produced.

    Members that stand one behind the other are one file (RFC 1952 §2.2): at most 16, since what
    follows each is copied.

    Raises:
        LimitError: `too_large`.
        MalformedError: `gzip_invalid`: not gzip, cut short, or followed by something else.
    """
    members: list[bytes] = []
    rest, room = data, max_bytes
    for _ in range(MAX_GZIP_MEMBERS):
        plain, rest = _unpack_member(rest, room)
        room -= len(plain)
        if room < 0:
            raise LimitError("too_large", f"more than {max_bytes} bytes unpacked")
        members.append(plain)
        if not rest:
            return plain if len(members) == 1 else b"".join(members)
    raise MalformedError("gzip_invalid", f"more than {MAX_GZIP_MEMBERS} gzip members")


def _unpack_member(data: bytes, room: int) -> tuple[bytes, bytes]:
    """Return at most `room` bytes and one more of the first member, and what follows it."""
    unpacker = zlib.decompressobj(_GZIP)
    try:
        plain = unpacker.decompress(data, room + 1)
    except zlib.error as error:
        raise MalformedError("gzip_invalid", "not gzip, or damaged") from error
    if not unpacker.eof and len(plain) <= room:
        raise MalformedError("gzip_invalid", "gzip data is cut short")
    return plain, unpacker.unused_data
