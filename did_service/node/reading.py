"""A process that only reads: resolver, evidence and files of a region from a standby.

    configuration with storage.replica ─► ReplicaSetup ─► reading_service ─► app

It opens no keyring and takes no lock: it writes nothing anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from did_service.client.transport import Transport
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.region import Region
from did_service.core.errors import UsageError
from did_service.node.configuration import Configuration
from did_service.node.pinned_policy import read_policy, region_in
from did_service.node.reaching import routes_of
from did_service.node.setting_table import ServiceKind
from did_service.node.storage_setup import StorageSetup, storage_of
from did_service.node.stores import reading_stores
from did_service.program.clock import SYSTEM, ClockAndRandom
from did_service.registry import app as registry_parts
from did_service.registry.reading import ReadingRegistry, ReadingSettings
from did_service.replica.mirrors import copies_of_others
from did_service.replica.store import ReplicaStore
from did_service.resolver.resolver import Resolver, ResolverSources
from did_service.resolver.routes import resolution_router
from did_service.resolver.store import ForeignDids
from did_service.web.description import DescribedApp


@dataclass(frozen=True, slots=True)
class ReplicaSetup:
    """What a process that only reads is given.

    Attributes:
        kind: Of the service whose rows it reads.
        region: Whose logs they are.
        storage: The standby, and the published files.
        policy: The pinned one.
        transport: Reaches DIDs that are at home elsewhere.
        edge: Clock and randomness.
        most_seconds: Of age, up to which it resolves.
    """

    kind: ServiceKind
    region: Region
    storage: StorageSetup
    policy: Policy
    transport: Transport
    edge: ClockAndRandom = SYSTEM
    most_seconds: float = 180


def is_replica(configuration: Configuration) -> bool:
    """Say whether a configuration is for a process that only reads."""
    return bool(configuration.sections["storage"].get("replica", False))


def prepare_replica(
    configuration: Configuration, environment: Mapping[str, str], edge: ClockAndRandom
) -> ReplicaSetup:
    """Return what a process that only reads is given.

    Raises:
        UsageError: `replica_without_server`.
        DidServiceError: what is missing or off, with its file.
    """
    storage = storage_of(configuration)
    if storage.is_in_folder:
        raise UsageError("replica_without_server", "storage.database is no server's")
    policy = read_policy(configuration.path("service.policy"))
    return ReplicaSetup(
        kind=configuration.kind,
        region=region_in(policy, configuration),
        storage=storage,
        policy=policy,
        transport=Transport(routes_of(configuration, environment)),
        edge=edge,
        most_seconds=configuration.seconds("storage.replica_most"),
    )


@contextmanager
def reading_registry(setup: ReplicaSetup) -> Iterator[ReadingRegistry]:
    """Open the logs of a region at a standby, and close them.

    Raises:
        NotFoundError: `database_missing`.
        ConflictError, UnavailableError: as `ReadingRegistry`.
    """
    with ExitStack() as stack:
        stores = stack.enter_context(reading_stores(setup.storage, "registry", ""))
        copies = stores
        if setup.kind is ServiceKind.REGION:  # its witness has the copies
            copies = stack.enter_context(reading_stores(setup.storage, "witness", "mirror"))
        foreign: dict[str, ReplicaStore] = copies_of_others(copies, setup.policy, setup.region)
        settings = ReadingSettings(
            setup.region,
            setup.policy,
            stores,
            foreign,
            setup.transport,
            setup.edge,
            setup.most_seconds,
        )
        yield stack.enter_context(closing(ReadingRegistry(settings)))


def reading_app(reading: ReadingRegistry) -> DescribedApp:
    """Make the application of a process that only reads, resolver included."""
    app = registry_parts.create_reading_app(reading)
    settings = reading.settings
    stores = {origin: log.store for origin, log in reading.replicas.items()}
    sources = ResolverSources(
        policy=settings.policy,
        control=reading.control,
        logs={**settings.foreign, **stores},
        evidence=reading.evidence[reading.control],
        foreign=ForeignDids(settings.stores.engine),
        clock=settings.edge.clock,
        transport=settings.transport,
        check_current=reading.check_current,
    )
    app.include_router(resolution_router(Resolver(sources), app.pools))
    return app
