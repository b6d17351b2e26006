"""The federation that the story plays in, and what befalls it: an end, a revocation, an item.

It is set up as `did-service up` sets one up, and publishes only when the story says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from did_service.bundler.collect import collect, encode_checked
from did_service.client.registry import LogReader
from did_service.core.anchor.region import year_of
from did_service.node.founding import OfficeIdentity
from did_service.node.local.agencies import APPROVING, list_urls
from did_service.node.local.establishing import NewFederation, new_federation
from did_service.node.local.members import AgencyPlan, service_item
from did_service.node.region import RegionSetup
from did_service.node.storage_setup import StorageSetup
from did_service.program.clock import ClockAndRandom
from did_service.replica.store import ReplicaStore


class DemoWorld(NewFederation):
    """All services of the story; open it with `opened`."""

    __slots__ = ()

    def identity(self, agency: AgencyPlan) -> OfficeIdentity:
        """Return the identity of an agency, keys included."""
        return self.offices[agency.id].identity

    def setup(self, region: str, folder: Path) -> RegionSetup:
        """Return what a region's services are given, over another folder."""
        return replace(self.setups[region], storage=StorageSetup(folder))

    def tighten_item(self) -> None:
        """Publish the next version of the service item, which takes evidence of a day."""
        owner = self.founded.roots["cn"]
        office = self.administration("cn")
        self.item = office.publish_item(owner, service_item(owner.did, "day"), self.item)
        self.publish("cn")

    def revoke(self, agency: AgencyPlan, credential: str) -> None:
        """Let an officer revoke a credential."""
        office = self.office(agency, APPROVING)
        office.change(credential, "revoke", "被冒用 used by another person")

    def end_authority(self, agency: AgencyPlan) -> None:
        """End an agency's authority; its region takes its status lists into custody."""
        root = self.founded.roots[agency.region]
        office = self.administration(agency.region)
        held = self.offices[agency.id]
        held.statement = office.end(root, held.statement)
        for url in list_urls(agency):
            for origin, log in self._evidence_logs(agency.region):
                newest = log.newest("status", url)
                content = log.content(newest.entry.digest or b"") if newest else None
                if newest and content:
                    office.take_custody(root, newest, origin, content)
                    break

    def bundle(self) -> bytes:
        """Make a trust bundle of everything that is published."""
        readers = {
            origin: LogReader.of_log(self.transport, origin)
            for region in self.policy.regions
            for origin in region.logs
        }
        return encode_checked(self.policy, collect(self.policy, readers))

    def _evidence_logs(self, region: str) -> list[tuple[str, ReplicaStore]]:
        """Return a region's data logs by origin, the newest year first."""
        stores = self.registries[region].region.stores
        return sorted(filter(lambda each: year_of(each[0]), stores.items()), reverse=True)


@contextmanager
def opened(folder: Path, edge: ClockAndRandom) -> Iterator[DemoWorld]:
    """Found the federation, start every service, and stop them at the end.

    Args:
        folder: Where everything is written.
        edge: Clock and randomness.
    """
    with new_federation(DemoWorld, folder, edge) as world:
        yield world
