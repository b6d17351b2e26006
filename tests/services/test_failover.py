"""A primary of PostgreSQL is lost: nothing that was accepted is, and the standby goes on."""

import json
import shutil
import signal
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from threading import Thread

import pytest
from sqlalchemy import BigInteger, Column, MetaData, Table, insert, select

from did_service.client.registry import RegistryClient
from did_service.core.errors import UnavailableError, UsageError
from did_service.core.log.checkpoint import checkpoint_in
from did_service.node.configuration import FILE, read_configuration
from did_service.node.founding import create_identity, did_entry
from did_service.node.reading import prepare_replica
from did_service.program.clock import SYSTEM
from did_service.storage.database import (
    claimed,
    open_database,
    reading,
    url_with_schema,
    writing,
)
from did_service.storage.postgres import engine as engine_module
from tests.support.refusals import refused
from tests.support.registry_processes import REG, Load, refusal, region, until
from tests.support.standby import Pair
from tests.support.standby_reader import Reader

pytestmark = [pytest.mark.clock, pytest.mark.xdist_group("failover")]
KEPT = Table("kept", MetaData(), Column("id", BigInteger, primary_key=True))


@pytest.fixture(scope="module")
def pair():
    made = Pair()
    yield made
    made.dispose()


@pytest.fixture
def engine(pair):
    made = open_database(url_with_schema(pair.url(pair.create()), "registry"))
    with writing(made) as connection:
        KEPT.create(connection)
    yield made
    made.dispose()


@pytest.fixture
def silent_standby(pair):
    pair.standby.signal(signal.SIGSTOP)
    yield
    pair.standby.signal(signal.SIGCONT)


def write(engine, number):
    with writing(engine) as connection:
        connection.execute(insert(KEPT).values(id=number))


def seen(engine):
    with reading(engine) as connection:
        return connection.execute(select(KEPT.c.id)).scalars().all()


def test_what_no_standby_has_confirmed_is_neither_committed_nor_seen(
    pair, engine, silent_standby, monkeypatch
):
    """And whoever writes has an answer: the server itself would wait for ever."""
    monkeypatch.setattr(engine_module, "DATABASE_STATEMENT_SECONDS", 0.3)
    with refused("commit_unconfirmed", UnavailableError):
        write(engine, 1)
    assert seen(engine) == []
    pair.standby.signal(signal.SIGCONT)
    until(lambda: seen(engine) == [1])  # it has not been lost either


def test_who_ends_the_wait_at_the_server_makes_no_commit_of_it(pair, engine, silent_standby):
    """The server answers COMMIT then, and remarks that the standby may not have it."""

    def cancel():
        waits = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        with pair.primary.ask("postgres") as driver:
            until(lambda: driver.execute(waits).fetchone())
            driver.execute(f"SELECT pg_cancel_backend(pid) FROM ({waits}) AS waiting")

    cancelling = Thread(target=cancel)
    cancelling.start()
    with refused("commit_unconfirmed", UnavailableError):
        write(engine, 1)
    cancelling.join()


# --- a region ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def gd(pair, tmp_path_factory):
    """Its registry, in a process of its own."""
    name = pair.create()
    with region(tmp_path_factory.mktemp("fo"), pair.url(name)) as made:
        made.database = name
        made.start("one")
        made.begin()
        yield made


def test_the_primary_is_killed_under_load_and_nothing_accepted_is_lost(pair, gd, engine):
    """A registry, and whoever writes alone, as an agency does, go on by themselves."""
    with claimed(engine, "an agency"), Load(gd) as load:
        write(engine, 1)
        load.more(20)
        pair.primary.kill()
        pair.fail_over()
        until(lambda: refusal(partial(write, engine, 2)) is None)
        load.more(20)
    assert gd.lost(load.receipts) == []
    assert gd.children["one"].poll() is None
    assert seen(engine) == [1, 2]


# --- read from the standby --------------------------------------------------------------------


@pytest.fixture(scope="module")
def reader(pair, gd):
    pair.restore()
    with ExitStack() as opened:
        yield Reader(pair, gd, opened)


@pytest.fixture(scope="module")
def office(gd):
    """A DID that the log has published."""
    identity = create_identity("gd.example:office", SYSTEM)
    client = RegistryClient(gd.transport, REG)
    receipt = gd.accepted(lambda: client.submit(did_entry(identity), wait_seconds=0))
    gd.until_published(receipt.index + 1)
    return identity.did


def test_a_standby_is_read_and_says_how_old_it_is(gd, reader, office):
    until(lambda: reader.head().size >= gd.head().size)
    status, found = reader.resolves(office)
    assert (status, found["didDocument"]["id"]) == (200, office)
    assert reader.get("/ready").status == 200
    assert 0 <= reader.age("/reg/checkpoint") <= 180
    assert b'didsvc_replica_age_seconds{log="gd.example/reg"}' in reader.get("/metrics").body
    answer = reader.transport.request("POST", "https://gd.example/reg/entries")
    assert (answer.status, json.loads(answer.body)["code"]) == (503, "another_leads")


def test_what_the_rows_do_not_hold_yet_is_not_called_the_newest(pair, gd, reader, office):
    """Files of the log are ahead of a standby that is slow to show what it has received."""
    until(lambda: reader.head().size >= gd.head().size)
    before = reader.head().size
    pair.on_standby("SELECT pg_wal_replay_pause()")
    receipt = gd.accepted(gd.submit)
    gd.until_published(receipt.index + 1)
    assert reader.head().size == before
    newest = json.loads(reader.get(f"/reg/evidence/heads/{REG.replace('/', '%2F')}?fresh").body)
    assert checkpoint_in(newest["checkpoints"][0].encode()).size == before
    pair.on_standby("SELECT pg_wal_replay_resume()")
    until(lambda: reader.head().size > receipt.index)


def test_beyond_its_bound_a_standby_resolves_nothing_and_is_not_ready(reader, office):
    """Evidence says its own time, and whoever relies on it judges that."""
    reader.ahead = timedelta(seconds=1_000)
    answer = reader.get("/ready")
    waiting = json.loads(answer.body)["waiting_for"]
    assert (answer.status, waiting) == (503, ["replica_late"])
    error = reader.resolves(office)[1]["didResolutionMetadata"]["error"]
    assert error["code"] == "replica_late"
    assert reader.get("/reg/checkpoint").status == 200
    assert reader.age("/reg/checkpoint") >= 900
    reader.ahead = timedelta(0)


def test_files_of_one_process_are_no_standby(gd):
    variables = {"DIDSVC_STORAGE_REPLICA": "true"}
    with refused("replica_without_server", UsageError):
        prepare_replica(read_configuration(gd.folder / FILE, variables), variables, SYSTEM)


# --- a standby that was behind ----------------------------------------------------------------


@pytest.fixture(scope="module")
def old_guard(gd):
    return (gd.folder / "data" / "last-signed").read_bytes()


@pytest.fixture(scope="module")
def stale(pair, gd, old_guard):
    """By mistake a standby was promoted that had received nothing for a while."""
    pair.restore()
    pair.cut()
    later = [gd.accepted(gd.submit) for _ in range(3)]
    gd.until_published(later[-1].index + 1)
    pair.primary.kill()
    pair.fail_over()
    until(lambda: gd.leads() and "log_behind_its_signature" in gd.words())
    return later


def alarms(gd):
    return [
        each for both, _ in gd.town.running.values() for each in both.witness.store.alarms()
    ]


def test_a_stale_standby_that_was_promoted_takes_and_signs_nothing(stale, gd):
    """The guard lies on another disk, and has what the database lacks."""
    until(lambda: refusal(gd.submit) == "log_behind_its_signature")
    assert gd.head().size > stale[-1].index  # what was published stays


def test_it_is_an_old_database_and_no_alarm(stale, gd):
    """Nobody is shown two histories, so nobody is accused of one."""
    assert alarms(gd) == []
    assert b'didsvc_fork_alarms{log="gd.example/reg"} 0\n' in gd.get("/metrics")[1]


def test_a_database_that_was_changed_is_told_apart_from_an_old_one(pair, stale, gd):
    where = "log = 'gd.example/reg' AND index = 1"
    with pair.primary.ask(gd.database) as driver:
        driver.execute("SET search_path = registry")
        (leaf,) = driver.execute(f"SELECT leaf FROM replica_entry WHERE {where}").fetchone()
        driver.execute(f"UPDATE replica_entry SET leaf = sha256(leaf) WHERE {where}")
        assert "log_differs_from_its_signature" in gd.words()
        driver.execute(f"UPDATE replica_entry SET leaf = %s WHERE {where}", (leaf,))
    assert "log_behind_its_signature" in gd.words()


def test_without_its_guard_it_signs_nothing_either(stale, gd, tmp_path):
    guard = gd.folder / "data" / "last-signed"
    guard.rename(tmp_path / "kept")
    assert refusal(gd.submit) == "guard_missing"
    assert alarms(gd) == []
    (tmp_path / "kept").rename(guard)


def test_with_an_old_guard_and_no_files_the_witnesses_refuse_it(stale, gd, tmp_path, old_guard):
    """Somebody has restored the folder of the former machine as well."""
    gd.kill("one")
    guard, files = gd.folder / "data" / "last-signed", gd.folder / "data" / "reg"
    kept = guard.read_bytes()
    guard.write_bytes(old_guard)
    files.rename(tmp_path / "reg")
    gd.start("one")
    until(lambda: refusal(gd.submit) == "log_behind_its_signature")
    assert alarms(gd) == []  # what it signed again is of one history
    gd.kill("one")
    guard.write_bytes(kept)
    shutil.rmtree(files, ignore_errors=True)
    (tmp_path / "reg").rename(files)
    gd.start("one")


def test_with_the_right_primary_it_goes_on_by_itself(pair, stale, gd):
    stale_one, right = pair.primary, pair.standby
    stale_one.stop("immediate")
    right.start()
    again = gd.accepted(gd.submit)
    assert again.index > stale[-1].index
    assert gd.lost([*stale, again]) == []
