"""The edge of a process: its clock and its randomness.

Everything below takes `now` and `rng` as arguments; an app takes one `ClockAndRandom` and hands
them on, so that a test or a demo can stand at any time.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from did_service.core.encoding import timestamps

ReadClock = Callable[[], datetime]
ReadSteady = Callable[[], float]
Rng = Callable[[int], bytes]


@dataclass(frozen=True, slots=True, eq=False)
class ClockAndRandom:
    """Where time and randomness come from.

    Attributes:
        clock: Returns the present instant, aware, in UTC.
        rng: Returns so many random bytes.
        steady: Returns seconds that nobody can set; None where the clock is played, and nobody
            sets it either.
    """

    clock: ReadClock
    rng: Rng
    steady: ReadSteady | None = None

    def posix(self) -> int:
        """Return the present POSIX second."""
        return timestamps.to_posix(self.clock())

    def seconds(self) -> float:
        """Return steady seconds, to compare with others of this process alone."""
        return self.steady() if self.steady is not None else self.clock().timestamp()


def _system_clock() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the clock of every server stands here


SYSTEM = ClockAndRandom(_system_clock, os.urandom, time.monotonic)  # noqa: TID251 - and so does its randomness
