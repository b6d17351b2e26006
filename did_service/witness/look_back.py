"""Looking once at what a log has published, before anything is signed about it.

Where it bears our own signature on a larger tree than we hold, we were restored from a backup.
A log that does not answer is not asked again for a while, and never by two threads at once: it
costs itself its cosignatures and nobody else anything.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from time import monotonic

from did_service.core.errors import UnavailableError
from did_service.core.limits import LOOK_AGAIN_SECONDS, LOOK_SECONDS


class LookBack:
    """Remembers which logs were looked at in the life of this process.

    Args:
        look: Looks at one log, within `LOOK_SECONDS`.
    """

    def __init__(self, look: Callable[[str, float], None]) -> None:
        self._look = look
        self._done: set[str] = set()
        self._looking: set[str] = set()
        self._not_before: dict[str, float] = {}
        self._lock = Lock()

    def once(self, origin: str) -> None:
        """Look at a log, unless that was done.

        Raises:
            UnavailableError: `log_unreadable`: it did not answer a moment ago; `catching_up`:
                another thread is looking.
            DidServiceError: as `look`.
        """
        with self._lock:
            if origin in self._done:
                return
            if origin in self._looking:
                raise UnavailableError("catching_up", f"{origin} is being looked at")
            if monotonic() < self._not_before.get(origin, 0.0):
                raise UnavailableError("log_unreadable", f"{origin} did not answer just now")
            self._looking.add(origin)
        begun = monotonic()
        try:
            self._look(origin, LOOK_SECONDS)
        except BaseException:
            now = monotonic()
            with self._lock:  # a refusal at once costs nothing, and may be over the next moment
                slow = now - begun > LOOK_SECONDS / 2
                self._not_before[origin] = now + (LOOK_AGAIN_SECONDS if slow else 0.0)
                self._looking.discard(origin)
            raise
        with self._lock:
            self._done.add(origin)
            self._looking.discard(origin)
