"""Copying logs under trouble: what is missing, late, corrupt, or cut off in the middle."""

import threading
from dataclasses import replace

import pytest

from did_service.client.registry import LogReader
from did_service.core.did.webvh import write
from did_service.core.errors import (
    ConflictError,
    LimitError,
    NotFoundError,
    RuleError,
    UnavailableError,
)
from did_service.core.limits import MAX_DID_LOG_BYTES
from did_service.core.log import tiles
from did_service.core.log.checkpoint import Checkpoint
from did_service.core.log.witnessing import HeldCheckpoint
from did_service.replica.fsck import examine
from did_service.witness import app, approvals
from did_service.witness import store as witness_store
from did_service.witness.store import RaisedAlarm, SettledBy, Settlement
from tests.support import health
from tests.support.dids import hash_of
from tests.support.live import running
from tests.support.refusals import refused

# What they share is changed on the way: one worker runs them all, in their order.
pytestmark = [pytest.mark.xdist_group("witness-mirror"), pytest.mark.usefixtures("each_engine")]

REG, EV = "gd.example/reg", "gd.example/ev/2026"


@pytest.fixture(scope="module")
def fed(each_engine, tmp_path_factory):
    with running(tmp_path_factory.mktemp("mirror")) as federation:
        psb = federation.agency("gz.gd.example")
        federation.grant(federation.root("gd"), psb)
        federation.psb = psb
        federation.publish("gd")
        yield federation


@pytest.fixture
def mirror(fed):
    """The mirror of zj, which has not seen what gd publishes now."""
    fed.stop("zj")
    fed.agency(f"n{fed.logs[REG].size()}.gd.example")
    fed.tick()
    fed.status_list(fed.psb, revoked=[1])
    fed.publish("gd")
    fed.start("zj")
    return fed.witness("zj").mirror


def head(fed, origin: str = REG) -> Checkpoint:
    size = fed.logs[origin].size()
    return Checkpoint(origin, size, fed.logs[origin].root(size))


def test_an_ev_log_brings_the_reg_it_rests_on(fed, mirror):
    mirror.catch_up(head(fed, EV))
    assert mirror.replicas[REG].store.size() == fed.logs[REG].size()
    assert mirror.replicas[EV].store.size() == fed.logs[EV].size()


def test_a_reg_log_brings_the_ev_log_that_its_heads_name(fed, mirror):
    mirror.catch_up(head(fed, REG))
    assert mirror.replicas[EV].store.size() == fed.logs[EV].size()


def test_many_small_pieces_are_proven_one_by_one(fed, mirror, monkeypatch):
    monkeypatch.setattr("did_service.replica.mirror.MAX_CATCH_UP_ENTRIES", 1)
    mirror.catch_up(head(fed))
    for origin in (REG, EV):
        store = mirror.replicas[origin].store
        assert store.root(store.size()) == fed.logs[origin].root(store.size())


def test_a_tile_that_cannot_be_read_is_no_alarm(fed, mirror, monkeypatch):
    monkeypatch.setattr("did_service.replica.mirror.MAX_CATCH_UP_ENTRIES", 1)

    def gone(*_arguments):
        raise UnavailableError("peer_timeout", "as the test wants it")

    monkeypatch.setattr("did_service.client.registry.LogReader.tile", gone)
    with refused("log_unreadable", UnavailableError):
        mirror.catch_up(head(fed))


def test_content_that_is_not_behind_its_digest_is_not_stored(fed, mirror, monkeypatch):
    before = mirror.replicas[EV].store.size()
    content = LogReader.content
    monkeypatch.setattr(LogReader, "content", lambda *given: content(*given) + b" and more")
    with refused("content_missing", UnavailableError):
        mirror.catch_up(head(fed, EV))
    assert mirror.replicas[EV].store.size() == before


def test_content_that_cannot_be_read_is_asked_for_later(fed, mirror, monkeypatch):
    def gone(*_arguments):
        raise UnavailableError("peer_timeout", "as the test wants it")

    monkeypatch.setattr("did_service.client.registry.LogReader.content", gone)
    with refused("log_unreadable", UnavailableError):
        mirror.catch_up(head(fed, EV))


def test_what_was_not_published_cannot_be_followed(fed, mirror):
    size = fed.logs[EV].size()
    with refused("log_behind", UnavailableError):
        mirror._copy_to(EV, size + 1)


def test_a_new_log_that_has_published_nothing_yet_is_no_fault(fed, caplog):
    """Each log of a year without entries was warned about as `log_unreadable`."""
    witness = fed.witness("zj")
    new = [o for o, copy in witness.mirror.replicas.items() if not copy.store.size()]
    assert "hn.example/ev/2026" in new
    witness.refresh_now()
    assert not [line for line in caplog.messages if "log_unreadable" in line]
    assert set(new) <= witness.refreshed.keys()


def test_a_log_that_shows_nothing_any_more_is_told(fed, mirror, monkeypatch, caplog):
    """It has shown something before: that it has nothing is no answer of a new log."""
    witness, read = fed.witness("zj"), LogReader.checkpoint
    witness.refresh_now()

    def hidden(reader):
        if "gd.example" in reader._base:
            raise NotFoundError("checkpoint_missing", "as the test wants it")
        return read(reader)

    monkeypatch.setattr(LogReader, "checkpoint", hidden)
    witness.refresh_now()
    told = [line for line in caplog.messages if "log_unreadable" in line]
    assert {line.split('"')[1] for line in told} == {REG, EV}


def test_a_new_log_that_does_not_answer_is_told(fed, caplog):
    witness = fed.witness("zj")
    fed.stop("hn")
    witness.refresh_now()
    fed.start("hn")
    told = [line for line in caplog.messages if "log_unreadable" in line]
    assert any("hn.example/ev/2026" in line for line in told)


def test_a_log_that_never_published_cannot_be_read(fed, mirror):
    with refused("log_unreadable", UnavailableError):
        mirror.published("hn.example/ev/2026")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", ["append", "add", "drop_narrower"])
def test_killed_while_storing_a_piece(fed, mirror, step, when, monkeypatch):
    replica = mirror.replicas[REG]
    target = type(replica.store) if step == "append" else type(replica.tree)
    real = getattr(target, step)

    def end(self, *arguments, **named):
        if when == "after":
            real(self, *arguments, **named)
        raise KeyboardInterrupt

    monkeypatch.setattr(target, step, end)
    with pytest.raises(KeyboardInterrupt):
        mirror.catch_up(head(fed))
    monkeypatch.undo()
    fed.stop("zj")
    fed.start("zj")
    fed.witness("zj").refresh_now()
    again = fed.witness("zj").mirror.replicas
    for origin in (REG, EV):
        assert again[origin].store.size() == fed.logs[origin].size()
        assert again[origin].tree.checkpoint() == fed.reader(origin).checkpoint()
        assert not examine(again[origin])


def test_two_threads_copy_one_log_without_getting_in_each_other_s_way(fed, mirror):
    threads = [threading.Thread(target=mirror.catch_up, args=(head(fed),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tiles.root(mirror.replicas[REG].store.hashes, head(fed).size) == head(fed).root


def test_in_the_background_mirrors_follow_what_is_published(fed, mirror, monkeypatch):
    witness, faults = fed.witness("zj"), ["one"]
    refresh = witness.refresh_now

    def faulty():
        if faults:
            raise ValueError(faults.pop())  # no reason to stop
        refresh()

    monkeypatch.setattr(witness, "refresh_now", faulty)
    witness._refresh_seconds = 0.01
    witness.start()
    served = mirror.replicas[REG].tree
    for _ in range(500):
        if served.checkpoint() == fed.reader(REG).checkpoint():
            break
        threading.Event().wait(0.02)
    assert served.checkpoint() == fed.reader(REG).checkpoint()


# --- what a witness holds ---------------------------------------------------------------------


def test_a_head_never_falls_and_never_changes(fed):
    store = fed.witness("sc").store
    five = HeldCheckpoint(5, b"a" * 32)
    store.hold(Checkpoint("a.example/reg", 5, b"a" * 32), b"note", None)
    for size, after in [(4, None), (5, None), (9, None), (9, HeldCheckpoint(5, b"b" * 32))]:
        with refused("head_moved", ConflictError):
            store.hold(Checkpoint("a.example/reg", size, b"b" * 32), b"note", after)
    store.hold(Checkpoint("a.example/reg", 6, b"c" * 32), b"note 6", five)
    with refused("head_moved", ConflictError):  # proven to extend what is held no more
        store.hold(Checkpoint("a.example/reg", 7, b"d" * 32), b"note 7", five)
    assert store.held("a.example/reg").note == b"note 6"


def test_an_alarm_is_settled_once_and_kept_for_ever(fed, monkeypatch):
    store = fed.witness("sc").store
    monkeypatch.setattr(witness_store, "MAX_ALARMS", 1)
    store.remember_alarm(RaisedAlarm("s.example/reg", 1, "x", b"offered", b"held"))
    kept = store.kept_alarms()[-1]
    assert (kept.alarm.offered, kept.settled) == (b"offered", None)
    said = Settlement(7, SettledBy.STATEMENT, "the machine was restored wrongly", "officer 3")
    for at in (7, 8):  # the same words again change nothing
        assert store.settle(kept.number, replace(said, at=at)).settled == said
    for other in (replace(said, what="else"), replace(said, kind=SettledBy.POLICY)):
        with refused("alarm_settled", ConflictError):
            store.settle(kept.number, other)
    assert store.alarm(kept.number).settled == said
    assert store.alarms()[-1] == kept.alarm
    assert health.number(fed.witness("sc"), "witness_alarms") == len(store.alarms()) - 1
    store.remember_alarm(RaisedAlarm("s.example/reg", 9, "x", b"another", b""))
    assert store.alarms()[-1].offered == b"another"  # what is settled takes no place
    with refused("alarm_unknown", NotFoundError):
        store.settle(10_000, said)


def test_of_too_many_alarms_the_first_are_kept(fed, monkeypatch):
    store = fed.witness("sc").store
    monkeypatch.setattr(witness_store, "MAX_ALARMS", 1)
    before = len(store.alarms())
    kinds = [("a.example/reg", "x"), ("a.example/reg", "log_forked"), ("b.example/reg", "x")]
    for number in range(3):
        for log, code in kinds:  # neither another log nor another kind is crowded out
            store.remember_alarm(RaisedAlarm(log, number, code, b"%d" % number, b""))
    kept = store.alarms()[before:]
    assert [(alarm.log, alarm.code, alarm.offered) for alarm in kept] == [
        (log, code, b"0") for log, code in kinds
    ]


def test_a_did_log_beyond_the_limit_is_not_read(fed):
    with refused("too_large", LimitError):
        fed.witness("sc").approvals.approve(b"x" * (MAX_DID_LOG_BYTES + 1))


def test_a_stranger_with_witnesses_is_no_authority(fed):
    rule = fed.root("hn").state.witness_rule.encode()
    parameters = {"nextKeyHashes": [hash_of("next")], "witness": rule}
    _, entry = fed._create("stranger.hn.example", parameters)
    with refused("not_an_authority", RuleError):
        fed.ask("zj").did_proof(write.encode_log([entry]))


def test_of_a_strangers_log_one_entry_is_verified(fed, monkeypatch):
    """Else anybody could keep a witness busy with five megabytes of versions."""
    rule = fed.root("hn").state.witness_rule.encode()
    parameters = {"nextKeyHashes": [hash_of("next")], "witness": rule}
    _, entry = fed._create("long.hn.example", parameters)
    verified, real = [], approvals.accept
    monkeypatch.setattr(
        approvals, "accept", lambda *a, **k: verified.append(1) or real(*a, **k)
    )
    with refused("not_an_authority", RuleError):
        fed.witness("zj").approvals.approve(write.encode_log([entry] * 50))
    assert len(verified) == 1


def test_the_application_stands_alone_too(fed):
    paths = app.create_app(fed.witness("sc")).openapi()["paths"]
    assert {"/health", "/witness/add-checkpoint", "/witness/alarms"} <= paths.keys()
    assert health.number(fed.witness("sc"), "mirror_entries") > 0
