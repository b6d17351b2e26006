"""A region's registry as one thing with a lifetime: sequencer, publishers, rounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial

from did_service.core.anchor.rules_number import are_known
from did_service.core.errors import ProofError, UnavailableError
from did_service.core.log.checkpoint import Checkpoint
from did_service.registry.history import LogHistory, LogRows, check_all
from did_service.registry.judges import Judges
from did_service.registry.new_year import NOTICE, URGENT, is_near, missing, next_log
from did_service.registry.publish_loop import PublishLoop
from did_service.registry.publisher import LogPublisher
from did_service.registry.region import RegionStores, RegistrySettings
from did_service.registry.sequencer import MAX_AHEAD_SECONDS, Sequencer
from did_service.registry.store import CheckpointStore
from did_service.registry.time_check import TimeCheck
from did_service.registry.witness_pool import WitnessPool
from did_service.replica.check import policy_in_force
from did_service.replica.evidence_service import EvidenceService
from did_service.signer.log_key import KeyHolder
from did_service.storage.leading import ALONE
from did_service.web.health import HealthPart, checked_part
from did_service.web.metrics import Metric, gauge_by
from did_service.web.ready_words import ReadyWord, word_of_error


class Registry:
    """The running registry of one region; `start` it, and `close` it when done.

    Attributes:
        region: Stores and files of its logs.
        judges: Look at entries before the sequencer takes them.
        sequencer: Takes entries.
        rounds: Publishes; `publish_now` does so at once.
        logs: The publisher of each log, by origin.
        evidence: Gives evidence about each log's entries, by origin.

    Raises:
        UsageError, PolicyError, ConflictError: as `RegionStores`.
        UnavailableError: `tree_not_synced`: files that were lost cannot be made durable.
    """

    def __init__(self, settings: RegistrySettings) -> None:
        self.region = RegionStores(settings)
        self.transport = settings.transport
        self.leadership = settings.leadership
        checkpoints = CheckpointStore(self.region.engine, self.leadership)
        self.guard = settings.guard
        self._time = TimeCheck(self.region.edge, self.region.pinned.region_faults)
        self._cosigners = {origin: self._pool(origin) for origin in self.region.stores}
        self.histories = {
            origin: LogHistory(
                origin,
                checkpoints,
                settings.guard,
                self.region.replicas[origin].tree,
                partial(pool.shown, self.region.pinned.region_faults + 1),
            )
            for origin, pool in self._cosigners.items()
        }
        self.logs = {
            origin: LogPublisher(
                self.region,
                origin,
                self.histories[origin],
                KeyHolder(settings.signers[origin], settings.guard),
                pool,
            )
            for origin, pool in self._cosigners.items()
        }
        if self.leadership is ALONE:
            self._recover()
        control = self.region.replicas[self.region.control]
        self.evidence = {
            o: EvidenceService(log, control) for o, log in self.region.replicas.items()
        }
        self.judges = Judges(settings.judges)
        self.sequencer = Sequencer(self.region, self._wake, self)
        self.rounds = PublishLoop(self.region, self.logs, self.sequencer, settings.pace)

    def start(self) -> None:
        """Publish in the background from now on, while no other process leads."""
        self.leadership.start(self._lead)
        self.rounds.start()

    def publish_now(self) -> None:
        """Publish everything that has been sequenced; see `PublishLoop.publish_now`."""
        self.rounds.publish_now()

    def check_time(self) -> int:
        """Check that the clock may be believed, and return its second; see `TimeCheck.check`.

        Raises:
            UnavailableError: `another_leads`, `clock_wrong`, `clock_unconfirmed`.
        """
        if not self.leadership.is_leading:
            raise UnavailableError("another_leads", "another process writes these logs")
        if self._time.word(self._has_begun):
            check_all(self.histories, self.region.stores)  # else an old head would be shown
        return self._time.check(self._ask_time, self._has_begun)

    def check_history(self, rows: Mapping[str, LogRows]) -> None:
        """Check that the logs hold all that they have said; see `LogHistory.check`.

        Raises:
            UnavailableError: `log_behind_its_signature`, `guard_missing` and others.
        """
        check_all(self.histories, rows)

    def words(self) -> Iterator[tuple[str, ReadyWord]]:
        """Yield what keeps the logs from taking entries, as log and code; no log for all."""
        now = self.region.edge.clock()
        if is_near(now, URGENT) and (lack := self._next_year(now)):
            yield next_log(self.region.control, now), ReadyWord(lack)
        time = self._time.word(self._has_begun)
        if time:
            yield "", ReadyWord(time)
        for origin, store in self.region.stores.items():
            word = self.histories[origin].word(store)
            if word:
                yield origin, word_of_error(word)
            if store.last_at() > self.region.edge.posix() + MAX_AHEAD_SECONDS:
                yield origin, ReadyWord.LOG_AHEAD

    def ready(self) -> Iterator[HealthPart]:
        """Say for `/ready` which logs are published, and how long ago.

        `tree_not_synced` where the publisher has ended for it, `rules_unknown` where the policy
        in force asks for those of a later release. A process that waits to lead says that, and
        what is wrong with the rows that it serves.
        """
        yield checked_part("leader", ReadyWord.ANOTHER_LEADS, well=self.leadership.is_leading)
        # Also where it has given up the lead for it.
        yield checked_part("disk", ReadyWord.TREE_NOT_SYNCED, well=not self.rounds.has_ended)
        if not self.leadership.is_leading:
            yield from self._histories_ready()
            return
        yield from map(self.rounds.readiness, self.logs)
        region = self.region
        rules = are_known(policy_in_force(region.pinned, region.stores[region.control]))
        yield checked_part("rules", ReadyWord.RULES_UNKNOWN, well=rules)
        yield from (HealthPart("history", word, log) for log, word in self.words())

    def _histories_ready(self) -> Iterator[HealthPart]:
        for origin, store in self.region.stores.items():
            word = self.histories[origin].word(store)
            yield HealthPart("history", word_of_error(word) if word else None, origin)

    def fork_alarms(self) -> dict[str, int]:
        """Count for each log the witnesses that hold another history of it."""
        return {origin: len(pool.alarms) for origin, pool in self._cosigners.items()}

    def metrics(self) -> Iterator[Metric]:
        """Return numbers for `/metrics`, by log."""
        entries = {origin: store.size() for origin, store in self.region.stores.items()}
        published = {origin: log.published_size() for origin, log in self.logs.items()}
        yield gauge_by("log_entries", "Entries that the log has taken.", "log", entries)
        told = "Entries under the newest published checkpoint."
        yield gauge_by("log_published", told, "log", published)
        told = "Witnesses that hold another history of the log."
        yield gauge_by("fork_alarms", told, "log", self.fork_alarms())
        told = "Logs of the next year that are still to be made, from 60 days before it."
        now = self.region.edge.clock()
        due = int(is_near(now, NOTICE) and bool(self._next_year(now)))
        yield gauge_by("next_year_due", told, "log", {next_log(self.region.control, now): due})
        yield from self.rounds.metrics()
        yield from self.judges.metrics()
        for pool in self._cosigners.values():
            yield from pool.metrics()

    def end_waits(self) -> None:
        """Answer whoever waits for the quorum: the server is about to end."""
        self.rounds.waiting.end()

    def close(self) -> None:
        """Finish what is under way, and stop."""
        self.rounds.close()
        self.judges.close()
        self.sequencer.close()
        self.leadership.close()
        for cosigners in self._cosigners.values():
            cosigners.close()

    def _lead(self) -> None:
        """Go on with the logs where the process that led before has left them."""
        with self.rounds.between():
            for history in self.histories.values():
                history.forget()
            self._recover()

    def _recover(self) -> None:
        for log in self.logs.values():
            log.recover()

    def _pool(self, origin: str) -> WitnessPool:
        store = self.region.stores[origin]

        def holds(head: Checkpoint) -> bool:
            return store.size() >= head.size and store.root(head.size) == head.root

        region, transport = self.region, self.transport
        return WitnessPool(transport, origin, region.edge, self._time.heard, holds)

    def _next_year(self, now: datetime) -> str:
        region = self.region
        policy = policy_in_force(region.pinned, region.stores[region.control])
        return missing(region.control, policy, self.logs, now)

    def _has_begun(self) -> bool:
        return self.logs[self.region.control].signed() is not None

    def _ask_time(self) -> None:
        """Have the control log's newest head cosigned again: the witnesses tell their time."""
        region = self.region
        policy = policy_in_force(region.pinned, region.stores[region.control])
        with suppress(ProofError):  # not so many as for a quorum
            self.logs[region.control].ask_again(policy.log_policy(region.control))

    def _wake(self) -> None:
        self.rounds.wake()
