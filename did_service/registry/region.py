"""What a registry is given, and what it keeps: settings, stores and file trees of one region.

    database      entries of the region's own logs, the newest checkpoints
    blobs         reg/, ev/YEAR/: static trees as served
    guard         what its keys have last signed, in no backup of the database
    foreign       copies of the other regions' logs, by whoever keeps them: its rules read them

Where they lie is the caller's business; in folders: docs/formats.md §8.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from did_service.client.transport import Transport
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.region import control_origin
from did_service.core.errors import ConflictError, MalformedError, UsageError, quote
from did_service.core.log.checkpoint import checkpoint_in
from did_service.core.log.note import NoteSigner
from did_service.program.clock import SYSTEM, ClockAndRandom
from did_service.replica import store as tables
from did_service.replica.check import policy_in_force
from did_service.replica.replica import Replica
from did_service.replica.store import ReplicaStore
from did_service.replica.tree import StaticTree
from did_service.signer.last_signed import LastSigned
from did_service.storage.leading import ALONE, Leadership
from did_service.storage.stores import ServiceStores


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
        policy: The pinned policy; a higher one in the region's own log takes its place.
        stores: Its database and blobs; the caller closes them after the registry.
        guard: What its keys have last signed.
        signers: The key of each log of the region, by origin.
        foreign: Copies of the logs of the other regions, by origin.
        transport: Reaches the witnesses of the other regions.
        edge: Clock and randomness.
        pace: How often to publish.
        judges: Processes that judge in front of the sequencer; 0 for none.
        leadership: Which of the processes on its database writes.
    """

    region: str
    policy: Policy
    stores: ServiceStores
    guard: LastSigned
    signers: Mapping[str, NoteSigner]
    foreign: Mapping[str, ReplicaStore]
    transport: Transport
    edge: ClockAndRandom = SYSTEM
    pace: PublishIntervals = PublishIntervals()
    judges: int = 0
    leadership: Leadership = ALONE


class RegionStores:
    """The stores of one region's logs.

    Raises:
        UsageError: `region_unknown`, `log_key_missing` for a log without its key, or
            `log_key_wrong` for one with a key that the policy in force does not list.
        PolicyError: `log_unknown`: the policy in force has a log less than the pinned one.
        ConflictError: `folder_of_another`: the files are those of another log.
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
        self.leadership = settings.leadership
        self.control = control_origin(found[0])
        self.engine = settings.stores.engine
        tables.prepare(self.engine)
        self.replicas = replicas_in(settings.stores, found[0].logs)
        self.stores = {origin: each.store for origin, each in self.replicas.items()}
        self.foreign = settings.foreign
        self._check_keys(settings.signers)
        self._check_files()

    def _check_keys(self, signers: Mapping[str, NoteSigner]) -> None:
        """Check before anything is signed: what a wrong key signs can never be published."""
        policy = policy_in_force(self.pinned, self.stores[self.control])
        for origin in self.stores:
            listed = [log.key for log in policy.log_policy(origin).logs]
            if signers[origin].verifier_key not in listed:
                raise UsageError("log_key_wrong", f"the policy lists another key of {origin}")

    def _check_files(self) -> None:
        """Check that the files served under our names are those of our logs."""
        for origin, replica in self.replicas.items():
            with suppress(MalformedError):  # damaged: `fsck` says so, the next one replaces it
                note = replica.tree.checkpoint()
                if note is not None and checkpoint_in(note).origin != origin:
                    what = f"the files are those of {quote(checkpoint_in(note).origin)}"
                    raise ConflictError("folder_of_another", what)


def replicas_in(stores: ServiceStores, origins: Iterable[str]) -> dict[str, Replica]:
    """Return the logs of a region that lie in stores, by origin; their tables are there."""
    return {
        origin: Replica(
            ReplicaStore(stores.engine, origin),
            StaticTree(stores.blobs.below(origin.partition("/")[2])),
        )
        for origin in origins
    }
