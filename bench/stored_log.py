"""Group `log`, first half: entries into SQLite, durable when the call returns.

`log.append-durable.sqlite` is what the store does with entries that were judged: leaf hashes,
tree, rows, one synced transaction for 128 entries. It stands beside the time of V, and beside
`sqlite-executemany`: the driver alone writing the very same rows with the same pragmas.
`log.append-durable.judged` is the sequencer, which applies all rules and checks every proof
first.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from sqlalchemy import Table

from bench.harness import Operation, Session, V
from bench.region import REG, Province, Witnesses, places, setup
from did_service.core.anchor.entry import Entry, compose
from did_service.core.log.merkle import leaf_hash, tree_root
from did_service.node.storage_setup import StorageSetup
from did_service.node.stores import registry_stores
from did_service.program.clock import ClockAndRandom
from did_service.registry.region import RegionStores
from did_service.registry.sequencer import QueuedEntry, Sequencer
from did_service.replica import rows
from did_service.replica.store import ReplicaStore, prepare
from did_service.replica.tables import ENTRY, SUBJECT
from did_service.storage import database

NAME = "log.append-durable"
BATCH = 128
_BODY_BYTES = 1_400
_AT = 1_795_608_000
_PEER = "sqlite-executemany"


def run(session: Session) -> None:
    """Measure the half."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, Judged(Path(name)) as judged:
        folder = Path(name)
        operations = [
            Operation("append", Stored(folder / "store.sqlite").run, BATCH),
            Operation(_PEER, Bare(folder / "bare.sqlite").run, BATCH),
            Operation("judged", judged.run, BATCH),
        ]
        samples = session.measure(operations)
    session.compare(f"{NAME}.sqlite", samples, "append", V)
    session.compare(f"{NAME}.sqlite", samples, "append", _PEER, 1.05)
    session.compare(f"{NAME}.judged", samples, "judged", V)


class Stored:
    """Batches through the store, each entry of a chain of its own."""

    def __init__(self, path: Path) -> None:
        engine = database.open_database(database.file_url(path))
        prepare(engine)
        self._store = ReplicaStore(engine, REG)
        self._append(entries(0, BATCH))
        leaves = [leaf_hash(data) for data in self._store.entries(0, BATCH)]
        assert self._store.root(BATCH) == tree_root(leaves)

    def run(self, count: int) -> float:
        """Append `count` batches."""
        return sum(self._append(entries(self._store.size(), BATCH)) for _ in range(count))

    def _append(self, batch: list[Entry]) -> float:
        size = self._store.size()
        begun = time.perf_counter()
        self._store.append(places(batch, size), {})
        seconds = time.perf_counter() - begun
        assert self._store.size() == size + BATCH
        return seconds


class Bare:
    """The same rows of the same tables by the driver alone, made beforehand."""

    def __init__(self, path: Path) -> None:
        engine = database.open_database(database.file_url(path))
        prepare(engine)
        self._pooled = engine.raw_connection()  # with the pragmas that the store's has
        driver = self._pooled.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        self._driver = driver
        self._size = 0

    def run(self, count: int) -> float:
        """Write the rows of `count` batches."""
        return sum(self._write() for _ in range(count))

    def _write(self) -> float:
        batch = places(entries(self._size, BATCH), self._size)
        self._size += BATCH
        fresh = rows.entries(batch, {}, 0)
        prepared = [
            _statement("INSERT", ENTRY, fresh),
            _statement("INSERT OR REPLACE", SUBJECT, fresh),
        ]
        begun = time.perf_counter()
        self._driver.execute("BEGIN IMMEDIATE")
        for statement, values in prepared:
            self._driver.executemany(statement, values)
        self._driver.execute("COMMIT")
        return time.perf_counter() - begun


class _Open:
    """A door that is always open: what is measured is judging and writing."""

    def __init__(self, edge: ClockAndRandom) -> None:
        self._edge = edge

    def check_time(self) -> int:
        """Believe the clock."""
        return self._edge.posix()

    def check_history(self, rows: object) -> None:
        """Believe the rows."""


class Judged:
    """Batches of new DIDs through the sequencer of a region."""

    def __init__(self, folder: Path) -> None:
        self._province = Province()
        given = setup(self._province.fed.policy, Witnesses(), folder)
        self._stores = ExitStack()
        opened = self._stores.enter_context(registry_stores(StorageSetup(folder), REG))
        self._region = RegionStores(given.registry(opened, {}))
        self._sequencer = Sequencer(self._region, lambda: None, _Open(self._region.edge))

    def run(self, count: int) -> float:
        """Hand in `count` batches and wait for each."""
        return sum(self._take() for _ in range(count))

    def _take(self) -> float:
        batch = [QueuedEntry(entry, {}) for entry in self._province.did_entries(BATCH)]
        begun = time.perf_counter()
        placed = self._sequencer.append(REG, batch)
        seconds = time.perf_counter() - begun
        assert len(placed) == BATCH
        return seconds

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sequencer.close()
        self._stores.close()


def entries(first: int, count: int) -> list[Entry]:
    """Make sequenced entries of 1.5 KiB, of types that need no signature here."""
    body = {"content": "x" * _BODY_BYTES}
    return [
        compose("schema", f"urn:bench:{number}", {**body}).sequenced(_AT)
        for number in range(first, first + count)
    ]


def _statement(
    verb: str, table: Table, values: list[rows.StoredRow]
) -> tuple[str, list[tuple[object, ...]]]:
    columns = [column.name for column in table.columns]
    names, marks = (", ".join(f'"{each}"' for each in columns), ", ".join("?" for _ in columns))
    statement = f'{verb} INTO "{table.name}" ({names}) VALUES ({marks})'
    return statement, [tuple({"log": REG, **row}[name] for name in columns) for row in values]
