"""Loaded by every interpreter under libfaketime 0.9.10: `time.sleep` as it was before 3.11.

CPython sleeps until a monotonic instant, which that version takes for one of the clock that it
moves, and the kernel refuses what comes of it: EINVAL (its issue 426, mended in 0.9.11).
Debian 12 has 0.9.10.
"""

import select
import time


def _sleep(seconds: float, /) -> None:
    select.select((), (), (), seconds)


time.sleep = _sleep
