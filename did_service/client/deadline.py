"""The time that one request may take as a whole."""

from __future__ import annotations

import time
from threading import local


class Deadline(local):
    """When the request that this thread makes must be over."""

    at: float = 0.0  # seconds of the monotonic clock

    def begin(self, seconds: float) -> None:
        """Give the next request so long."""
        self.at = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left, none or fewer when it is over."""
        return self.at - time.monotonic()
