"""A region's witness as one thing with a lifetime: mirror, cosigning, approvals, refreshing.

    database                copies of all logs, heads held, alarms
    blobs                   SHA256HEX(origin)/: the same as static files
    guard                   what its key has last cosigned, in no backup of the database

Where they lie is the caller's business; in folders: docs/formats.md §8.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, Thread

from did_service.client.transport import Transport
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.region import control_origin
from did_service.core.anchor.rules_number import are_known
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.errors import (
    ConflictError,
    DidServiceError,
    MalformedError,
    NotFoundError,
    ProofError,
    RuleError,
    UnavailableError,
    kind_and_place,
)
from did_service.core.log.cosignature import Cosigner
from did_service.core.text import quote
from did_service.program.clock import SYSTEM, ClockAndRandom
from did_service.program.logs import about
from did_service.replica import store as tables
from did_service.replica.evidence_service import EvidenceService
from did_service.replica.mirror import Mirror
from did_service.replica.mirrors import folder_of, former_logs_in, mirrors_in
from did_service.signer.last_signed import LastSigned
from did_service.storage.stores import ServiceStores
from did_service.web.health import HealthPart, checked_part
from did_service.web.metrics import Metric, gauge_by
from did_service.web.ready_words import ReadyWord
from did_service.witness.approvals import Approvals
from did_service.witness.cosign_service import CosignService
from did_service.witness.store import WitnessStore

_LOG = logging.getLogger("did_service.witness")
_REFRESHES = 8  # at once: logs that hang, of one region, leave room for all others


@dataclass(frozen=True, slots=True)
class WitnessSettings:
    """Everything a witness needs from outside.

    Attributes:
        policy: The pinned policy; all its logs are mirrored.
        stores: Its database and blobs; the caller closes them after the witness.
        guard: What its key has last cosigned.
        cosigner: The key that cosigns, under the name of the policy.
        approver: The key of the native did:webvh witness.
        transport: Reaches the logs.
        edge: Clock and randomness.
        refresh_seconds: How often published checkpoints are fetched in the background.
    """

    policy: Policy
    stores: ServiceStores
    guard: LastSigned
    cosigner: Cosigner
    approver: SigningKey
    transport: Transport
    edge: ClockAndRandom = SYSTEM
    refresh_seconds: float = 30


class Witness:
    """The running witness of one region; `start` it, and `close` it when done.

    Attributes:
        mirror: The copies.
        store: Heads held, alarms, approvals.
        guard: What its key has last cosigned.
        cosigning: Answers add-checkpoint.
        approvals: Answers did-proof.
        refreshed: POSIX second at which each log was followed last.
        evidence: Gives evidence about the copy of each log.
    """

    def __init__(self, settings: WitnessSettings) -> None:
        engine = settings.stores.engine
        tables.prepare(engine)
        replicas = mirrors_in(settings.stores, settings.policy)
        edge = settings.edge
        former = former_logs_in(settings.stores, settings.policy)
        self.mirror = Mirror(settings.policy, replicas, settings.transport, edge, former)
        self.store = WitnessStore(engine)
        self.guard = guard = settings.guard
        self.cosigning = CosignService(settings.cosigner, self.mirror, self.store, guard, edge)
        self.approvals = Approvals(
            settings.approver, settings.policy, self.mirror, self.store, edge
        )
        self._refresh_seconds = settings.refresh_seconds
        self._edge = edge
        self._pool = ThreadPoolExecutor(_REFRESHES, thread_name_prefix="refresh")
        self.refreshed: dict[str, int] = {}
        self._told: dict[str, str] = {}
        self.evidence = {
            origin: EvidenceService(
                replica, replicas[control_origin(settings.policy.region_of_log(origin))]
            )
            for origin, replica in replicas.items()
        }
        self._closed = Event()
        self._thread = Thread(target=self._run, name="refresh", daemon=True)

    def start(self) -> None:
        """Fetch what the logs publish in the background from now on."""
        self._thread.start()

    def refresh_now(self) -> None:
        """Copy what every log has published, and serve it here; logs that are away wait."""
        list(self._pool.map(self._refresh, self.mirror.replicas))

    def held_note(self, copy: str) -> bytes:
        """Return the newest head of a log that was cosigned, as the log signed it.

        It proves to the log, and to everybody, what this witness says that it holds.

        Args:
            copy: The name of the mirror, as `folder_of` makes it.

        Raises:
            NotFoundError: `nothing_held`.
            UnavailableError: `guard_missing`, `guard_damaged`; `guard_differs`: something was
                cosigned, and the database does not know it any more.
        """
        origins = {folder_of(origin): origin for origin in self.mirror.replicas}
        found = self.store.held(origins[copy]) if copy in origins else None
        if found is not None:
            return found.note
        if copy in origins and self.cosigning.copies.held(origins[copy]) is not None:
            raise UnavailableError("guard_differs", "what was cosigned is in the guard alone")
        raise NotFoundError("nothing_held", "no head of such a log was cosigned here")

    def ready(self) -> Iterator[HealthPart]:
        """Say for `/ready` whether this release knows the rules in force over every log."""
        policies = map(self.mirror.policy_over, self.mirror.replicas)
        known = all(map(are_known, policies))
        yield checked_part("mirror rules", ReadyWord.RULES_UNKNOWN, well=known)
        yield from (
            HealthPart("cosigning", word, log) for log, word in self.cosigning.copies.words()
        )
        now = self._edge.posix()
        for origin, at in self.refreshed.items():  # a log that is away is no fault of ours
            yield HealthPart("mirror", None, origin, max(0, now - at))

    def metrics(self) -> Iterator[Metric]:
        """Return numbers for `/metrics`, by log."""
        replicas = self.mirror.replicas.items()
        entries = {origin: replica.store.size() for origin, replica in replicas}
        open_ones = (kept.alarm.log for kept in self.store.kept_alarms() if not kept.settled)
        counts = Counter(open_ones)
        alarms = {origin: counts[origin] for origin in entries}
        yield gauge_by("mirror_entries", "Entries that the mirror has copied.", "log", entries)
        told = "Alarms about the log that the witness keeps and nothing has settled."
        yield gauge_by("witness_alarms", told, "log", alarms)
        ahead = {origin: self.cosigning.refused_ahead[origin] for origin in entries}
        told = "Entries of the log that were ahead of the witness's clock."
        yield gauge_by("witness_refused_ahead", told, "log", ahead)

    def end_waits(self) -> None:
        """Answer whoever waits until a log is copied: the server is about to end."""
        self.cosigning.end_waits()

    def close(self) -> None:
        """Finish what is under way, and stop."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()
        self._pool.shutdown()
        self.cosigning.close()

    def _refresh(self, origin: str) -> None:
        """Follow one log, and mend our copy of it where that is damaged; tell a fault once."""
        try:
            self._follow(origin)
        except DidServiceError as error:
            self._tell(origin, error.code)
        except Exception as error:  # noqa: BLE001 - mirrors follow after any fault
            self._tell(origin, kind_and_place(error))
        else:
            self.refreshed[origin] = self._edge.posix()
            self._tell(origin, "")

    def _follow(self, origin: str) -> None:
        if origin in self.cosigning.copies.damaged:
            self.cosigning.copies.mend(origin)
        try:
            self.mirror.follow(origin)
        except (ConflictError, ProofError, RuleError, MalformedError, NotFoundError):
            if not self.cosigning.copies.mend(origin):
                raise
            self.mirror.follow(origin)

    def _tell(self, origin: str, why: str) -> None:
        if self._told.get(origin, "") != why:
            told = about(code=why, log=origin)
            _LOG.warning("mirror of %s: %s", quote(origin), why or "followed again", extra=told)
        self._told[origin] = why

    def _run(self) -> None:
        while not self._closed.wait(self._refresh_seconds):
            try:
                self.refresh_now()
            except Exception as error:  # noqa: BLE001 - mirrors follow after any fault
                _LOG.error("refresh failed: %s", kind_and_place(error))
