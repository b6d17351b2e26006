"""Of several processes on one database one leads; who has lost it writes nothing any more."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread

import pytest
from sqlalchemy import text

from did_service.core.errors import ConflictError, UnavailableError, UsageError
from did_service.registry.store import CheckpointStore, check_leads, transaction
from did_service.storage.database import claimed, leadership_of, open_database, reading
from did_service.storage.leading import ALONE
from did_service.storage.lease import Lease, Use
from did_service.storage.postgres import election as module
from did_service.storage.postgres import holders
from tests.support import postgres
from tests.support.optional import postgres_programs
from tests.support.refusals import refused

LOG = "gd.example/reg"
TAKE_OVER = 5  # seconds
PATIENCE = 60


@pytest.fixture
def engine():
    engine = open_database(postgres.postgres_url("registry"))
    yield engine
    engine.dispose()


@pytest.fixture
def stand(engine):
    """Begins to stand, and ends with the test."""
    standing = []

    def start(gained=lambda: None):
        one = leadership_of(engine, LOG)
        standing.append(one)
        one.start(gained)
        return one

    yield start
    for one in standing:
        one.close()


@pytest.fixture
def asleep(stand, monkeypatch):
    """One that leads, and then does not look any more: stopped, or hidden by the network."""
    with monkeypatch.context() as patched:
        patched.setattr(module, "_LOOK_SECONDS", 3_600)
        one = stand()
        time.sleep(0.2)  # its thread waits
    assert one.is_leading
    return one


def seconds_until(condition) -> float:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < PATIENCE
        time.sleep(0.02)
    return time.monotonic() - began


def end_session_of(one) -> None:
    """End its connection at the server, as its keeper may."""
    ours = postgres.server()
    with ours.ask("postgres") as driver:
        driver.execute("SELECT pg_terminate_backend(%s)", (one._session.info.backend_pid,))


def test_one_of_two_leads_and_the_other_begins_when_it_ends(stand):
    first, second = stand(), stand()
    assert (first.is_leading, second.is_leading) == (True, False)
    first.close()
    assert not first.is_leading
    assert seconds_until(lambda: second.is_leading) < TAKE_OVER


def test_who_loses_its_connection_lets_another_one_lead(stand):
    first, second = stand(), stand()
    end_session_of(first)
    assert seconds_until(lambda: second.is_leading) < TAKE_OVER
    assert not first.is_leading
    second.close()
    assert seconds_until(lambda: first.is_leading) < TAKE_OVER


def test_one_that_is_alone_leads_again_after_it_lost_its_connection(stand):
    only = stand()
    end_session_of(only)
    seconds_until(lambda: not only.is_leading)
    assert seconds_until(lambda: only.is_leading) < TAKE_OVER


def test_one_that_is_silent_does_not_keep_the_others_waiting(asleep, stand):
    """A process that was stopped has not lost its connection; the server ends it."""
    second = stand()
    assert seconds_until(lambda: second.is_leading) < TAKE_OVER
    assert asleep.is_leading  # as far as it knows


def test_who_does_not_know_that_it_lost_it_writes_nothing(asleep, stand, engine):
    end_session_of(asleep)
    second = stand()
    seconds_until(lambda: second.is_leading)
    stale = CheckpointStore(engine, asleep)
    with refused("another_leads", UnavailableError):
        stale.swap(LOG, None, b"stale")
    assert not asleep.is_leading  # it has been told
    with refused("another_leads", UnavailableError), transaction(engine, {}, asleep):
        raise AssertionError("it may not append")
    with refused("another_leads", UnavailableError):
        check_leads(engine, asleep)  # before it publishes
    CheckpointStore(engine, second).swap(LOG, None, b"note")
    assert stale.read(LOG) == b"note"


def test_no_term_begins_beside_a_transaction_of_the_leader(asleep, engine, monkeypatch):
    """What the leader is writing is there before another one looks at the rows."""
    monkeypatch.setattr(holders, "_GRACE_SECONDS", 1)
    second = leadership_of(engine, LOG)
    standing = Thread(target=second.start, args=(lambda: None,))
    with transaction(engine, {}, asleep):
        end_session_of(asleep)
        standing.start()
        standing.join(0.2)
        assert not second.is_leading
    standing.join()
    assert second.is_leading
    second.close()


def test_a_transaction_that_a_stopped_leader_has_left_open_holds_nobody_up(
    asleep, stand, engine
):
    """The server would wait for it for two minutes, and nobody could begin a term meanwhile."""
    end_session_of(asleep)

    second = leadership_of(engine, LOG)
    standing = Thread(target=second.start, args=(lambda: None,))
    with refused("database_refused", UnavailableError), transaction(engine, {}, asleep):
        standing.start()
        assert seconds_until(lambda: second.is_leading) < TAKE_OVER
    second.close()


def test_who_cannot_prepare_for_it_lets_another_one_lead(stand):
    def fails():
        raise UnavailableError("tree_not_synced", "the disk")

    ill, well = stand(fails), stand()
    assert seconds_until(lambda: well.is_leading) < TAKE_OVER
    assert not ill.is_leading


def test_what_fails_late_in_a_former_term_ends_no_later_one(engine):
    """Files are made for a long time, while the lock is lost and gained again."""
    terms, late = [], Event()

    def prepare():
        terms.append(one._term)
        if len(terms) == 2:
            late.wait(PATIENCE)
            raise UnavailableError("tree_not_synced", "the disk")

    one = leadership_of(engine, LOG)
    one.start(prepare)
    for count in (2, 3):
        end_session_of(one)
        seconds_until(lambda count=count: len(terms) == count)
        if count == 2:
            stale = one._preparing
    seconds_until(lambda: one.is_leading)
    late.set()
    stale.join()
    assert one.is_leading
    assert not one._lost.is_set()
    one.close()


@pytest.mark.parametrize("fault", [UnavailableError("database_busy", "x"), KeyError("x")])
def test_no_fault_of_a_look_ends_the_standing_for_it(engine, monkeypatch, fault):
    """Another error than the driver's would end its thread, and it would lead for ever."""
    one = leadership_of(engine, LOG)
    with monkeypatch.context() as patched:

        def fail(*_):
            raise fault

        one.start(lambda: None)
        patched.setattr(module, "own_connection", fail)
        end_session_of(one)
        seconds_until(lambda: one._told == type(fault).__name__)
        assert not one.is_leading
    assert seconds_until(lambda: one.is_leading) < TAKE_OVER
    one.close()


def test_who_wants_the_database_alone_is_refused_while_one_leads(stand, engine):
    """As `pull` and `fsck` want it; the service of a lone machine likewise."""
    one = stand()
    with refused("database_in_use", ConflictError), claimed(engine, LOG):
        raise AssertionError("one leads")
    one.close()
    with claimed(engine, LOG):
        assert not stand().is_leading


def test_a_schema_of_another_log_is_not_led(stand, engine):
    stand()
    with refused("database_of_another", UsageError):
        leadership_of(engine, "hn.example/reg")


def test_a_folder_is_shared_by_those_who_share_it_alone(tmp_path):
    with (
        Lease(tmp_path, "registry", LOG, Use.SHARED),
        Lease(tmp_path, "registry", LOG, Use.SHARED),
    ):
        with refused("folder_in_use", ConflictError), Lease(tmp_path, "registry", LOG):
            raise AssertionError("two have it")
        with refused("folder_of_another", ConflictError):
            Lease(tmp_path, "registry", "hn.example/reg", Use.SHARED)
    with Lease(tmp_path, "registry", LOG), refused("folder_in_use", ConflictError):
        Lease(tmp_path, "registry", LOG, Use.SHARED)


def test_several_that_share_a_new_folder_may_begin_at_the_same_moment(tmp_path):
    for number in range(20):
        together = Barrier(4)

        def begin(folder=tmp_path / str(number), together=together):
            together.wait()
            return Lease(folder, "registry", LOG, Use.SHARED)

        with ThreadPoolExecutor(4) as pool:
            begun = [pool.submit(begin) for _ in range(4)]
        for each in begun:
            each.result().close()


def test_each_term_has_a_number_of_its_own(stand, engine):
    for _ in range(3):
        stand().close()
    with reading(engine) as connection:
        assert connection.execute(text("SELECT term FROM storage_leader")).scalars().all() == [
            3
        ]


def test_a_database_that_has_gone_is_no_reason_to_end():
    server = postgres.Server(postgres_programs())
    try:
        own = open_database(server.url(server.create(), "registry"))
        one = leadership_of(own, LOG)
        one.start(lambda: None)
        server.stop("immediate")
        seconds_until(lambda: not one.is_leading)
        server.start()
        assert seconds_until(lambda: one.is_leading) < 2 * TAKE_OVER
        one.close()
        own.dispose()
    finally:
        server.dispose()


def test_on_sqlite_whoever_has_the_folder_leads(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path}/registry.sqlite")
    assert leadership_of(engine, LOG) is ALONE
    CheckpointStore(engine).swap(LOG, None, b"note")
    engine.dispose()
