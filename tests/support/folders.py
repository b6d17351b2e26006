"""Five regions as operators keep them: a folder with configuration and keyring each, served.

    with configured(tmp_path) as town:
        town.publish("gd")                    # what its loop would do by itself
        town.add("gd", "office.gd.example")   # a DID more in its log
        town.stop("gd") … town.start("gd")

The clock is the real one, and nothing publishes by itself.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from did_service.client.registry import LogReader
from did_service.client.routes import Routes, UnixRoute
from did_service.client.transport import Transport
from did_service.core.crypto.keyring import KeyRole
from did_service.core.encoding import strict_json
from did_service.core.errors import ProofError
from did_service.node.administration import Administration
from did_service.node.configuration import FILE, Configuration, read_configuration
from did_service.node.founding import Founded, create_identity
from did_service.node.initial import initialise
from did_service.node.region import RegionServices, RegionSetup, region_services
from did_service.node.region_app import region_app
from did_service.node.restored_mark import check_released
from did_service.node.setting_table import ServiceKind
from did_service.node.starting import prepare
from did_service.program.clock import SYSTEM
from did_service.signer.keyring import Keyring, open_keyring
from did_service.web.serve import Server, unix_socket
from tests.support.founded import PASSPHRASE, found
from tests.support.founding import TERRITORY
from tests.support.keyrings import CHEAP


class Town:
    """See the module's docstring."""

    def __init__(
        self, folder: Path, sockets: Path, founded: Founded, regions: Sequence[str]
    ) -> None:
        self.folder, self.sockets, self.founded = folder, sockets, founded
        self.places = {f"{r}.example": UnixRoute(str(sockets / f"{r}.sock")) for r in TERRITORY}
        self.transport = Transport(Routes(self.places))
        self.running: dict[str, tuple[RegionServices, ExitStack]] = {}
        self.alone = len(regions) == 1
        for region in regions:
            self.make(region)
            self.start(region)
        for region in regions:
            for entry in founded.first_entries(region, SYSTEM.clock()):
                self.office(region).submit(entry)
            self.publish(region)

    def make(self, region: str) -> None:
        """Make a region's folder, and give it the founded keys."""
        place = self.folder / region
        chosen = {"service.region": region, "service.hosts": [f"{region}.example"]}
        made = initialise(place, ServiceKind.REGION, chosen, PASSPHRASE, SYSTEM, CHEAP)
        keyring = open_keyring(made.configuration.path("keys.keyring"), PASSPHRASE, SYSTEM.rng)
        for record in keyring.records:
            keyring.drop(record.role, record.name, record.public)
        keys = self.founded.keys[region]
        for origin, signer in keys.logs.items():
            keyring.adopt(KeyRole.LOG, origin, signer.key)
        keyring.adopt(KeyRole.COSIGNER, keys.witness.name, keys.witness.key)
        keyring.adopt(KeyRole.NATIVE, f"{region}.example", keys.native)
        (place / "policy.json").write_text(strict_json.dumps(self.founded.policy.members))

    def configuration(self, region: str) -> Configuration:
        return read_configuration(self.folder / region / FILE, {})

    def keyring(self, region: str) -> Keyring:
        path = self.configuration(region).path("keys.keyring")
        return open_keyring(path, PASSPHRASE, SYSTEM.rng)

    def setup(self, region: str, *, unreleased: bool = False) -> RegionSetup:
        """What a region's services are given, out of its folder; peers as the town has them."""
        configuration, keyring = self.configuration(region), self.keyring(region)
        made = prepare(configuration, keyring, self.routes(), SYSTEM, unreleased=unreleased)
        assert isinstance(made, RegionSetup)
        return made

    def routes(self) -> dict[str, str]:
        """The environment that tells a process of the sockets."""
        path = self.folder / "routes.json"
        places = {host: f"unix:{route.path}" for host, route in self.places.items()}
        path.write_text(strict_json.dumps(places))
        return {"DIDSVC_ROUTES": str(path)}

    def start(self, region: str) -> None:
        """Serve a region over whatever its folder holds."""
        setup = self.setup(region)
        check_released(setup.storage.folder)
        opened = ExitStack()
        opened.enter_context(closing(setup.transport))
        both = opened.enter_context(region_services(setup))
        app = region_app(f"{region}.example", both.registry, both.witness)
        listener = unix_socket(self.sockets / f"{region}.sock")
        server = Server(app, listener).start()
        opened.callback(server.stop)
        self.running[region] = (both, opened)

    def stop(self, region: str) -> None:
        self.running.pop(region)[1].close()

    def both(self, region: str) -> RegionServices:
        return self.running[region][0]

    def office(self, region: str) -> Administration:
        return Administration(self.transport, f"{region}.example", SYSTEM)

    def add(self, region: str, location: str) -> int:
        """Register a DID, and return the index of its entry."""
        return self.office(region).register(create_identity(location, SYSTEM)).index

    def publish(self, region: str) -> None:
        """Publish; a region that is alone signs, and finds no quorum."""
        with suppress(*[ProofError] * self.alone):
            self.both(region).registry.publish_now()

    def sizes(self, region: str) -> dict[str, int]:
        stores = self.both(region).registry.region.stores
        return {origin: store.size() for origin, store in stores.items()}

    def reader(self, origin: str) -> LogReader:
        return LogReader.of_log(self.transport, origin)

    def close(self) -> None:
        for region in list(self.running):
            self.stop(region)
        self.transport.close()


@contextmanager
def configured(folder: Path, regions: Sequence[str] = tuple(TERRITORY)) -> Iterator[Town]:
    """A founded federation of configured folders; its sockets lie where names stay short.

    Args:
        folder: Theirs lie below it.
        regions: Those that run.
    """
    sockets = Path(tempfile.mkdtemp(prefix="town"))
    town = Town(folder, sockets, found(SYSTEM), regions)
    try:
        yield town
    finally:
        town.close()
        shutil.rmtree(sockets)
