"""The bits of a status list (W3C Bitstring Status List 1.0 §3): packed, read with a cap.

    bits, most significant first ──gzip──► bytes ──base64url──► "u…" = encodedList

A few kilobytes of gzip can hold gigabytes.
"""

from __future__ import annotations

import gzip

from did_service.core.encoding import b64
from did_service.core.encoding.compression import gunzip
from did_service.core.errors import LimitError, MalformedError
from did_service.core.limits import MAX_STATUS_LIST_BYTES, STATUS_LIST_BITS


class BitstringStatusList:
    """Bits of 0 or 1; index 0 is the most significant bit of the first byte."""

    __slots__ = ("_bits",)

    def __init__(self, bits: bytes) -> None:
        """Take at least 16,384 bytes; see `empty` and `decode`."""
        if len(bits) * 8 < STATUS_LIST_BITS:
            raise MalformedError("status_list_short", f"fewer than {STATUS_LIST_BITS} bits")
        if len(bits) > MAX_STATUS_LIST_BYTES:
            raise LimitError("too_large", f"a status list of {len(bits)} bytes")
        self._bits = bytearray(bits)

    @classmethod
    def empty(cls, size: int = STATUS_LIST_BITS) -> BitstringStatusList:
        """Make a list of `size` bits, all 0; `size` is a multiple of 8."""
        if size % 8:
            raise MalformedError("status_list_short", "the size is not a multiple of 8")
        return cls(bytes(size // 8))

    @classmethod
    def decode(cls, text: str) -> BitstringStatusList:
        """Read `encodedList`.

        Raises:
            MalformedError: `status_list_encoding` or `status_list_short`.
            LimitError: `too_large` when it unpacks to more than 2 MiB.
        """
        if not text.startswith("u"):
            raise MalformedError(
                "status_list_encoding", "encodedList is not base64url multibase"
            )
        return cls(_gunzip(b64.decode_url(text[1:])))

    def encode(self) -> str:
        """Write `encodedList`; the same bits give the same text on every machine's clock."""
        return "u" + b64.encode_url(gzip.compress(bytes(self._bits), mtime=0))

    def __len__(self) -> int:
        return len(self._bits) * 8

    def __getitem__(self, index: int) -> int:
        """Return one bit; errors as `set`."""
        self._check(index)
        return self._bits[index // 8] >> (7 - index % 8) & 1

    def set(self, index: int) -> None:
        """Set one bit to 1.

        Raises:
            MalformedError: `index_out_of_range`.
        """
        self._check(index)
        self._bits[index // 8] |= 0x80 >> index % 8

    def clear(self, index: int) -> None:
        """Set one bit to 0; errors as `set`."""
        self._check(index)
        self._bits[index // 8] &= ~(0x80 >> index % 8)

    def lacks(self, other: BitstringStatusList) -> list[int]:
        """Return the indices, rising, that another list sets and this one does not.

        What lies beyond the end of this list is not set in it.
        """
        size = max(len(self._bits), len(other._bits))
        own = int.from_bytes(self._bits.ljust(size, b"\0"))  # whole lists at once, for they
        theirs = int.from_bytes(other._bits.ljust(size, b"\0"))  # may be of 2 MiB
        missing = (theirs & ~own).to_bytes(size)
        return [
            at * 8 + bit
            for at, byte in enumerate(missing)
            if byte
            for bit in range(8)
            if byte << bit & 0x80
        ]

    def indices(self) -> list[int]:
        """Return the indices of all bits that are 1, rising."""
        return BitstringStatusList.empty().lacks(self)

    def _check(self, index: int) -> None:
        if not 0 <= index < len(self):
            raise MalformedError("index_out_of_range", f"index {index} of {len(self)} bits")


def _gunzip(data: bytes) -> bytes:
    """Unpack a list; what is not one whole gzip member is `status_list_encoding`."""
    try:
        return gunzip(data, MAX_STATUS_LIST_BYTES)
    except LimitError:
        raise
    except MalformedError as error:
        raise MalformedError("status_list_encoding", f"encodedList: {error.message}") from error
