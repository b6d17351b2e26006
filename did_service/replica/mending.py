"""Whether a copy is what it was when it was made, and making it so again.

A copy that was damaged here must not be held against the log that it is a copy of.
"""

from __future__ import annotations

from collections.abc import Iterable

from did_service.core.errors import MalformedError, NotFoundError
from did_service.core.log import tiles
from did_service.core.log.checkpoint import Checkpoint
from did_service.core.log.merkle import leaf_hash
from did_service.core.log.witnessing import HeldCheckpoint
from did_service.replica.files import complete_files
from did_service.replica.repair import leads_to, repair
from did_service.replica.replica import Replica


def is_sound(replica: Replica, heads: Iterable[HeldCheckpoint]) -> bool:
    """Say whether the rows of a copy lead to the heads up to which it was made.

    Rows beyond the largest of them, which no head of ours is over yet, are held against
    themselves.

    Args:
        replica: The copy.
        heads: Heads that the log had signed and that were copied.
    """
    store, size = replica.store, 0
    for head in heads:
        if store.size() < head.size or store.root(head.size) != head.root:
            return False
        size = max(size, head.size)
    rest = store.size()
    return store.leaves(size, rest) == [leaf_hash(each) for each in store.entries(size, rest)]


def has_files(replica: Replica) -> bool:
    """Say whether the files of a copy lead to the head that they are served under."""
    head = replica.tree.head()
    try:
        return head is None or tiles.root(replica.tree.tile, head.size) == head.root
    except (NotFoundError, MalformedError):
        return False


def mend(replica: Replica, heads: Iterable[HeldCheckpoint]) -> bool:
    """Repair a copy from what is left of it, rows or files; what is beyond is copied again.

    Args:
        replica: Nobody else writes it meanwhile.
        heads: As `is_sound`.

    Returns:
        Whether rows and files together still held what one of these heads is over.

    Raises:
        UnavailableError: the disk or the database.
    """
    known = {Checkpoint(replica.origin, head.size, head.root) for head in heads}
    for head in sorted(known, key=lambda each: each.size, reverse=True):
        if leads_to(replica, head):
            repair(replica, head, head.size)
            complete_files(replica, replica.store.size())
            return True
    return False
