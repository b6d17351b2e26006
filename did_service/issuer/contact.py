"""When the region's log has last answered an agency: what is at hand may be old.

Each tick asks the log, so its silence is known after one tick that failed: `log_silent` once it
has not answered for a tick and a half. It is a word of `/ready` alone: citizens may apply and
officers decide meanwhile, and what they do is logged when the log is back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from did_service.core.errors import DidServiceError, RuleError
from did_service.program.clock import ClockAndRandom
from did_service.web.health import HealthPart, aged_part
from did_service.web.ready_words import ReadyWord

Said = TypeVar("Said")
_TICKS = 1.5


class LogContact:
    """Remembers the log's last answer in the life of this process.

    Args:
        edge: The clock.
    """

    def __init__(self, edge: ClockAndRandom) -> None:
        self._edge = edge
        self._heard: int | None = None
        self._begun, self._most = 0, 0

    def begin(self, tick_seconds: float) -> None:
        """Expect an answer with each tick from now on."""
        self._begun, self._most = self._edge.posix(), int(_TICKS * tick_seconds) + 1

    def asked(self, ask: Callable[[], Said]) -> Said:
        """Ask the log, and take note if it answers, were it by one of its rules.

        Raises:
            DidServiceError: what `ask` raises.
        """
        try:
            answer = ask()
        except DidServiceError as error:
            # A proxy in between knows nothing of rules.
            if isinstance(error, RuleError) and error.code != "peer_refused":
                self._heard = self._edge.posix()
            raise
        self._heard = self._edge.posix()
        return answer

    def part(self, log: str) -> HealthPart:
        """Say for `/ready` whether the log has answered not long ago.

        Args:
            log: Origin of the log that is asked.
        """
        last, now = self._heard, self._edge.posix()
        if not self._most:  # nothing ticks: nobody asks
            return HealthPart("region log", None, log)
        if last is None:
            since = self._begun + self._most
            return HealthPart("region log", ReadyWord.LOG_SILENT if now > since else None, log)
        return aged_part(
            "region log", ReadyWord.LOG_SILENT, last=last, now=now, most=self._most, log=log
        )
