"""A database moves from one kind to the other and back, with every row and its revision."""

import shutil
import time

import pytest
from sqlalchemy import insert, select, text

from did_service.core.errors import (
    ConflictError,
    NotFoundError,
    UnavailableError,
    UsageError,
)
from did_service.issuer.tables import CREDENTIAL
from did_service.monitor.tables import RAISED, SEEN
from did_service.node.databases import HISTORIES, copy_service
from did_service.node.storage_setup import StorageSetup
from did_service.replica.store import ReplicaStore
from did_service.resolver.store import ForeignDids
from did_service.resolver.tables import FOREIGN_DID
from did_service.storage.copying import copy_rooms, copy_whole
from did_service.storage.database import claimed, file_url, open_database, reading, writing
from did_service.storage.history import prepare
from did_service.storage.migrations.upgrade import run_steps, upgrade
from did_service.storage.postgres import engine as engine_module
from did_service.storage.revisions import closing_engine, status_of
from tests.support.old_databases import FILES, write_old_databases
from tests.support.postgres import postgres_url
from tests.support.refusals import refused
from tests.support.replicas import Mirror, small_world

ROOMS = {each.room: each for each in HISTORIES}


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    folder = tmp_path_factory.mktemp("old")
    write_old_databases(folder, tmp_path_factory.mktemp("release"))
    return folder


@pytest.fixture
def source(tmp_path):
    return filled(file_url(tmp_path / "source.sqlite"))


@pytest.fixture
def target():
    return open_database(postgres_url("moved"))


def filled(url):
    """A database with every room, and rows of every type of column."""
    engine = open_database(url)
    for history in HISTORIES:
        prepare(engine, history)
    with writing(engine) as connection:
        heads = [
            {"log": log, "size": size, "root": bytes([size]) * 32, "at": 2**40,
             "note": b"\0\xff", "checked": size % 2 == 0}
            for log in ("Z", "a", "ä", "一") for size in range(3)
        ]  # fmt: skip
        connection.execute(insert(SEEN), heads)
        alarm = {"log": "a", "at": 1, "code": "x", "told": '"quoted" 一\n', "note": b""}
        connection.execute(insert(RAISED), [{**alarm, "id": n, "code": str(n)} for n in (3, 9)])
        issued = {
            "id": "urn:1",
            "application": "1",
            "record": b"r",
            "index": 2**33,
            "issued": 5,
        }
        connection.execute(insert(CREDENTIAL).values(issued))
    return engine


def copied(source, target):
    return copy_rooms(source, target, HISTORIES, lambda *_: None)


def rows_of(engine):
    with reading(engine) as connection:
        return [
            connection.execute(select(table).order_by(*table.primary_key)).all()
            for table in (SEEN, RAISED, CREDENTIAL, FOREIGN_DID)
        ]


def test_every_row_arrives_and_comes_back(source, target, tmp_path):
    told = []
    tables = copy_rooms(source, target, HISTORIES, lambda *n: told.append(n))
    assert rows_of(target) == rows_of(source)
    assert told[-1] == (15, 15) == (sum(each.rows for each in tables),) * 2
    back = open_database(file_url(tmp_path / "back.sqlite"))
    assert copied(target, back) == tables
    assert rows_of(back) == rows_of(source)
    back.dispose()


def test_rows_that_come_later_are_numbered_after_those_that_were_moved(source, target):
    copied(source, target)
    alarm = {"log": "a", "at": 1, "code": "later", "told": "", "note": b""}
    with writing(target) as connection:
        added = connection.execute(insert(RAISED).values(alarm))
        assert added.inserted_primary_key[0] > 9
    ForeignDids(target).remember("scid", None, "1-a")  # of an empty table
    assert ForeignDids(target).seen("scid") == "1-a"


def test_a_copy_lasts_as_long_as_its_rows_take(source, tmp_path, monkeypatch):
    """A server ends other transactions that are silent for so long, and long statements."""
    monkeypatch.setattr(engine_module, "DATABASE_STATEMENT_SECONDS", 0.3)
    slow = open_database(postgres_url("slow"))
    back = open_database(file_url(tmp_path / "back.sqlite"))
    for one, other in ((source, slow), (slow, back)):
        copy_rooms(one, other, HISTORIES, lambda done, _: done == 15 and time.sleep(1))
    assert rows_of(back) == rows_of(source)
    for engine in (slow, back):
        engine.dispose()


def test_what_was_copied_is_compared_the_next_time(source, target):
    tables = copied(source, target)
    assert copied(source, target) == tables
    with writing(target) as connection:
        connection.execute(SEEN.update().where(SEEN.c.size == 0).values(at=7))
    with refused("database_not_empty", ConflictError):
        copied(source, target)
    assert rows_of(source) != rows_of(target)  # neither was changed


def test_a_database_with_rows_of_another_is_not_touched(source, tmp_path):
    other = open_database(file_url(tmp_path / "other.sqlite"))
    prepare(other, ROOMS["monitor"])
    with refused("database_not_empty", ConflictError):
        copied(source, other)
    assert len(status_of(file_url(tmp_path / "other.sqlite"), HISTORIES).rooms) == 1
    other.dispose()


def test_nothing_arrives_of_a_copy_that_fails(source, target):
    """One transaction: the tables are not there either."""
    with writing(source) as connection:
        connection.execute(text("UPDATE monitor_head SET size = 'damaged' WHERE log = 'ä'"))
    with refused("database_damaged", UnavailableError):
        copied(source, target)
    with refused("database_missing", NotFoundError):
        copied(target, source)


def test_a_text_that_a_server_does_not_take_is_told_by_its_column(source, target):
    with writing(source) as connection:
        # As a file from before has it: no release writes such a text any more.
        connection.execute(text("UPDATE monitor_alarm SET told = 'a' || char(0) || 'b'"))
    with pytest.raises(UnavailableError, match=r"monitor_alarm\.told"):
        copied(source, target)


def test_a_log_is_the_same_log_on_the_other_engine(tmp_path, target):
    mirror = Mirror(small_world(), tmp_path)
    mirror.follow()
    copied(mirror.engine, target)
    for origin, replica in mirror.replicas.items():
        moved, size = ReplicaStore(target, origin), replica.store.size()
        assert moved.size() == size
        assert moved.root(size) == replica.store.root(size)
        assert moved.snapshot(size) == replica.store.snapshot(size)
        assert moved.rows(0, size) == replica.store.rows(0, size)


def schema_of(engine):
    with reading(engine) as connection:
        columns = text(
            "SELECT table_name, column_name, data_type, collation_name, is_nullable"
            " FROM information_schema.columns WHERE table_schema = current_schema()"
        )
        indices = text(
            "SELECT tablename, regexp_replace(indexdef, ' INDEX .* USING', '') FROM pg_indexes"
            " WHERE schemaname = current_schema()"
        )
        found = [*connection.execute(columns), *connection.execute(indices)]
        return sorted(map(str, found))


@pytest.mark.parametrize("room", ROOMS)
def test_the_steps_lead_to_the_tables_of_the_models_on_a_server_as_well(room):
    made, stepped = open_database(postgres_url("a")), open_database(postgres_url("a"))
    prepare(made, ROOMS[room])
    with writing(stepped) as connection:
        run_steps(connection, ROOMS[room], ROOMS[room].newest)
    assert schema_of(stepped) == schema_of(made)


@pytest.mark.clock
@pytest.mark.parametrize("name", FILES)
def test_a_database_of_an_earlier_release_moves_and_is_upgraded_there(old, tmp_path, name):
    old = shutil.copytree(old, tmp_path / "old")
    url = postgres_url("old")
    with_old, moved = open_database(file_url(old / name)), open_database(url)
    copied(with_old, moved)
    upgrade(url, HISTORIES)
    upgrade(file_url(old / name), HISTORIES)
    again = open_database(postgres_url("again"))
    assert copied(with_old, again) == copied(moved, again)
    with_old.dispose()


def test_rows_come_into_no_database_that_a_process_writes(source, tmp_path):
    """A service would wait for the copy, and then go on over rows that have changed."""
    here, there = file_url(tmp_path / "source.sqlite"), postgres_url("moved")
    with closing_engine(open_database(there)) as served, claimed(served, "gd.example/reg"):
        with refused("database_in_use", ConflictError):
            copy_whole(here, there, None, HISTORIES, lambda *_: None)
        with refused("database_missing", NotFoundError):
            copied(served, source)
    _, tables = copy_whole(here, there, None, HISTORIES, lambda *_: None)
    assert sum(each.rows for each in tables) == 15


def test_a_database_is_not_copied_to_where_it_is(tmp_path):
    storage = StorageSetup(tmp_path)
    filled(storage.database_url("monitor")).dispose()
    with refused("place_is_source", UsageError):
        copy_service(storage, storage, "monitor", lambda *_: None)
