"""When a region publishes, and in which order its logs go.

    control log, if data logs rest on news in it ─▶ data logs ─▶ heads of all ─▶ control log

At most every 2 s while entries come, at least every 60 s, so that cosignatures show freshness;
heads entries at least every 120 s for the same reason. A round that finds no quorum changes
nothing that is published and is tried again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from threading import Condition, Event, Lock, Thread

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.encoding.strict_json import Fields
from did_service.core.errors import DidServiceError, kind_and_place
from did_service.registry.publisher import HeadsEntry, LogPublisher
from did_service.registry.region import PublishIntervals, RegionStores
from did_service.registry.sequencer import Sequencer
from did_service.replica.check import policy_in_force
from did_service.replica.files import NOT_SYNCED

_LOG = logging.getLogger("did_service.registry")


class PublishLoop:
    """Publishes the logs of one region, in a thread of its own between `start` and `close`.

    Args:
        region: The region.
        logs: A publisher for each log, by origin.
        sequencer: Takes the heads entries.
        pace: How often.

    Attributes:
        has_ended: Nothing more is published in the background: closed, or a disk that has lost
            what it was given, see `replica.files`.
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
        self._one_round = Lock()
        self._news = Event()
        self._published = Condition()
        self._closed = Event()
        self._thread = Thread(target=self._run, name="publisher", daemon=True)
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

    def wait_published(self, origin: str, index: int, seconds: float) -> bool:
        """Wait until a published checkpoint covers an entry; say whether one does."""
        with self._published:
            return self._published.wait_for(
                lambda: self._logs[origin].published_size() > index, seconds
            )

    def _run(self) -> None:
        while not self._closed.is_set():
            self._news.wait(self._pace.most / 2)
            self._news.clear()
            begun = time.monotonic()
            try:
                with self._one_round:
                    self._round(self._pace.heads_least)
            except DidServiceError as error:
                _LOG.warning("not published: %s", error.code)
                if error.code == NOT_SYNCED:
                    break
            except Exception as error:  # noqa: BLE001 - whatever it was, a log goes on publishing
                _LOG.error("not published: %s", kind_and_place(error))
            self._closed.wait(max(0.0, begun + self._pace.least - time.monotonic()))
        self.has_ended = True

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
        self._append_heads(heads_seconds)
        if self._is_due(self._control):
            self._publish(self._control, policy)
        if failures:
            raise failures[0]

    def _publish(self, log: LogPublisher, policy: Policy) -> None:
        log.publish(policy.log_policy(log.origin))
        with self._published:
            self._published_at[log.origin] = self._region.edge.posix()
            self._published.notify_all()

    def _has_grown(self, log: LogPublisher) -> bool:
        return self._region.stores[log.origin].size() > log.published_size()

    def _is_due(self, log: LogPublisher) -> bool:
        last = self._published_at.get(log.origin)
        age = None if last is None else self._region.edge.posix() - last
        is_old = age is None or not 0 <= age < self._pace.most  # or the clock was set back
        return self._has_grown(log) or (is_old and log.signed() is not None)

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
        age = max(0, self._region.edge.posix() - (newest.entry.at or 0))
        has_changed = newest.index != size - 1 or any(
            log.published_size() > self._covered(log.origin) for log in self._data_logs
        )
        return age >= self._pace.heads_most or (has_changed and age >= seconds)

    def _covered(self, origin: str) -> int:
        newest = self._region.stores[self._region.control].newest("heads", origin)
        return 0 if newest is None else Fields(newest.entry.body, "heads").integer("size")
