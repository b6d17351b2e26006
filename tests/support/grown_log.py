"""A data log of any length, grown as a region grows it: hours of a hundred days, played.

    every hour: 15 batches of 256 entries, judged and stored by the sequencer ─► publish ─► +1 h

The quota of the policy looks 24 hours back, so at 25 of these hours: 96,000 entries. Keys come
from names, so whoever opens the folder again goes on with the very streams that stand there.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bench.region import REG, Stream, Witnesses, check_text, setup
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.entry import parse_submission
from did_service.core.encoding import jcs, strict_json, timestamps
from did_service.core.limits import MAX_BATCH_ENTRIES
from did_service.node.region import lone_registry
from did_service.program.clock import ClockAndRandom
from did_service.registry.registry import Registry
from did_service.registry.sequencer import QueuedEntry
from tests.support.federation import Actor, Federation

DATA_LOG = "gd.example/ev/2026"
AGENCIES = 64
BATCHES = 15  # of 256 entries, in an hour
HOUR = 3_600
BEGIN = timestamps.to_posix(datetime(2026, 1, 5, tzinfo=UTC))
POLICY = "policy.json"


class GrownLog:
    """The registry of region gd whose data log grows hour by hour; made by `opened`."""

    def __init__(self, registry: Registry, clock: "PlayedClock", owners: list[Actor]) -> None:
        self.registry = registry
        self._clock = clock
        self._store = registry.region.stores[DATA_LOG]
        newest = [self._store.newest("evidence", Stream(o, BEGIN).subject) for o in owners]
        self._streams = [
            Stream(owner, BEGIN, after) for owner, after in zip(owners, newest, strict=True)
        ]

    def size(self) -> int:
        """Return the entries of the data log."""
        return self._store.size()

    def grow(self, size: int) -> None:
        """Add an hour's entries, or what `size` lacks of them, and publish."""
        for _ in range(BATCHES):
            self._append(min(MAX_BATCH_ENTRIES, size - self.size()))
        self.registry.publish_now()
        self._clock.second += HOUR

    def _append(self, count: int) -> None:
        first = self.size()
        data = [self._entry((first + number) % AGENCIES) for number in range(count)]
        rows = [QueuedEntry(parse_submission(_without_time(each)), {}) for each in data]
        placed = self.registry.sequencer.append(DATA_LOG, rows)
        assert [each.entry.encode() for each in placed] == data, "sequenced in another second"

    def _entry(self, number: int) -> bytes:
        stream = self._streams[number]
        stream.at = self._clock.second
        return stream.next()


class PlayedClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.second = BEGIN

    def posix(self) -> int:
        """Return its second."""
        return self.second

    def edge(self) -> ClockAndRandom:
        """Return it as the clock of a process."""
        return ClockAndRandom(lambda: timestamps.from_posix(self.second), os.urandom)


@contextmanager
def opened(folder: Path) -> Iterator[GrownLog]:
    """Open the log in a folder, or found its region there, and close it."""
    fed = Federation(now=BEGIN)
    owners = [fed.agency(f"a{number}.gd.example") for number in range(AGENCIES)]
    for owner in owners:
        fed.grant(fed.root("gd"), owner)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / POLICY).write_bytes(jcs.encode(fed.policy.members))
    with registry_in(folder, fed.policy, clock := PlayedClock()) as registry:
        stores = registry.region.stores
        if not stores[REG].size():
            rows = [QueuedEntry(p.entry.submission(), {}) for p in fed.logs[REG].entries]
            registry.sequencer.append(REG, rows)
        newest = max(store.last_at() for store in stores.values())
        clock.second = newest + HOUR
        check_text(fed, DATA_LOG, owners[0])
        registry.publish_now()  # what a run that was cut off has left
        yield GrownLog(registry, clock, owners)


@contextmanager
def registry_in(folder: Path, policy: Policy, clock: PlayedClock) -> Iterator[Registry]:
    """Open the registry of a folder at a played time, and close it."""
    given = setup(policy, Witnesses(clock.posix), folder / "data")
    with lone_registry(replace(given, edge=clock.edge()), {}) as registry:
        yield registry


def _without_time(data: bytes) -> strict_json.JsonObject:
    members = strict_json.load_object(data)
    del members["a"]
    return members
