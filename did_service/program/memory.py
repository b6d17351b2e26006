"""Memory of a process that lasts, where the C library is GNU's; others need nothing of this."""

from __future__ import annotations

from collections.abc import Callable
from ctypes import CDLL

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # of mallopt(3), <malloc.h>
_BYTES = 131_072
_HEAPS = 2


def give_back_memory() -> bool:
    """Let what is freed be of use to all threads, and what was large go back to the system.

    Called before threads start; why, and what it brings: docs/adr/0082.

    - The library would make eight heaps for each processor, and what is free in one is of no
      use to threads of another. All share two.
    - Blocks of 128 KiB and more are the system's own mappings, which end with them. The library
      would move that bound up to the largest block ever freed, and keep the room of all others.

    Returns:
        Whether the library has taken it.
    """
    tell: Callable[[int, int], int] | None = getattr(CDLL(None), "mallopt", None)
    if tell is None:
        return False
    return tell(_M_ARENA_MAX, _HEAPS) == tell(_M_MMAP_THRESHOLD, _BYTES) == 1
