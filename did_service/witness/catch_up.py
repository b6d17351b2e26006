"""Copying within the time that a witness has to answer; what takes longer goes on behind.

One copy of a log runs at a time, in a thread of its own, up to the newest head that is asked
for: no log waits for another one, and whoever floods a witness with heads of a log that hangs
keeps that log alone waiting.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from did_service.core.errors import DidServiceError, UnavailableError
from did_service.core.limits import MAX_CATCH_UP_SECONDS, MAX_CATCH_UPS_OF_A_LOG
from did_service.core.log.checkpoint import Checkpoint
from did_service.replica.mirror import Mirror


@dataclass(frozen=True, slots=True)
class _Copy:
    """A copy that is under way, up to a head."""

    head: Checkpoint
    end: Future[None]


class CatchUp:
    """Brings copies up to heads; any number of threads may ask.

    Args:
        mirror: The copies.
    """

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._pool = ThreadPoolExecutor(len(mirror.replicas), thread_name_prefix="mirror")
        self._running: dict[str, _Copy] = {}
        self._asked: defaultdict[str, list[Checkpoint]] = defaultdict(list)
        self._ending: Future[None] = Future()
        self._lock = Lock()

    def to(self, head: Checkpoint) -> None:
        """Copy a log up to a head.

        Raises:
            UnavailableError: `catching_up`: it goes on behind, or too many wait for this log
                already; ask again later.
            DidServiceError: as `Mirror.catch_up`.
        """
        store = self._mirror.replicas[head.origin].store
        ends = time.monotonic() + MAX_CATCH_UP_SECONDS
        if store.size() < head.size:
            with self._waiting(head):
                while store.size() < head.size:
                    self._wait(self._copy(head), head, ends)
        self._mirror.catch_up(head)  # nothing is fetched any more; it must be this very tree

    def end_waits(self) -> None:
        """Tell whoever waits to ask again: the server is about to end."""
        if not self._ending.done():
            self._ending.set_result(None)

    def close(self) -> None:
        """Stop."""
        self._pool.shutdown(cancel_futures=True)

    @contextmanager
    def _waiting(self, head: Checkpoint) -> Iterator[None]:
        """Take one of the few places of a log."""
        with self._lock:
            asked = self._asked[head.origin]
            if len(asked) >= MAX_CATCH_UPS_OF_A_LOG:
                raise UnavailableError("catching_up", f"others wait for {head.origin}")
            asked.append(head)
        try:
            yield
        finally:
            with self._lock:
                asked.remove(head)

    def _copy(self, head: Checkpoint) -> _Copy:
        """Return the copy that runs, or begin one up to the newest head asked for."""
        with self._lock:
            running = self._running.get(head.origin)
            if running is None or running.end.done():
                newest = max(self._asked[head.origin], key=lambda each: each.size)
                running = _Copy(newest, self._pool.submit(self._mirror.catch_up, newest))
                self._running[head.origin] = running
            return running

    def _wait(self, copy: _Copy, head: Checkpoint, ends: float) -> None:
        wait({copy.end, self._ending}, max(0.0, ends - time.monotonic()), FIRST_COMPLETED)
        if not copy.end.done():
            raise UnavailableError("catching_up", f"still copying {head.origin}")
        try:
            copy.end.result()
        except DidServiceError:
            if copy.head == head:
                raise  # what another head ran into says nothing about this one
