"""How far work has come: told of long work alone, one rule for all programs.

Nothing is said in the first seconds, for what is over by then needs no news; afterwards a line
for each further tenth, at most one a second. The end is told by whoever has done the work.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from did_service.core.text import Bilingual

QUIET_SECONDS = 3.0
_APART_SECONDS = 1.0
_TENTHS = 10


class ProgressLines:
    """Tells how far one command has come.

    Args:
        tell: Shows a line to a person.
        clock: Seconds that only rise.
    """

    def __init__(
        self, tell: Callable[[Bilingual], None], clock: Callable[[], float] = monotonic
    ) -> None:
        self._tell, self._clock = tell, clock
        self._next = clock() + QUIET_SECONDS
        self._last: tuple[str, int] | None = None

    def __call__(self, what: str, done: int, total: int) -> None:
        """Take note of how much is done.

        Args:
            what: A part of the work; its name stands in the line.
            done: How much of it is done.
            total: How much there is.
        """
        now, tenth = self._clock(), _TENTHS * done // max(total, 1)
        if now < self._next or (what, tenth) == self._last:
            return
        self._next, self._last = now + _APART_SECONDS, (what, tenth)
        self._tell(Bilingual(f"{what}：{tenth * 10} %", f"{what}: {tenth * 10} %"))
