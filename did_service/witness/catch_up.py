"""Copying within the time that a witness has to answer; what takes longer goes on behind."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

from did_service.core.errors import UnavailableError
from did_service.core.limits import MAX_CATCH_UP_SECONDS, MAX_POLICY_MEMBERS
from did_service.core.log.checkpoint import Checkpoint
from did_service.witness.mirror import Mirror


class CatchUp:
    """Runs at most one copy of each log at a time, in threads of its own."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._pool = ThreadPoolExecutor(MAX_POLICY_MEMBERS, thread_name_prefix="mirror")
        self._running: dict[Checkpoint, Future[None]] = {}
        self._starting = Lock()

    def to(self, head: Checkpoint) -> None:
        """Copy a log up to a head.

        Raises:
            UnavailableError: `catching_up`: it goes on behind; ask again later.
            DidServiceError: as `Mirror.catch_up`.
        """
        with self._starting:
            task = self._running.get(head)
            if task is None:
                task = self._pool.submit(self._mirror.catch_up, head)
                self._running[head] = task
                task.add_done_callback(lambda _: self._running.pop(head, None))
        try:
            task.result(MAX_CATCH_UP_SECONDS)
        except TimeoutError as error:
            raise UnavailableError("catching_up", f"still copying {head.origin}") from error

    def close(self) -> None:
        """Stop."""
        self._pool.shutdown(cancel_futures=True)
