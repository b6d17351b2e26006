"""Merkle tree of RFC 6962 §2.1 (RFC 9162 keeps it): roots, inclusion, consistency.

    leaf = SHA-256(0x00 ‖ entry)      node = SHA-256(0x01 ‖ left ‖ right)

                   root(5)            A tree of n leaves splits at the largest power of two
                  ╱       ╲           below n, so every left part is complete and never
              [0,4)       [4,5)       changes again. A proof is a list of ranges of leaves,
             ╱     ╲                  each given by its root: `inclusion_ranges` and
         [0,2)     [2,4)              `consistency_ranges` name them, whoever stores the hashes.

Proof order is RFC 6962's: the leaf's sibling first, the root's child last. Functions take leaf
hashes, never entries. All hashes are 32 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from did_service.core.crypto.hashes import HASH_BYTES
from did_service.core.errors import MalformedError, ProofError

EMPTY_ROOT = sha256(b"").digest()
_NODE = b"\x01"

Range = tuple[int, int]  # leaves from the first number up to, not including, the second


def leaf_hash(entry: bytes) -> bytes:
    """Hash one entry as a leaf."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtree roots into their parent."""
    return sha256(_NODE + left + right).digest()


def parents(hashes: Iterable[bytes]) -> list[bytes]:
    """Hash neighbours pairwise; a last one without neighbour is left out."""
    each = iter(hashes)
    return [
        sha256(_NODE + left + right).digest() for left, right in zip(each, each, strict=False)
    ]


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes; `EMPTY_ROOT` for none.

    Level by level: a last hash without neighbour moves up unchanged, which gives the same tree
    as splitting at the largest power of two.
    """
    level = list(leaves)
    while len(level) > 1:
        odd = level[-1:] if len(level) & 1 else []
        level = parents(level) + odd
    return level[0] if level else EMPTY_ROOT


# --- proofs as ranges --------------------------------------------------------------------


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """Name the subtrees of an inclusion path, RFC 6962 §2.1.1.

    Args:
        index: Zero-based leaf number, below `size`.
        size: Number of leaves, at least 1.

    Raises:
        ProofError: `index_out_of_range`.
    """
    _check_index(index, size)
    ranges: list[Range] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    return ranges[::-1]


def consistency_ranges(old_size: int, new_size: int) -> list[Range]:
    """Name the subtrees of a consistency proof, RFC 6962 §2.1.2.

    Empty when nothing has to be shown: equal sizes, or an empty old tree.

    Raises:
        ProofError: `size_out_of_range` unless 0 ≤ old ≤ new.
    """
    _check_sizes(old_size, new_size)
    ranges: list[Range] = []
    begin, end = 0, new_size
    while 0 < old_size < end:
        middle = begin + _split(end - begin)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    if begin:  # the old tree itself is known to the verifier, a part of it is not
        ranges.append((begin, end))
    return ranges[::-1]


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the path from leaf `index` to the root over all `leaves`."""
    return [tree_root(leaves[a:b]) for a, b in inclusion_ranges(index, len(leaves))]


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """Return the proof that the tree over all `leaves` extends that of the first `old_size`."""
    return [tree_root(leaves[a:b]) for a, b in consistency_ranges(old_size, len(leaves))]


# --- checking ----------------------------------------------------------------------------


def root_of_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Fold an inclusion path into the root that it leads to.

    Args:
        leaf: Leaf hash.
        index: Zero-based, below `size`.
        size: Number of leaves, at least 1.
        path: Sibling hashes, the leaf's own first; their number is fixed by index and size.

    Raises:
        ProofError: `index_out_of_range`, or `path_length_wrong` before anything is hashed.
    """
    _check_index(index, size)
    inner = (index ^ (size - 1)).bit_length()
    if len(path) != inner + (index >> inner).bit_count():
        raise ProofError("path_length_wrong", f"{len(path)} hashes for leaf {index} of {size}")
    _check_hashes(leaf, *path)
    root = leaf
    for height in range(inner):
        if index >> height & 1:
            root = sha256(_NODE + path[height] + root).digest()
        else:
            root = sha256(_NODE + root + path[height]).digest()
    for left in path[inner:]:  # along the right edge every sibling stands on the left
        root = sha256(_NODE + left + root).digest()
    return root


def check_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> None:
    """Check that a leaf is in a tree; arguments as `root_of_path`.

    Raises:
        ProofError: `inclusion_invalid`, `path_length_wrong` or `index_out_of_range`.
    """
    if root_of_path(leaf, index, size, path) != root:
        raise ProofError("inclusion_invalid", f"leaf {index} is not under the root of {size}")


def check_consistency(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that one tree is the beginning of another, RFC 9162 §2.1.4.2.

    Equal sizes need equal roots and no proof. Every tree extends the empty one, whose root is
    `EMPTY_ROOT`, without a proof.

    Raises:
        ProofError: `consistency_invalid`, `path_length_wrong` or `size_out_of_range`.
    """
    if len(proof) != len(consistency_ranges(old_size, new_size)):
        raise ProofError("path_length_wrong", f"{len(proof)} hashes, {old_size} to {new_size}")
    _check_hashes(old_root, new_root, *proof)
    if old_size == 0:
        roots = EMPTY_ROOT, new_root if new_size else EMPTY_ROOT
    elif old_size == new_size:
        roots = new_root, new_root
    else:
        roots = _roots_of_consistency(old_size, new_size, old_root, proof)
    if roots != (old_root, new_root):
        raise ProofError("consistency_invalid", f"size {new_size} does not extend {old_size}")


def _roots_of_consistency(
    old_size: int, new_size: int, old_root: bytes, proof: Sequence[bytes]
) -> tuple[bytes, bytes]:
    complete = old_size & (old_size - 1) == 0  # then the old root is itself a node of the new
    old, new = old_size - 1, new_size - 1
    skipped = (~old & old + 1).bit_length() - 1  # the old tree's complete right end
    old, new = old >> skipped, new >> skipped
    old_fold = new_fold = old_root if complete else proof[0]
    for sibling in proof if complete else proof[1:]:
        if old & 1 or old == new:
            old_fold, new_fold = node_hash(sibling, old_fold), node_hash(sibling, new_fold)
            while old and not old & 1:
                old, new = old >> 1, new >> 1
        else:
            new_fold = node_hash(new_fold, sibling)
        old, new = old >> 1, new >> 1
    return old_fold, new_fold


def _check_index(index: int, size: int) -> None:
    if not 0 <= index < size:
        raise ProofError("index_out_of_range", f"leaf {index} of a tree of {size}")


def _check_sizes(old_size: int, new_size: int) -> None:
    if not 0 <= old_size <= new_size:
        raise ProofError("size_out_of_range", f"from tree size {old_size} to {new_size}")


def _check_hashes(*hashes: bytes) -> None:
    if set(map(len, hashes)) != {HASH_BYTES}:
        raise ProofError("path_length_wrong", f"a hash has {HASH_BYTES} bytes")


def _split(size: int) -> int:
    """Return the largest power of two below `size`, which is at least 2."""
    return 1 << (size - 1).bit_length() - 1


# --- growing -----------------------------------------------------------------------------


class CompactRange:
    """The right edge of a growing tree: one root for each complete subtree.

    `hashes` has one item for each bit of `size`, the largest subtree first: size 13 = 8 + 4 + 1
    gives three. That is all a log needs to append and to know its root.

    Args:
        size: Number of leaves so far.
        hashes: The roots that belong to it.

    Raises:
        MalformedError: `compact_range_invalid` when their number does not fit the size.
    """

    __slots__ = ("_stack", "size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        if len(hashes) != size.bit_count() or any(len(each) != HASH_BYTES for each in hashes):
            raise MalformedError("compact_range_invalid", f"{len(hashes)} roots for {size}")
        self.size = size
        self._stack = list(hashes)

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """Return the subtree roots, largest subtree first."""
        return tuple(self._stack)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash: about two SHA-256, amortised over all leaves."""
        size, stack = self.size, self._stack
        while size & 1:
            leaf = sha256(_NODE + stack.pop() + leaf).digest()
            size >>= 1
        stack.append(leaf)
        self.size += 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add many leaf hashes at once.

        Binary addition, one level at a time: the edge's root of that level, if there is one,
        goes in front; an odd last hash becomes the new edge; pairs carry upward.
        """
        level, edge = list(leaves), list[bytes]()
        added, size = len(level), self.size
        while level or size:
            if size & 1:
                level.insert(0, self._stack.pop())
            if len(level) & 1:
                edge.append(level.pop())
            level, size = parents(level), size >> 1
        self._stack = edge[::-1]
        self.size += added

    def root(self) -> bytes:
        """Return the root of the whole tree; `EMPTY_ROOT` while it is empty."""
        if not self._stack:
            return EMPTY_ROOT
        root = self._stack[-1]
        for left in reversed(self._stack[:-1]):
            root = node_hash(left, root)
        return root
