"""The copies of other regions' logs that a registry keeps where no witness runs beside it.

    registry.sqlite, peers/HEX/ ◄─ follow ─ the logs of all other regions

The rules of a registry rest on these copies as they do on a witness's; every entry is judged
before it is stored. They lie in the registry's own stores, so witness and registry of a region
may run on two hosts.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

from did_service.client.transport import Transport
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.region import Region
from did_service.core.anchor.view import LogView
from did_service.core.errors import DidServiceError, kind_and_place
from did_service.core.text import quote
from did_service.node.stores import OpenedStores
from did_service.program.clock import ClockAndRandom
from did_service.program.logs import about
from did_service.replica import store as tables
from did_service.replica.mirror import Mirror
from did_service.replica.mirrors import folder_of, former_logs_in
from did_service.replica.replica import Replica
from did_service.replica.store import ReplicaStore
from did_service.replica.tree import StaticTree

_LOG = logging.getLogger("did_service.node")
_AT_ONCE = 4


class PeerCopies:
    """Copies of the logs of all other regions; `start` it, and `close` it when done.

    Args:
        region: Whose registry it is for.
        policy: The pinned one.
        opened: The registry's stores; of several processes on them, the leading one follows.
        transport: Reaches the logs.
        edge: The clock.
        refresh_seconds: How often the logs are looked at.

    Attributes:
        followed: The copies by origin.
        stores: The same, and those of logs whose region has left.
    """

    def __init__(
        self,
        region: Region,
        policy: Policy,
        opened: OpenedStores,
        transport: Transport,
        edge: ClockAndRandom,
        refresh_seconds: float,
    ) -> None:
        stores = opened.stores
        tables.prepare(stores.engine)
        replicas = {
            origin: Replica(
                ReplicaStore(stores.engine, origin),
                StaticTree(stores.blobs.below(f"peers/{folder_of(origin)}")),
            )
            for other in policy.regions
            for origin in other.logs
            if other.id != region.id
        }
        own = {origin: ReplicaStore(stores.engine, origin) for origin in region.logs}
        former = former_logs_in(stores, policy)
        self._mirror = _BesideOwn(policy, replicas, transport, edge, {**former, **own})
        self._leadership = opened.leadership
        self._refresh_seconds = refresh_seconds
        self._told: dict[str, str] = {}
        self._closed = Event()
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="peers")
        self._thread = Thread(target=self._run, name="peers", daemon=True)
        self.followed = {origin: replica.store for origin, replica in replicas.items()}
        self.stores = {**former, **self.followed}

    def start(self) -> None:
        """Follow the logs in the background from now on, at once for the first time."""
        self._thread.start()

    def follow_now(self) -> None:
        """Copy what every log has published; those that are away wait."""
        list(self._pool.map(self._follow, self.followed))

    def close(self) -> None:
        """Finish what is under way, and stop."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()
        self._pool.shutdown()

    def _follow(self, origin: str) -> None:
        try:
            self._mirror.follow(origin)
        except DidServiceError as error:
            self._tell(origin, error.code)
        except Exception as error:  # noqa: BLE001 - the other copies follow after any fault
            self._tell(origin, kind_and_place(error))
        else:
            self._tell(origin, "")

    def _tell(self, origin: str, why: str) -> None:
        if self._told.get(origin, "") != why:
            told = about(code=why, log=origin)
            _LOG.warning("copy of %s: %s", quote(origin), why or "followed again", extra=told)
        self._told[origin] = why

    def _run(self) -> None:
        is_first = True
        while is_first or not self._closed.wait(self._refresh_seconds):
            is_first = False
            if self._leadership.is_leading:
                self.follow_now()


class _BesideOwn(Mirror):
    """A mirror whose entries may rest on the registry's own logs as well."""

    def __init__(
        self,
        pinned: Policy,
        replicas: dict[str, Replica],
        transport: Transport,
        edge: ClockAndRandom,
        own: Mapping[str, LogView],
    ) -> None:
        self._own = own
        super().__init__(pinned, replicas, transport, edge)

    def views(self) -> dict[str, LogView]:
        """Return the logs that an entry may rest on, by origin."""
        return {**self._own, **super().views()}
