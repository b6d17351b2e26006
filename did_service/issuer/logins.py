"""Wrong log-ins are counted, and answered slowly, by peer and by how the token begins.

Each peer, and each beginning of a token, may be wrong ten times at once and then once in six
seconds; what is over that is told to come later. A right token never comes here: it is known by
its digest before anything is counted, so nobody's guesses shut an officer out. Memory is
bounded: who has been quiet for longest is forgotten first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from threading import Lock
from time import monotonic

from did_service.core.errors import UnavailableError

PREFIX_CHARACTERS = 6
_AT_ONCE = 10
_SECONDS_EACH = 6.0
MAX_REMEMBERED = 4_096


class LoginLimit:
    """Counts wrong log-ins.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock, self._lock = clock, Lock()
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()  # wrong, as of when
        self._wrong = 0

    @property
    def wrong(self) -> int:
        """How many log-ins were wrong since the process began."""
        return self._wrong

    def count_wrong(self, peer: str, token: str) -> None:
        """Count a log-in that was judged and is wrong.

        Args:
            peer: Who asks, as the server sees it.
            token: What was shown.

        Raises:
            UnavailableError: `too_many_requests`, with `retry_after` in seconds.
        """
        keys = (f"peer {peer}", f"token {token[:PREFIX_CHARACTERS]}")
        with self._lock:
            self._wrong += 1
            over = max(self._now_spent(key) for key in keys) + 1 - _AT_ONCE
            if over <= 0:
                self._spend(keys)
        if over > 0:
            raise UnavailableError(
                "too_many_requests",
                "too many wrong log-ins",
                retry_after=max(1, round(over * _SECONDS_EACH)),
            )

    def _spend(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._spent[key] = (self._now_spent(key) + 1, self._clock())
            self._spent.move_to_end(key)
        while len(self._spent) > MAX_REMEMBERED:
            self._spent.popitem(last=False)

    def _now_spent(self, key: str) -> float:
        wrong, since = self._spent.get(key, (0.0, 0.0))
        return max(0.0, wrong - (self._clock() - since) / _SECONDS_EACH)
