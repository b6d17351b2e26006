"""How many connections a server holds, and one line where files run out.

A connection is a file. The process needs others: databases, tiles, peers. So the limit of the
process (RLIMIT_NOFILE, systemd's LimitNOFILE) decides how many connections there may be, and
what asyncio would report with a traceback for each of thousands of tries is told once a minute.
"""

from __future__ import annotations

import errno
import logging
import resource
from asyncio import AbstractEventLoop
from collections.abc import Callable
from time import monotonic
from typing import Any

from did_service.core.errors import kind_and_place
from did_service.core.limits import MAX_CONNECTIONS, MIN_CONNECTIONS, RESERVED_FILES

_EVERY_SECONDS = 60.0
_LOG = logging.getLogger("did_service.web")


def most_connections() -> int:
    """Return how many connections one server of this process may hold."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(MIN_CONNECTIONS, min(MAX_CONNECTIONS, limit - RESERVED_FILES))


def raise_file_limit() -> None:
    """Take as many files as the system lets this process have, and say so where that is few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + RESERVED_FILES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if most > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most < wanted:
        _LOG.warning("few files: %d of %d; raise LimitNOFILE", most, wanted)


class LoopFaults:
    """What an event loop reports when nobody else hears of it: a line a minute for each kind.

    Args:
        now: Returns seconds of a clock that only goes forward.
    """

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._told: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    def __call__(self, _loop: AbstractEventLoop, context: dict[str, Any]) -> None:
        """Tell one fault, or count it."""
        kind, now = _kind_of(context), self._now()
        last = self._told.get(kind)
        if last is not None and now - last < _EVERY_SECONDS:
            self._unsaid[kind] = self._unsaid.get(kind, 0) + 1
            return
        self._told[kind] = now
        _LOG.error("%s; %d more before", kind, self._unsaid.pop(kind, 0))


def _kind_of(context: dict[str, Any]) -> str:
    """Name a fault by our words alone: messages may quote what was handed in."""
    error = context.get("exception")
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return "no more files: connections are not taken"
    return f"fault: {kind_and_place(error) if isinstance(error, Exception) else 'event loop'}"
