"""Two agencies at work, with the five regions behind them, and citizens who deal with them.

with town_at(tmp_path) as town:             # the federation of `did-service up`
    wang = town.citizen("wang")             # a purse that has pinned the policy
    town.apply(wang, POLICE)                # over HTTP, as `wallet apply`
    town.approve(POLICE)                    # two officers
    town.anchor()                           # batches anchored, checkpoints cosigned
    wang.run("receive")
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from did_service.core.encoding.strict_json import JsonObject
from did_service.demo.world import DemoWorld, opened
from did_service.node.local.agencies import ACCEPTING, APPROVING
from did_service.node.local.members import AGENCIES, AgencyPlan
from did_service.program.clock import SYSTEM
from tests.support.purse import Purse, Run


@dataclass
class Town:
    """See the module's docstring."""

    folder: Path
    world: DemoWorld

    @property
    def policy_file(self) -> Path:
        return self.folder / "policy.json"

    def purse(self, name: str, *, without: tuple[str, ...] = ()) -> Purse:
        """A wallet with routes to every host but those named; nothing is pinned."""
        routes = json.loads((self.folder / "routes.json").read_text())
        reachable = {host: place for host, place in routes.items() if host not in without}
        file = self.folder / f"{name}.routes.json"
        file.write_text(json.dumps(reachable))
        return Purse(self.folder, name, DIDSVC_ROUTES=str(file))

    def citizen(self, name: str, **arguments) -> Purse:
        """A wallet that has pinned the policy."""
        purse = self.purse(name, **arguments)
        fingerprint = self.world.policy.fingerprint
        assert (
            purse.run("trust", "pin", self.policy_file, "--fingerprint", fingerprint).exit == 0
        )
        return purse

    def apply(self, purse: Purse, agency: AgencyPlan, *words: str, **changes: object) -> Run:
        """Apply with the claims of the story, or with changed ones."""
        claims: JsonObject = {**agency.claims, **changes}
        file = purse.save(f"{agency.id}.claims.json", json.dumps(claims))
        return purse.json("apply", agency.url, agency.item, "--claims", file, "--yes", *words)

    def accept(self, agency: AgencyPlan) -> None:
        self.world.handle(agency, ACCEPTING, "received", "accept")

    def approve(self, agency: AgencyPlan) -> None:
        """Let two officers approve all that has come in."""
        self.accept(agency)
        self.world.handle(agency, APPROVING, "accepted", "approve")

    def send_back(self, agency: AgencyPlan, note: str) -> None:
        """Let an officer return all that has come in."""
        office = self.world.office(agency, ACCEPTING)
        for application in office.applications("received"):
            office.handle(application["id"], "return", note)

    def anchor(self) -> None:
        """Anchor lists and batches, and have the other regions cosign."""
        self.world.tick_agencies()
        self.world.publish("gd", "hn")

    def holder(self, name: str, *agencies: AgencyPlan) -> Purse:
        """A citizen who holds a credential of each agency, with its staple."""
        purse = self.citizen(name)
        for agency in agencies:
            assert self.apply(purse, agency).exit == 0
            self.approve(agency)
        assert purse.run("receive").exit == 0
        self.anchor()
        assert purse.run("refresh", "--fresh").exit == 0
        return purse


@contextmanager
def town_at(folder: Path) -> Iterator[Town]:
    """Start everything; agencies are registered, granted their authority and published."""
    with opened(folder, SYSTEM) as world:
        world.begin_logs()
        world.publish()
        world.publish_schemas()
        for agency in AGENCIES:
            world.set_up_agency(agency)
        world.publish("gd", "hn", "cn")
        yield Town(folder, world)
