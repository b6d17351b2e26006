"""Services, opened from what they are given, started and closed in order: the one place.

    service = open_service(setup)         databases, guards, app: nothing runs yet
    service.start()                       publishing, refreshing, ticks: in order
    …                                     serve its app
    service.close()                       the last part first

Commands, demo, bench, tests and scripts all come through here. Which stores a part opens is
said in `stores`, and how the parts of a region hang together in `region`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from did_service.client.registry import RegistryClient
from did_service.client.transport import Transport
from did_service.issuer.agency import Agency
from did_service.node.peers import PeerCopies
from did_service.node.reading import ReplicaSetup, reading_app, reading_registry
from did_service.node.region import (
    RegionSetup,
    lone_witness,
    region_services,
    registry_with_copies,
)
from did_service.node.region_app import region_app, registry_app
from did_service.node.restored_mark import check_released
from did_service.node.setting_table import ServiceKind
from did_service.node.storage_setup import StorageSetup
from did_service.node.stores import issuer_store, led_registry_stores
from did_service.program.clock import SYSTEM, ClockAndRandom
from did_service.registry.registry import Registry
from did_service.web.description import DescribedApp
from did_service.web.health import Ready
from did_service.witness.app import create_app as witness_app
from did_service.witness.witness import Witness

if TYPE_CHECKING:
    from did_service.issuer.app import Issuer


@dataclass(frozen=True, slots=True)
class AgencySetup:
    """What the service of an agency is given.

    Attributes:
        agency: Who it is.
        storage: Where its data are.
        transport: Reaches its region.
        edge: Clock and randomness.
        tick_seconds: How often it anchors.
    """

    agency: Agency
    storage: StorageSetup
    transport: Transport
    edge: ClockAndRandom = SYSTEM
    tick_seconds: float = 600


Setup = RegionSetup | ReplicaSetup | AgencySetup


@dataclass(frozen=True, slots=True)
class OpenService:
    """A service that is open.

    Attributes:
        app: To be served.
        ready: What `/ready` says, asked without HTTP.
    """

    app: DescribedApp
    ready: Ready
    _starts: tuple[Callable[[ExitStack], None], ...]
    _open: ExitStack

    def start(self) -> None:
        """Begin the work in the background, part by part."""
        for start in self._starts:
            start(self._open)

    def close(self) -> None:
        """Finish what is under way and close what is open, the last part first."""
        self._open.close()


def open_service(setup: Setup) -> OpenService:
    """Open a service; where that fails, what was open is closed again.

    Raises:
        ConflictError: `folder_restored`: `pull` has to release it first.
        DidServiceError: what a part says of its keys, its policy or its files.
    """
    with ExitStack() as stack:
        if isinstance(setup, AgencySetup):
            service = _agency(setup, stack)
        elif isinstance(setup, ReplicaSetup):
            service = _replica(setup, stack)
        else:
            check_released(setup.storage.folder)
            service = _REGIONAL[setup.kind](setup, stack)
        service.app.folder = setup.storage.folder
        return service


@contextmanager
def open_issuer(setup: AgencySetup) -> Iterator[Issuer]:
    """Open the issuer of an agency, and close it; raises as `issuer_store`."""
    from did_service.issuer.app import Issuer  # noqa: PLC0415 - a region starts without it

    with issuer_store(setup.storage, setup.agency.did) as store:
        yield Issuer(setup.agency, store, partial(RegistryClient, setup.transport), setup.edge)


# --- one table of services ------------------------------------------------------------------


def _region(setup: RegionSetup, stack: ExitStack) -> OpenService:
    both = stack.enter_context(region_services(setup, led_registry_stores))
    app = region_app(setup.host, both.registry, both.witness)
    starts = (_start(both.registry), _start(both.witness))
    return OpenService(
        app,
        lambda: (*both.registry.ready(), *both.witness.ready()),
        starts,
        stack.pop_all(),
    )


def _registry(setup: RegionSetup, stack: ExitStack) -> OpenService:
    registry, copies = stack.enter_context(registry_with_copies(setup, led_registry_stores))
    starts = (_start(registry), _start(copies))
    return OpenService(registry_app(registry), registry.ready, starts, stack.pop_all())


def _witness(setup: RegionSetup, stack: ExitStack) -> OpenService:
    witness = stack.enter_context(lone_witness(setup))
    app, starts = witness_app(witness), (_start(witness),)
    return OpenService(app, witness.ready, starts, stack.pop_all())


def _agency(setup: AgencySetup, stack: ExitStack) -> OpenService:
    from did_service.issuer.app import create_app as issuer_app  # noqa: PLC0415 - as above

    issuer = stack.enter_context(open_issuer(setup))

    def start(running: ExitStack) -> None:
        running.enter_context(issuer.ticking(setup.tick_seconds))

    return OpenService(issuer_app(issuer), issuer.ready, (start,), stack.pop_all())


def _replica(setup: ReplicaSetup, stack: ExitStack) -> OpenService:
    reading = stack.enter_context(reading_registry(setup))
    starts = (lambda _: reading.start(),)
    return OpenService(reading_app(reading), reading.ready, starts, stack.pop_all())


def _start(part: Registry | Witness | PeerCopies) -> Callable[[ExitStack], None]:
    return lambda _: part.start()


_REGIONAL: Mapping[ServiceKind, Callable[[RegionSetup, ExitStack], OpenService]] = {
    ServiceKind.REGION: _region,
    ServiceKind.REGISTRY: _registry,
    ServiceKind.WITNESS: _witness,
}
