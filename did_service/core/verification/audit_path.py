"""The hashes of an audit path, held in little memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from did_service.core.crypto.hashes import HASH_BYTES


class AuditPath:
    """The hashes of an audit path, of 32 bytes each, held as one string of bytes.

    A bundle has millions of them: an object each would take twice the memory of the hash.
    """

    __slots__ = ("_joined",)

    def __init__(self, hashes: Iterable[bytes] = ()) -> None:
        self._joined = b"".join(hashes)

    def __len__(self) -> int:
        return len(self._joined) // HASH_BYTES

    def __getitem__(self, index: int) -> bytes:
        return list(self)[index]

    def __iter__(self) -> Iterator[bytes]:
        for at in range(0, len(self._joined), HASH_BYTES):
            yield self._joined[at : at + HASH_BYTES]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AuditPath) and self._joined == other._joined

    def __hash__(self) -> int:
        return hash(self._joined)
