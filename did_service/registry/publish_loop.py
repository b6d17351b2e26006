"""When a region publishes, and in which order its logs go.

    control log, if data logs rest on news in it ─▶ data logs ─▶ heads of all ─▶ control log

At most every 2 s while entries come, at least every 60 s, so that cosignatures show freshness;
heads entries at least every 120 s for the same reason. A round that finds no quorum changes
nothing that is published and is tried again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from threading import Event, Lock, Thread

from did_service.core.anchor.bodies.heads import parse_heads_body
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.errors import DidServiceError, UnavailableError, kind_and_place
from did_service.program.logs import about
from did_service.registry.publisher import HeadsEntry, LogPublisher
from did_service.registry.region import PublishIntervals, RegionStores
from did_service.registry.sequencer import Sequencer
from did_service.registry.time_check import CLOCK_WORDS
from did_service.registry.waiting import Waiting
from did_service.replica.check import policy_in_force
from did_service.storage.blobs import NOT_SYNCED
from did_service.web.health import HealthPart, aged_part, checked_part
from did_service.web.metrics import LabelledCounter, Metric
from did_service.web.ready_words import ReadyWord

_LATE_AFTER = 3  # intervals at which a log is published even without news
_LOG = logging.getLogger("did_service.registry")


class PublishLoop:
    """Publishes the logs of one region, in a thread of its own between `start` and `close`.

    Args:
        region: The region.
        logs: A publisher for each log, by origin.
        sequencer: Takes the heads entries.
        pace: How often.

    Attributes:
        waiting: Those who wait for the quorum.
        has_ended: Nothing more is published in the background: closed, or a disk that has lost
            what it was given, see `storage.blobs`.
    """

    def __init__(
        self,
        region: RegionStores,
        logs: Mapping[str, LogPublisher],
        sequencer: Sequencer,
        pace: PublishIntervals,
    ) -> None:
        self._region = region
        self._control = logs[region.control]
        self._data_logs = [log for origin, log in logs.items() if origin != region.control]
        self._logs = logs
        self._sequencer = sequencer
        self._pace = pace
        self._published_at: dict[str, int] = {}
        self._told: dict[str, str] = {}  # by log, and by "" what comes before all logs
        self._one_round = Lock()
        self._news = Event()
        self.waiting = Waiting(lambda origin, places: logs[origin].shown(places))
        self._closed = Event()
        self._thread = Thread(target=self._run, name="publisher", daemon=True)
        told = "Rounds in which the log was not published."
        self._errors = LabelledCounter("publisher_errors_total", told)
        self.has_ended = False

    def start(self) -> None:
        """Publish in the background from now on."""
        self._news.set()
        self._thread.start()

    def wake(self) -> None:
        """Say that entries have come."""
        self._news.set()

    def close(self) -> None:
        """Let the round that is under way finish, and stop."""
        self._closed.set()
        self._news.set()
        if self._thread.is_alive():
            self._thread.join()

    def publish_now(self) -> None:
        """Publish everything that has been sequenced, and return when it is there for all.

        Raises:
            ProofError: `quorum_not_met`: nothing of that log was published.
            DidServiceError: why a log could not be signed, see `LogPublisher.publish`.
        """
        with self._one_round:
            self._round(heads_seconds=0)

    @contextmanager
    def between(self) -> Iterator[None]:
        """Publish nothing while a `with` lasts, and everything anew after it."""
        with self._one_round:
            self._published_at.clear()
            yield
        self.wake()

    def readiness(self, origin: str) -> HealthPart:
        """Say whether a log was published not long ago, or has nothing to publish."""
        log, last = self._logs[origin], self._published_at.get(origin)
        if last is None:  # not in the life of this process
            well = log.published() is not None or log.signed() is None
            return checked_part("publication", ReadyWord.NOT_PUBLISHED, well=well, log=origin)
        most, now = ceil(_LATE_AFTER * self._pace.most), self._region.edge.posix()
        late = ReadyWord.PUBLICATION_LATE
        return aged_part("publication", late, last=last, now=now, most=most, log=origin)

    def metrics(self) -> Iterator[Metric]:
        """Return numbers for `/metrics`, by log."""
        yield self._errors.metric()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._news.wait(self._pace.most / 2)
            self._news.clear()
            if not self._region.leadership.is_leading:
                continue
            begun = time.monotonic()
            try:
                with self._one_round:
                    self._round(self._pace.heads_least)
            except DidServiceError as error:
                self._tell_round(error)
                if error.code == NOT_SYNCED:
                    break
            except Exception as error:  # noqa: BLE001 - whatever it was, a log goes on publishing
                self._tell_round(error)
            else:
                self._tell(None)
            self._closed.wait(max(0.0, begun + self._pace.least - time.monotonic()))
        self.has_ended = True
        if not self._closed.is_set():
            self._region.leadership.close()  # another process may have a disk that is well

    def _tell(self, error: Exception | None, origin: str = "") -> None:
        """Tell an error once, until another one comes or all is well again.

        Args:
            error: None where all is well.
            origin: Of the log that is not published; empty for what comes before all logs.
        """
        why = "" if error is None else _told_of(error)
        former, self._told[origin] = self._told.get(origin, ""), why
        if former == why:
            return
        if error is None:
            _LOG.warning("published again", extra=about(log=origin))
        elif isinstance(error, DidServiceError):
            _LOG.warning("not published", extra=about(error, log=origin))
        else:
            _LOG.error("not published: %s", why, extra=about(log=origin))

    def _tell_round(self, error: Exception) -> None:
        """Tell why a round ended, if no log has told it."""
        if _told_of(error) not in {why for log, why in self._told.items() if log}:
            self._tell(error)

    def _round(self, heads_seconds: int) -> None:
        """Publish what is due; a data log without a quorum does not hold up the others."""
        policy = policy_in_force(self._region.pinned, self._region.stores[self._region.control])
        due = [log for log in self._data_logs if self._is_due(log)]
        if any(self._has_grown(log) for log in due) and self._has_grown(self._control):
            self._publish(self._control, policy)
        failures: list[DidServiceError] = []
        for log in due:
            try:
                self._publish(log, policy)
            except DidServiceError as error:
                if error.code == NOT_SYNCED:
                    raise
                failures.append(error)
        try:
            self._append_heads(heads_seconds)
        except UnavailableError as error:
            if error.code not in CLOCK_WORDS:
                raise
            failures.append(error)  # what there is stays fresh meanwhile
        if self._is_due(self._control):
            self._publish(self._control, policy)
        if failures:
            raise failures[0]

    def _publish(self, log: LogPublisher, policy: Policy) -> None:
        try:
            log.publish(policy.log_policy(log.origin))
        except Exception as error:
            self._errors.add(log=log.origin)
            self._tell(error, log.origin)
            raise
        self._tell(None, log.origin)
        self._published_at[log.origin] = self._region.edge.posix()
        self.waiting.published(log.origin)

    def _has_grown(self, log: LogPublisher) -> bool:
        return self._region.stores[log.origin].size() > log.published_size()

    def _is_due(self, log: LogPublisher) -> bool:
        last = self._published_at.get(log.origin)
        age = None if last is None else self._region.edge.posix() - last
        is_old = age is None or not 0 <= age < self._pace.most  # or the clock was set back
        has_begun = log.signed() is not None or log.published_size() > 0
        return self._has_grown(log) or (is_old and has_begun)

    # --- heads ------------------------------------------------------------------------------

    def _append_heads(self, seconds: int) -> None:
        """Name the newest entries of all logs, if that is due; the control log comes last."""
        if not self._heads_due(seconds):
            return
        control = self._region.control
        sizes = {log.origin: log.published_size() for log in self._data_logs}
        heads = [HeadsEntry(control, origin, size) for origin, size in sizes.items() if size]
        self._sequencer.append(control, [*heads, HeadsEntry(control, control)])

    def _heads_due(self, seconds: int) -> bool:
        """Say whether heads lag behind the logs for so long, or have become old."""
        store = self._region.stores[self._region.control]
        size = store.size()
        newest = store.newest("heads", self._region.control)
        if newest is None:
            return size > 0
        # Many entries in a short time carry a log's second beyond the clock: an age below zero
        # means that these heads are new.
        age = max(0, self._region.edge.posix() - newest.entry.at)
        has_changed = newest.index != size - 1 or any(
            log.published_size() > self._covered(log.origin) for log in self._data_logs
        )
        return age >= self._pace.heads_most or (has_changed and age >= seconds)

    def _covered(self, origin: str) -> int:
        newest = self._region.stores[self._region.control].newest("heads", origin)
        return 0 if newest is None else parse_heads_body(newest.entry.body).size


def _told_of(error: Exception) -> str:
    return error.code if isinstance(error, DidServiceError) else kind_and_place(error)
