"""Group `merkle`: growing the tree in memory, and checking an inclusion proof of 20 hashes."""

from __future__ import annotations

from bench.harness import Operation, Session, V, repeat
from did_service.core.crypto.hashes import sha256
from did_service.core.errors import ProofError
from did_service.core.log.merkle import (
    CompactRange,
    check_inclusion,
    leaf_hash,
    root_of_path,
    tree_root,
)

_LEAVES = 4_096
_DEPTH = 20


def run(session: Session) -> None:
    """Measure the group."""
    entries = [sha256(b"entry %d" % number) for number in range(_LEAVES)]
    assert grown(entries).root() == tree_root([leaf_hash(entry) for entry in entries])
    append = repeat("append", lambda: grown(entries), units=_LEAVES)
    samples = session.measure([append, _inclusion()])
    session.compare("merkle.append", samples, "append", V, 0.04)
    session.compare("merkle.verify-20", samples, "verify", V, 0.3)


def grown(entries: list[bytes]) -> CompactRange:
    """Append entries one by one, leaf hash included."""
    edge = CompactRange()
    for entry in entries:
        edge.append(leaf_hash(entry))
    return edge


def _inclusion() -> Operation:
    size, index = 1 << _DEPTH, 0xABCDE
    leaf = leaf_hash(b"entry")
    path = [sha256(b"node %d" % level) for level in range(_DEPTH)]
    root = root_of_path(leaf, index, size, path)
    assert is_under(leaf, index, size, path, root)
    assert not is_under(leaf, index ^ 1, size, path, root)
    return repeat("verify", lambda: check_inclusion(leaf, index, size, path, root))


def is_under(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> bool:
    """Say whether a proof is good."""
    try:
        check_inclusion(leaf, index, size, path, root)
    except ProofError:
        return False
    return True
