"""Registry and witness of a region in two folders, as on two hosts: no file is shared."""

import shutil
from contextlib import ExitStack, closing
from dataclasses import replace

import pytest

from did_service.core.log.checkpoint import checkpoint_in
from did_service.node.peers import PeerCopies
from did_service.node.region import lone_witness, registry_with_copies
from did_service.node.region_app import registry_app
from did_service.node.services import open_service
from did_service.node.setting_table import ServiceKind
from did_service.web.serve import Server, unix_socket
from tests.support import health
from tests.support.live import running

REG = "gd.example/reg"
OF_WITNESS = ("witness.sqlite", "mirror", "last-cosigned")


@pytest.fixture
def fed(tmp_path):
    with running(tmp_path / "fed") as federation:
        federation.publish()
        yield federation


@pytest.fixture
def apart(fed, tmp_path):
    """The witness of gd has moved to a folder of its own; neither runs."""
    fed.stop("gd")
    (tmp_path / "witness").mkdir()
    for name in OF_WITNESS:
        shutil.move(fed.folder / "gd" / name, tmp_path / "witness" / name)
    registry = replace(fed.setup("gd"), kind=ServiceKind.REGISTRY)
    witness = replace(fed.setup("gd", tmp_path / "witness"), kind=ServiceKind.WITNESS)
    return registry, witness


def test_a_registry_alone_judges_by_copies_of_its_own(fed, apart):
    psb = fed.agency("psb.hn.example")
    fed.publish("hn")
    setup, _ = apart
    with ExitStack() as opened:
        registry, copies = opened.enter_context(registry_with_copies(setup))
        copies.follow_now()
        app = registry_app(registry)
        listener = unix_socket(fed.route("gd.example", "gd"))
        opened.enter_context(Server(app, listener))
        fed.logs |= registry.region.stores
        hn = "hn.example/reg"
        assert copies.stores[hn].root(fed.logs[hn].size()) == fed.logs[hn].root(
            fed.logs[hn].size()
        )
        assert set(copies.stores) == {o for o in fed.logs if not o.startswith("gd.")}
        fed.agency("own.gd.example")
        registry.publish_now()
        head = checkpoint_in(fed.reader(REG).checkpoint())
        assert head.size == registry.region.stores[REG].size()
    assert psb.did


def test_a_witness_alone_goes_on_where_it_was(fed, apart):
    _, setup = apart
    with lone_witness(setup) as witness:
        witness.refresh_now()
        sizes = {o: replica.store.size() for o, replica in witness.mirror.replicas.items()}
    assert sizes["hn.example/reg"] == fed.logs["hn.example/reg"].size()


@pytest.mark.parametrize("number", [0, 1], ids=["registry", "witness"])
def test_each_is_a_service_that_starts_and_ends(apart, number):
    with closing(open_service(apart[number])) as service:
        service.start()
        assert "rules_unknown" not in health.words(service)


def test_copies_that_cannot_be_read_wait_and_are_told_once(fed, apart, caplog):
    fed.stop("hn")
    setup, _ = apart
    with registry_with_copies(setup) as (_, copies):
        copies.follow_now()
        copies.follow_now()
        told = [r for r in caplog.messages if "hn.example/reg" in r]
        assert len(told) == 1
        fed.start("hn")
        copies.follow_now()
        assert isinstance(copies, PeerCopies)
        assert "followed again" in caplog.text
