"""A monitor follows logs from their files alone, and tells what no honest log does."""

import shutil
import sqlite3
from contextlib import closing, contextmanager
from math import inf

import pytest
from click.testing import CliRunner

from did_service.cli.__main__ import cli
from did_service.core.encoding import jcs
from did_service.core.errors import UnavailableError, UsageError
from did_service.core.limits import MAX_FOLLOW_SECONDS
from did_service.core.log.checkpoint import Checkpoint, sign_checkpoint
from did_service.core.log.note import parse_note
from did_service.monitor.monitor import LogState, Monitor
from did_service.monitor.store import MonitorStore
from did_service.node.stores import monitor_stores, storage_of_monitor
from did_service.program.repeating import Repetition
from tests.support.founding import TERRITORY, log_signer, witness
from tests.support.live import running
from tests.support.postgres import server
from tests.support.refusals import refused
from tests.support.storage import storage_in

pytestmark = pytest.mark.usefixtures("each_engine")


@pytest.fixture
def fed(tmp_path):
    with running(tmp_path) as fed:
        fed.publish()
        yield fed


@pytest.fixture(scope="module")
def town(each_engine, tmp_path_factory):
    """One that goes on from test to test, and stays honest."""
    with running(tmp_path_factory.mktemp("town")) as made:
        made.publish()
        yield made


@pytest.fixture
def monitor(fed, tmp_path):
    with watching(fed, tmp_path) as made:
        yield made


@contextmanager
def watching(fed, tmp_path):
    with monitor_stores(storage_in(tmp_path / "watch"), fed.policy.federation) as stores:
        yield Monitor(stores, fed.policy, fed.transport, fed.edge, 3_600)


def looked(monitor):
    return {each.log: each for each in monitor.look()}


def states(monitor):
    return {each.state for each in monitor.look() if each.log.endswith("/reg")}


def forged(fed, origin, size):
    """Another tree of that size, signed by the log and by a quorum that went along."""
    host = origin.partition(".")[0]
    note = sign_checkpoint(Checkpoint(origin, size, bytes(32)), log_signer(origin))
    others = [witness(each) for each in TERRITORY if each != host]
    lines = [each.cosign(parse_note(note).text, fed.now) for each in others]
    return parse_note(note).with_lines(lines).encode()


def test_every_log_is_followed_and_each_signed_head_remembered(fed, monitor):
    assert states(monitor) == {LogState.GOOD}
    first = looked(monitor)["gd.example/reg"].size
    fed.agency("gz.gd.example")
    fed.publish()
    assert looked(monitor)["gd.example/reg"].size > first
    assert states(monitor) == {LogState.GOOD}
    assert monitor.store.heads("gd.example/reg") == 2
    assert monitor.store.alarms() == []


def test_a_second_history_with_a_quorum_is_an_alarm_that_keeps_both(fed, monitor, monkeypatch):
    origin = "gd.example/reg"
    size = looked(monitor)[origin].size
    note = forged(fed, origin, size)
    verified = fed.policy.log_policy(origin).verify(note)
    monkeypatch.setattr(
        monitor._mirror,
        "published",
        lambda asked: (
            verified
            if asked == origin
            else type(monitor._mirror).published(monitor._mirror, asked)
        ),
    )
    found = looked(monitor)[origin]
    assert (found.state, found.code) == (LogState.ALARM, "log_forked")
    assert len({alarm.note for alarm in monitor.store.alarms()}) == 2
    looked(monitor)
    assert len(monitor.store.alarms()) == 2


def test_a_tree_that_does_not_continue_the_one_before_is_an_alarm(fed, monitor, monkeypatch):
    origin = "gd.example/reg"
    size = looked(monitor)[origin].size
    verified = fed.policy.log_policy(origin).verify(forged(fed, origin, size - 1))
    published = monitor._mirror.published
    monkeypatch.setattr(
        monitor._mirror,
        "published",
        lambda asked: verified if asked == origin else published(asked),
    )
    found = looked(monitor)[origin]
    assert (found.state, found.code) == (LogState.ALARM, "log_forked")


@contextmanager
def showing(town, monitor, note, origin="gd.example/reg"):
    """A log shows this checkpoint; its files stay what they are."""
    published = monitor._mirror.published
    verified = town.policy.log_policy(origin).verify(note)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            monitor._mirror,
            "published",
            lambda asked: verified if asked == origin else published(asked),
        )
        yield


def grown(town, entries=1, origin="gd.example/reg"):
    size = town.logs[origin].size()
    while town.logs[origin].size() < size + entries:
        town.agency(f"n{town.logs[origin].size()}.gd.example")
        town.publish()


def test_a_head_whose_tiles_were_kept_back_is_held_against_what_comes_later(town, tmp_path):
    origin = "gd.example/reg"
    with watching(town, tmp_path) as monitor:
        note = forged(town, origin, looked(monitor)[origin].size + 2)
        with showing(town, monitor, note):
            assert looked(monitor)[origin].state is LogState.UNREADABLE
    grown(town, 3)
    with watching(town, tmp_path) as monitor:  # another process
        found = looked(monitor)[origin]
        assert (found.state, found.code) == (LogState.ALARM, "log_forked")
        assert note in {alarm.note for alarm in monitor.store.alarms()}
        grown(town)
        assert looked(monitor)[origin].state is LogState.GOOD
        assert len(monitor.store.alarms()) == 2


def test_a_monitor_that_is_killed_before_its_alarm_raises_it_at_its_next_look(
    town, tmp_path, monkeypatch
):
    origin = "gd.example/reg"
    with watching(town, tmp_path) as monitor:
        note = forged(town, origin, looked(monitor)[origin].size)
        killed = pytest.raises(KeyboardInterrupt)
        with showing(town, monitor, note), monkeypatch.context() as patch, killed:
            patch.setattr(MonitorStore, "keep", interrupted)
            looked(monitor)
    grown(town)
    with watching(town, tmp_path) as monitor:
        assert looked(monitor)[origin].state is LogState.ALARM
        assert note in {alarm.note for alarm in monitor.store.alarms()}


def interrupted(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "damage",
    [
        """UPDATE replica_entry SET leaf = zeroblob(32) WHERE log = ? AND "index" = 1""",
        """DELETE FROM replica_entry WHERE log = ? AND "index" = 1""",
        "DELETE FROM replica_subject WHERE log = ?",
    ],
)
@pytest.mark.sqlite_only
def test_own_damage_accuses_no_log_and_is_mended(town, tmp_path, damage):
    origin = "gd.example/reg"
    with watching(town, tmp_path) as monitor:
        looked(monitor)
    hurt(tmp_path, damage, origin)
    grown(town)
    with watching(town, tmp_path) as monitor:
        assert looked(monitor)[origin].state is LogState.GOOD
        assert monitor.store.alarms() == []


@pytest.mark.sqlite_only
def test_own_damage_that_cannot_be_mended_is_said_and_accuses_no_log(town, tmp_path):
    origin = "gd.example/reg"
    with watching(town, tmp_path) as monitor:
        looked(monitor)
    change = "UPDATE replica_entry SET leaf = zeroblob(32), data = CAST(data || X'20' AS BLOB)"
    hurt(tmp_path, f"""{change} WHERE log = ? AND "index" = 1""", origin)
    shutil.rmtree(tmp_path / "watch" / "mirror")
    with watching(town, tmp_path) as monitor:
        found = looked(monitor)[origin]
        assert (found.state, found.code) == (LogState.UNREADABLE, "mirror_damaged")
        assert monitor.store.alarms() == []


def hurt(tmp_path, damage, origin):
    with closing(sqlite3.connect(tmp_path / "watch" / "monitor.sqlite")) as connection:
        assert connection.execute(damage, (origin,)).rowcount > 0
        connection.commit()


def test_a_log_that_is_down_is_unreadable_and_no_alarm(fed, monitor):
    looked(monitor)
    fed.stop("gd")
    assert looked(monitor)["gd.example/reg"].state is LogState.UNREADABLE
    assert monitor.store.alarms() == []


def test_a_log_that_has_nothing_yet_is_empty_until_it_has_shown_something(fed, monitor):
    """The log of a year that has not begun; one that has shown entries hides none of them."""
    found = looked(monitor)
    empty = {log for log, each in found.items() if each.state is LogState.EMPTY}
    assert "gd.example/reg" not in empty
    assert any(log.startswith("gd.example/ev/") for log in empty)
    fed.registry("gd").region.replicas["gd.example/reg"].tree.blobs.delete(["checkpoint"])
    assert looked(monitor)["gd.example/reg"].state is LogState.UNREADABLE


def test_an_old_checkpoint_is_stale(fed, monitor):
    looked(monitor)
    fed.now += 3_601
    assert looked(monitor)["gd.example/reg"].state is LogState.STALE


def test_what_was_seen_is_known_after_a_restart(fed, tmp_path):
    with watching(fed, tmp_path) as monitor:
        looked(monitor)
        size = monitor.store.largest("gd.example/reg")
    with watching(fed, tmp_path) as again:
        assert again.store.largest("gd.example/reg") == size > 0


@pytest.mark.postgres_only
def test_what_was_seen_is_known_after_a_restart_where_a_server_keeps_it(town, tmp_path):
    url, sizes = server().url(server().create()), []
    for _ in range(2):
        storage = storage_of_monitor(tmp_path / "watch", url)
        with monitor_stores(storage, town.policy.federation) as stores:
            monitor = Monitor(stores, town.policy, town.transport, town.edge, 3_600)
            sizes.append(monitor.store.largest("gd.example/reg"))
            looked(monitor)
    assert sizes == [0, town.logs["gd.example/reg"].size()]
    assert not (tmp_path / "watch" / "monitor.sqlite").exists()


@pytest.mark.sqlite_only
def test_a_memory_in_the_folder_is_not_left_behind_for_an_empty_database(town, tmp_path):
    assert storage_of_monitor(tmp_path / "watch", "sqlite:").is_in_folder
    with watching(town, tmp_path):
        pass
    with refused("memory_in_folder", UsageError):
        storage_of_monitor(tmp_path / "watch", "postgresql:///watch")


@pytest.mark.sqlite_only
def test_a_database_with_a_password_is_refused_before_anything_is_made(town, tmp_path):
    policy = tmp_path / "policy.json"
    policy.write_bytes(jcs.encode(town.policy.members))
    words = ["monitor", "--policy", str(policy), "--dir", str(tmp_path / "new"), "--database"]
    with pytest.raises(UsageError) as caught:
        CliRunner().invoke(cli, [*words, "postgresql://u:tiger@h/x"], catch_exceptions=False,
                           standalone_mode=False)  # fmt: skip
    assert caught.value.code == "database_url_wrong"
    assert "tiger" not in str(caught.value)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(("drawn", "pause"), [(b"\x00\x00", 270), (b"\xff\xff", 330)])
def test_repetitions_are_a_tenth_more_or_less_apart(drawn, pause):
    assert Repetition(300, lambda size: drawn[:size]).pause() == pause


SLOW_SECONDS = 70


class Slow:
    """A transport on which one region answers each request as late as it can."""

    def __init__(self, inner, host):
        self._inner, self._host = inner, host
        self.spent, self._last = 0, inf

    @contextmanager
    def within(self, seconds):
        before, self._last = self._last, min(self._last, self.spent + seconds)
        yield
        self._last = before

    def get(self, url, **named):
        if url.startswith(f"https://{self._host}/"):
            self.spent += SLOW_SECONDS
            if self.spent > self._last:
                raise UnavailableError("peer_timeout", "late")
        return self._inner.get(url, **named)


def test_a_log_that_answers_late_keeps_no_other_log_waiting(fed, monitor):
    """What it has shown in time stays: each look goes on, for two minutes a log."""
    slow = Slow(fed.transport, "gd.example")
    monitor._transport = monitor._mirror._transport = slow
    found = looked(monitor)
    states = {log: each.state for log, each in found.items() if log.endswith("/reg")}
    assert states.pop("gd.example/reg") is LogState.UNREADABLE
    assert set(states.values()) == {LogState.GOOD}
    late = [log for log in found if log.startswith("gd.")]
    assert slow.spent <= len(late) * (MAX_FOLLOW_SECONDS + SLOW_SECONDS)
    slow.spent = 0
    with pytest.raises(UnavailableError):
        monitor._mirror.follow("gd.example/reg")
    assert slow.spent <= MAX_FOLLOW_SECONDS + SLOW_SECONDS
