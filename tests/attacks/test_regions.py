"""Attacks on what keeps a region's log true: its history, its clock, its witnesses."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import pytest

from did_service.client.registry import LogReader
from did_service.core.errors import ProofError, UnavailableError
from did_service.core.log.checkpoint import Checkpoint, checkpoint_in, sign_checkpoint
from did_service.core.log.merkle import CompactRange, leaf_hash
from did_service.core.log.note import parse_note
from did_service.core.log.tiles import consistency_proof
from did_service.core.log.witnessing import UnverifiedAddCheckpoint, WitnessStatus
from did_service.registry.publisher import HeadsEntry
from did_service.registry.pull import pull
from did_service.registry.sequencer import Sequencer
from did_service.replica.mirror import Mirror
from did_service.replica.mirrors import folder_of
from did_service.witness import look_back
from did_service.witness.cosign_service import CosignService
from tests.support import health
from tests.support.cosigners import signed_by
from tests.support.founding import TERRITORY, log_signer, witness
from tests.support.live import running
from tests.support.refusals import refused

REG, EV = "gd.example/reg", "gd.example/ev/2026"
OTHERS = [region for region in TERRITORY if region != "gd"]


@pytest.fixture(autouse=True)
def everybody_is_waited_for(monkeypatch):
    """Witnesses beyond the quorum as well, however busy the machine is."""
    monkeypatch.setattr("did_service.registry.witness_pool._GRACE_SECONDS", 30)


@pytest.fixture(scope="module")
def fed(tmp_path_factory):
    with running(tmp_path_factory.mktemp("regions")) as federation:
        federation.publish()
        yield federation


@pytest.fixture(autouse=True)
def nobody_is_accused(fed):
    """Whatever happens here, every log is honest."""
    yield
    fed.ahead.clear()
    assert all(not fed.witness(region).store.alarms() for region in fed.running)
    assert not any(health.number(fed.registry(r), "fork_alarms") for r in fed.running)


def witnesses_of(fed, origin: str) -> set[str]:
    return set(signed_by(fed.policy.log_policy(origin), fed.reader(origin).checkpoint()))


def write(fed, region: str = "gd") -> int:
    """Hand in an entry, and return its index."""
    size = fed.logs[f"{region}.example/reg"].size()
    actor = fed.agency(f"n{size}.{region}.example")
    return fed.logs[f"{region}.example/reg"].newest("did", actor.id).index


# --- the history ------------------------------------------------------------------------------


def test_restored_log_gives_no_index_away_again(fed, tmp_path):
    fed.publish("gd")
    fed.stop("gd")
    kept = shutil.copytree(fed.folder / "gd", tmp_path / "gd")
    fed.start("gd")
    given = {write(fed) for _ in range(3)}
    fed.publish("gd")
    fed.stop("gd")
    for path in (fed.folder / "gd").glob("registry.sqlite*"):
        path.unlink()
    for path in kept.glob("registry.sqlite*"):
        shutil.copy(path, fed.folder / "gd")
    fed.start("gd")
    with refused("log_behind_its_signature", UnavailableError):
        write(fed)
    pull(fed.registry("gd"))
    assert write(fed) > max(given)
    fed.publish("gd")


# --- the clock --------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [86_400, 3_650 * 86_400, -86_400, 61])
@pytest.mark.parametrize("when", ["while it runs", "at its start"])
def test_wrong_clock_closes_no_log(fed, seconds, when):
    """Eight seconds of tomorrow were sequenced, and nobody could take an entry until then."""
    write(fed)
    fed.publish("gd")
    last, registry = fed.logs[REG].last_at(), fed.registry("gd")
    if when == "at its start":
        fed.stop("gd")
    fed.ahead["gd"] = seconds
    if when == "at its start":
        registry = fed.start("gd").registry
    size = fed.logs[REG].size()
    with refused("clock_wrong", UnavailableError):
        write(fed)
    with refused("clock_wrong", UnavailableError):
        registry.sequencer.append(REG, [HeadsEntry(REG, REG)])
    assert "clock_wrong" in health.words(registry)
    fed.tick(180)
    with suppress(UnavailableError):  # heads are due, where it does not think them new
        registry.publish_now()
    verified = fed.policy.log_policy(REG).verify(fed.reader(REG).checkpoint())
    assert verified.fresh_at == fed.now  # what it had said before stays fresh meanwhile
    assert fed.logs[REG].size() == size
    fed.ahead.clear()
    assert set(health.words(registry)) <= {"publication_late"}  # after a day that was none
    write(fed)
    fed.publish("gd")
    assert last <= fed.logs[REG].last_at() <= fed.now + 60
    assert witnesses_of(fed, REG) == set(OTHERS)


def test_clock_that_jumps_once_it_was_looked_at(fed):
    """A batch waits for the database; what it is given is the second that was judged."""
    registry = fed.registry("gd")

    class Door:
        def check_time(self):
            second = registry.check_time()
            fed.ahead["gd"] = 400 * 86_400
            return second

        def check_history(self, rows):
            registry.check_history(rows)

    fed.tick(60)
    with closing(Sequencer(registry.region, lambda: None, Door())) as sequencer:
        (placed,) = sequencer.append(REG, [HeadsEntry(REG, REG)])
    assert placed.entry.at == fed.now
    fed.ahead.clear()
    write(fed)


def test_start_in_a_cut_off_machine_room_waits_for_the_witnesses(fed):
    fed.publish("gd")
    fed.stop("gd")
    fed.start("gd")
    for region in OTHERS:
        fed.stop(region)
    with refused("clock_unconfirmed", UnavailableError):
        write(fed)
    for region in OTHERS[:1]:
        fed.start(region)
    fed.tick(10)
    with refused("clock_unconfirmed", UnavailableError):  # one witness may lie
        write(fed)
    for region in OTHERS[1:]:
        fed.start(region)
    fed.tick(10)
    write(fed)
    fed.publish("gd")


def test_clock_that_was_right_is_believed_while_the_network_is_away(fed):
    write(fed)
    fed.publish("gd")
    for region in OTHERS:
        fed.stop(region)
    fed.tick(3_600)
    write(fed)
    fed.ahead["gd"] = 120
    with refused("clock_wrong", UnavailableError):
        write(fed)
    fed.ahead.clear()
    write(fed)
    for region in OTHERS:
        fed.start(region)
    fed.publish("gd")


@pytest.mark.parametrize("liar", OTHERS[:2])
def test_witness_with_a_wrong_clock_accuses_and_stops_nobody(fed, liar):
    fed.publish("gd")
    fed.ahead[liar] = -600
    write(fed)
    fed.publish("gd")
    assert witnesses_of(fed, REG) == set(OTHERS) - {liar}
    assert fed.witness(liar).cosigning.refused_ahead[REG] >= 1
    write(fed)
    fed.ahead.clear()
    fed.publish("gd")
    assert witnesses_of(fed, REG) == set(OTHERS)


# --- catching up ------------------------------------------------------------------------------


class Forger:
    """Signs whatever it likes with gd's own key, on top of what it has published."""

    def __init__(self, fed, region: str) -> None:
        held = fed.witness(region).store.held(REG)
        self.size = held.head.size
        self.leaves = fed.logs[REG].leaves(0, self.size)

    def body(self, number: int) -> bytes:
        leaves = [*self.leaves, *(leaf_hash(b"%d" % at) for at in range(number + 1))]
        edge = CompactRange()
        edge.extend(leaves)
        note = sign_checkpoint(Checkpoint(REG, edge.size, edge.root()), log_signer(REG))
        proof = consistency_proof(
            lambda tile: b"".join(leaves[: tile.width]), self.size, edge.size
        )
        return UnverifiedAddCheckpoint(self.size, tuple(proof), parse_note(note)).encode()


@pytest.fixture
def hanging(monkeypatch):
    """gd takes connections and never answers, until the test lets it."""
    release, real = threading.Event(), Mirror.read

    class Hung(LogReader):
        def _get(self, path, max_bytes):
            release.wait(60)
            raise UnavailableError("peer_timeout", "as the test wants it")

    def read(self, origin):
        reader = real(self, origin)
        return Hung(reader._transport, reader._base) if origin.startswith("gd.") else reader

    monkeypatch.setattr(Mirror, "read", read)
    yield release
    release.set()


def answer_of(cosigning: CosignService, body: bytes) -> str:
    try:
        return cosigning.add_checkpoint(body).status.name
    except UnavailableError as error:
        return error.code


def test_burst_of_heads_of_a_log_that_hangs_stops_no_other_log(fed, hanging):
    """One region's key and a server that hangs: nobody else was cosigned for minutes."""
    cosigning, forger = fed.witness("hn").cosigning, Forger(fed, "hn")
    with ThreadPoolExecutor(80) as pool:
        burst = [pool.submit(answer_of, cosigning, forger.body(n)) for n in range(80)]
        try:
            for region in ("zj", "sc", "cn"):
                write(fed, region)
                fed.publish(region)
                assert "hn" in witnesses_of(fed, f"{region}.example/reg")
            first_come = [each for each in burst if each.done()]
            assert len(first_come) >= 80 - 4  # a handful waits for this log, and no more
        finally:
            hanging.set()
        assert {each.result() for each in burst} <= {"catching_up", "log_unreadable"}


def test_old_checkpoint_posted_again_to_a_fresh_witness_costs_no_thread(fed, hanging):
    """Anybody can post what a log has published; it hangs, and the witness has just begun."""
    write(fed)
    note = parse_note(fed.reader(REG).checkpoint())
    fed.stop("hn")
    fed.start("hn")
    cosigning = fed.witness("hn").cosigning
    head, asked = checkpoint_in(note.encode()), []
    look = look_back.LookBack.once
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            look_back.LookBack,
            "once",
            lambda self, origin: asked.append(origin) or look(self, origin),
        )
        old = UnverifiedAddCheckpoint(max(head.size - 1, 0), (), note).encode()
        replies = [cosigning.add_checkpoint(old).status for _ in range(50)]
    assert set(replies) == {WitnessStatus.SIZE_CONFLICT}
    assert asked == []


def test_log_that_did_not_answer_is_left_alone_for_a_while(monkeypatch):
    now, calls = [100.0], []

    def look(origin, _seconds):
        calls.append(origin)
        now[0] += slow[0]
        if slow[0] >= 0:
            raise UnavailableError("log_unreadable", "as the test wants it")

    slow = [look_back.LOOK_SECONDS]
    monkeypatch.setattr(look_back, "monotonic", lambda: now[0])
    back = look_back.LookBack(look)
    for _ in range(5):
        with refused("log_unreadable", UnavailableError):
            back.once(REG)
    assert calls == [REG]
    with refused("log_unreadable", UnavailableError):
        back.once("hn.example/reg")
    assert calls == [REG, "hn.example/reg"]
    now[0] += look_back.LOOK_AGAIN_SECONDS + 1
    slow[0] = 0.0
    for _ in range(2):  # what refuses at once costs nothing
        with refused("log_unreadable", UnavailableError):
            back.once(REG)
    slow[0] = -1.0
    for _ in range(3):
        back.once(REG)
    assert calls.count(REG) == 4


# --- two processes, and damage of our own -----------------------------------------------------


def test_two_witness_processes_sign_one_history(fed):
    """Both prove that their head extends what is held; only one of the heads is stored."""
    store = fed.witness("sc").store
    head = store.held(REG).head
    one, other = (Checkpoint(REG, head.size + 1, mark * 32) for mark in (b"a", b"b"))
    store.hold(one, b"one", head)
    with refused("head_moved"):
        store.hold(other, b"other", head)
    larger = Checkpoint(REG, head.size + 9, b"c" * 32)
    with refused("head_moved"):
        store.hold(larger, b"larger", head)
    back = sign_checkpoint(Checkpoint(REG, head.size, head.root), log_signer(REG))
    with store._engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE witness_held SET size = ?, root = ?, note = ? WHERE log = ?",
            (head.size, head.root, back, REG),
        )


def flip(path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def flip_row(fed, region: str) -> None:
    """Change the last leaf of gd's log in another region's copy."""
    mirror = fed.witness(region).mirror.replicas[REG].store
    index = mirror.size() - 1
    with mirror._engine.begin() as connection:
        connection.exec_driver_sql(
            'UPDATE replica_entry SET leaf = ? WHERE log = ? AND "index" = ?',
            (bytes(32), REG, index),
        )


def copies(fed, region: str):
    return fed.folder / region / "mirror" / folder_of(REG)


DAMAGE = {
    "a row": flip_row,
    "tiles": lambda fed, region: [
        flip(p) for p in copies(fed, region).glob("tile/0/**/*") if p.is_file()
    ],
    "bundles": lambda fed, region: [
        flip(p) for p in copies(fed, region).glob("tile/entries/**/*") if p.is_file()
    ],
    "the checkpoint": lambda fed, region: flip(copies(fed, region) / "checkpoint"),
    "the folder": lambda fed, region: shutil.rmtree(copies(fed, region)),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_own_damage_accuses_nobody_and_heals(fed, what):
    write(fed)
    fed.publish("gd")
    fed.witness("hn").refresh_now()
    DAMAGE[what](fed, "hn")
    write(fed)
    fed.publish("gd")  # the other three are enough
    for _ in range(2):
        fed.witness("hn").refresh_now()
        write(fed)
        fed.publish("gd")
    assert witnesses_of(fed, REG) == set(OTHERS)
    fed.witness("hn").refresh_now()
    assert health.words(fed.witness("hn")) == []


def test_damage_that_cannot_be_mended_is_said(fed):
    write(fed)
    fed.publish("gd")
    fed.witness("hn").refresh_now()
    flip_row(fed, "hn")
    for path in copies(fed, "hn").glob("tile/entries/**/*"):
        if path.is_file():
            flip(path)
    mirror = fed.witness("hn").mirror.replicas[REG].store
    index = mirror.size() - 1
    (data,) = mirror.entries(index, index + 1)
    change = 'UPDATE replica_entry SET data = ? WHERE log = ? AND "index" = ?'
    with mirror._engine.begin() as connection:
        connection.exec_driver_sql(change, (data + b" ", REG, index))
    write(fed)
    fed.publish("gd")
    assert "hn" not in witnesses_of(fed, REG)
    fed.witness("hn").refresh_now()
    assert "mirror_damaged" in health.words(fed.witness("hn"))
    fed.stop("hn")
    for path in (fed.folder / "hn").glob("witness.sqlite*"):
        path.unlink()
    shutil.rmtree(fed.folder / "hn" / "mirror")
    fed.start("hn")
    write(fed)
    fed.publish("gd")
    assert witnesses_of(fed, REG) == set(OTHERS)


# --- lies -------------------------------------------------------------------------------------


def test_lying_witness_raises_no_fork_alarm(fed, monkeypatch):
    """It claims another history at every request; what it can show is ours."""
    monkeypatch.setattr(
        CosignService,
        "add_checkpoint",
        lie(CosignService.add_checkpoint, fed.witness("hn").cosigning),
    )
    write(fed)
    fed.publish("gd")
    assert witnesses_of(fed, REG) == set(OTHERS) - {"hn"}
    assert fed.registry("gd")._cosigners[REG].states["hn"].failure == "fork_claimed"


def lie(real, liar):
    def add_checkpoint(self, body):
        if self is liar:
            raise ProofError("consistency_invalid", "it is another history, it says")
        return real(self, body)

    return add_checkpoint


def test_what_a_witness_holds_is_shown_to_everybody(fed):
    fed.publish("gd")
    region = min(witnesses_of(fed, REG))  # one that was quick enough for the quorum
    note = fed.ask(region).held(REG)
    assert checkpoint_in(note) == checkpoint_in(fed.reader(REG).checkpoint())
    assert parse_note(note).lines_of(log_signer(REG).verifier_key)
    assert witness(region).name.startswith(f"{region}.")
    with refused("nothing_held"):
        fed.ask(region).held("elsewhere.example/reg")
