"""What was dear to find and stays true: values by name, within so many bytes.

A name holds all that a value follows from, as the bytes of a checkpoint or the leaf of an
entry. So nothing here ever expires: what has changed since has another name, and a value that
nobody asks for any more goes when there is no room.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

Name = TypeVar("Name", bound=Hashable)
Weighed = TypeVar("Weighed")


class WeighedMemory(Generic[Name, Weighed]):
    """Values by name; those asked for longest ago go first.

    Args:
        most_bytes: What all of them together may weigh. A heavier one is not kept.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._kept: OrderedDict[Name, tuple[Weighed, int]] = OrderedDict()
        self._lock = Lock()
        self.bytes = 0

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._kept)

    def get(self, name: Name) -> Weighed | None:
        """Return the value of a name, None where it is not kept."""
        with self._lock:
            found = self._kept.get(name)
            if found is None:
                return None
            self._kept.move_to_end(name)
            return found[0]

    def keep(self, name: Name, value: Weighed, weight: int) -> None:
        """Keep a value that weighs so many bytes, and make room for it."""
        if weight > self._most:
            return
        with self._lock:
            self._forget(name)
            self._kept[name] = value, weight
            self.bytes += weight
            while self.bytes > self._most:
                self._forget(next(iter(self._kept)))

    def _forget(self, name: Name) -> None:
        _, weight = self._kept.pop(name, (None, 0))
        self.bytes -= weight
