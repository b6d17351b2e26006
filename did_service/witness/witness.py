"""A region's witness as one thing with a lifetime: mirror, cosigning, approvals, refreshing.

FOLDER/witness.sqlite                    copies of all logs, heads held, alarms
FOLDER/mirror/SHA256HEX(origin)/         the same as static files
FOLDER/last-cosigned                     the guard, in no backup of the database
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from did_service.client.transport import Transport
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.rules_number import are_known
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.crypto.hashes import sha256
from did_service.core.errors import DidServiceError, kind_and_place
from did_service.core.log.cosignature import Cosigner
from did_service.core.text import quote
from did_service.program.clock import SYSTEM, ClockAndRandom
from did_service.replica import store as tables
from did_service.replica.last_signed import LastSigned
from did_service.replica.replica import open_replica
from did_service.replica.store import ReplicaStore
from did_service.web import database
from did_service.witness.approvals import Approvals
from did_service.witness.cosigning import CosignService
from did_service.witness.mirror import Mirror
from did_service.witness.store import WitnessStore

_LOG = logging.getLogger("did_service.witness")


@dataclass(frozen=True, slots=True)
class WitnessSettings:
    """Everything a witness needs from outside.

    Attributes:
        folder: The region's folder, see the picture above.
        policy: The pinned policy; all its logs are mirrored.
        cosigner: The key that cosigns, under the name of the policy.
        approver: The key of the native did:webvh witness.
        transport: Reaches the logs.
        edge: Clock and randomness.
        refresh_seconds: How often published checkpoints are fetched in the background.
    """

    folder: Path
    policy: Policy
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
        cosigning: Answers add-checkpoint.
        approvals: Answers did-proof.
    """

    def __init__(self, settings: WitnessSettings) -> None:
        self._engine = database.open_engine(settings.folder / "witness.sqlite")
        tables.prepare(self._engine)
        replicas = {
            origin: open_replica(
                ReplicaStore(self._engine, origin),
                settings.folder / "mirror" / folder_of(origin),
            )
            for region in settings.policy.regions
            for origin in region.logs
        }
        edge = settings.edge
        self.mirror = Mirror(settings.policy, replicas, settings.transport, edge)
        self.store = WitnessStore(self._engine)
        guard = LastSigned(settings.folder / "last-cosigned")
        self.cosigning = CosignService(settings.cosigner, self.mirror, self.store, guard, edge)
        self.approvals = Approvals(
            settings.approver, settings.policy, self.mirror, self.store, edge
        )
        self._edge = edge
        self._refresh_seconds = settings.refresh_seconds
        self._closed = Event()
        self._thread = Thread(target=self._run, name="refresh", daemon=True)

    def start(self) -> None:
        """Fetch what the logs publish in the background from now on."""
        self._thread.start()

    def refresh_now(self) -> None:
        """Copy what every log has published, and serve it here; logs that are away wait."""
        for origin in self.mirror.replicas:
            try:
                self._refresh(origin)
            except DidServiceError as error:
                _LOG.info("mirror of %s: %s", quote(origin), error.code)

    def ready(self) -> Mapping[str, bool]:
        """Say for `/ready` whether this release knows the rules in force over every log."""
        policies = map(self.mirror.policy_over, self.mirror.replicas)
        return {"rules": all(map(are_known, policies))}

    def gauges(self) -> Mapping[str, int]:
        """Return numbers for `/metrics`."""
        stores = [replica.store for replica in self.mirror.replicas.values()]
        return {
            "mirror_entries": sum(store.size() for store in stores),
            "witness_alarms": len(self.store.alarms()),
        }

    def close(self) -> None:
        """Finish what is under way, and stop."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()
        self.cosigning.close()
        self._engine.dispose()

    def _run(self) -> None:
        while not self._closed.wait(self._refresh_seconds):
            try:
                self.refresh_now()
            except Exception as error:  # noqa: BLE001 - mirrors follow after any fault
                _LOG.error("refresh failed: %s", kind_and_place(error))

    def _refresh(self, origin: str) -> None:
        verified = self.mirror.published(origin)
        self.mirror.catch_up(verified.checkpoint)
        tree = self.mirror.replicas[origin].tree
        if tree.checkpoint() != verified.note:
            tree.publish(verified.note, self._edge.posix())


def folder_of(origin: str) -> str:
    """Return the name of a mirror: lower-case hex of the SHA-256 of the origin."""
    return sha256(origin.encode()).hex()
