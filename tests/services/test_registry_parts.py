"""Parts of a registry one by one: what it refuses to start with, and what its peers may do."""

import re
import threading
from dataclasses import replace

import pytest
from fastapi import Response

from did_service.client.registry import LogReader, parse_receipt
from did_service.client.routes import Routes, UnixRoute
from did_service.client.transport import Transport
from did_service.client.witness import WitnessClient
from did_service.core.anchor.snapshot import parse_snapshot
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.errors import (
    MalformedError,
    NotFoundError,
    ProofError,
    UnavailableError,
    UsageError,
)
from did_service.core.evidence.moment import EvidenceMoment
from did_service.core.evidence.sets import parse_evidence
from did_service.core.log import merkle, tiles
from did_service.core.log.checkpoint import Checkpoint, sign_checkpoint
from did_service.core.log.note import NoteSigner
from did_service.core.log.witnessing import CosignOutcome, WitnessAnswer
from did_service.node.region_app import resolver_sources
from did_service.registry import app, store
from did_service.registry.app import routers
from did_service.registry.publisher import HeadsEntry, LogPublisher
from did_service.registry.region import PublishIntervals
from did_service.registry.sequencer import QueuedEntry
from did_service.registry.witness_pool import WitnessPool
from did_service.replica.evidence_service import EvidenceService
from did_service.resolver import app as resolver_app
from did_service.resolver.resolver import Resolver
from did_service.signer.last_signed import LastSigned
from did_service.signer.log_key import KeyHolder
from did_service.web.app import create_app
from did_service.web.pools import Pools
from did_service.web.serve import Server, unix_socket
from tests.support.cosigners import WitnessPool as Operators
from tests.support.cosigners import cosigner, signed_by, signer
from tests.support.dids import hash_of
from tests.support.founding import log_signer
from tests.support.live import running
from tests.support.refusals import refused

REG, EV = "gd.example/reg", "gd.example/ev/2026"


@pytest.fixture(scope="module")
def fed(tmp_path_factory):
    with running(tmp_path_factory.mktemp("parts")) as federation:
        federation.publish("gd")
        yield federation


def submission(fed, location: str) -> QueuedEntry:
    actor, entry = fed._create(location, {"nextKeyHashes": [hash_of(f"{location} update 2")]})
    return QueuedEntry(fed.did_entry(actor, entry), {})


# --- starting ---------------------------------------------------------------------------------


def test_a_registry_of_no_region_does_not_start(fed):
    with refused("region_unknown", UsageError):
        fed.make_registry("xx", fed.folder / "xx")


def test_a_registry_without_a_log_key_does_not_start(fed, tmp_path, monkeypatch):
    monkeypatch.setattr("tests.support.live.origins_of", lambda *_arguments: [REG])
    with refused("log_key_missing", UsageError):
        fed.make_registry("gd", tmp_path)


def test_a_registry_with_the_key_of_another_log_does_not_start(fed, tmp_path, monkeypatch):
    monkeypatch.setattr("tests.support.live.log_signer", signer)
    with refused("log_key_wrong", UsageError):
        fed.make_registry("gd", tmp_path)
    assert not (tmp_path / "last-signed").exists()


def test_the_application_stands_alone_too(fed):
    paths = app.create_app(fed.registry("gd")).openapi()["paths"]
    assert "/{log}/entries" in paths


def test_the_resolver_stands_alone_too(fed):
    resolver = Resolver(resolver_sources(fed.registry("gd")))
    assert "/1.0/identifiers/{did}" in resolver_app.create_app(resolver).openapi()["paths"]


# --- the writer -------------------------------------------------------------------------------


def test_whatever_breaks_the_writer_is_heard_by_the_callers(fed, monkeypatch):
    sequencer = fed.registry("gd").sequencer

    def full(*_arguments):
        raise OSError("no space left on device")

    monkeypatch.setattr("did_service.registry.sequencer.transaction", full)
    with pytest.raises(OSError, match="no space"):
        sequencer.append(REG, [submission(fed, "full.gd.example")])
    monkeypatch.undo()
    assert sequencer.append(REG, [submission(fed, "room.gd.example")])


def test_who_hangs_up_stops_nobody_else(fed):
    sequencer = fed.registry("gd").sequencer
    with store.database.writing(fed.registry("gd").region.engine):  # the writer has to wait
        (left,) = sequencer.submit(REG, [submission(fed, "left.gd.example")])
        (stays,) = sequencer.submit(REG, [submission(fed, "stays.gd.example")])
        left.cancel()
    (stayed,) = stays.result(20)
    assert sequencer.append(REG, [submission(fed, "later.gd.example")])[0].index > stayed.index


def test_a_refused_entry_of_its_own_is_raised(fed):
    with refused("not_at_home"):
        fed.registry("gd").sequencer.append(REG, [submission(fed, "x.hn.example")])


def test_a_closed_writer_takes_nothing(fed, tmp_path):
    registry = fed.make_registry("gd", tmp_path)
    registry.close()
    with refused("log_busy", UnavailableError):
        registry.sequencer.submit(REG, [submission(fed, "closed.gd.example")])
    assert store.CheckpointStore(registry.region.engine).read(REG) is None


def test_an_ev_entry_is_witnessed_before_reg_names_its_tree(fed, monkeypatch):
    psb = fed.agency("slow.gd.example")
    fed.grant(fed.root("gd"), psb)
    fed.publish("gd")
    registry = fed.registry("gd")
    fed.batch(psb, [b"one"])
    monkeypatch.setattr(type(registry.rounds), "_append_heads", lambda *_arguments: None)
    registry.publish_now()
    entry = fed.logs[EV].newest("evidence", f"urn:didsvc:stream:issuance:{psb.id}").entry
    receipt = fed.client(EV).submit(entry.submission(), wait_seconds=1)
    assert (receipt.witnessed, receipt.item) == (True, None)


@pytest.mark.parametrize(
    "error", [ProofError("quorum_not_met", "as the test wants it"), OSError("a bad sector")]
)
def test_a_round_that_fails_in_the_background_is_tried_again(fed, tmp_path, monkeypatch, error):
    registry = fed.make_registry("sc", tmp_path)
    tried = threading.Event()

    def fail(*_arguments):
        tried.set()
        raise error

    monkeypatch.setattr(registry.rounds, "_round", fail)
    monkeypatch.setattr(registry.rounds, "_pace", PublishIntervals(least=0.01))
    registry.start()
    assert tried.wait(5)
    tried.clear()
    registry.rounds.wake()
    assert tried.wait(5)
    registry.close()


def test_a_repeated_error_is_told_once_with_its_log_until_it_is_over(
    fed, tmp_path, monkeypatch, caplog
):
    registry = fed.make_registry("sc", tmp_path)
    rounds = registry.rounds
    fates = iter(["a", "a", None, "b", "b", None])

    def publish(_policy):
        if (code := next(fates)) is not None:
            raise UnavailableError(code, "story")

    def round_(_heads):
        if not (fate := next(steps)):
            rounds.close()
        if fate == "clock":
            raise UnavailableError("clock_ahead", "story")
        rounds._publish(rounds._control, fed.policy)

    steps = iter(["go", "go", "clock", "clock", "go", "go", "go", ""])
    monkeypatch.setattr(rounds._control, "publish", publish)
    monkeypatch.setattr(rounds, "_round", round_)
    monkeypatch.setattr(rounds, "_pace", PublishIntervals(least=0.0, most=0.0))
    rounds._run()
    registry.close()
    told = [
        (each.getMessage(), each.about["code"], each.about["log"]) for each in caplog.records
    ]
    log = "sc.example/reg"
    assert told == [
        ("not published", "a", log),
        ("not published", "clock_ahead", None),
        ("published again", None, log),
        ("published again", None, None),
        ("not published", "b", log),
        ("published again", None, log),
    ]


def test_a_fault_in_the_background_says_where_it_was_and_nothing_else(
    fed, tmp_path, monkeypatch, caplog
):
    """What a fault quotes, or was handed, may be a citizen's."""
    registry = fed.make_registry("sc", tmp_path)

    def fail(*_arguments):
        registry.rounds.close()
        raise ValueError("Wang Wei")

    monkeypatch.setattr(registry.rounds, "_round", fail)
    registry.rounds.wake()
    registry.rounds._run()
    registry.close()
    (record,) = caplog.records
    assert re.fullmatch(
        r"not published: ValueError at test_registry_parts\.py:\d+", record.getMessage()
    )
    assert record.exc_info is None


# --- witnesses that misbehave -----------------------------------------------------------------


@pytest.fixture
def panel():
    made = WitnessPool(None, REG, holds=lambda head: head.size <= 4)
    yield made
    made.close()


OPERATORS = Operators(3, 2)
NOTE = sign_checkpoint(Checkpoint(REG, 4, b"r" * 32), signer())


def line(number: int, at: int = 1_795_248_000):
    text = NOTE.split(b"\n\n")[0] + b"\n"
    return cosigner(number).cosign(text, at)


def answers(monkeypatch, by_witness):
    """Let each witness answer as a function says, by its name in the policy."""

    def add_checkpoint(_client, request, witness):
        return by_witness[witness.name](request)

    monkeypatch.setattr(WitnessClient, "add_checkpoint", add_checkpoint)


def signs(number: int):
    return lambda _request: WitnessAnswer(CosignOutcome.COSIGNED, (line(number),))


def says(outcome: CosignOutcome, held: int | None = None):
    return lambda _request: WitnessAnswer(outcome, (), held)


def gather(panel):
    return panel.gather(NOTE, OPERATORS.policy, lambda old: [b"p" * 32] * old)


def test_two_of_three_are_enough(panel, monkeypatch):
    answers(
        monkeypatch, {"w0": signs(0), "w1": says(CosignOutcome.NOT_ONBOARDED), "w2": signs(2)}
    )
    assert set(signed_by(OPERATORS.policy, gather(panel).note)) == {"w0", "w2"}


def test_a_witness_that_holds_another_size_is_asked_once_more(panel, monkeypatch):
    asked = []

    def behind(request):
        asked.append((request.old_size, len(request.proof)))
        return (
            says(CosignOutcome.OTHER_SIZE, 3)(request) if len(asked) == 1 else signs(0)(request)
        )

    answers(
        monkeypatch, {"w0": behind, "w1": signs(1), "w2": says(CosignOutcome.OTHER_SIZE, 2)}
    )
    assert set(signed_by(OPERATORS.policy, gather(panel).note)) == {"w0", "w1"}
    assert asked == [(0, 0), (3, 3)]
    assert not panel.alarms


CLAIMS = {"w0": says(CosignOutcome.OTHER_SIZE, 9), "w1": says(CosignOutcome.FORK_ALARM)}


def shows(monkeypatch, note: bytes):
    """Let every witness show this as what it holds."""
    monkeypatch.setattr(WitnessClient, "held", lambda _client, _origin: note)


def test_a_witness_that_shows_another_history_of_our_key_is_an_alarm(panel, monkeypatch):
    answers(monkeypatch, {**CLAIMS, "w2": signs(2)})
    ahead = Checkpoint(REG, 9, b"a" * 32)
    shows(monkeypatch, sign_checkpoint(ahead, signer()))
    with refused("quorum_not_met", ProofError):
        gather(panel)
    assert panel.alarms == {"w0": ahead, "w1": ahead}
    assert (panel.shown(2), panel.shown(3)) == (ahead, None)
    answers(monkeypatch, {"w0": signs(0), "w1": signs(1), "w2": signs(2)})
    gather(panel)
    assert not panel.alarms


NO_PROOF = {
    "nonsense": b"nonsense",
    "our own history": sign_checkpoint(Checkpoint(REG, 3, b"r" * 32), signer()),
    "another key": sign_checkpoint(
        Checkpoint(REG, 9, b"a" * 32), NoteSigner(REG, SigningKey(b"k" * 32))
    ),
    "a broken signature": NOTE[:-8] + b"AAAAAA=\n",
}


@pytest.mark.parametrize("what", NO_PROOF)
def test_a_claim_without_a_proof_is_counted_and_no_alarm(panel, monkeypatch, what):
    answers(monkeypatch, {**CLAIMS, "w2": signs(2)})
    shows(monkeypatch, NO_PROOF[what])
    for _ in range(2):
        with refused("quorum_not_met", ProofError):
            gather(panel)
    assert not panel.alarms
    assert panel.shown(1) is None
    state = panel.states["w1"]
    assert (state.failures, state.failure, state.signed_at) == (2, "fork_claimed", None)
    assert panel.states["w2"].failures == 0


def test_a_failure_that_stays_is_told_once(panel, monkeypatch, caplog):
    answers(monkeypatch, {"w0": signs(0), "w1": signs(1), "w2": says(CosignOutcome.TRY_LATER)})
    for _ in range(3):
        gather(panel)
    assert [record.getMessage() for record in caplog.records] == [
        'witness "r2.example/witness": witness_busy'
    ]


def test_a_witness_that_hangs_holds_up_nobody(panel, monkeypatch):
    release, calls = threading.Event(), []

    def hang(request):
        calls.append(request)
        release.wait(20)
        return says(CosignOutcome.TRY_LATER)(request)

    answers(monkeypatch, {"w0": signs(0), "w1": signs(1), "w2": hang})
    monkeypatch.setattr("did_service.registry.witness_pool._GRACE_SECONDS", 0.01)
    for _ in range(3):
        assert "w2" not in signed_by(OPERATORS.policy, gather(panel).note)
    assert len(calls) == 1
    release.set()


# --- evidence ---------------------------------------------------------------------------------


def test_a_log_has_one_evidence_service_whoever_asks_it(fed, monkeypatch):
    """Each keeps heads trees of four checkpoints: all records and all tiles of a log."""

    def another(*_given):
        raise AssertionError("one more evidence service of a log")

    registry = fed.running["gd"].registry
    monkeypatch.setattr(EvidenceService, "__init__", another)
    assert routers(registry, Pools())
    assert set(registry.evidence) == set(registry.region.replicas)


# --- clients ----------------------------------------------------------------------------------


def test_a_reader_gets_heads_and_evidence(fed):
    fed.publish("gd")
    heads = fed.logs[REG].newest("heads", REG)
    root = fed.logs[REG].snapshot(heads.entry.body["size"]).root
    reader = LogReader.of_log(fed.transport, REG)
    assert parse_snapshot(reader.heads(root, 1_000_000)).root == root
    for data in (
        reader.evidence("did", fed.root("gd").id),
        reader.evidence("did", fed.root("gd").id, moment=EvidenceMoment.NEWEST),
    ):
        assert parse_evidence(data).items[0].entry.type == "did"
    with refused("subject_unknown"):
        reader.evidence("did", "QmNobody", moment=EvidenceMoment.NEWEST)


@pytest.mark.parametrize("moment", EvidenceMoment)
def test_a_reader_asks_for_an_entry_by_number_and_moment(fed, moment):
    root, reader = fed.root("gd"), LogReader.of_log(fed.transport, REG)
    (item, _) = parse_evidence(reader.evidence("did", root.id, number=1, moment=moment)).items
    assert item.entry.subject == root.id
    with refused("entry_unknown"):
        reader.evidence("did", root.id, number=2, moment=moment)


def test_what_is_younger_than_the_hour_is_in_the_newest_evidence_alone(fed):
    young = fed.agency("young.gd.example")
    fed.publish("gd")
    reader = LogReader.of_log(fed.transport, REG)
    assert parse_evidence(reader.evidence("did", young.id, moment=EvidenceMoment.NEWEST)).items
    with refused("subject_unknown"):
        reader.evidence("did", young.id)
    with refused("not_covered_yet"):
        reader.evidence("did", young.id, number=1)


def test_a_full_tile_serves_where_the_partial_one_was_deleted(tmp_path):
    """C2SP tlog-tiles lets a log delete it; case 39 is such a log of 256 entries."""
    entries = [b"entry %d" % n for n in range(256)]
    leaves = [merkle.leaf_hash(entry) for entry in entries]
    files = {
        "tile/1/000.p/1": merkle.tree_root(leaves),
        "tile/0/000": b"".join(leaves),
        "tile/entries/000": b"".join(len(e).to_bytes(2, "big") + e for e in entries),
    }
    static = create_app("static")

    @static.get("/log/{path:path}")
    def file(path: str) -> Response:
        return Response(files[path]) if path in files else Response(status_code=404)

    socket = tmp_path / "static.sock"
    places = {"static.example": UnixRoute(str(socket))}
    with Server(static, unix_socket(socket)), Transport(Routes(places)) as transport:
        reader = LogReader(transport, "https://static.example/log")
        for size in (1, 200, 255, 256):
            assert tiles.root(reader.tile, size) == merkle.tree_root(leaves[:size])
            assert reader.entries(3, size, size) == entries[3:size]
        del files["tile/entries/000"], files["tile/0/000"]
        for read in (lambda: reader.entries(0, 256, 256), lambda: tiles.root(reader.tile, 200)):
            with pytest.raises(NotFoundError):
                read()


def test_a_receipt_of_another_shape_is_refused():
    with refused("member_missing", MalformedError):
        parse_receipt({"log": REG})


def test_as_many_answers_as_rows(fed, monkeypatch):
    rows = [(submission(fed, "rows.gd.example").entry, None)]
    post = Transport.post

    def say_it_twice(*arguments, **named):
        answer = post(*arguments, **named)
        return replace(answer, body=answer.body * 2)

    monkeypatch.setattr(Transport, "post", say_it_twice)
    with refused("answer_invalid", MalformedError):
        fed.client(REG).submit_batch(rows)


class Meanwhile(LastSigned):
    """The guard of a key with which another thread signs just before this one does."""

    def __init__(self, path, other):
        super().__init__(path)
        self.other = other

    def advance(self, head, prove, key=""):
        other, self.other = self.other, lambda: None
        other()
        super().advance(head, prove, key)


def test_a_log_may_be_published_while_the_witnesses_are_asked_for_their_time(fed):
    """Whoever handed an entry in just then was told of a conflict that was none of theirs."""
    registry = fed.registry("gd")
    log, region = registry.logs[REG], registry.region

    def publish():
        registry.sequencer.append(REG, [HeadsEntry(REG, REG)])
        registry.publish_now()

    before = log.published_size()
    guard = Meanwhile(registry.guard._path, publish)
    keys = KeyHolder(log_signer(REG), guard)
    asking = LogPublisher(region, REG, registry.histories[REG], keys, log._cosigners)
    asking.ask_again(fed.policy.log_policy(REG))
    assert log.published_size() > before
