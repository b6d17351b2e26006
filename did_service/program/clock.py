"""The edge of a process: its clock and its randomness.

Everything below takes `now` and `rng` as arguments; an app takes one `ClockAndRandom` and hands
them on, so that a test or a demo can stand at any time.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from did_service.core.encoding import timestamps

ReadClock = Callable[[], datetime]
Rng = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class ClockAndRandom:
    """Where time and randomness come from.

    Attributes:
        clock: Returns the present instant, aware, in UTC.
        rng: Returns so many random bytes.
    """

    clock: ReadClock
    rng: Rng

    def posix(self) -> int:
        """Return the present POSIX second."""
        return timestamps.to_posix(self.clock())


def _system_clock() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the clock of every server stands here


SYSTEM = ClockAndRandom(_system_clock, os.urandom)  # noqa: TID251 - and so does its randomness
