"""A region moves to a server's database with its history, and back; its backups there."""

import json
import re
from contextlib import closing

import pytest
from click.testing import CliRunner

from did_service.cli.__main__ import cli
from did_service.core.errors import ConflictError, UnavailableError, UsageError
from did_service.node.backup import back_up
from did_service.node.configuration import FILE
from did_service.node.databases import database_status
from did_service.node.fsck import check_folder
from did_service.node.restore import RestoreOrder, restore
from did_service.node.storage_setup import storage_of
from did_service.program.clock import SYSTEM
from did_service.registry.publisher import HeadsEntry
from tests.support.folders import configured
from tests.support.founded import PASSPHRASE
from tests.support.howtos import steps
from tests.support.postgres import server
from tests.support.refusals import refused

pytestmark = pytest.mark.clock

REG = "gd.example/reg"


@pytest.fixture
def one(tmp_path):
    """A region whose peers are away: it signs and is not published."""
    with configured(tmp_path / "town", ["gd"]) as town:
        yield town


@pytest.fixture
def town(tmp_path):
    """Five regions: gd is published and takes entries."""
    with configured(tmp_path / "town") as town:
        yield town


@pytest.fixture
def name():
    return server().create()


@pytest.fixture
def database(name):
    return server().url(name)


def copied(town, place):
    """Copy by command; the answer's databases."""
    words = ["database", "copy", str(town.folder / "gd"), "--to", place, "--json"]
    done = CliRunner().invoke(cli, words, standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return json.loads(done.stdout)["data"]["databases"]


def settled_in(town, place, region="gd"):
    """Have the configuration name another database."""
    file = town.folder / "gd" / FILE
    text, count = re.subn(
        r'(?m)^#? ?database = ".*"$', f'database = "{place}"', file.read_text()
    )
    assert count == 1
    file.write_text(text)


def moved(town, place):
    """Stop, copy by command, name the new place, start."""
    if "gd" in town.running:
        town.stop("gd")
    databases = copied(town, place)
    settled_in(town, place)
    town.start("gd")
    return {each["service"]: each["tables"] for each in databases}


def state(town):
    stores = town.both("gd").registry.region.stores
    return {
        origin: (store.size(), store.root(store.size())) for origin, store in stores.items()
    }


def test_a_region_moves_to_a_server_and_back_with_its_history(town, database):
    before = state(town)
    tables = moved(town, database)
    assert tables["registry"]["replica_entry"] == sum(size for size, _ in before.values())
    assert set(tables) == {"registry", "witness"}
    assert state(town) == before
    town.add("gd", "on-the-server.gd.example")
    town.publish("gd")
    later = state(town)
    assert later[REG][0] > before[REG][0]
    data = town.folder / "gd" / "data"
    town.stop("gd")
    with refused("database_not_empty", ConflictError):
        copied(town, "sqlite:")  # the old files are no copy of what is there now
    for old in data.glob("*.sqlite*"):
        old.rename(data / f"old-{old.name}")
    moved(town, "sqlite:")
    assert state(town) == later
    town.add("gd", "back.gd.example")
    town.publish("gd")


def test_old_rows_sign_no_second_history(town, database):
    """Somebody starts on the files again, after the region has gone on elsewhere."""
    moved(town, database)
    town.add("gd", "later.gd.example")
    town.publish("gd")
    town.stop("gd")
    settled_in(town, "sqlite:")
    town.start("gd")
    with refused("log_behind_its_signature", UnavailableError):
        town.both("gd").registry.sequencer.append(REG, [HeadsEntry(REG, REG)])


def test_a_service_that_runs_is_not_copied(one, database):
    with refused("folder_in_use", ConflictError):
        copied(one, database)


def test_the_place_is_read_strictly(one):
    one.stop("gd")
    for place in ("postgresql://u:tiger@h/x", "postgresql:///x?schema=a", "sqlite:///x", "x"):
        with pytest.raises(UsageError) as caught:
            copied(one, place)
        assert caught.value.code == "database_url_wrong"
        assert "tiger" not in caught.value.message


def test_a_second_region_on_the_same_database_is_refused(one, database, tmp_path):
    moved(one, database)
    with configured(tmp_path / "other", ["hn"]) as other:
        other.stop("hn")
        file = other.folder / "hn" / FILE
        text = re.sub(
            r'(?m)^#? ?database = ".*"$', f'database = "{database}"', file.read_text()
        )
        file.write_text(text)
        with pytest.raises((ConflictError, UsageError)) as caught:
            other.start("hn")
        assert caught.value.code == "database_in_use"
        one.stop("gd")
        with refused("database_of_another", UsageError):
            other.start("hn")


def test_its_tables_are_seen_and_its_logs_examined_there(one, database, name):
    moved(one, database)
    one.stop("gd")
    folder = one.folder / "gd"
    for place in (str(folder), database):
        names = [each.name.partition(".")[2] for each in database_status(place)]
        assert names == ["registry", "witness"]
    storage = storage_of(one.configuration("gd"))
    assert not any(check_folder(storage, one.founded.policy).values())
    with closing(server().ask(name)) as driver:
        driver.execute(
            "UPDATE registry.replica_entry SET data = data || '\\x20' WHERE index = 1"
        )
    assert any(check_folder(storage, one.founded.policy).values())
    assert not any(check_folder(storage, one.founded.policy, mend=True).values())


def quiet(_what, _done, _total):
    """Nobody wants to hear how far it is."""


def test_a_backup_of_a_server_is_restored_on_a_server_or_in_files(town, database, tmp_path):
    moved(town, database)
    town.add("gd", "kept.gd.example")
    town.publish("gd")
    record = back_up(town.configuration("gd"), tmp_path / "kept", PASSPHRASE, SYSTEM, quiet)
    size = town.sizes("gd")[REG]
    assert (record.examined, record.logs[REG]) == (True, size)
    order = RestoreOrder(tmp_path / "kept", tmp_path / "new", PASSPHRASE)
    town.add("gd", "later.gd.example")
    with refused("database_in_use", ConflictError):
        restore(order, {}, SYSTEM, quiet)  # the region goes on with its rows there
    assert not (tmp_path / "new" / FILE).exists()
    fresh = server().url(name := server().create())
    made = restore(order, {"DIDSVC_STORAGE_DATABASE": fresh}, SYSTEM, quiet)
    assert not list((tmp_path / "new" / "data").glob("*.sqlite"))
    assert [each.name.partition(".")[2] for each in database_status(fresh)] == [
        "registry",
        "witness",
    ]
    assert not any(check_folder(storage_of(made.configuration), town.founded.policy).values())
    with closing(server().ask(name)) as driver:
        driver.execute(
            "UPDATE registry.replica_entry SET data = data || '\\x20' WHERE index = 1"
        )
    again = RestoreOrder(tmp_path / "kept", tmp_path / "again", PASSPHRASE)
    with refused("database_not_empty", ConflictError):
        restore(again, {"DIDSVC_STORAGE_DATABASE": fresh}, SYSTEM, quiet)
    files = RestoreOrder(tmp_path / "kept", tmp_path / "files", PASSPHRASE)
    restore(files, {"DIDSVC_STORAGE_DATABASE": "sqlite:"}, SYSTEM, quiet)
    assert (tmp_path / "files" / "data" / "registry.sqlite").is_file()


def test_the_page_moves_a_region_there_and_back(one, database, tmp_path, monkeypatch):
    """docs/howto/postgresql.md: its commands as they are printed, but for the socket."""
    one.stop("gd")
    monkeypatch.chdir(one.folder)
    printed = '"postgresql:///did?host=/run/postgresql"'
    for mark, block in steps("postgresql.md"):
        if mark:
            for old in (one.folder / "gd" / "data").glob("*.sqlite*"):
                old.rename(tmp_path / old.name)
        for line in block:
            words = line.replace(printed, database).split()[1:]
            done = CliRunner().invoke(cli, words, standalone_mode=False)
            assert (done.exception, done.return_value) == (None, 0), line
            if "--to" in words:
                settled_in(one, words[-1])
