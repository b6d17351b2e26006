"""The services of the story: five regions and two agencies, each on a Unix socket.

Every region is one server with its registry and its witness; every agency is one server. They
talk HTTP to each other through `routes.json`, which stands in for the network. The offices'
work that the story needs is done here through the same calls that offices use.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from did_service.cli.administration import Administration
from did_service.cli.demo.agencies import (
    ACCEPTING,
    APPROVING,
    agency_of,
    authority_of,
    list_urls,
)
from did_service.cli.demo.cast import (
    AGENCIES,
    REGIONS,
    AgencyPlan,
    plan,
    schema_of,
    service_item,
)
from did_service.cli.founding import (
    Founded,
    OfficeIdentity,
    RegionPlan,
    create_identity,
    found_federation,
)
from did_service.cli.region import region_app
from did_service.client.bundle import collect, encode_checked
from did_service.client.registry import LogReader, RegistryClient
from did_service.client.routes import parse_routes
from did_service.client.transport import Transport
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.entry import LoggedEntry
from did_service.core.anchor.region import year_of
from did_service.core.encoding import b64, strict_json
from did_service.core.encoding.strict_json import JsonObject, as_array, as_object, as_text
from did_service.issuer.app import Issuer
from did_service.issuer.app import create_app as issuer_app
from did_service.issuer.store import IssuerStore
from did_service.program.clock import ClockAndRandom
from did_service.registry.region import PublishIntervals, RegistrySettings
from did_service.registry.registry import Registry
from did_service.replica.store import ReplicaStore
from did_service.web.database import open_engine
from did_service.web.description import DescribedApp
from did_service.web.serve import MAX_SOCKET_NAME_BYTES, Server, unix_socket
from did_service.witness.witness import Witness, WitnessSettings

_SHORT_PLACE = "/tmp"  # noqa: S108 - a folder with a random name is made there
# The story publishes when it says so; nothing happens behind its back.
_PACE = PublishIntervals(least=0, most=3_600, heads_least=0, heads_most=3_600)


@dataclass(slots=True)
class _Office:
    """A running agency with what its region has granted it."""

    identity: OfficeIdentity
    issuer: Issuer
    statement: LoggedEntry
    tokens: Mapping[str, str]


@dataclass(slots=True)
class DemoWorld:
    """All services; open it with `opened`.

    Attributes:
        folder: Databases and static files are written below it.
        edge: Clock and randomness.
        founded: The federation.
        registries: The running registry of each region; `witnesses` likewise.
        transport: Reaches every service.
        apps: What is served, by host; `servers` serve them.
        item: The newest version of the service item, once there is one.
    """

    folder: Path
    edge: ClockAndRandom
    founded: Founded
    sockets: Path
    transport: Transport
    running: ExitStack
    registries: dict[str, Registry] = field(default_factory=dict)
    witnesses: dict[str, Witness] = field(default_factory=dict)
    offices: dict[str, _Office] = field(default_factory=dict)
    apps: dict[str, DescribedApp] = field(default_factory=dict)
    servers: list[Server] = field(default_factory=list)
    item: LoggedEntry | None = None

    @property
    def policy(self) -> Policy:
        """The federation's policy."""
        return self.founded.policy

    def identity(self, agency: AgencyPlan) -> OfficeIdentity:
        """Return the identity of an agency, keys included."""
        return self.offices[agency.id].identity

    # --- regions ---------------------------------------------------------------------------

    def open_region(self, region: RegionPlan) -> None:
        """Open the databases of one region: its registry, and its witness of the others."""
        folder = self.folder / "regions" / region.id
        keys = self.founded.keys[region.id]
        registry = Registry(self.settings(region.id, folder))
        witness = Witness(
            WitnessSettings(
                folder, self.policy, keys.witness, keys.native, self.transport, self.edge
            )
        )
        for service in (registry, witness):
            self.running.callback(service.close)
        self.registries[region.id] = registry
        self.witnesses[region.id] = witness

    def serve_region(self, region: RegionPlan) -> None:
        """Start the server of one region that is open; one at a time, as FastAPI asks."""
        registry, witness = self.registries[region.id], self.witnesses[region.id]
        self._serve(region.host, region_app(region.host, registry, witness))

    def begin_logs(self) -> None:
        """Write the first entries of every control log: the policy, and the region's root."""
        for region in REGIONS:
            office = self._administration(region.id)
            for entry in self.founded.first_entries(region.id, self.edge.clock()):
                office.submit(entry)

    def publish(self, *regions: str) -> None:
        """Publish what was written; all regions unless some are named."""
        chosen = [self.registries[region] for region in regions or tuple(self.registries)]
        with ThreadPoolExecutor() as pool:
            list(pool.map(Registry.publish_now, chosen))  # raises what any region raises

    def publish_schemas(self) -> None:
        """Let the nation-wide region publish the schemas, and an item of tier `field`."""
        office = self._administration("cn")
        owner = self.founded.roots["cn"]
        for agency in AGENCIES:
            office.publish_schema(owner, agency.schema_id, schema_of(agency.item))
        self.item = office.publish_item(owner, service_item(owner.did, "field"))

    def tighten_item(self) -> None:
        """Publish the next version of the service item, which takes evidence of a day."""
        owner = self.founded.roots["cn"]
        office = self._administration("cn")
        self.item = office.publish_item(owner, service_item(owner.did, "day"), self.item)
        self.publish("cn")

    # --- agencies --------------------------------------------------------------------------

    def set_up_agency(self, agency: AgencyPlan) -> None:
        """Register an agency, grant it authority, start its server, publish its lists."""
        identity = create_identity(agency.host, self.edge)
        office = self._administration(agency.region)
        office.register(identity)
        root = self.founded.roots[agency.region]
        authority = authority_of(agency, root, identity, self.edge.posix())
        statement = office.state(root, authority)
        tokens = {name: b64.encode_url(self.edge.rng(24)) for name in (ACCEPTING, APPROVING)}
        values = agency_of(agency, identity, authority, office.host, tokens)
        store = IssuerStore(open_engine(self.folder / "agencies" / agency.id / "issuer.sqlite"))
        issuer = Issuer(values, store, partial(RegistryClient, self.transport), self.edge)
        self.offices[agency.id] = _Office(identity, issuer, statement, tokens)
        self._serve(agency.host, issuer_app(issuer))
        issuer.tick()

    def tick_agencies(self) -> None:
        """Let the agencies anchor their batches and lists."""
        for office in self.offices.values():
            office.issuer.tick()

    def applications(self, agency: AgencyPlan, state: str) -> list[str]:
        """Return the ids of an agency's applications in a state, as an officer sees them."""
        url = f"{agency.url}/office/applications?state={state}"
        answer = self.transport.get(
            url, headers=self._login(agency, ACCEPTING), max_bytes=1_048_576
        )
        listed = strict_json.load_object(answer.body)["applications"]
        rows = (as_object(row, "application") for row in as_array(listed, "applications"))
        return [as_text(row["id"], "id") for row in rows]

    def office(self, agency: AgencyPlan, officer: str, call: str) -> None:
        """Let an officer act: `applications/ID/accept`, `credentials/ID/revoke` and so on."""
        url = f"{agency.url}/office/{call}"
        headers = self._login(agency, officer)
        self.transport.post(url, b"{}", headers=headers, max_bytes=1_048_576)

    def revoke(self, agency: AgencyPlan, credential: str) -> None:
        """Let an officer revoke a credential."""
        self.office(agency, APPROVING, f"credentials/{credential}/revoke")

    def end_authority(self, agency: AgencyPlan) -> None:
        """End an agency's authority; its region takes its status lists into custody."""
        root = self.founded.roots[agency.region]
        office = self._administration(agency.region)
        held = self.offices[agency.id]
        held.statement = office.end(root, held.statement)
        for url in list_urls(agency):
            for origin, log in self._evidence_logs(agency.region):
                newest = log.newest("status", url)
                content = log.content(newest.entry.digest or b"") if newest else None
                if newest and content:
                    office.take_custody(root, newest, origin, content)
                    break

    # --- evidence --------------------------------------------------------------------------

    def bundle(self) -> bytes:
        """Make a trust bundle of everything that is published."""
        readers = {
            origin: LogReader.of_log(self.transport, origin)
            for region in self.policy.regions
            for origin in region.logs
        }
        return encode_checked(self.policy, collect(self.policy, readers))

    # --- parts -----------------------------------------------------------------------------

    def _administration(self, region: str) -> Administration:
        hosts = {each.id: each.host for each in REGIONS}
        return Administration(self.transport, hosts[region], self.edge)

    def _evidence_logs(self, region: str) -> list[tuple[str, ReplicaStore]]:
        """Return a region's data logs by origin, the newest year first."""
        stores = self.registries[region].region.stores
        return sorted(filter(lambda each: year_of(each[0]), stores.items()), reverse=True)

    def settings(self, region: str, folder: Path) -> RegistrySettings:
        """Return what a registry of a region is given."""
        return RegistrySettings(
            region=region,
            folder=folder,
            policy=self.policy,
            signers=self.founded.keys[region].logs,
            transport=self.transport,
            edge=self.edge,
            pace=_PACE,
        )

    def _serve(self, host: str, app: DescribedApp) -> None:
        self.apps[host] = app
        listener = unix_socket(self.sockets / f"{host}.sock")
        self.servers.append(self.running.enter_context(Server(app, listener)))

    def _login(self, agency: AgencyPlan, officer: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.offices[agency.id].tokens[officer]}"}


@contextmanager
def opened(folder: Path, edge: ClockAndRandom) -> Iterator[DemoWorld]:
    """Found the federation, start every service, and stop them at the end.

    Args:
        folder: Where databases, static files and `routes.json` are written.
        edge: Clock and randomness.
    """
    founded = found_federation(plan(edge.clock().year), edge)
    hosts = [region.host for region in REGIONS] + [agency.host for agency in AGENCIES]
    with ExitStack() as running:
        sockets = Path(running.enter_context(_folder_for_sockets()))
        places: JsonObject = {host: f"unix:{sockets}/{host}.sock" for host in hosts}
        routes = folder / "routes.json"
        routes.write_text(strict_json.dumps(places), encoding="utf-8")
        transport = running.enter_context(Transport(parse_routes(routes.read_bytes())))
        world = DemoWorld(folder, edge, founded, sockets, transport, running)
        with ThreadPoolExecutor() as pool:
            list(pool.map(world.open_region, REGIONS))  # raises what any region raises
        for region in REGIONS:
            world.serve_region(region)
        yield world
        for server in world.servers:
            server.ask_to_stop()


def _folder_for_sockets() -> TemporaryDirectory[str]:
    """Make a folder with a short name: the reader's, and TMPDIR, may leave a socket no room."""
    room = MAX_SOCKET_NAME_BYTES - len("/didsvc-12345678/gz.gd.example.sock")
    usual = gettempdir()
    place = usual if len(os.fsencode(usual)) <= room else _SHORT_PLACE
    return TemporaryDirectory(prefix="didsvc-", dir=place)
