"""The one writer of a region's logs: judges entries, gives each its index and second.

    submit ──▶ waiting, ≤ 4,096 rows ──▶ one thread: ≤ 256 rows, judged, one transaction
       ◀───────────────────────── futures ─────────────────────────┘

Callers share a transaction and its one sync of the disk. A row that the rules refuse costs the
others nothing. The same submission again gets the same answer, also where its signatures were
turned or doubled on the way (`entry.identity`), and a policy that the log has, whatever number
it is given in its chain; another entry with the same number is out of order.

Data entries are judged by the control log as it stood at the end of their second. So that a
validator who comes later sees what the sequencer saw, a data entry is never given an earlier
second than the control log has reached, and a control entry never one that a data log has
reached. Sources: docs/formats.md §9; threat rules 2, 7 and 11.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import Protocol

from did_service.core.anchor import entry as entries
from did_service.core.anchor.entry import Entry, LoggedEntry, Submission
from did_service.core.anchor.first_version import FirstVersion
from did_service.core.anchor.view import LogView
from did_service.core.errors import DidServiceError, PolicyError, RuleError, UnavailableError
from did_service.core.limits import (
    MAX_BATCH_ENTRIES,
    MAX_CLOCK_AHEAD_SECONDS,
    MAX_WAITING_ENTRIES,
)
from did_service.registry.history import LogRows
from did_service.registry.region import RegionStores
from did_service.registry.store import transaction
from did_service.replica.check import Pending, make_world, policy_in_force
from did_service.replica.rows import kept_content
from did_service.replica.store import ReplicaStore

MAX_AHEAD_SECONDS = MAX_CLOCK_AHEAD_SECONDS // 2  # validators' clocks may be behind ours

WriteResult = LoggedEntry | DidServiceError


class NextEntry(Protocol):
    """Something that becomes the next entry of a log when its turn comes."""

    def compose(self, logs: Mapping[str, LogView], at: int) -> Entry:
        """Return the sequenced entry.

        Args:
            logs: The region's logs as they stand at this moment, by origin.
            at: The POSIX second of sequencing.
        """

    @property
    def contents(self) -> Mapping[bytes, bytes]:
        """Bytes that came along, by their SHA-256."""


@dataclass(frozen=True, slots=True)
class QueuedEntry:
    """An entry as it was handed in, with the content behind its digest.

    Attributes:
        entry: The entry.
        contents: The content.
        first: What a judge beside the writer has found of the entry, if anything.
    """

    entry: Submission
    contents: Mapping[bytes, bytes]
    first: FirstVersion | None = None

    def compose(self, logs: Mapping[str, LogView], at: int) -> Entry:
        """Return the entry with the second of sequencing."""
        del logs  # it was composed before
        return self.entry.sequenced(at)


@dataclass(slots=True)
class _Job:
    origin: str
    rows: Sequence[NextEntry]
    answer: Future[list[WriteResult]] = field(default_factory=Future)

    def __post_init__(self) -> None:
        # A caller that goes away cannot cancel: its rows may be in a transaction already.
        self.answer.set_running_or_notify_cancel()


class Door(Protocol):
    """What has to be true before any entry is composed; each raises UnavailableError."""

    def check_time(self) -> int:
        """Check the clock, asking the witnesses where need be; return the second it shows."""

    def check_history(self, rows: Mapping[str, LogRows]) -> None:
        """Check that the logs hold all that they have said, in a transaction."""


class Sequencer:
    """Writes the logs of one region; `close` when done.

    Args:
        region: The region whose logs these are.
        written: Called after each transaction that added entries.
        door: Asked before each transaction.
    """

    def __init__(self, region: RegionStores, written: Callable[[], None], door: Door) -> None:
        self._region = region
        self._written = written
        self._door = door
        self._jobs: deque[_Job] = deque()
        self._changed = Condition()
        self._waiting = 0
        self._closed = False
        self._thread = Thread(target=self._run, name="sequencer", daemon=True)
        self._thread.start()

    def submit(self, origin: str, rows: Sequence[NextEntry]) -> list[Future[list[WriteResult]]]:
        """Hand in rows of one log.

        Returns:
            Answers for up to 256 rows each, together one for each row in order: where the entry
            stands once it is durable, or why it was refused.

        Raises:
            UnavailableError: `log_busy`: too many rows wait; none of these was taken.
        """
        step = MAX_BATCH_ENTRIES
        jobs = [_Job(origin, rows[i : i + step]) for i in range(0, len(rows), step)]
        with self._changed:
            if self._closed or self._waiting + len(rows) > MAX_WAITING_ENTRIES:
                raise UnavailableError("log_busy", f"{self._waiting} entries wait for {origin}")
            self._jobs.extend(jobs)
            self._waiting += len(rows)
            self._changed.notify()
        return [job.answer for job in jobs]

    def append(self, origin: str, rows: Sequence[NextEntry]) -> list[LoggedEntry]:
        """Hand in rows and wait for them; for the region's own entries.

        Raises:
            DidServiceError: why the first refused row was refused.
        """
        placed: list[LoggedEntry] = []
        for answer in self.submit(origin, rows):
            for result in answer.result():
                if isinstance(result, DidServiceError):
                    raise result
                placed.append(result)
        return placed

    def close(self) -> None:
        """Finish what was handed in, and stop."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while batch := self._next_batch():
            try:
                answers = self._write(batch)
            except Exception as error:  # noqa: BLE001 - the callers must hear of it, whatever it is
                for job in batch:
                    job.answer.set_exception(error)
                continue
            for job, results in zip(batch, answers, strict=True):
                job.answer.set_result(results)
            self._written()

    def _next_batch(self) -> list[_Job]:
        """Wait for work; take as many jobs as fit one transaction. Empty when closed."""
        batch: list[_Job] = []
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._closed)
            room = MAX_BATCH_ENTRIES
            while self._jobs and len(self._jobs[0].rows) <= room:
                batch.append(self._jobs.popleft())
                room -= len(batch[-1].rows)
            self._waiting -= MAX_BATCH_ENTRIES - room
        return batch

    def _write(self, batch: Sequence[_Job]) -> list[list[WriteResult]]:
        now = self._door.check_time()
        region = self._region
        with transaction(region.engine, region.stores, region.leadership) as stores:
            self._door.check_history(stores)
            turn = _Batch(region, stores, now)
            answers = [[turn.take(job.origin, row) for row in job.rows] for job in batch]
            turn.write()
        return answers


class _Batch:
    """One transaction's worth of judging, in the second that was checked before it began."""

    def __init__(
        self, region: RegionStores, stores: Mapping[str, ReplicaStore], now: int
    ) -> None:
        self._region = region
        self._stores = stores
        self._now = now
        self._pending = {o: Pending(store) for o, store in stores.items()}
        self._logs: dict[str, LogView] = {**region.foreign, **self._pending}
        self._contents: dict[str, dict[bytes, bytes]] = {o: {} for o in stores}
        self._policy = policy_in_force(region.pinned, self._pending[region.control])

    def take(self, origin: str, row: NextEntry) -> WriteResult:
        """Judge one row; it stands behind all that were let through before it."""
        try:
            entry = row.compose(self._pending, self._second(origin))
            first = row.first if isinstance(row, QueuedEntry) else None
            return self._place(origin, entry, row.contents, first)
        except DidServiceError as error:
            return error

    def write(self) -> None:
        """Append what was let through."""
        for origin, pending in self._pending.items():
            self._stores[origin].append(pending.placed, self._contents[origin])

    def _second(self, origin: str) -> int:
        # Data entries of a second are judged by the control log up to that second. So a control
        # entry takes a later second than any data entry that was judged without it, and a data
        # entry none before the control log's last (docs/adr/0006). No log's seconds fall.
        last = {each: log.last_at() for each, log in self._pending.items()}
        control = self._region.control
        if origin == control:
            others = [second + 1 for each, second in last.items() if each != control]
        else:
            others = [last[control]]
        at = max(self._now, last[origin], *others)
        if at > self._now + MAX_AHEAD_SECONDS:
            raise UnavailableError(
                "log_ahead", f"{origin} has reached {at}; wait for the clock"
            )
        return at

    def _place(
        self,
        origin: str,
        entry: Entry,
        came: Mapping[bytes, bytes],
        first: FirstVersion | None,
    ) -> LoggedEntry:
        contents = self._contents[origin]

        def content(digest: bytes) -> bytes | None:
            return came.get(digest) or contents.get(digest) or self._stored(digest)

        try:
            world = make_world(self._policy, self._logs, self._now, content, first)
            placed = self._pending[origin].take(entry, world)
        except (
            RuleError,
            PolicyError,
        ):  # whatever would be said now, it may stand there already
            held = self._same(origin, entry)
            if held is None:
                raise
            return held
        contents.update(kept_content(entry, content))
        if entry.type == "policy":
            self._policy = policy_in_force(self._region.pinned, self._pending[origin])
        return placed

    def _stored(self, digest: bytes) -> bytes | None:
        """Find content of any log of the region: a list's last one may be of last year."""
        found = (store.content(digest) for store in self._stores.values())
        return next((each for each in found if each is not None), None)

    def _same(self, origin: str, entry: Entry) -> LoggedEntry | None:
        """Return where the same submission already stands."""
        wanted = entries.identity(entry)
        for held in self._standing(origin, entry):
            if entries.identity(held.entry) == wanted:
                return held
        return None

    def _standing(self, origin: str, entry: Entry) -> Iterable[LoggedEntry]:
        """Return the entries that may be the same: those of its number, of a policy all."""
        pending = self._pending[origin]
        if entry.type == "policy":
            return pending.chain(entry.type, entry.subject)
        chain = (entry.type, entry.subject, entry.number)
        added = (
            each
            for each in pending.placed
            if (each.entry.type, each.entry.subject, each.entry.number) == chain
        )
        held = next(added, None) or self._stores[origin].numbered(*chain)
        return () if held is None else (held,)
