"""The hashes of an audit path, held in little memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from did_service.core.crypto.hashes import HASH_BYTES
from did_service.core.errors import ProofError
from did_service.core.log.merkle import root_of_path


class AuditPath:
    """The hashes of an audit path, of 32 bytes each, held as one string of bytes.

    A bundle has millions of them: an object each would take twice the memory of the hash.
    """

    __slots__ = ("_joined",)

    def __init__(self, hashes: Iterable[bytes] = ()) -> None:
        self._joined = b"".join(hashes)

    def root(self, leaf: bytes, index: int) -> bytes:
        """Return the root that it leads to, without being told how large the tree is.

        Index and length fix on which side each sibling stands: where the right edge may begin
        at either of two heights, the sibling between them stands on the left both times.
        Whether a tree of a certain size has such a path is for `check_inclusion` to say.

        Args:
            leaf: Leaf hash.
            index: Zero-based.

        Raises:
            ProofError: `path_length_wrong`: too short for any tree with that leaf.
        """
        heights = range(len(self) + 1)
        fitting = (h for h in heights if h + (index >> h).bit_count() == len(self))
        inner = next(fitting, None)
        if inner is None:
            raise ProofError("path_length_wrong", f"{len(self)} hashes for leaf {index}")
        smallest = (index | 1 << inner - 1) + 1 if inner else index + 1
        return root_of_path(leaf, index, smallest, list(self))

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
