"""The life of a command's process: short, so it neither tidies up on the way nor at its end.

begin()      first thing: seldom look for garbage, leave no core dump
end(code)    last thing: leave at once, whatever the interpreter still holds
"""

from __future__ import annotations

import gc
import os
import resource
from typing import NoReturn

# New objects before Python looks for cycles among them; 700 by default. What a start makes are
# modules, classes and functions, and all of them stay. A file of evidence is bounded by itself.
_OBJECTS = 50_000


def begin() -> None:
    """Let imports pass without 45 searches for garbage, which find none; leave no core."""
    gc.set_threshold(_OBJECTS)
    leave_no_core()


def leave_no_core() -> None:
    """Let this process dump no core: it will hold keys, passphrases or claims."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def end(exit_code: int) -> NoReturn:
    """End the process at once.

    Taking the interpreter apart is a tenth of a command's time, and nothing waits for it: an
    answer is flushed or was refused, files are in place when they are written, and locks end
    with their holder.
    """
    os._exit(exit_code)
