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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from did_service.cli.region import region_app
from did_service.client.registry import LogReader, RegistryClient
from did_service.client.routes import Routes, UnixRoute
from did_service.client.transport import Transport
from did_service.client.witness import WitnessClient
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.entry import Entry, LoggedEntry
from did_service.core.encoding import timestamps
from did_service.program.clock import ClockAndRandom
from did_service.registry.region import RegistrySettings
from did_service.registry.registry import Registry
from did_service.web.serve import Server, unix_socket
from did_service.witness.witness import Witness, WitnessSettings
from tests.support.federation import Federation
from tests.support.founding import TERRITORY, log_signer, native, origins_of, witness


@dataclass
class RunningRegion:
    """One region's two services behind one socket."""

    registry: Registry
    witness: Witness
    server: Server

    def stop(self) -> None:
        self.server.stop()
        self.registry.close()
        self.witness.close()


class LiveFederation(Federation):
    """See the module's docstring."""

    def __init__(self, folder: Path, sockets: Path, **arguments) -> None:
        self.folder, self.sockets = folder, sockets
        self.running: dict[str, RunningRegion] = {}
        self.places: dict[str, UnixRoute] = {}
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
        registry, witness_of = self.make_registry(region), self.make_witness(region)
        app = region_app(region, registry, witness_of)
        server = Server(app, unix_socket(self.route(f"{region}.example", region))).start()
        self.running[region] = RunningRegion(registry, witness_of, server)
        self.logs |= registry.region.stores
        return self.running[region]

    def make_registry(self, region: str, folder: Path | None = None) -> Registry:
        """The registry of a region, not served; another folder makes it a second one."""
        signers = {origin: log_signer(origin) for origin in origins_of(region, self.years)}
        place = folder or self.folder / region
        return Registry(
            RegistrySettings(region, place, self.policy, signers, self.transport, self.edge)
        )

    def make_witness(self, region: str) -> Witness:
        """The witness of a region, not served."""
        return Witness(
            WitnessSettings(
                self.folder / region,
                self.policy,
                witness(region),
                native(region),
                self.transport,
                self.edge,
            )
        )

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
