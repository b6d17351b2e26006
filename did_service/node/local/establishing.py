"""A federation on one machine from nothing to two agencies at work: the same steps for all.

    founded ── folders ── regions open ── logs begun ── schemas and item ── agencies granted

The offices' work is done through the same calls that offices use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from did_service.core.anchor.entry import LoggedEntry
from did_service.node.administration import Administration
from did_service.node.founding import Founded, OfficeIdentity, found_federation
from did_service.node.local.agencies import OFFICERS, authority_of
from did_service.node.local.federation import LocalFederation
from did_service.node.local.folders import BY_HAND, Folders
from did_service.node.local.members import (
    AGENCIES,
    REGIONS,
    AgencyPlan,
    plan,
    schema_of,
    service_item,
)
from did_service.program.clock import ClockAndRandom

_TOKEN_TIME = timedelta(days=365)  # as long as the policy lasts


@dataclass(slots=True)
class Office:
    """An agency with what its region has granted it."""

    identity: OfficeIdentity
    statement: LoggedEntry


@dataclass(slots=True, kw_only=True)
class NewFederation(LocalFederation):
    """A federation that is being set up, or has just been: the keys of its founding are here.

    Attributes:
        founded: The federation, keys included.
        folders: Makes the agencies' folders.
        offices: The agencies that were set up.
        item: The newest version of the service item, once there is one.
    """

    founded: Founded
    folders: Folders
    offices: dict[str, Office] = field(default_factory=dict)
    item: LoggedEntry | None = None

    def begin_logs(self) -> None:
        """Write the first entries of every control log: the policy, and the region's root."""
        for region in REGIONS:
            office = self.administration(region.id)
            for entry in self.founded.first_entries(region.id, self.edge.clock()):
                office.submit(entry)

    def publish_schemas(self) -> None:
        """Let the nation-wide region publish the schemas, and an item of tier `field`."""
        office = self.administration("cn")
        owner = self.founded.roots["cn"]
        for agency in AGENCIES:
            office.publish_schema(owner, agency.schema_id, schema_of(agency.item))
        self.item = office.publish_item(owner, service_item(owner.did, "field"))

    def set_up_agency(self, agency: AgencyPlan) -> None:
        """Register an agency, grant it authority, serve it, and publish its lists."""
        identity = self.folders.make_agency(agency)
        office = self.administration(agency.region)
        office.register(identity)
        root = self.founded.roots[agency.region]
        authority = authority_of(agency, root, identity, self.edge.posix())
        statement = office.state(root, authority)
        self.folders.name_statement(agency, authority.subject)
        issuer = self.open_agency(agency)
        self.tokens[agency.id] = {
            name: issuer.officers.add(name, roles, _TOKEN_TIME)
            for name, roles in OFFICERS.items()
        }
        self.offices[agency.id] = Office(identity, statement)
        issuer.tick()

    def administration(self, region: str) -> Administration:
        """Return what the office of a region writes with."""
        hosts: Mapping[str, str] = {each.id: each.host for each in REGIONS}
        return Administration(self.transport, hosts[region], self.edge)


New = TypeVar("New", bound=NewFederation)


@contextmanager
def new_federation(
    made: type[New], folder: Path, edge: ClockAndRandom, folders: Folders | None = None
) -> Iterator[New]:
    """Found the federation, make every folder, serve the regions, and end all of it.

    Args:
        made: What to make of it.
        folder: Where; see `folders`.
        edge: Clock and randomness.
        folders: Makes them; at a pace by hand unless it is given.
    """
    folders = folders or Folders(folder, edge, BY_HAND)
    founded = found_federation(plan(edge.clock().year), edge)
    folders.begin(founded)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda region: folders.make_region(region, founded), REGIONS))
    with ExitStack() as running:
        world = made(folder, edge, running, founded=founded, folders=folders)
        world.open_regions()
        yield world
        world.end()
