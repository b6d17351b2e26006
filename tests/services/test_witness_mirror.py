"""Copying logs under trouble: what is missing, late, corrupt, or cut off in the middle."""

import threading

import pytest

from did_service.client.registry import LogReader
from did_service.core.did.webvh import write
from did_service.core.errors import ConflictError, LimitError, RuleError, UnavailableError
from did_service.core.limits import MAX_DID_LOG_BYTES
from did_service.core.log import tiles
from did_service.core.log.checkpoint import Checkpoint
from did_service.replica.fsck import examine
from did_service.witness import app, approvals
from did_service.witness import store as witness_store
from did_service.witness.store import RaisedAlarm
from tests.support.dids import hash_of
from tests.support.live import running
from tests.support.refusals import refused

REG, EV = "gd.example/reg", "gd.example/ev/2026"


@pytest.fixture(scope="module")
def fed(tmp_path_factory):
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
    monkeypatch.setattr("did_service.witness.mirror.MAX_CATCH_UP_ENTRIES", 1)
    mirror.catch_up(head(fed))
    for origin in (REG, EV):
        store = mirror.replicas[origin].store
        assert store.root(store.size()) == fed.logs[origin].root(store.size())


def test_a_tile_that_cannot_be_read_is_no_alarm(fed, mirror, monkeypatch):
    monkeypatch.setattr("did_service.witness.mirror.MAX_CATCH_UP_ENTRIES", 1)

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
        mirror._follow(EV, size + 1)


def test_a_log_that_never_published_cannot_be_read(fed, mirror):
    with refused("log_unreadable", UnavailableError):
        mirror.published("hn.example/ev/2026")


@pytest.mark.parametrize("step", ["stage", "append", "install", "discard"])
def test_killed_while_storing_a_piece(fed, mirror, step, monkeypatch):
    replica = mirror.replicas[REG]
    target = type(replica.store) if step == "append" else type(replica.tree)
    real = getattr(target, step)

    def end(self, *arguments, **named):
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
        assert not again[origin].tree.staged()
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
    store.hold(Checkpoint("a.example/reg", 5, b"a" * 32), b"note")
    with refused("head_moved", ConflictError):
        store.hold(Checkpoint("a.example/reg", 4, b"a" * 32), b"note")
    with refused("head_moved", ConflictError):
        store.hold(Checkpoint("a.example/reg", 5, b"b" * 32), b"note")
    store.hold(Checkpoint("a.example/reg", 6, b"c" * 32), b"note 6")
    assert store.held("a.example/reg").note == b"note 6"


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
    assert fed.witness("sc").gauges()["mirror_entries"] > 0
