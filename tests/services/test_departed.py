"""A region leaves a running federation: its frozen copies serve those who came from it."""

import json
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import pytest

from did_service.monitor.monitor import LogState, Monitor
from did_service.node.region import registry_with_copies
from did_service.node.region_app import registry_app
from did_service.node.setting_table import ServiceKind
from did_service.node.stores import monitor_stores
from did_service.web.serve import Server, unix_socket
from tests.support.departing import log_policy, staying, without
from tests.support.live import running
from tests.support.moving import join_entry, leave, movable
from tests.support.storage import storage_in

GD, HN = "gd.example/reg", "hn.example/reg"


@pytest.fixture
def fed(tmp_path):
    with running(tmp_path, rules=2) as federation:
        yield federation


@pytest.fixture
def office(fed):
    """An office whose DID has moved from gd to hn, as everybody has seen."""
    made = movable(fed, "gz.gd.example")
    settle(fed, "gd", *staying("gd"))
    left = leave(fed, made, "gz.hn.example")
    settle(fed, "gd", *staying("gd"))
    fed.submit(HN, join_entry(fed, left))
    settle(fed, "gd", *staying("gd"))
    return made


def settle(fed, *regions):
    """Publish everywhere, twice: each region then has what the others say."""
    for _ in range(2):
        fed.tick(2)
        fed.publish(*regions)


def depart(fed):
    """Let gd go, and every other region take the policy without it, as at a reload."""
    fed.policy = without(fed, "gd")
    fed.stop("gd")
    for region in staying("gd"):
        fed.stop(region)
        fed.start(region)
    for region in staying("gd"):
        log_policy(fed, f"{region}.example/reg")
    settle(fed, *staying("gd"))


@contextmanager
def watching(fed, folder):
    with monitor_stores(storage_in(folder), fed.policy.federation) as stores:
        yield Monitor(stores, fed.policy, fed.transport, fed.edge, 3_600)


def of_hn(monitor):
    return next(each for each in monitor.look() if each.log == HN)


def test_a_did_from_a_region_that_left_goes_on_with_every_witness(fed, office):
    depart(fed)
    fed.rotate(office)
    settle(fed, *staying("gd"))
    fed.deactivate(office)
    settle(fed, *staying("gd"))
    size = fed.logs[HN].size()
    for region in ("zj", "sc", "cn"):
        store = fed.witness(region).mirror.replicas[HN].store
        assert (store.size(), store.root(size)) == (size, fed.logs[HN].root(size))
        assert fed.ask(region).alarms()["alarms"] == []
    url = f"https://hn.example/1.0/identifiers/{office.did}"
    found = json.loads(fed.transport.request("GET", url).body)
    assert found["didDocumentMetadata"]["deactivated"] is True


def test_a_monitor_that_has_the_copy_goes_on_and_one_without_says_so(fed, office, tmp_path):
    with watching(fed, tmp_path / "old") as monitor:
        list(monitor.look())
    depart(fed)
    fed.rotate(office)
    settle(fed, *staying("gd"))
    with watching(fed, tmp_path / "old") as monitor:
        assert of_hn(monitor).state is LogState.GOOD
    with watching(fed, tmp_path / "fresh") as monitor:
        found = of_hn(monitor)
        assert (found.state, found.code) == (LogState.UNREADABLE, "log_not_mirrored")
        assert monitor.store.alarms() == []


def test_a_registry_alone_keeps_its_own_copy_of_the_log_that_left(fed, office):
    fed.stop("hn")
    with registry_with_copies(alone(fed)) as (_, copies):
        copies.follow_now()
    fed.policy = without(fed, "gd")
    with ExitStack() as opened:
        registry, copies = opened.enter_context(registry_with_copies(alone(fed)))
        assert copies.stores.keys() - copies.followed.keys() == {GD}
        listener = unix_socket(fed.route("hn.example", "hn"))
        opened.enter_context(Server(registry_app(registry), listener))
        fed.logs |= registry.region.stores
        log_policy(fed, HN)
        assert fed.rotate(office).entry.number == 4


def alone(fed):
    return replace(fed.setup("hn"), kind=ServiceKind.REGISTRY)
