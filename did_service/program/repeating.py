"""Doing something again and again until told to end, at times that differ from others'."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from did_service.program.clock import Rng
from did_service.program.signals import ENDING, Signals

_JITTER = 10  # percent of the interval, more or less


@dataclass(frozen=True, slots=True)
class Repetition:
    """How often something is done.

    Attributes:
        seconds: Between two beginnings, about; None for once.
        rng: Spreads the times of many who do the same.
    """

    seconds: int | None
    rng: Rng

    def run(self, act: Callable[[], int]) -> int:
        """Do it until SIGTERM or SIGINT; return what the last time gave."""
        if self.seconds is None:
            return act()
        with Signals() as signals:
            while True:
                code = act()
                if signals.wait(self.pause()) in ENDING:
                    return code

    def pause(self) -> float:
        """Return how long to wait: the interval, a tenth more or less."""
        seconds = self.seconds or 0
        drawn = int.from_bytes(self.rng(2)) / 0xFFFF  # from 0 to 1
        return seconds * (100 - _JITTER + 2 * _JITTER * drawn) / 100
