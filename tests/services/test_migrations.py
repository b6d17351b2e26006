"""Tables of an earlier release are recognised, and upgraded whole or not at all."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData

from did_service.cli import __main__ as program
from did_service.core.errors import ConflictError, NotFoundError, UnavailableError
from did_service.issuer.store import IssuerStore
from did_service.node.configuration import FILE
from did_service.node.configuration_file import configuration_text
from did_service.node.databases import HISTORIES, database_status, upgrade_databases
from did_service.node.setting_table import ServiceKind
from did_service.registry.store import CheckpointStore
from did_service.replica import store as replica
from did_service.resolver.store import ForeignDids
from did_service.storage import history as histories
from did_service.storage.database import file_url, open_database, reading, writing
from did_service.storage.migrations import upgrade as upgrading
from did_service.storage.revisions import TablesState
from did_service.witness.store import WitnessStore
from tests.support.old_databases import CITIZEN, FILES, REG, write_old_databases
from tests.support.optional import CHECKOUT
from tests.support.refusals import refused

pytestmark = pytest.mark.clock

OPENED = {
    "registry.sqlite": (replica.prepare, CheckpointStore, ForeignDids),
    "witness.sqlite": (replica.prepare, WitnessStore),
    "issuer.sqlite": (IssuerStore,),
}
RENAMED = {"registry_foreign_did": "resolver_foreign_did"}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    write_old_databases(folder, tmp_path_factory.mktemp("release"))
    return folder


@pytest.fixture
def old(written, tmp_path):
    """A region and an agency that release 0.2.0 kept, in one folder."""
    return shutil.copytree(written, tmp_path / "old")


@contextmanager
def opened(path):
    engine = open_database(file_url(path))
    yield engine
    engine.dispose()


def tables(path):
    """Every table with its rows, without the numbers of revisions."""
    with closing(sqlite3.connect(path)) as driver:
        names = [name for (name,) in driver.execute("SELECT name FROM sqlite_master")]
        mine = [name for name in names if re.fullmatch("[a-z]+_[a-z_]+", name)]
        kinds = dict(driver.execute("SELECT name, type FROM sqlite_master"))
        return {
            name: sorted(driver.execute(f"SELECT * FROM {name}"), key=repr)
            for name in mine
            if kinds[name] == "table" and not name.endswith("_revision")
        }


def schema(path):
    """What SQLite says of its tables, without the spelling."""
    with closing(sqlite3.connect(path)) as driver:
        found = driver.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {name: re.sub(r'["\s]+', " ", sql).replace(" ,", ",") for name, sql in found}


def states(folder):
    return {room.state for each in database_status(str(folder)) for room in each.rooms}


# --- a database of release 0.2.0 --------------------------------------------------------------


def test_every_table_of_the_release_has_a_row_here(written):
    for name in FILES:
        assert all(tables(written / name).values()), name


@pytest.mark.parametrize(
    ("name", "opening"), [(name, each) for name, all_of in OPENED.items() for each in all_of]
)
def test_a_service_refuses_an_old_database_and_leaves_it_alone(old, name, opening):
    before = tables(old / name)
    with opened(old / name) as engine, pytest.raises(ConflictError) as caught:
        opening(engine)
    assert caught.value.code == "database_outdated"
    assert "have revision 0, this release has" in caught.value.message
    assert tables(old / name) == before


def test_an_upgrade_keeps_every_row(old):
    before = {name: tables(old / name) for name in FILES}
    assert states(old) == {TablesState.OUTDATED}
    done = upgrade_databases(str(old))
    assert states(old) == {TablesState.CURRENT}
    assert {room.held for former, _ in done for room in former.rooms} == {0}
    for name in FILES:
        after = tables(old / name)
        for each, rows in before[name].items():
            found = after.pop(RENAMED.get(each, each))
            wanted = [] if each == "issuer_challenge" else rows  # given out, and none was used
            assert len(found) == len(wanted)
            for new, row in zip(found, wanted, strict=True):
                assert new[: len(row)] == row
                assert set(new[len(row) :]) <= {None}, "a new column says nothing yet"
        assert not any(after.values()), "a new table is empty"


def test_services_go_on_where_the_release_left_off(old):
    upgrade_databases(str(old))
    with opened(old / "registry.sqlite") as engine:
        replica.prepare(engine)
        log = replica.ReplicaStore(engine, REG)
        assert (log.size(), log.newest("schema", "urn:old:299").index) == (300, 299)
        assert CheckpointStore(engine).read(REG) == b"note"
        assert ForeignDids(engine).seen("scid2") == "2-version"
    with opened(old / "witness.sqlite") as engine:
        replica.prepare(engine)
        store = WitnessStore(engine)
        assert store.held(REG).head.size == 300
        assert [alarm.code for alarm in store.alarms()] == ["fork"]
    with opened(old / "issuer.sqlite") as engine:
        IssuerStore(engine)
    ((row,),) = (tables(old / "issuer.sqlite")["issuer_application"],)
    assert CITIZEN in row


def test_an_upgrade_of_what_is_current_changes_nothing(old):
    upgrade_databases(str(old))
    before = {name: (old / name).read_bytes() for name in FILES}
    for former, after in upgrade_databases(str(old)):
        assert former == after
    assert {name: (old / name).read_bytes() for name in FILES} == before


# --- interrupted ------------------------------------------------------------------------------

_KILLED = """
import os, shutil, signal, sys
from pathlib import Path

from sqlalchemy import Engine, event

import did_service.storage.migrations.upgrade  # once, before all forks
from did_service.node.databases import upgrade_databases

SOURCE, FOLDER = Path(sys.argv[1]), Path(sys.argv[2])


def run(at):
    "Upgrade in a process that is killed before what it changes as number `at`."
    shutil.copytree(SOURCE, FOLDER / str(at))
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    seen = []

    def count(_connection, _cursor=None, statement="COMMIT", *_):
        if statement.lstrip().startswith(("PRAGMA", "SELECT")):
            return
        seen.append(statement)
        if len(seen) == at:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", count)
    event.listen(Engine, "commit", count)
    upgrade_databases(str(FOLDER / str(at)))
    os._exit(0)


at = 1
while run(at) == -signal.SIGKILL:
    at += 1
print(at - 1)
"""


@pytest.mark.parametrize("name", FILES)
def test_a_kill_before_any_change_or_the_commit_leaves_all_as_it_was(written, tmp_path, name):
    source = tmp_path / "source"
    source.mkdir()
    shutil.copy(written / name, source)
    before = tables(source / name)
    kept = {n: value for n, value in os.environ.items() if not n.startswith("COVERAGE")}
    command = [sys.executable, "-c", _KILLED, source, tmp_path]
    done = subprocess.run(
        command, cwd=CHECKOUT, env=kept, check=True, capture_output=True, text=True
    )
    kills = int(done.stdout)
    assert kills >= 4  # BEGIN, a table and its number, COMMIT
    for at in range(1, kills + 1):
        folder = tmp_path / str(at)
        assert tables(folder / name) == before
        assert states(folder) == {TablesState.OUTDATED}
    upgrade_databases(str(tmp_path / str(kills)))  # the last one died while it committed
    assert states(tmp_path / str(kills)) == {TablesState.CURRENT}
    assert states(tmp_path / str(kills + 1)) == {TablesState.CURRENT}


def test_a_step_that_fails_undoes_those_before_it(old, monkeypatch):
    run = upgrading._run

    def fail(connection, history, held):
        run(connection, history, held)
        if history.room == "resolver":
            raise OSError("no more")

    monkeypatch.setattr(upgrading, "_run", fail)
    before = schema(old / "registry.sqlite")
    with pytest.raises(OSError, match="no more"):
        upgrade_databases(str(old))
    assert schema(old / "registry.sqlite") == before


# --- a later release --------------------------------------------------------------------------


def test_a_newer_database_is_refused_by_all_and_left_alone(old):
    upgrade_databases(str(old))
    with opened(old / "issuer.sqlite") as engine, writing(engine) as connection:
        connection.exec_driver_sql("UPDATE issuer_revision SET version_num = '99'")
    before = schema(old / "issuer.sqlite")
    with opened(old / "issuer.sqlite") as engine, refused("database_newer", ConflictError):
        IssuerStore(engine)
    with refused("database_newer", ConflictError):
        upgrade_databases(str(old))
    (found,) = database_status(str(old / "issuer.sqlite"))
    assert [room.state for room in found.rooms] == [TablesState.NEWER]
    assert schema(old / "issuer.sqlite") == before


@pytest.mark.parametrize(
    "damage", ["DELETE FROM %s", "UPDATE %s SET version_num = 'x'", "INSERT INTO %s VALUES (9)"]
)
def test_a_database_whose_number_is_damaged_is_told(tmp_path, damage):
    with opened(tmp_path / "issuer.sqlite") as engine:
        IssuerStore(engine)
        with writing(engine) as connection:
            connection.exec_driver_sql(damage % "issuer_revision")
        with refused("database_damaged", UnavailableError):
            IssuerStore(engine)
    with refused("database_damaged", UnavailableError):
        upgrade_databases(str(tmp_path))


# --- the revisions themselves -----------------------------------------------------------------


@pytest.mark.parametrize("history", HISTORIES, ids=lambda each: each.room)
def test_revisions_lead_to_the_tables_of_this_release(history, tmp_path):
    """Whoever changes a table adds a revision: `docs/adr/0047`."""
    with opened(tmp_path / "fresh.sqlite") as engine:
        histories.prepare(engine, history)
    with opened(tmp_path / "migrated.sqlite") as engine:
        with writing(engine) as connection:
            upgrading._run(connection, history, held=-1)
        with reading(engine) as connection:
            assert history.held(connection) == history.newest
            wanted = MetaData()
            for model in history.models:
                model.__table__.to_metadata(wanted)
            ours = {*wanted.tables}
            options = {"include_name": lambda name, kind, _: kind != "table" or name in ours}
            context = MigrationContext.configure(connection, opts=options)
            assert compare_metadata(context, wanted) == []
    assert schema(tmp_path / "migrated.sqlite") == schema(tmp_path / "fresh.sqlite")


OF_THE_RELEASE = [each for each in HISTORIES if each.since_0_2_0 is not None]


@pytest.mark.parametrize("history", OF_THE_RELEASE, ids=lambda each: each.room)
def test_the_first_revision_is_release_0_2_0(history, written, tmp_path):
    with opened(tmp_path / "first.sqlite") as engine, writing(engine) as connection:
        upgrading.command.upgrade(upgrading._config(connection, history), "1")
    made = schema(tmp_path / "first.sqlite")
    made.pop(history.revision_table)
    released = {key: value for name in FILES for key, value in schema(written / name).items()}
    assert made.items() <= released.items()


def test_a_start_needs_no_alembic(tmp_path):
    text = """
import sys
from pathlib import Path
from did_service.issuer.store import IssuerStore
from did_service.storage.database import file_url, open_database

for _ in range(2):
    IssuerStore(open_database(file_url(Path(sys.argv[1]) / "issuer.sqlite")))
assert "alembic" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", text, tmp_path], cwd=CHECKOUT, check=True)


def test_two_that_start_at_once_make_one_set_of_tables(tmp_path, monkeypatch):
    held = histories.TableHistory.held
    history = HISTORIES[0]
    with opened(tmp_path / "a.sqlite") as engine:

        def slow(self, connection):
            found = held(self, connection)
            if found is None:
                monkeypatch.undo()
                histories.prepare(engine, self)  # the other one comes between
            return found

        monkeypatch.setattr(histories.TableHistory, "held", slow)
        histories.prepare(engine, history)
        with reading(engine) as connection:
            assert history.held(connection) == history.newest


# --- the command ------------------------------------------------------------------------------


def run(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["did-service", *map(str, words)])
    return program.run(), capsys.readouterr()


def test_the_command_tells_what_is_old_and_upgrades_it(old, monkeypatch, capsys):
    monkeypatch.setenv("DIDSVC_LANG", "en")
    code, told = run(monkeypatch, capsys, "database", "status", old)
    assert code == 0
    assert "registry.sqlite: resolver revision 0 of 2, old: upgrade before" in told.out
    code, told = run(monkeypatch, capsys, "database", "upgrade", old, "--lang", "zh")
    assert "registry.sqlite：resolver 已由第 0 版升级到第 2 版" in told.out
    code, told = run(monkeypatch, capsys, "database", "upgrade", old, "--json")
    assert code == 0
    answer = json.loads(told.out)
    assert (answer["command"], answer["ok"]) == ("database upgrade", True)
    assert [each["name"] for each in answer["data"]["databases"]] == [*FILES]
    assert answer["data"]["databases"][2]["before"] == {"issuer": 3}
    code, told = run(monkeypatch, capsys, "database", "upgrade", old)
    assert "issuer.sqlite: issuer has revision 3 already" in told.out


def test_a_database_is_named_by_its_url_as_well(old, monkeypatch, capsys):
    url = file_url(old / "issuer.sqlite")
    code, told = run(monkeypatch, capsys, "database", "status", url, "--json")
    (found,) = json.loads(told.out)["data"]["databases"]
    wanted = {"room": "issuer", "revision": 0, "newest": 3, "state": "outdated"}
    assert (code, found) == (0, {"name": "issuer.sqlite", "tables": [wanted]})


def test_a_folder_of_a_service_leads_to_its_databases(old, tmp_path):
    office = tmp_path / "office"
    office.mkdir()
    chosen = {
        "service.region": "gd",
        "service.hosts": ["gd.example"],
        "storage.folder": str(old),
    }
    (office / FILE).write_text(configuration_text(ServiceKind.WITNESS, chosen))
    assert database_status(str(office)) == database_status(str(old))


@pytest.mark.parametrize("place", ["", "absent", "sqlite:///absent.sqlite", "other.sqlite"])
def test_where_nothing_of_ours_lies_nothing_is_made(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("other.sqlite")) as driver:
        driver.execute("CREATE TABLE t (x)")
    with refused("database_missing", NotFoundError):
        database_status(place or str(tmp_path))
    assert not list(tmp_path.glob("absent*"))
