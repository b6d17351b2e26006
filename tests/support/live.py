"""The same federation, running: real registries and witnesses on Unix sockets, one clock.

    with running(tmp_path) as fed:          # founded: five regions, each with reg and ev
        psb = fed.agency("gz.gd.example")   # everything `federation` has, over HTTP
        fed.publish("gd")                   # the real publisher and the real witnesses
        fed.stop("zj") … fed.start("zj")    # one region goes and comes back

Nothing publishes by itself: `publish` is called. A region's registry and witness share a host.
"""

import os
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from did_service.client.registry import LogReader, RegistryClient
from did_service.client.routes import Routes, UnixRoute
from did_service.client.transport import Transport
from did_service.client.witness import WitnessClient
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.entry import Entry, LoggedEntry
from did_service.core.encoding import timestamps
from did_service.node.region import RegionSetup, region_services
from did_service.node.region_app import region_app
from did_service.node.setting_table import ServiceKind
from did_service.node.stores import OpenedStores, registry_stores
from did_service.program.clock import ClockAndRandom
from did_service.registry.region import RegistrySettings
from did_service.registry.registry import Registry
from did_service.signer.last_signed import LastSigned
from did_service.storage.folder import FolderBlobs
from did_service.storage.stores import ServiceStores
from did_service.web.serve import Server, unix_socket
from did_service.witness.witness import Witness
from tests.support.federation import Federation
from tests.support.founding import TERRITORY, log_signer, native, origins_of, witness
from tests.support.storage import storage_in


@dataclass
class RunningRegion:
    """One region's two services behind one socket."""

    registry: Registry
    witness: Witness
    server: Server
    opened: ExitStack

    def stop(self) -> None:
        self.server.stop()
        self.opened.close()


class OwnRegistry(Registry):
    """A registry that closes its stores as well: nobody else opened them."""

    def __init__(self, settings: RegistrySettings, opened: ExitStack) -> None:
        self._opened = opened
        super().__init__(settings)

    def close(self) -> None:
        super().close()
        self._opened.close()


class LiveFederation(Federation):
    """See the module's docstring."""

    def __init__(self, folder: Path, sockets: Path, **arguments) -> None:
        self.folder, self.sockets = folder, sockets
        self.running: dict[str, RunningRegion] = {}
        self.places: dict[str, UnixRoute] = {}
        self.ahead: dict[str, int] = {}  # seconds by which a region's clock has been set wrong
        for region in TERRITORY:
            self.route(f"{region}.example", region)
        self.transport = Transport(Routes(self.places))
        self.edge = ClockAndRandom(lambda: timestamps.from_posix(self.now), os.urandom)
        super().__init__(**arguments)

    def _found(self) -> Policy:
        self.policy = super()._found()
        for region in TERRITORY:
            self.start(region)
        return self.policy

    def route(self, host: str, socket: str) -> Path:
        """Reach a host at a socket of this name, a region's or another one's."""
        path = self.sockets / f"{socket}.sock"
        self.places[host] = UnixRoute(str(path))
        return path

    # --- regions -----------------------------------------------------------------------------

    def start(self, region: str) -> RunningRegion:
        """Start a region over whatever its folder holds."""
        opened = ExitStack()
        services = region_services(self.setup(region))
        both = opened.enter_context(services)
        app = region_app(region, both.registry, both.witness)
        server = Server(app, unix_socket(self.route(f"{region}.example", region))).start()
        self.running[region] = RunningRegion(both.registry, both.witness, server, opened)
        self.logs |= both.registry.region.stores
        return self.running[region]

    def setup(self, region: str, folder: Path | None = None) -> RegionSetup:
        """What a region's services are given; another folder makes them second ones."""
        place = folder or self.folder / region
        edge = self.edge_of(region)
        return regional_setup(region, place, self.policy, self.transport, edge, self.years)

    def edge_of(self, region: str) -> ClockAndRandom:
        """The clock of one machine: it may be set; its steady one may not."""

        def clock():
            return timestamps.from_posix(self.now + self.ahead.get(region, 0))

        return ClockAndRandom(clock, os.urandom, lambda: float(self.now))

    def make_registry(self, region: str, folder: Path) -> Registry:
        """A second registry of a region, not served, over another folder."""
        with ExitStack() as opened:
            origin = f"{region}.example/reg"
            kept = opened.enter_context(registry_stores(storage_in(folder), origin))
            settings = self.setup(region).registry(kept, {})
            return OwnRegistry(settings, opened.pop_all())

    def second_writer(self, region: str) -> Registry:
        """A registry over the stores of the one that runs, which no lock can be had for."""
        region_stores, given = self.registry(region).region, self.setup(region)
        blobs = FolderBlobs(self.folder / region)
        stores = ServiceStores(region_stores.engine, blobs)
        guard = LastSigned(self.folder / region / "last-signed")
        return Registry(given.registry(OpenedStores(stores, guard), region_stores.foreign))

    def stop(self, region: str) -> None:
        """Stop a region's services; its folder stays."""
        self.running.pop(region).stop()

    def registry(self, region: str) -> Registry:
        return self.running[region].registry

    def witness(self, region: str) -> Witness:
        return self.running[region].witness

    def close(self) -> None:
        for region in list(self.running):
            self.stop(region)
        self.transport.close()

    # --- clients -----------------------------------------------------------------------------

    def client(self, origin: str) -> RegistryClient:
        return RegistryClient(self.transport, origin)

    def reader(self, origin: str) -> LogReader:
        return LogReader.of_log(self.transport, origin)

    def ask(self, region: str) -> WitnessClient:
        return WitnessClient(self.transport, f"https://{region}.example/witness")

    # --- what the federation in memory did by itself -----------------------------------------

    def submit(self, origin: str, entry: Entry, content: bytes | None = None) -> LoggedEntry:
        receipt = self.client(origin).submit(entry, content)
        return self.logs[origin].placed(receipt.index)

    def publish(self, *regions: str) -> None:
        for region in regions or TERRITORY:
            self.registry(region).publish_now()
            control = f"{region}.example/reg"
            self.notes[control] = self.reader(control).checkpoint()


def regional_setup(
    region: str,
    folder: Path,
    policy: Policy,
    transport: Transport,
    edge: ClockAndRandom,
    years: Iterable[int] = (2026,),
) -> RegionSetup:
    """What a region's services are given, with its keys: any process can make it."""
    return RegionSetup(
        kind=ServiceKind.REGION,
        region=region,
        host=f"{region}.example",
        storage=storage_in(folder),
        policy=policy,
        logs={origin: log_signer(origin) for origin in origins_of(region, years)},
        cosigner=witness(region),
        native=native(region),
        transport=transport,
        edge=edge,
    )


@contextmanager
def running(folder: Path, **arguments) -> Iterator[LiveFederation]:
    """A founded, running federation; its sockets lie where their names stay short."""
    sockets = Path(tempfile.mkdtemp(prefix="fed"))
    federation = LiveFederation(folder, sockets, **arguments)
    try:
        yield federation
    finally:
        federation.close()
        shutil.rmtree(sockets)


@contextmanager
def publishing(federation: LiveFederation, *regions: str) -> Iterator[None]:
    """Let regions publish again and again, as their own loops do."""
    over = threading.Event()

    def publish() -> None:
        while not over.wait(0.05):
            federation.publish(*regions)

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
