"""Waiting for the quorum without a thread: a waiter is a future that the publisher fulfils.

Strangers may wait, a connection each, so what they cost is bounded (threat rule 2): whoever
begins to wait has one entry looked up, and each publication looks at those alone that its tree
has reached, in order of index, in the publisher's thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from itertools import chain
from threading import Lock

from did_service.core.anchor.entry import LoggedEntry
from did_service.core.errors import DidServiceError
from did_service.core.limits import MAX_ENTRY_WAITERS, MAX_LOG_WAITERS
from did_service.registry.publisher import EntryPlace


class Waiting:
    """Those who wait until a published checkpoint covers their entry.

    Args:
        shown: Of places in order of index, yields those that the published tree of a log, by
            origin, has.
    """

    def __init__(
        self, shown: Callable[[str, Sequence[EntryPlace]], Iterable[EntryPlace]]
    ) -> None:
        self._shown = shown
        self._waiting: dict[str, dict[EntryPlace, set[Future[bool]]]] = {}
        self._has_ended = False
        self._lock = Lock()

    def for_entry(self, origin: str, placed: LoggedEntry) -> Future[bool] | None:
        """Return what is True once the entry is published; cancel it to wait no more.

        It is False where the service ends before. None: so many wait already, for the log or
        for this entry, that nobody else may; or the service is about to end.
        """
        place, waiter = (placed.index, placed.leaf), Future[bool]()
        if not self._add(origin, place, waiter):
            return None
        waiter.add_done_callback(lambda _: self._forget(origin, place, waiter))
        try:
            self._tell(origin, [place])  # it may have been published meanwhile
        except DidServiceError:
            waiter.cancel()
            raise
        return waiter

    def published(self, origin: str) -> None:
        """Tell those whose entries the published tree of a log covers now."""
        with self._lock:
            places = sorted(self._waiting.get(origin, ()))
        self._tell(origin, places)

    def end(self) -> None:
        """Let everybody go who waits, and nobody wait from now on: the service ends."""
        with self._lock:
            self._has_ended = True
            left = [w for places in self._waiting.values() for w in chain(*places.values())]
            for places in self._waiting.values():
                places.clear()
        _fulfil(left, is_published=False)

    def _tell(self, origin: str, places: Sequence[EntryPlace]) -> None:
        for place in self._shown(origin, places):
            with self._lock:  # whoever takes them tells them: two threads may have found them
                waiters = self._waiting[origin].pop(place, set())
            _fulfil(waiters, is_published=True)

    def _add(self, origin: str, place: EntryPlace, waiter: Future[bool]) -> bool:
        with self._lock:
            if self._has_ended:
                return False
            places = self._waiting.setdefault(origin, {})
            of_entry = len(places.get(place, ()))
            if (
                of_entry >= MAX_ENTRY_WAITERS
                or sum(map(len, places.values())) >= MAX_LOG_WAITERS
            ):
                return False
            places.setdefault(place, set()).add(waiter)
        return True

    def _forget(self, origin: str, place: EntryPlace, waiter: Future[bool]) -> None:
        with self._lock:
            waiters = self._waiting[origin].get(place, set())
            waiters.discard(waiter)
            if not waiters:
                self._waiting[origin].pop(place, None)


def _fulfil(waiters: Iterable[Future[bool]], *, is_published: bool) -> None:
    for waiter in waiters:
        if waiter.set_running_or_notify_cancel():
            waiter.set_result(is_published)
