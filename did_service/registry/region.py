"""What a registry is given, and what it keeps: settings, stores and file trees of one region.

    FOLDER/reg/, FOLDER/ev/YEAR/     static trees as served
    FOLDER/registry.sqlite           entries of the region's own logs, the newest checkpoints
    FOLDER/witness.sqlite            written by the region's witness: copies of the other logs
    FOLDER/last-signed               the key holder's guard, in no backup of the database

Layout: docs/formats.md §8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from did_service.client.transport import Transport
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.region import control_origin
from did_service.core.errors import UsageError
from did_service.core.log.note import NoteSigner
from did_service.program.clock import SYSTEM, ClockAndRandom
from did_service.replica import store as tables
from did_service.replica.check import policy_in_force
from did_service.replica.replica import open_replica
from did_service.replica.store import ReplicaStore
from did_service.web import database


@dataclass(frozen=True, slots=True)
class PublishIntervals:
    """How often a log publishes, in seconds.

    Attributes:
        least: Between two checkpoints, at least; entries that come in between share one.
        most: An unchanged log is signed and cosigned again after so long, to show freshness.
        heads_least: Between two heads entries, at least, while entries come.
        heads_most: Heads are stated again after so long, since they age like all evidence.
    """

    least: float = 2
    most: float = 60
    heads_least: int = 120
    heads_most: int = 120


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """Everything a registry needs from outside.

    Attributes:
        region: Id of the region in the policy.
        folder: The region's folder, see the picture above.
        policy: The pinned policy; a higher one in the region's own log takes its place.
        signers: The key of each log of the region, by origin.
        transport: Reaches the witnesses of the other regions.
        edge: Clock and randomness.
        pace: How often to publish.
    """

    region: str
    folder: Path
    policy: Policy
    signers: Mapping[str, NoteSigner]
    transport: Transport
    edge: ClockAndRandom = SYSTEM
    pace: PublishIntervals = PublishIntervals()


class RegionStores:
    """The stores of one region's logs.

    Raises:
        UsageError: `region_unknown`, `log_key_missing` for a log without its key, or
            `log_key_wrong` for one with a key that the policy in force does not list.
        PolicyError: `log_unknown`: the policy in force has a log less than the pinned one.
    """

    def __init__(self, settings: RegistrySettings) -> None:
        found = [r for r in settings.policy.regions if r.id == settings.region]
        if not found:
            raise UsageError("region_unknown", f"no region {settings.region} in the policy")
        missing = sorted(found[0].logs.keys() - settings.signers.keys())
        if missing:
            raise UsageError("log_key_missing", f"no key for {missing[0]}")
        self.pinned = settings.policy
        self.edge = settings.edge
        self.control = control_origin(found[0])
        self.engine = database.open_engine(settings.folder / "registry.sqlite")
        self._mirrors = database.open_engine(settings.folder / "witness.sqlite")
        for engine in (self.engine, self._mirrors):
            tables.prepare(engine)
        self.stores = {origin: ReplicaStore(self.engine, origin) for origin in found[0].logs}
        self.replicas = {
            origin: open_replica(store, settings.folder / origin.partition("/")[2])
            for origin, store in self.stores.items()
        }
        self.foreign = {
            origin: ReplicaStore(self._mirrors, origin)
            for region in settings.policy.regions
            for origin in region.logs
            if region.id != settings.region
        }
        self._check_keys(settings.signers)

    def _check_keys(self, signers: Mapping[str, NoteSigner]) -> None:
        """Check before anything is signed: what a wrong key signs can never be published."""
        policy = policy_in_force(self.pinned, self.stores[self.control])
        for origin in self.stores:
            listed = [log.key for log in policy.log_policy(origin).logs]
            if signers[origin].verifier_key not in listed:
                self.close()
                raise UsageError("log_key_wrong", f"the policy lists another key of {origin}")

    def close(self) -> None:
        """Close the databases."""
        self.engine.dispose()
        self._mirrors.dispose()
