"""A region's logs out of a database that follows another one: read, and never written.

    standby's rows + published files ─► evidence, resolution, files
                 └─ every second: the newest checkpoint that the rows hold ─► how old it is

It has no key, no guard and no clock that anybody signs by. How old its data are is what the
witnesses said of the newest checkpoint of the control log that the rows hold, by its time: no
server's own word for its delay is needed. A log is published again each minute also without
news, so that the age of one that follows stays below that.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from threading import Event, Thread

from did_service.client.transport import Transport
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.region import Region, control_origin
from did_service.core.errors import DidServiceError, UnavailableError, kind_and_place
from did_service.program.clock import SYSTEM, ClockAndRandom
from did_service.program.logs import about
from did_service.replica import store as tables
from did_service.replica.check import policy_in_force
from did_service.replica.evidence_service import EvidenceService
from did_service.replica.held_tree import HeldTree
from did_service.replica.replica import Replica
from did_service.replica.store import ReplicaStore
from did_service.storage.stores import ServiceStores
from did_service.web.health import HealthPart, aged_part
from did_service.web.metrics import Metric, gauge_by
from did_service.web.ready_words import ReadyWord, word_of_error

_LOOK_SECONDS = 1
_LOG = logging.getLogger("did_service.registry")


@dataclass(frozen=True, slots=True)
class ReadingSettings:
    """Everything that is needed from outside.

    Attributes:
        region: Whose logs are read.
        policy: The pinned policy.
        stores: The database that follows, and the published files.
        foreign: Copies of the logs of other regions, by origin.
        transport: Reaches DIDs that are at home elsewhere.
        edge: The clock.
        most_seconds: Of age, up to which a DID is resolved.
    """

    region: Region
    policy: Policy
    stores: ServiceStores
    foreign: Mapping[str, ReplicaStore]
    transport: Transport
    edge: ClockAndRandom = SYSTEM
    most_seconds: float = 180


class ReadingRegistry:
    """The logs of one region, read; `start` it, and `close` it when done.

    Attributes:
        replicas: Its logs by origin.
        control: The origin of its control log.
        evidence: Gives evidence about each log's entries, by origin.

    Raises:
        ConflictError: the tables are those of another release.
        UnavailableError: `database_reads_only`: there are no tables yet; or the database.
    """

    def __init__(self, settings: ReadingSettings) -> None:
        self.settings = settings
        self.control = control_origin(settings.region)
        engine, blobs = settings.stores.engine, settings.stores.blobs
        tables.prepare(engine)
        stores = {origin: ReplicaStore(engine, origin) for origin in settings.region.logs}
        self.replicas = {
            origin: Replica(store, HeldTree(blobs.below(origin.partition("/")[2]), store))
            for origin, store in stores.items()
        }
        control = self.replicas[self.control]
        self.evidence = {o: EvidenceService(log, control) for o, log in self.replicas.items()}
        self._as_of: int | None = None
        self._note: bytes | None = None
        self._fault = ""
        self._closed = Event()
        self._thread = Thread(target=self._run, name="reading", daemon=True)

    def start(self) -> None:
        """Look how old the data are, now and from now on in the background."""
        self._look()
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()

    def age(self) -> int | None:
        """Return how many seconds old the data are at most, None for unknown."""
        as_of = self._as_of
        return None if as_of is None else max(0, self.settings.edge.posix() - as_of)

    def check_current(self) -> None:
        """Check that the data are not too old to answer from without proof.

        Raises:
            UnavailableError: `replica_late`.
        """
        age = self.age()
        if age is None or age > self.settings.most_seconds:
            told = "of unknown age" if age is None else f"{age} s old"
            raise UnavailableError("replica_late", f"what this standby shows is {told}")

    def ready(self) -> Iterator[HealthPart]:
        """Say for `/ready` whether the database answers, and how old the data are."""
        fault = self._fault
        yield HealthPart("rows", word_of_error(fault) if fault else None)
        yield aged_part(
            "replica",
            ReadyWord.REPLICA_LATE,
            last=self._as_of,
            now=self.settings.edge.posix(),
            most=ceil(self.settings.most_seconds),
            log=self.control,
        )

    def metrics(self) -> Iterator[Metric]:
        """Return numbers for `/metrics`, by log."""
        entries = {origin: log.store.size() for origin, log in self.replicas.items()}
        yield gauge_by("log_entries", "Entries that the rows hold.", "log", entries)
        age = self.age()
        ages = {} if age is None else {self.control: age}
        told = "Seconds since the newest checkpoint that the rows hold was witnessed."
        yield gauge_by("replica_age_seconds", told, "log", ages)

    def _run(self) -> None:
        while not self._closed.wait(_LOOK_SECONDS):
            self._look()

    def _look(self) -> None:
        """Find the newest checkpoint that the rows hold, and its time; tell a fault once."""
        try:
            self._read()
        except DidServiceError as error:
            self._tell(error.code)
        except Exception as error:  # noqa: BLE001 - it looks again after any fault
            self._tell(kind_and_place(error))
        else:
            self._tell("")

    def _read(self) -> None:
        log = self.replicas[self.control]
        log.store.size()  # also where nothing is new: does it answer?
        note = log.tree.checkpoint()
        if note is not None and note != self._note:
            policy = policy_in_force(self.settings.policy, log.store)
            self._as_of = policy.log_policy(self.control).verify(note).fresh_at
            self._note = note

    def _tell(self, why: str) -> None:
        if self._fault != why:
            _LOG.warning("the standby: %s", why or "read again", extra=about(code=why))
        self._fault = why
