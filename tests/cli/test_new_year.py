"""The demo's world at New Year: whichever step falls on it, the logs go on."""

import os
from datetime import timedelta

import pytest

from did_service.core.encoding import strict_json, timestamps
from did_service.core.evidence.bundle import parse_bundle
from did_service.core.evidence.proofs import verify_evidence
from did_service.demo.world import opened
from did_service.node.local.agencies import list_urls
from did_service.node.local.members import AGENCIES, SCHOOL
from did_service.program.clock import ClockAndRandom

pytestmark = pytest.mark.xdist_group("demo")

NEW_YEAR = timestamps.parse_utc("2027-01-01T00:00:00Z")
OLD_EV, NEW_EV = "hn.example/ev/2026", "hn.example/ev/2027"
SECOND = timedelta(seconds=1)


class Hands:
    """A clock that stands until it is set."""

    def __init__(self, instant):
        self.instant = instant

    def edge(self):
        return ClockAndRandom(lambda: self.instant, os.urandom)


def agencies(world):
    for agency in AGENCIES:
        world.set_up_agency(agency)


STEPS = {
    "begin": lambda world: world.begin_logs(),
    "publish": lambda world: world.publish(),
    "schemas": lambda world: world.publish_schemas(),
    "agencies": agencies,
    "anchor": lambda world: world.tick_agencies(),
    "cosign": lambda world: world.publish("gd", "hn", "cn"),
    "end": lambda world: world.end_authority(SCHOOL),
    "again": lambda world: world.publish("hn"),
}


def in_force(world, url):
    """The log in which a list's newest entry stands, and that list."""
    stores = world.registries["hn"].region.stores
    origin = next(log for log in (NEW_EV, OLD_EV) if stores[log].newest("status", url))
    newest = stores[origin].newest("status", url)
    return origin, strict_json.load_object(stores[origin].content(newest.entry.digest))


@pytest.mark.parametrize(
    ("first", "before"), [("publish", 1), ("agencies", 1), ("end", 1), ("again", 0)]
)
def test_whatever_falls_on_new_year_the_lists_go_on(tmp_path, first, before):
    """A log's second may run ahead of the clock, so the turn is met from both sides."""
    hands = Hands(NEW_YEAR - 20 * SECOND)
    with opened(tmp_path, hands.edge()) as world:
        for name, step in STEPS.items():
            if name == first:
                hands.instant = NEW_YEAR - before * SECOND
            step(world)
        bundle = parse_bundle(world.bundle())
        proven = verify_evidence((("bundle", bundle),), world.policy)
        for url in list_urls(SCHOOL):
            origin, held = in_force(world, url)
            assert held["issuer"] == world.founded.roots["hn"].did
            assert (
                proven.newest("status", url, world.policy.region_of_log(origin)).origin
                == origin
            )


def test_a_list_in_custody_across_new_year_names_its_last_entry_once(tmp_path):
    hands = Hands(NEW_YEAR - 20 * SECOND)
    with opened(tmp_path, hands.edge()) as world:
        for name, step in STEPS.items():
            if name == "end":
                hands.instant = NEW_YEAR + SECOND
            step(world)
        stores = world.registries["hn"].region.stores
        for url in list_urls(SCHOOL):
            old, new = (stores[log].newest("status", url) for log in (OLD_EV, NEW_EV))
            assert new.entry.number == old.entry.number + 1
            assert new.entry.previous == old.leaf
            assert new.entry.body["x"] == {"log": OLD_EV, "index": old.index}
            world.administration("hn").take_custody(
                world.founded.roots["hn"], new, NEW_EV, stores[NEW_EV].content(new.entry.digest)
            )
            assert "x" not in stores[NEW_EV].newest("status", url).entry.body
