"""The time that one request may take as a whole, and all requests of one piece of work."""

from __future__ import annotations

import time
from math import inf
from threading import local


class Deadline(local):
    """When the request that this thread makes must be over."""

    at: float = 0.0  # seconds of the monotonic clock
    last: float = inf  # the end of the work that the requests belong to

    def begin(self, seconds: float) -> None:
        """Give the next request so long, and no longer than its work has."""
        self.at = min(time.monotonic() + seconds, self.last)

    def left(self) -> float:
        """Return the seconds that are left, none or fewer when it is over."""
        return self.at - time.monotonic()
