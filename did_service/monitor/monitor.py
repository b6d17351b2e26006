"""One look at every log of a federation, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from did_service.client.transport import Transport
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.freshness import age_seconds
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import (
    DidServiceError,
    MalformedError,
    ProofError,
    UnavailableError,
)
from did_service.core.limits import MAX_FOLLOW_SECONDS
from did_service.core.log.policy import VerifiedCheckpoint
from did_service.monitor.own_copies import mend_copies
from did_service.monitor.store import MonitorAlarm, MonitorStore, SeenHead
from did_service.program.clock import ClockAndRandom
from did_service.replica import store as tables
from did_service.replica.mirror import Mirror
from did_service.replica.mirrors import former_logs_in, mirrors_in
from did_service.storage.stores import ServiceStores


class LogState(StrEnum):
    """How a log is."""

    GOOD = "good"
    EMPTY = "empty"  # it has never shown anything here, and says that it has nothing
    STALE = "stale"  # its newest witnessed checkpoint is too old
    BEHIND = "behind"  # it shows a smaller tree than it has shown before
    UNREADABLE = "unreadable"  # it, or a log that it rests on, cannot be read just now
    UNWITNESSED = "unwitnessed"  # what it shows is no checkpoint with a quorum
    ALARM = "alarm"  # it has done what no honest log does


@dataclass(frozen=True, slots=True)
class WatchedLog:
    """What one look at a log has found.

    Attributes:
        log: Origin.
        state: How it is.
        code: Why, empty where it is good.
        size: Of the checkpoint that was read; 0 where none was.
        age: Its age in seconds by the quorum's time; None where none was read.
        told: For people.
    """

    log: str
    state: LogState
    code: str
    size: int
    age: int | None
    told: str

    def encode(self) -> JsonObject:
        """Return one line for other people's systems."""
        return {
            "log": self.log,
            "state": self.state.value,
            "code": self.code or None,
            "size": self.size,
            "age_seconds": self.age,
            "detail": self.told or None,
        }


class Monitor:
    """Watches the logs of a policy.

    Args:
        stores: Its own database and copies; whoever opened them closes them.
        policy: The pinned one; a log's region may carry a higher one.
        transport: Reaches the logs.
        edge: The clock.
        stale_seconds: A checkpoint older than this is stale.
    """

    def __init__(
        self,
        stores: ServiceStores,
        policy: Policy,
        transport: Transport,
        edge: ClockAndRandom,
        stale_seconds: int,
    ) -> None:
        tables.prepare(stores.engine)
        self.store = MonitorStore(stores.engine)
        self._transport, self._edge, self._stale = transport, edge, stale_seconds
        self._origins = [origin for region in policy.regions for origin in region.logs]
        self._sure: set[str] = set()  # logs that were found wrong, over copies that are sound
        former = former_logs_in(stores, policy)
        self._mirror = Mirror(policy, mirrors_in(stores, policy), transport, edge, former)

    def look(self) -> Iterator[WatchedLog]:
        """Look at every log once; control logs first, since data logs rest on them."""
        for origin in sorted(self._origins, key=lambda each: not each.endswith("/reg")):
            with self._transport.within(MAX_FOLLOW_SECONDS):  # the others are looked at as well
                found = self._look_at(origin)
            yield found

    def _look_at(self, origin: str) -> WatchedLog:
        try:
            seen = self._mirror.published(origin)
        except UnavailableError as error:
            is_new = self._mirror.is_new(origin, error) and not self.store.largest(origin)
            state = LogState.EMPTY if is_new else LogState.UNREADABLE
            return WatchedLog(origin, state, error.code, 0, None, error.message)
        except DidServiceError as error:
            return WatchedLog(origin, LogState.UNWITNESSED, error.code, 0, None, error.message)
        largest = self.store.largest(origin)
        return self._differing(seen) or self._copied(seen) or self._aged(seen, largest)

    def _differing(self, seen: VerifiedCheckpoint) -> WatchedLog | None:
        """Remember a head; another one of that size, which was seen before, is a fork."""
        head = seen.checkpoint
        other = self.store.remember(head, seen.note, self._edge.posix())
        if other is None:
            return None
        told = f"two trees of {head.size} entries, both with a quorum"
        self._raise(head.origin, "log_forked", told, other)
        return self._alarm(seen, "log_forked", told)

    def _copied(self, seen: VerifiedCheckpoint) -> WatchedLog | None:
        """Copy what is new and judge it; None where all of it is right."""
        fault = self._sure_fault_in(seen)
        if isinstance(fault, UnavailableError):
            return self._found(seen, LogState.UNREADABLE, fault.code, fault.message)
        self._settle(seen, fault)
        if fault is None:
            return None
        return self._found(seen, LogState.ALARM, _code_of(fault), fault.message)

    def _sure_fault_in(self, seen: VerifiedCheckpoint) -> DidServiceError | None:
        """Return what is wrong with a log, once our own copies were examined."""
        origin, fault = seen.checkpoint.origin, self._fault_in(seen)
        if fault is None:
            self._sure.discard(origin)
        elif not isinstance(fault, UnavailableError) and origin not in self._sure:
            try:
                mended = mend_copies(self._mirror, self.store)
            except UnavailableError as error:
                return error
            if mended:
                return self._fault_in(seen)
            self._sure.add(origin)
        return fault

    def _fault_in(self, seen: VerifiedCheckpoint) -> DidServiceError | None:
        try:
            self._mirror.catch_up(seen.checkpoint)
            if self._contradicting(seen.checkpoint.origin)[1]:
                return ProofError("log_forked", "two histories, with a quorum each")
        except DidServiceError as error:
            return error
        return None

    def _contradicting(self, origin: str) -> tuple[list[SeenHead], list[SeenHead]]:
        """Return the heads that our copy has reached by now, and those that it is not under.

        A log may show a head of another history and keep its tiles back. Nothing can be said of
        it then; it is held against whatever is copied later, by whichever process.
        """
        store = self._mirror.replicas[origin].store
        reached = self.store.unchecked(origin, store.size())
        return reached, [each for each in reached if store.root(each.size) != each.root]

    def _settle(self, seen: VerifiedCheckpoint, fault: DidServiceError | None) -> None:
        """Remember what the copy was held against together with all that this has shown."""
        origin, now, alarms = seen.checkpoint.origin, self._edge.posix(), []
        try:
            reached, others = self._contradicting(origin)
        except MalformedError:  # our copy was damaged since the log was accused
            reached, others = [], []
        if fault is not None:
            code, told = _code_of(fault), fault.message
            notes = [seen.note, *(each.note for each in others)]
            alarms = [MonitorAlarm(origin, now, code, told, note) for note in notes]
        self.store.settle(origin, reached, alarms)

    def _aged(self, seen: VerifiedCheckpoint, largest: int) -> WatchedLog:
        if seen.checkpoint.size < largest:
            return self._found(seen, LogState.BEHIND, "log_behind", f"has shown {largest}")
        if age_seconds(seen.fresh_at, self._edge.posix()) > self._stale:
            return self._found(seen, LogState.STALE, "checkpoint_stale", "")
        return self._found(seen, LogState.GOOD, "", "")

    def _alarm(self, seen: VerifiedCheckpoint, code: str, told: str) -> WatchedLog:
        self._raise(seen.checkpoint.origin, code, told, seen.note)
        return self._found(seen, LogState.ALARM, code, told)

    def _raise(self, origin: str, code: str, told: str, note: bytes) -> None:
        self.store.keep(MonitorAlarm(origin, self._edge.posix(), code, told, note))

    def _found(
        self, seen: VerifiedCheckpoint, state: LogState, code: str, told: str
    ) -> WatchedLog:
        age = age_seconds(seen.fresh_at, self._edge.posix())
        head = seen.checkpoint
        return WatchedLog(head.origin, state, code, head.size, age, told)


def _code_of(fault: DidServiceError) -> str:
    return "log_forked" if isinstance(fault, ProofError) else fault.code
