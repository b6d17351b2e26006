"""Five regions and two agencies in one process, each from its own folder, on Unix sockets.

They talk HTTP to each other through `routes.json`, which stands in for the network. Nothing
publishes by itself before `start`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from did_service.client.office import OfficeClient
from did_service.client.routes import VARIABLE, parse_routes
from did_service.client.transport import Transport
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject, as_text
from did_service.core.errors import ProofError
from did_service.issuer.app import Issuer
from did_service.issuer.app import create_app as issuer_app
from did_service.node.configuration import FILE, read_configuration
from did_service.node.founding import RegionPlan
from did_service.node.local.folders import POLICY
from did_service.node.local.members import AGENCIES, REGIONS, AgencyPlan
from did_service.node.pinned_policy import read_policy
from did_service.node.region import RegionSetup, region_services
from did_service.node.region_app import region_app
from did_service.node.services import AgencySetup, Setup, open_issuer
from did_service.node.setting_table import ServiceKind
from did_service.node.starting import prepare
from did_service.program.clock import ClockAndRandom
from did_service.program.files import make_private_directory
from did_service.program.passphrase import read_passphrase
from did_service.registry.registry import Registry
from did_service.signer.keyring import open_keyring
from did_service.web.description import DescribedApp
from did_service.web.serve import MAX_SOCKET_NAME_BYTES, Server, unix_socket
from did_service.witness.witness import Witness

ROUTES = "routes.json"
_TRIES = 5
_SHORT_PLACE = "/tmp"  # noqa: S108 - a folder with a random name is made there


@dataclass(slots=True)
class LocalFederation:
    """All services, to be opened, served and started.

    Attributes:
        folder: As `folders` makes it.
        edge: Clock and randomness.
        running: Closes all that was opened, the last first.
        sockets: Where each host listens.
        transport: Reaches every service.
        policy: The pinned one.
        setups: What the services of each region were given.
        registries: The open registry of each region; `witnesses` likewise, `issuers` by agency.
        tokens: The token of each officer, by agency and name, as far as they were made here.
    """

    folder: Path
    edge: ClockAndRandom
    running: ExitStack
    sockets: Mapping[str, Path] = field(init=False)
    transport: Transport = field(init=False)
    policy: Policy = field(init=False)
    setups: dict[str, RegionSetup] = field(default_factory=dict)
    registries: dict[str, Registry] = field(default_factory=dict)
    witnesses: dict[str, Witness] = field(default_factory=dict)
    issuers: dict[str, tuple[Issuer, float]] = field(default_factory=dict)
    tokens: dict[str, dict[str, str]] = field(default_factory=dict)
    servers: list[Server] = field(default_factory=list)

    def open_regions(self) -> None:
        """Say where every service is reached, open all regions and serve them."""
        self.policy = read_policy(self.folder / POLICY)
        self.sockets = self._sockets()
        places: JsonObject = {host: f"unix:{path}" for host, path in self.sockets.items()}
        routes = strict_json.dumps(places).encode()
        (self.folder / ROUTES).write_bytes(routes)
        self.transport = self.running.enter_context(Transport(parse_routes(routes)))
        self.running.callback(self.end)
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._open_region, REGIONS))  # raises what any region raises
        for region in REGIONS:  # one at a time, as FastAPI asks
            registry, witness = self.registries[region.id], self.witnesses[region.id]
            self._serve(region.host, region_app(region.host, registry, witness))

    def open_agency(self, agency: AgencyPlan) -> Issuer:
        """Open an agency and serve it."""
        setup = self._setup("agencies", agency.id, ServiceKind.AGENCY)
        assert isinstance(setup, AgencySetup)  # noqa: S101 - as its kind says
        issuer = self.running.enter_context(open_issuer(setup))
        self.issuers[agency.id] = issuer, setup.tick_seconds
        self._serve(agency.host, issuer_app(issuer))
        return issuer

    def start(self) -> None:
        """Publish, look at the others and anchor in the background from now on."""
        for region in REGIONS:
            self.registries[region.id].start()
            self.witnesses[region.id].start()
            self.running.callback(self.registries[region.id].rounds.close)
        for issuer, seconds in self.issuers.values():
            self.running.enter_context(issuer.ticking(seconds))

    def publish(self, *regions: str) -> None:
        """Publish what was written; all regions unless some are named.

        Raises:
            ProofError: `quorum_not_met`, however often it was tried.
        """
        chosen = [self.registries[region] for region in regions or tuple(self.registries)]
        with ThreadPoolExecutor() as pool:
            list(pool.map(_published, chosen))  # raises what any region raises

    def tick_agencies(self) -> None:
        """Let the agencies anchor their batches and lists."""
        for issuer, _ in self.issuers.values():
            issuer.tick()

    def end(self) -> None:
        """Begin to stop all servers side by side."""
        for server in self.servers:
            server.ask_to_stop()

    # --- officers --------------------------------------------------------------------------

    def office(self, agency: AgencyPlan, officer: str) -> OfficeClient:
        """Return what an officer does the work of an agency with."""
        return OfficeClient(self.transport, agency.url, self.tokens[agency.id][officer])

    def handle(self, agency: AgencyPlan, officer: str, state: str, verb: str) -> None:
        """Let an officer accept or approve all applications that are in a state."""
        office = self.office(agency, officer)
        for row in office.applications(state):
            office.handle(as_text(row["id"], "id"), verb)

    # --- parts -----------------------------------------------------------------------------

    def _open_region(self, region: RegionPlan) -> None:
        """Open the databases of one region: its registry, and its witness of the others."""
        setup = self._setup("regions", region.id, ServiceKind.REGION)
        assert isinstance(setup, RegionSetup)  # noqa: S101 - as its kind says
        opened = self.running.enter_context(region_services(setup))
        self.setups[region.id] = setup
        self.registries[region.id] = opened.registry
        self.witnesses[region.id] = opened.witness

    def _setup(self, kind: str, name: str, service: ServiceKind) -> Setup:
        """Return what the configuration of a folder gives its service."""
        environment = {VARIABLE: str(self.folder / ROUTES)}
        configuration = read_configuration(self.folder / kind / name / FILE, {}, service)
        passphrase = read_passphrase(configuration.text("keys.passphrase"), environment)
        keyring = open_keyring(configuration.path("keys.keyring"), passphrase, self.edge.rng)
        setup = prepare(configuration, keyring, environment, self.edge)
        self.running.callback(setup.transport.close)
        return setup

    def _serve(self, host: str, app: DescribedApp) -> None:
        path = self.sockets[host]
        make_private_directory(path.parent)
        self.servers.append(self.running.enter_context(Server(app, unix_socket(path))))

    def _sockets(self) -> Mapping[str, Path]:
        """Return where each host listens: in its own folder, where the name is not too long."""
        below = {
            **{each.host: f"regions/{each.id}" for each in REGIONS},
            **{each.host: f"agencies/{each.id}" for each in AGENCIES},
        }
        own = {
            host: self.folder.absolute() / folder / "run" / "service.sock"
            for host, folder in below.items()
        }
        if all(len(os.fsencode(path)) <= MAX_SOCKET_NAME_BYTES for path in own.values()):
            return own
        place = Path(self.running.enter_context(_folder_for_sockets()))
        return {host: place / f"{host}.sock" for host in below}


def _published(registry: Registry) -> None:
    """Publish; a round that found no quorum changes nothing, and is tried again.

    Every server is on this machine, and a busy one may let all of them be late.
    """
    for _ in range(_TRIES - 1):
        with suppress(ProofError):
            registry.publish_now()
            return
    registry.publish_now()


def _folder_for_sockets() -> TemporaryDirectory[str]:
    """Make a folder with a short name: the reader's, and TMPDIR, may leave a socket no room."""
    room = MAX_SOCKET_NAME_BYTES - len("/didsvc-12345678/gz.gd.example.sock")
    usual = gettempdir()
    place = usual if len(os.fsencode(usual)) <= room else _SHORT_PLACE
    return TemporaryDirectory(prefix="didsvc-", dir=place)
