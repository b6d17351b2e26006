"""A region's registry and witness in one folder and one process, opened and closed in order.

witness: copies of all logs ──▶ registry: its rules read the copies of the other regions
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field

from did_service.client.transport import Transport
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.region import Region, control_origin
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.errors import UsageError
from did_service.core.log.cosignature import Cosigner
from did_service.core.log.note import NoteSigner
from did_service.node.peers import PeerCopies
from did_service.node.setting_table import ServiceKind
from did_service.node.storage_setup import StorageSetup
from did_service.node.stores import OpenedStores, registry_stores, witness_stores
from did_service.program.clock import SYSTEM, ClockAndRandom
from did_service.registry.region import PublishIntervals, RegistrySettings
from did_service.registry.registry import Registry
from did_service.replica.store import ReplicaStore
from did_service.witness.witness import Witness, WitnessSettings

Opening = Callable[[StorageSetup, str], AbstractContextManager[OpenedStores]]
"""How a registry has its stores: alone, or as one of several processes."""


@dataclass(frozen=True, slots=True)
class RegionSetup:
    """What the services of a region are given.

    Attributes:
        kind: Which of them run here: `region` for all of them.
        region: Its id in the policy.
        host: The host name of its logs.
        storage: Where its data are.
        policy: The pinned one.
        logs: The key of each of its logs, by origin; empty where no registry runs.
        cosigner: The witness's key; None, as `native`, where no witness runs.
        native: The key of its native did:webvh witness.
        transport: Reaches the other regions.
        edge: Clock and randomness.
        pace: How often its logs publish.
        refresh_seconds: How often its witness, or a registry alone, looks at the others.
        judges: Processes that judge entries in front of the one writer.
    """

    kind: ServiceKind
    region: str
    host: str
    storage: StorageSetup
    policy: Policy
    logs: Mapping[str, NoteSigner]
    cosigner: Cosigner | None
    native: SigningKey | None
    transport: Transport
    edge: ClockAndRandom = SYSTEM
    pace: PublishIntervals = field(default_factory=PublishIntervals)
    refresh_seconds: float = 30
    judges: int = 0

    def policy_of_region(self) -> Region:
        """Return what the policy says of this region.

        Raises:
            UsageError: `region_unknown`.
        """
        for region in self.policy.regions:
            if region.id == self.region:
                return region
        raise UsageError("region_unknown", f"no region {self.region} in the policy")

    def registry(
        self, opened: OpenedStores, foreign: Mapping[str, ReplicaStore]
    ) -> RegistrySettings:
        """Return what its registry is given."""
        return RegistrySettings(
            region=self.region,
            policy=self.policy,
            stores=opened.stores,
            guard=opened.guard,
            signers=self.logs,
            foreign=foreign,
            transport=self.transport,
            edge=self.edge,
            pace=self.pace,
            judges=self.judges,
            leadership=opened.leadership,
        )

    def witness(self, opened: OpenedStores) -> WitnessSettings:
        """Return what its witness is given, which has both of its keys."""
        assert self.cosigner is not None  # noqa: S101 - `starting` and founding give both or none
        assert self.native is not None  # noqa: S101 - likewise
        return WitnessSettings(
            policy=self.policy,
            stores=opened.stores,
            guard=opened.guard,
            cosigner=self.cosigner,
            approver=self.native,
            transport=self.transport,
            edge=self.edge,
            refresh_seconds=self.refresh_seconds,
        )


@dataclass(frozen=True, slots=True)
class RegionServices:
    """The two services of a region."""

    registry: Registry
    witness: Witness


@contextmanager
def region_services(
    setup: RegionSetup, opening: Opening = registry_stores
) -> Iterator[RegionServices]:
    """Open both services of a region over one folder, and close them.

    Args:
        setup: The region.
        opening: Opens the registry's stores.

    Raises:
        UsageError: `region_unknown`, and as `Registry`.
        ConflictError, UnavailableError: as `registry_stores` and `witness_stores`.
    """
    with (
        lone_witness(setup) as witness,
        lone_registry(setup, foreign_logs(setup, witness), opening) as registry,
    ):
        yield RegionServices(registry, witness)


@contextmanager
def lone_witness(setup: RegionSetup) -> Iterator[Witness]:
    """Open a region's witness alone, and close it; raises as `witness_stores`."""
    name = setup.policy_of_region().witness.name
    with (
        witness_stores(setup.storage, name) as held,
        closing(Witness(setup.witness(held))) as witness,
    ):
        yield witness


@contextmanager
def lone_registry(
    setup: RegionSetup,
    foreign: Mapping[str, ReplicaStore],
    opening: Opening = registry_stores,
) -> Iterator[Registry]:
    """Open a region's registry alone, and close it.

    Args:
        setup: The region.
        foreign: Copies of the other regions' logs, from a witness or a mirror of its own; what
            rests on a log that is not among them is refused as `log_not_mirrored`.
        opening: Opens its stores.

    Raises:
        UsageError, ConflictError, UnavailableError: as `region_services`.
    """
    with (
        opening(setup.storage, control_origin(setup.policy_of_region())) as kept,
        closing(Registry(setup.registry(kept, foreign))) as registry,
    ):
        yield registry


@contextmanager
def registry_with_copies(
    setup: RegionSetup, opening: Opening = registry_stores
) -> Iterator[tuple[Registry, PeerCopies]]:
    """Do the same where no witness runs beside it: it keeps copies of the other logs itself."""
    region = setup.policy_of_region()
    with opening(setup.storage, control_origin(region)) as kept:
        copies = PeerCopies(
            region,
            setup.policy,
            kept,
            setup.transport,
            setup.edge,
            setup.refresh_seconds,
        )
        with (
            closing(copies),
            closing(Registry(setup.registry(kept, copies.stores))) as registry,
        ):
            yield registry, copies


def foreign_logs(setup: RegionSetup, witness: Witness) -> dict[str, ReplicaStore]:
    """Return a witness's copies of the logs of other regions, also former ones, by origin."""
    return {
        **witness.mirror.former,
        **{
            origin: replica.store
            for origin, replica in witness.mirror.replicas.items()
            if setup.policy.region_of_log(origin).id != setup.region
        },
    }
