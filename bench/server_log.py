"""Group `postgres`, first half: entries into PostgreSQL, durable when the call returns.

`log.append-durable.postgres` is what the store does with entries that were judged, in batches
of 256 as the sequencer makes them, beside `postgres-copy`: the driver alone copying the very
same rows, binary, into the same tables in one transaction. `.postgres-processor` is the
processor time of both for it, ours and the engine's, beside that of the copy.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import psycopg

from bench.harness import Operation, Row, Samples, Session, V
from bench.private import engine_seconds, postgres
from bench.region import REG, places
from bench.stored_log import entries
from did_service.core.anchor.entry import LoggedEntry
from did_service.core.log.merkle import leaf_hash, tree_root
from did_service.replica import rows
from did_service.replica.store import ReplicaStore, prepare
from did_service.replica.tables import ENTRY, SUBJECT
from did_service.storage import database
from did_service.storage.postgres.copy import copy_rows
from tests.support.postgres import Server

NAME = "log.append-durable.postgres"
BATCH = 256
_PEER = "postgres-copy"


def run(session: Session) -> None:
    """Measure the half."""
    with postgres() as server:
        if isinstance(server, str):
            session.skip(NAME, _PEER, server)
            return
        spent = {"append": Spent(Stored(server), server), _PEER: Spent(Bare(server), server)}
        operations = [Operation(name, each.run, BATCH) for name, each in spent.items()]
        samples = session.measure(operations)
    session.compare(NAME, samples, "append", V)
    rate, share = 1 / samples.median("append"), samples.ratio(_PEER, "append")
    session.add(Row(NAME, rate, "entries/s", share, _PEER, 0.6, samples.rounds))
    taken = {name: each.processor[-samples.rounds :] for name, each in spent.items()}
    processor = Samples({**taken, V: samples.seconds[V]})
    session.compare(f"{NAME}-processor", processor, "append", V)
    session.compare(f"{NAME}-processor", processor, "append", _PEER)


class Batches(Protocol):
    """Takes batches of entries, one after the other."""

    size: int

    def take(self, batch: list[LoggedEntry]) -> Callable[[], object]:
        """Return what is to be timed."""


@dataclass(slots=True)
class Spent:
    """Runs batches, and keeps the processor time of an entry, here and in the engine."""

    batches: Batches
    server: Server
    processor: list[float] = field(default_factory=list)

    def run(self, count: int) -> float:
        """Write `count` batches; making them is not counted."""
        seconds = processor = 0.0
        for _ in range(count):
            size = self.batches.size
            write = self.batches.take(places(entries(size, BATCH), size))
            begun, ours, theirs = time.perf_counter(), time.process_time(), self._engine()
            write()
            seconds += time.perf_counter() - begun
            processor += time.process_time() - ours + self._engine() - theirs
            self.batches.size += BATCH
        self.processor.append(processor / count / BATCH)
        return seconds

    def _engine(self) -> float:
        return engine_seconds(self.server)


class Stored:
    """Batches through the store, each entry of a chain of its own."""

    def __init__(self, server: Server) -> None:
        engine = database.open_database(server.url(server.create(), "registry"))
        prepare(engine)
        self._store = ReplicaStore(engine, REG)
        self.size = BATCH
        self.take(places(entries(0, BATCH), 0))()
        leaves = [leaf_hash(data) for data in self._store.entries(0, BATCH)]
        assert self._store.root(BATCH) == tree_root(leaves)

    def take(self, batch: list[LoggedEntry]) -> Callable[[], object]:
        """Return the append of a batch."""
        return lambda: self._store.append(batch, {})


class Bare:
    """The same rows of the same tables by COPY of the driver alone, made beforehand."""

    def __init__(self, server: Server) -> None:
        name = server.create()
        engine = database.open_database(server.url(name, "registry"))
        prepare(engine)
        engine.dispose()
        self._driver = server.ask(name)
        self._driver.execute("SET search_path TO registry")
        self.size = 0

    def take(self, batch: list[LoggedEntry]) -> Callable[[], object]:
        """Return the copying of the rows of a batch."""
        fresh = [{"log": REG, **row} for row in rows.entries(batch, {}, 0)]
        return lambda: _copy(self._driver, fresh)


def _copy(driver: psycopg.Connection, fresh: list[rows.StoredRow]) -> None:
    driver.execute("BEGIN")
    for table in (ENTRY, SUBJECT):
        copy_rows(driver, table, fresh)
    driver.execute("COMMIT")
