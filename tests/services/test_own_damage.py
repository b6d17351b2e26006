"""What a region loses of its own it makes again; nobody else writes its folder."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack

import pytest
from click.testing import CliRunner

from did_service.cli.__main__ import cli
from did_service.core.encoding import jcs
from did_service.core.errors import ConflictError, NotFoundError, UnavailableError
from did_service.node.fsck import check_folder, check_registry, check_witness
from did_service.node.region import lone_registry
from did_service.node.stores import issuer_store, registry_stores, witness_stores
from did_service.program.click_commands import CommandReader
from did_service.replica.fsck import examine
from did_service.replica.mirror import Mirror
from did_service.replica.mirrors import folder_of, mirrors_in
from did_service.replica.store import prepare
from did_service.storage.lease import Lease
from tests.support.live import running
from tests.support.refusals import refused
from tests.support.storage import storage_in

REG, EV = "gd.example/reg", "gd.example/ev/2026"


@pytest.fixture(scope="module")
def fed(tmp_path_factory):
    with running(tmp_path_factory.mktemp("damage")) as federation:
        psb = federation.agency("gz.gd.example")
        federation.grant(federation.root("gd"), psb)
        federation.publish("gd")
        federation.tick(60)
        federation.status_list(psb, revoked=[1])
        federation.batch(psb, [b"record"])
        federation.agency("hy.hn.example")
        federation.publish()
        federation.witness("gd").refresh_now()
        yield federation


def region_of(fed, name="gd"):
    return next(region for region in fed.policy.regions if region.id == name)


def alarms(fed):
    return [alarm for region in fed.running for alarm in fed.witness(region).store.alarms()]


def sound(fed):
    registry = fed.registry("gd")
    return all(
        examine(registry.region.replicas[origin], registry.logs[origin].signed()) == []
        for origin in (REG, EV)
    )


# --- what is lost -----------------------------------------------------------------------------

LOST = {
    "reg": "reg",
    "ev": "ev",
    "partial tiles": "reg/tile/0/*.p",
    "entry bundles": "ev/2026/tile/entries",
    "all tiles": "reg/tile",
    "contents": "ev/2026/content",
    "heads": "reg/heads",
    "checkpoint": "reg/checkpoint",
    "epochs": "reg/epoch",
    "the copy of another log": f"mirror/{folder_of('hn.example/reg')}",
    "all copies": "mirror",
    "tiles of a copy": "mirror/*/tile/0",
}


def lose(place, pattern):
    found = list(place.glob(pattern))
    assert found
    for path in found:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.parametrize("what", LOST)
def test_every_file_of_its_own_that_is_lost_is_made_again_at_the_start(fed, what):
    fed.stop("gd")
    lose(fed.folder / "gd", LOST[what])
    fed.start("gd")
    actor = fed.agency(f"after-{what.replace(' ', '-')}.gd.example")
    fed.publish("gd")
    fed.witness("gd").refresh_now()
    assert fed.reader(REG).entries(0, fed.logs[REG].size(), fed.logs[REG].size())
    assert fed.logs[REG].newest("did", actor.id)
    assert sound(fed)
    assert all(examine(each) == [] for each in copies(fed))
    assert alarms(fed) == []


def copies(fed):
    replicas = fed.witness("gd").mirror.replicas.values()
    return [each for each in replicas if each.tree.checkpoint() is not None]


@pytest.mark.parametrize("what", ["reg", "partial tiles", "all tiles"])
def test_what_is_lost_while_it_runs_is_made_again_by_the_next_round(fed, what):
    fed.publish("gd")
    lose(fed.folder / "gd", LOST[what])
    log, policy = fed.registry("gd").logs[REG], fed.policy.log_policy(REG)
    with refused("tile_unknown", NotFoundError):
        log.publish(policy)
    log.publish(policy)
    assert sound(fed)


def test_a_copy_that_is_lost_while_it_runs_is_made_again(fed):
    fed.witness("hn").refresh_now()
    lose(fed.folder / "hn", f"mirror/{folder_of(REG)}")
    fed.agency("copied.gd.example")
    fed.publish("gd")
    fed.witness("hn").refresh_now()
    replica = fed.witness("hn").mirror.replicas[REG]
    assert replica.tree.checkpoint() == fed.reader(REG).checkpoint()
    assert examine(replica) == []


def test_a_full_disk_at_the_start_is_made_up_for_later(fed, monkeypatch):
    fed.stop("gd")
    lose(fed.folder / "gd", "reg/tile")
    with monkeypatch.context() as patch:
        patch.setattr("did_service.storage.folder.os.link", full)
        fed.start("gd")
        with refused("tree_not_written", UnavailableError):
            fed.publish("gd")
    fed.publish("gd")
    assert sound(fed)


def full(*_arguments):
    raise OSError(28, "No space left on device")


def test_rows_that_are_not_what_was_stored_are_not_signed(fed):
    registry = fed.registry("gd")
    fed.agency("flipped.gd.example")
    store = registry.region.stores[REG]
    index = store.size() - 1
    change = 'UPDATE replica_entry SET leaf = ? WHERE log = ? AND "index" = ?'
    leaf = store.leaves(index, index + 1)[0]
    with registry.region.engine.begin() as connection:
        connection.exec_driver_sql(change, (bytes(32), REG, index))
    before = registry.logs[REG].signed()
    with refused("database_damaged", UnavailableError):
        fed.publish("gd")
    assert registry.logs[REG].signed() == before
    with registry.region.engine.begin() as connection:
        connection.exec_driver_sql(change, (leaf, REG, index))
    fed.publish("gd")


# --- repair -----------------------------------------------------------------------------------


def flip(place, pattern):
    for path in place.glob(pattern):
        if path.is_file():
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 1
            path.write_bytes(data)


DAMAGED = {
    "database": lambda place: lose(place, "registry.sqlite*"),
    "database and tiles": lambda place: (
        lose(place, "registry.sqlite*"),
        lose(place, "reg/tile/0"),
    ),
    "tiles": lambda place: flip(place, "reg/tile/0/*/*"),
    "bundles": lambda place: flip(place, "*/tile/entries/*/*"),
    "contents": lambda place: flip(place, "ev/*/content/*"),
    "heads": lambda place: flip(place, "reg/heads/*"),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_what_is_damaged_is_found_and_repaired(fed, what):
    fed.publish("gd")
    sizes = {origin: fed.logs[origin].size() for origin in (REG, EV)}
    fed.stop("gd")
    place = fed.folder / "gd"
    DAMAGED[what](place)
    before = check_registry(storage_in(place), fed.policy, region_of(fed))
    assert any(before.values())
    assert check_registry(storage_in(place), fed.policy, region_of(fed), mend=True) == {
        REG: [],
        EV: [],
    }
    fed.start("gd")
    assert {origin: fed.logs[origin].size() for origin in (REG, EV)} == sizes
    fed.agency(f"repaired-{what.replace(' ', '-')}.gd.example")
    fed.publish("gd")
    assert sound(fed)
    assert alarms(fed) == []


def test_a_signed_tree_that_was_not_published_is_repaired_by_the_guard(fed):
    fed.publish("gd")
    fed.stop("zj")
    fed.stop("sc")
    fed.agency("signed-only.gd.example")
    with refused("quorum_not_met"):
        fed.publish("gd")
    size = fed.registry("gd").logs[REG].signed().size
    fed.stop("gd")
    lose(fed.folder / "gd", "registry.sqlite*")
    assert not any(
        check_registry(
            storage_in(fed.folder / "gd"), fed.policy, region_of(fed), mend=True
        ).values()
    )
    fed.start("gd")
    assert fed.logs[REG].size() == size
    fed.start("zj")
    fed.start("sc")
    fed.publish("gd")
    assert sound(fed)
    assert alarms(fed) == []


def test_what_is_lost_in_rows_and_files_is_told_and_nothing_is_invented(fed, tmp_path):
    fed.publish("gd")
    fed.stop("gd")
    place = tmp_path / "gd"
    shutil.copytree(fed.folder / "gd", place)
    fed.start("gd")
    lose(place, "registry.sqlite*")
    lose(place, "reg/tile")
    found = check_registry(storage_in(place), fed.policy, region_of(fed), mend=True)
    codes = {each.code for each in found[REG]}
    assert {"guard_ahead", "signed_behind"} <= codes
    assert found[EV] == []


@pytest.mark.parametrize("pattern", ["mirror/*/tile/*/*/*", "mirror/*/content/*"])
def test_copies_of_a_witness_are_repaired(fed, pattern):
    fed.publish("gd")
    fed.witness("hn").refresh_now()
    fed.stop("hn")
    flip(fed.folder / "hn", pattern)
    name = "hn.example/witness"
    assert any(
        found
        for origin, found in check_witness(
            storage_in(fed.folder / "hn"), fed.policy, name
        ).items()
        if origin.startswith("gd.")
    )
    found = check_witness(storage_in(fed.folder / "hn"), fed.policy, name, mend=True)
    assert found[REG] == found[EV] == []
    fed.start("hn")


def test_a_copy_without_its_database_is_read_out_of_its_files(fed):
    fed.publish("gd")
    fed.witness("hn").refresh_now()
    size = fed.witness("hn").mirror.replicas[REG].store.size()
    fed.stop("hn")
    lose(fed.folder / "hn", "witness.sqlite*")
    check_witness(storage_in(fed.folder / "hn"), fed.policy, "hn.example/witness", mend=True)
    fed.start("hn")
    assert fed.witness("hn").mirror.replicas[REG].store.size() == size
    fed.publish("gd")
    assert alarms(fed) == []


@pytest.fixture
def spoilt(fed, tmp_path):
    """A copy of a region's folder in which tiles were changed, and the policy beside it."""
    fed.publish("gd")
    place = tmp_path / "gd"
    shutil.copytree(fed.folder / "gd", place)
    flip(place, "reg/tile/0/*/*")
    policy = tmp_path / "policy.json"
    policy.write_bytes(jcs.encode(fed.policy.members))
    return place, policy


def fsck(*arguments):
    return CliRunner().invoke(
        cli, ["fsck", *map(str, arguments)], obj=reader(), standalone_mode=False
    )


def reader():
    return CommandReader(language="en")


def test_an_operator_examines_and_repairs_a_folder(spoilt):
    place, policy = spoilt
    told = fsck(place, "--policy", policy)
    assert '[tile_wrong]: "tile/0/000.p/' in told.output
    assert told.return_value == 11
    assert "did-service: hint: run it again with --repair" in told.output
    told = fsck(place, "--policy", policy, "--repair", "--json")
    data = json.loads(told.stdout)["data"]["logs"]
    assert data[REG] == data[EV] == []
    assert {"mirror of hn.example/reg"} <= data.keys()
    assert fsck(place, "--policy", policy).return_value == 0


def test_a_folder_in_which_nobody_wrote_is_told(fed, tmp_path):
    with refused("folder_unknown", NotFoundError):
        check_folder(storage_in(tmp_path), fed.policy)
    assert list(tmp_path.iterdir()) == []


def test_a_running_region_is_not_examined(fed):
    with refused("folder_in_use", ConflictError):
        check_folder(storage_in(fed.folder / "gd"), fed.policy)


# --- no file in common ------------------------------------------------------------------------


def test_a_registry_on_another_host_reads_copies_of_its_own(fed, tmp_path):
    """It opens no file of the witness, and needs none in its process."""
    fed.publish("hn")
    with (
        witness_stores(storage_in(tmp_path / "mirror"), "gd.example/reg") as kept,
        ExitStack() as opened,
    ):
        prepare(kept.stores.engine)
        replicas = mirrors_in(kept.stores, fed.policy)
        mirror = Mirror(fed.policy, replicas, fed.transport, fed.edge)
        own = set(region_of(fed).logs)
        foreign = {origin: each.store for origin, each in replicas.items() if origin not in own}
        registry = opened.enter_context(
            lone_registry(fed.setup("gd", tmp_path / "gd"), foreign)
        )
        mirror.follow("hn.example/reg")
        seen = registry.region.foreign["hn.example/reg"]
        assert seen.size() == fed.logs["hn.example/reg"].size() > 0
        assert not list((tmp_path / "gd").glob("witness*"))
        assert registry.region.foreign.keys().isdisjoint(own)


# --- one writer -------------------------------------------------------------------------------

OPEN = {
    "registry": registry_stores,
    "witness": witness_stores,
    "issuer": issuer_store,
}


@pytest.mark.parametrize("kind", OPEN)
def test_a_second_process_on_a_folder_is_refused(tmp_path, kind):
    with OPEN[kind](storage_in(tmp_path), "gd"):
        with refused("folder_in_use", ConflictError), OPEN[kind](storage_in(tmp_path), "gd"):
            pass
        with ExitStack() as others:
            for other in OPEN.keys() - {kind}:
                others.enter_context(
                    OPEN[other](storage_in(tmp_path), "gd")
                )  # they share no file
    with OPEN[kind](storage_in(tmp_path), "gd"):
        pass


@pytest.mark.parametrize("kind", OPEN)
def test_the_folder_of_another_is_refused(tmp_path, kind):
    with OPEN[kind](storage_in(tmp_path), "gd"):
        pass
    with refused("folder_of_another", ConflictError), OPEN[kind](storage_in(tmp_path), "hn"):
        pass
    with OPEN[kind](storage_in(tmp_path), "gd"):
        pass


def test_files_of_another_log_are_not_taken_for_our_own(fed, tmp_path):
    """A folder that was copied without its lock, or comes from an older release."""
    fed.publish("gd")
    shutil.copytree(fed.folder / "gd" / "reg", tmp_path / "reg")
    with refused("folder_of_another", ConflictError):
        fed.make_registry("hn", tmp_path)


def test_a_lock_file_that_was_never_finished_is_written_again(tmp_path):
    (tmp_path / "registry.lock").write_bytes(b"gd.exa")
    with Lease(tmp_path, "registry", "gd.example/reg"):
        assert (tmp_path / "registry.lock").read_text() == "gd.example/reg\n"


@pytest.mark.parametrize("what", ["folder", "link"])
def test_what_is_no_lock_file_is_told(tmp_path, what):
    path = tmp_path / "registry.lock"
    path.mkdir() if what == "folder" else path.symlink_to(tmp_path / "elsewhere")
    with refused("file_not_written", UnavailableError):
        Lease(tmp_path, "registry", "gd")
    assert not (tmp_path / "elsewhere").exists()


def test_a_disk_that_refuses_the_line_lets_the_lock_go(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("did_service.storage.lease.os.fsync", full)
        with refused("file_not_written", UnavailableError):
            Lease(tmp_path, "registry", "gd")
    with Lease(tmp_path, "registry", "gd"):
        pass


HOLDER = """
import sys
from pathlib import Path
from did_service.storage.lease import Lease
Lease(Path(sys.argv[1]), "registry", "gd")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.clock
def test_the_lock_ends_with_its_process_however_that_ends(tmp_path):
    kept = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=kept, text=True
    ) as child:
        assert child.stdout.readline() == "held\n"
        with refused("folder_in_use", ConflictError):
            Lease(tmp_path, "registry", "gd")
        child.kill()
        child.wait()
    with Lease(tmp_path, "registry", "gd"):
        pass
