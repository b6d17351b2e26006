"""When a key out of a backup may sign again: once everything that it had signed is here.

The key of a log, and that of a witness, must never sign a second history. What it has signed is
told by its guard (`last_signed`), which no backup holds, or else by others: the newest
checkpoint that a quorum of witnesses, or the log itself, shows. The copy at hand has to hold
the larger of the two; where the guard was lost it then begins again from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from did_service.core.crypto.keyring import KeyRecord
from did_service.core.errors import ConflictError, quote
from did_service.core.log.checkpoint import Checkpoint
from did_service.core.log.witnessing import HeldCheckpoint
from did_service.signer.keyring import Keyring
from did_service.signer.last_signed import LastSigned

# Says whether the copy of a log at hand has this root at this size.
Holds = Callable[[str, HeldCheckpoint], bool]


def release(
    keyring: Keyring,
    record: KeyRecord,
    origins: Iterable[str],
    guard: LastSigned,
    shown: Mapping[str, Checkpoint],
    holds: Holds,
) -> None:
    """Let a restored key sign again, or say which log stands in the way.

    Args:
        keyring: Holds the key.
        record: Of the key.
        origins: Every log that the key signs about: for a log its own, for a witness all.
        guard: What the key has signed, as far as this machine remembers.
        shown: By origin, the newest checkpoint that the caller has verified with the peers.
        holds: Asks the copies at hand.

    Raises:
        ConflictError: `restored_unmatched`: neither guard nor peers tell of a log, or its copy
            here lacks what was signed about it.
    """
    begun = {origin: guard.held(origin) for origin in origins}
    for origin, held in begun.items():
        _check_held(origin, held, shown.get(origin), holds)
    for origin, head in shown.items():
        if origin in begun and begun[origin] is None:
            guard.advance(head, _from_nothing)
    keyring.mark_released(record.role, record.name)


def _check_held(
    origin: str, held: HeldCheckpoint | None, head: Checkpoint | None, holds: Holds
) -> None:
    told = [] if held is None else [held]
    told += [] if head is None else [HeldCheckpoint(head.size, head.root)]
    if not told or not all(holds(origin, each) for each in told):
        size = max((each.size for each in told), default=0)
        what = (
            f"{quote(origin)} was signed up to {size}"
            if told
            else f"nothing of {quote(origin)}"
        )
        raise ConflictError("restored_unmatched", what, size=size)


def restored_in(records: Iterable[KeyRecord]) -> tuple[KeyRecord, ...]:
    """Return the keys that may not sign yet."""
    return tuple(record for record in records if record.restored)


def _from_nothing(_size: int) -> Sequence[bytes]:
    return ()  # an empty tree is consistent with any other
