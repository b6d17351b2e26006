"""What of a chain still says something, once governance has voided entries of it.

1  2  3  void(of 2)  5        1 and 5 stand; 2 and 3 keep their places and say nothing
"""

from __future__ import annotations

from collections.abc import Iterable

from did_service.core.anchor.bodies.void import parse_void
from did_service.core.anchor.entry import LoggedEntry
from did_service.core.anchor.types import takes_back


def standing(chain: Iterable[LoggedEntry]) -> list[LoggedEntry]:
    """Return the entries of a chain that stand, oldest first; no void is among them."""
    kept: list[LoggedEntry] = []
    for placed in chain:
        if not is_voiding(placed):
            kept.append(placed)
            continue
        first = parse_void(placed.entry.type, placed.entry.body).number
        kept = [each for each in kept if each.entry.number < first]
    return kept


def is_voiding(placed: LoggedEntry) -> bool:
    """Say whether an entry of a log is a void."""
    return takes_back(placed.entry.type, placed.entry.body)
