"""A witness over real HTTP: every status of add-checkpoint, alarms, approvals, mirrors."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from did_service.client.registry import LogReader
from did_service.core.anchor.entry import LoggedEntry, compose
from did_service.core.did.webvh import write
from did_service.core.encoding import b64, timestamps
from did_service.core.evidence.moment import EvidenceMoment
from did_service.core.limits import MAX_NOTE_BYTES
from did_service.core.log import tiles
from did_service.core.log.checkpoint import (
    Checkpoint,
    checkpoint_in,
    sign_checkpoint,
)
from did_service.core.log.cosignature import Cosigner, cosigned_at
from did_service.core.log.note import NoteSigner, parse_note, parse_signature_lines
from did_service.core.log.witnessing import SIZE_CONTENT_TYPE, UnverifiedAddCheckpoint
from did_service.replica.fsck import examine
from did_service.replica.mirror import Mirror
from did_service.replica.mirrors import folder_of
from did_service.witness import catch_up
from tests.support import health
from tests.support.cosigners import signed_by
from tests.support.dids import hash_of, key
from tests.support.founding import log_signer, witness
from tests.support.live import running
from tests.support.refusals import refused

pytestmark = pytest.mark.usefixtures("each_engine")

REG, EV = "gd.example/reg", "gd.example/ev/2026"


@pytest.fixture(scope="module")
def fed(each_engine, tmp_path_factory):
    with running(tmp_path_factory.mktemp("witness")) as federation:
        federation.publish("gd")
        yield federation


@pytest.fixture
def log(fed):
    """The publisher of gd's reg, with something new in it."""
    fed.agency(f"n{fed.logs[REG].size()}.gd.example")
    return fed.registry("gd").logs[REG]


def ask(fed, region: str, body: bytes):
    return fed.transport.request(
        "POST", f"https://{region}.example/witness/add-checkpoint", body=body
    )


def head(fed, size: int | None = None, origin: str = REG) -> Checkpoint:
    store = fed.logs[origin]
    size = store.size() if size is None else size
    return Checkpoint(origin, size, store.root(size))


def request(fed, checkpoint: Checkpoint, old: int, signer: NoteSigner | None = None) -> bytes:
    """A request as the log would make it."""
    note = parse_note(sign_checkpoint(checkpoint, signer or log_signer(checkpoint.origin)))
    proof = tiles.consistency_proof(fed.logs[checkpoint.origin].hashes, old, checkpoint.size)
    return UnverifiedAddCheckpoint(old, tuple(proof), note).encode()


def held(fed, region: str = "zj", origin: str = REG) -> int:
    return fed.witness(region).store.held(origin).head.size


def alarms(fed, region: str = "zj") -> list[dict]:
    return fed.ask(region).alarms()["alarms"]


def code_of(answer) -> str:
    return json.loads(answer.body)["code"]


# --- add-checkpoint ---------------------------------------------------------------------------


def test_a_good_checkpoint_is_copied_judged_and_cosigned(fed, log):
    log._grow()
    now = head(fed)
    answer = ask(fed, "zj", request(fed, now, held(fed)))
    assert answer.status == 200
    (line,) = parse_signature_lines(answer.body)
    note = parse_note(sign_checkpoint(now, log_signer(REG))).with_lines([line])
    assert cosigned_at(note, witness("zj").verifier_key) == fed.now
    copy = fed.witness("zj").mirror.replicas[REG].store
    assert (copy.size(), copy.root(now.size)) == (now.size, now.root)


def test_the_same_checkpoint_again_refreshes_the_time(fed, log):
    log._grow()
    body = request(fed, head(fed), held(fed))
    assert ask(fed, "zj", body).status == 200
    fed.tick(7)
    answer = ask(fed, "zj", request(fed, head(fed), held(fed)))
    note = parse_note(sign_checkpoint(head(fed), log_signer(REG)))
    again = note.with_lines(parse_signature_lines(answer.body))
    assert cosigned_at(again, witness("zj").verifier_key) == fed.now


def test_another_old_size_is_answered_with_the_size_held(fed, log):
    log._grow()
    answer = ask(fed, "zj", request(fed, head(fed), 0))
    assert (answer.status, answer.headers["content-type"]) == (409, SIZE_CONTENT_TYPE)
    assert answer.body == b"%d\n" % held(fed)


def thief() -> NoteSigner:
    return NoteSigner(REG, key("thief"))


def foreign(fed) -> bytes:
    origin = "elsewhere.example/reg"
    note = sign_checkpoint(Checkpoint(origin, 1, b"r" * 32), NoteSigner(origin, key("other")))
    return UnverifiedAddCheckpoint(0, (), parse_note(note)).encode()


def too_old(fed) -> bytes:
    note = parse_note(sign_checkpoint(head(fed), log_signer(REG)))
    return UnverifiedAddCheckpoint(head(fed).size + 1, (), note).encode()


REFUSALS = {
    "request_invalid": (400, lambda fed: b"nonsense"),
    "decimal_invalid": (400, lambda fed: b"old 01\n\n"),
    "note_invalid": (400, lambda fed: b"old 0\n\nnote\n"),
    "request_too_large": (413, lambda fed: b"old 0\n" + b"A" * MAX_NOTE_BYTES),
    "too_many_hashes": (413, lambda fed: b"old 0\n" + b"AA==\n" * 64 + b"\nx\n"),
    "origin_unknown": (404, foreign),
    "not_signed_by_log": (403, lambda fed: request(fed, head(fed), 1, thief())),
    "old_size_too_large": (400, too_old),
}


@pytest.mark.parametrize("code", REFUSALS)
def test_refusals_have_the_status_of_the_standard_and_a_stable_code(fed, code):
    status, body = REFUSALS[code]
    answer = ask(fed, "zj", body(fed))
    assert (answer.status, code_of(answer)) == (status, code)


def test_a_witness_does_not_cosign_its_own_region(fed):
    answer = ask(fed, "gd", request(fed, head(fed), 0))
    assert (answer.status, code_of(answer)) == (404, "origin_unknown")


def test_another_root_of_the_size_held_is_422_and_an_alarm(fed, log):
    fed.publish("gd")
    forged = Checkpoint(REG, held(fed), b"f" * 32)
    answer = ask(fed, "zj", request(fed, forged, held(fed)))
    assert (answer.status, code_of(answer)) == (422, "consistency_invalid")
    alarm = alarms(fed)[-1]
    assert (alarm["log"], alarm["code"]) == (REG, "log_forked")
    both = [checkpoint_in(alarm[n].encode()) for n in ("offered", "held")]
    assert (both[0], both[1].size) == (forged, forged.size)
    log_policy = fed.policy.log_policy(REG)
    assert all(log_policy.logs[0].key.name == each.origin for each in both)


def test_a_fork_is_noticed_even_in_a_request_with_a_wrong_old_size(fed, log):
    fed.publish("gd")
    forged = Checkpoint(REG, 3, b"f" * 32)
    assert ask(fed, "zj", request(fed, forged, 0)).status == 409
    assert alarms(fed)[-1]["code"] == "log_forked"


def test_an_alarm_is_kept_once(fed, log):
    fed.publish("gd")
    body = request(fed, Checkpoint(REG, 2, b"g" * 32), 0)
    before = len(alarms(fed))
    for _ in range(3):
        ask(fed, "zj", body)
    assert len(alarms(fed)) == before + 1


def test_a_tree_beyond_the_copy_is_remembered_once_whatever_stands_below_it(fed, log):
    fed.publish("gd")
    far = Checkpoint(REG, held(fed) + 1_000, b"f" * 32)
    note, before = parse_note(sign_checkpoint(far, log_signer(REG))), len(alarms(fed))
    for number in range(3):
        other = Cosigner(f"w{number}.example/witness", key(f"w{number}"))
        marked = note.with_lines([other.cosign(note.text, fed.now)])
        body = UnverifiedAddCheckpoint(held(fed), (b"p" * 32,), marked).encode()
        assert ask(fed, "zj", body).status == 422
    assert len(alarms(fed)) == before + 1
    alarm = alarms(fed)[-1]
    assert (alarm["code"], alarm["offered"].encode()) == ("history_unproven", note.encode())


def test_nobody_but_the_log_makes_a_fresh_witness_ask_it(fed, monkeypatch):
    """Else anybody could keep its threads waiting for a log that does not answer."""
    fed.stop("sc")
    fed.start("sc")
    asked, read = [], Mirror.read
    monkeypatch.setattr(
        Mirror, "read", lambda self, origin: asked.append(origin) or read(self, origin)
    )
    answer = ask(fed, "sc", request(fed, head(fed), 1, thief()))
    assert (answer.status, code_of(answer), asked) == (403, "not_signed_by_log", [])


def test_database_and_guard_that_disagree_sign_nothing(fed, log):
    fed.publish("gd")
    guard, old = fed.folder / "sc" / "last-cosigned", held(fed, "sc")
    kept = guard.read_text()
    root = fed.witness("sc").store.held(REG).head.root
    guard.write_text(kept.replace(b64.encode_url(root), b64.encode_url(b"o" * 32)))
    log._grow()
    before = alarms(fed, "sc")
    answer = ask(fed, "sc", request(fed, head(fed), old))
    assert (answer.status, code_of(answer)) == (503, "guard_differs")
    assert "guard_differs" in health.words(fed.witness("sc"))
    assert alarms(fed, "sc") == before  # it says nothing about the log
    guard.write_text("{")
    answer = ask(fed, "sc", request(fed, head(fed), old))
    assert (answer.status, code_of(answer)) == (503, "guard_damaged")
    assert "guard_damaged" in health.words(fed.witness("sc"))
    guard.write_text(kept)
    assert ask(fed, "sc", request(fed, head(fed), old)).status == 200


def test_a_tree_that_the_log_does_not_serve_is_an_alarm(fed, log):
    """The log signs a head, and serves other entries under it."""
    fed.publish("gd")
    fed.agency("real.gd.example")
    log._grow()
    honest, old = head(fed), held(fed)
    forged = Checkpoint(REG, honest.size, b"h" * 32)
    note = parse_note(sign_checkpoint(forged, log_signer(REG)))
    proof = tiles.consistency_proof(fed.logs[REG].hashes, old, honest.size)
    answer = ask(fed, "zj", UnverifiedAddCheckpoint(old, tuple(proof), note).encode())
    assert answer.status == 422
    assert held(fed) == old
    fed.publish("gd")


def test_racing_requests_never_take_the_witness_back(fed):
    fed.publish("gd")
    old, steps = held(fed), []
    for name in ("r1", "r2", "r3", "r4"):
        fed.agency(f"{name}.gd.example")
        fed.registry("gd").logs[REG]._grow()
        steps.append(request(fed, head(fed), old))
    with ThreadPoolExecutor(len(steps)) as pool:
        answers = list(pool.map(lambda body: ask(fed, "sc", body), steps))
    assert {answer.status for answer in answers} <= {200, 409, 503}  # one copy at a time
    assert sum(answer.status == 200 for answer in answers) >= 1
    largest = max(
        int(body.split(b"\n")[body.split(b"\n").index(REG.encode()) + 1])
        for body, answer in zip(steps, answers, strict=True)
        if answer.status == 200
    )
    assert held(fed, "sc") == largest
    fed.publish("gd")


def test_a_request_that_was_overtaken_while_copying_is_not_signed(fed, monkeypatch):
    fed.publish("gd")
    old, cosigning = held(fed, "sc"), fed.witness("sc").cosigning
    fed.agency("o1.gd.example")
    fed.registry("gd").logs[REG]._grow()
    slow = request(fed, head(fed), old)
    fed.agency("o2.gd.example")
    fed.registry("gd").logs[REG]._grow()
    fast, largest = request(fed, head(fed), old), head(fed).size
    real, statuses = type(cosigning)._copy, []

    def overtaken(self, offered):
        real(self, offered)
        if not statuses:
            statuses.append(0)
            statuses[0] = ask(fed, "sc", fast).status

    monkeypatch.setattr(type(cosigning), "_copy", overtaken)
    answer = ask(fed, "sc", slow)
    assert (statuses, answer.status, answer.body) == ([200], 409, b"%d\n" % largest)
    assert held(fed, "sc") == largest
    fed.publish("gd")


def test_an_entry_that_breaks_a_rule_stops_the_log_loudly(fed):
    """The operator of hn writes past its own sequencer; no validator follows."""
    origin = "hn.example/reg"
    fed.publish("hn")
    registry = fed.registry("hn")
    store = registry.region.stores[origin]
    bad = compose("did", "QmNobody", {"did": "did:webvh:x", "entry": {}}).sequenced(fed.now)
    store.append([LoggedEntry(bad, store.size(), bad.leaf())], {})
    with refused("quorum_not_met"):
        registry.publish_now()
    alarm = alarms(fed)[-1]
    assert (alarm["log"], alarm["code"]) == (origin, "did_invalid")
    states = registry._cosigners[origin].states
    assert {name: each.failure for name, each in states.items()} == dict.fromkeys(
        ("gd", "zj", "sc", "cn"), "fork_claimed"
    )
    # they refuse an entry, and show no fork
    assert health.number(registry, "fork_alarms", log=origin) == 0
    assert held(fed, origin=origin) < store.size()


# --- mirrors ----------------------------------------------------------------------------------


def test_a_mirror_serves_the_log_and_evidence_as_its_home_does(fed):
    psb = fed.agency("m1.gd.example")
    fed.grant(fed.root("gd"), psb)
    fed.status_list(psb, revoked=[3])
    fed.publish("gd")
    fed.witness("zj").refresh_now()
    for origin in (REG, EV):
        mirror = LogReader(fed.transport, f"https://zj.example/witness/{folder_of(origin)}")
        home = fed.reader(origin)
        assert mirror.checkpoint() == home.checkpoint()
        size = fed.logs[origin].size()
        assert mirror.entries(0, size, size) == home.entries(0, size, size)
        assert not examine(fed.witness("zj").mirror.replicas[origin])
    mirror = LogReader(fed.transport, f"https://zj.example/witness/{folder_of(EV)}")
    at_home = fed.reader(EV).evidence("status", psb.list_url(), moment=EvidenceMoment.NEWEST)
    assert mirror.evidence("status", psb.list_url(), moment=EvidenceMoment.NEWEST) == at_home


def test_a_copy_that_was_interrupted_goes_on(fed, monkeypatch):
    fed.publish("gd")
    fed.stop("zj")
    for number in range(6):
        fed.agency(f"i{number}.gd.example")
    fed.publish("gd")
    fed.start("zj")
    mirror = fed.witness("zj").mirror
    monkeypatch.setattr("did_service.replica.mirror.MAX_CATCH_UP_ENTRIES", 2)
    store, sizes = mirror.replicas[REG].store, []
    real = type(mirror)._take_piece

    def one_piece(self, *arguments):
        sizes.append(store.size())
        if len(sizes) == 3:
            raise KeyboardInterrupt
        return real(self, *arguments)

    monkeypatch.setattr(type(mirror), "_take_piece", one_piece)
    with pytest.raises(KeyboardInterrupt):
        mirror.catch_up(head(fed))
    assert sizes[2] == sizes[0] + 4
    mirror.catch_up(head(fed))
    assert store.size() == fed.logs[REG].size()


def test_a_copy_that_takes_longer_goes_on_behind(fed, log, monkeypatch):
    fed.publish("gd")
    fed.stop("zj")
    fed.agency("slow.gd.example")
    fed.publish("gd")
    fed.start("zj")
    body = request(fed, head(fed), held(fed))
    monkeypatch.setattr(catch_up, "MAX_CATCH_UP_SECONDS", 0)
    answer = ask(fed, "zj", body)
    assert (answer.status, code_of(answer)) == (503, "catching_up")
    monkeypatch.undo()
    assert ask(fed, "zj", body).status == 200


def test_who_waits_for_a_copy_is_answered_before_the_server_ends(fed, log, monkeypatch):
    fed.publish("gd")
    fed.stop("zj")
    fed.agency("ending.gd.example")
    fed.publish("gd")
    fed.start("zj")
    body = request(fed, head(fed), held(fed))
    mirror, begun, goes_on = fed.witness("zj").mirror, Event(), Event()
    real = mirror.catch_up

    def slow(head):
        begun.set()
        goes_on.wait()
        real(head)

    monkeypatch.setattr(mirror, "catch_up", slow)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, fed, "zj", body)
        begun.wait()
        fed.running["zj"].server.ask_to_stop()
        answer = asked.result()
        goes_on.set()
    assert (answer.status, code_of(answer)) == (503, "catching_up")
    fed.stop("zj")
    fed.start("zj")
    assert ask(fed, "zj", body).status == 200


def test_a_log_that_is_away_is_asked_again_later(fed, log):
    fed.publish("gd")
    fed.agency("away.gd.example")
    log._grow()
    body = request(fed, head(fed), held(fed))
    fed.stop("gd")
    answer = ask(fed, "zj", body)
    assert (answer.status, code_of(answer)) == (503, "log_unreadable")
    fed.start("gd")
    assert ask(fed, "zj", body).status == 200


def test_a_validator_follows_another_region_where_an_entry_rests_on_it(fed):
    """A grant across regions: zj has never been asked about cn's newest entries."""
    fed.publish("cn")
    psb = fed.agency("cross.gd.example")
    fed.notes["cn.example/reg"] = fed.reader("cn.example/reg").checkpoint()
    fed.grant(fed.root("cn"), psb, scope="national", x=fed.x("cn"))
    fed.publish("gd")
    signed = signed_by(fed.policy.log_policy(REG), fed.reader(REG).checkpoint())
    assert len(signed) == 4


# --- approvals --------------------------------------------------------------------------------


def root_log(fed, region: str) -> list[dict]:
    chain = fed.logs[f"{region}.example/reg"].chain("did", fed.root(region).id)
    return [placed.entry.body["entry"] for placed in chain]


def rotated(fed, region: str, **changes) -> dict:
    """The next version of a root's DID, not yet in any log."""
    root = fed.root(region)
    return write.rotate(
        root.state,
        key(f"{region}.example update 2"),
        [hash_of(f"{region}.example update 3")],
        now=timestamps.from_posix(fed.now + 5),
        **changes,
    )


def test_a_root_gets_native_proofs_of_the_other_regions(fed):
    fed.tick(10)
    log = write.encode_log([*root_log(fed, "hn"), rotated(fed, "hn")])
    proofs = [fed.ask(region).did_proof(log) for region in ("gd", "zj", "sc", "cn")]
    assert len({proof["verificationMethod"] for proof in proofs}) == 4
    with refused("witness_not_named"):
        fed.ask("hn").did_proof(log)


def test_two_versions_of_one_number_are_not_both_approved(fed):
    fed.tick(10)
    before, document = root_log(fed, "sc"), dict(fed.root("sc").state.version.document.raw)
    document["alsoKnownAs"] = ["https://sc.example/"]
    one, other = rotated(fed, "sc"), rotated(fed, "sc", document=document)
    fed.ask("zj").did_proof(write.encode_log([*before, one]))
    fed.ask("zj").did_proof(write.encode_log([*before, one]))
    with refused("version_conflict"):
        fed.ask("zj").did_proof(write.encode_log([*before, other]))


def test_a_log_beside_the_mirrored_one_is_not_approved(fed):
    fed.tick(10)
    document = dict(fed.root("cn").state.version.document.raw)
    document["alsoKnownAs"] = ["https://cn.example/"]
    other = write.encode_log([*root_log(fed, "cn"), rotated(fed, "cn", document=document)])
    fed.rotate(fed.root("cn"))
    fed.publish("cn")
    with refused("version_conflict"):
        fed.ask("zj").did_proof(other)
    with refused("version_conflict"):  # an old copy of the file is not approved again either
        fed.ask("zj").did_proof(write.encode_log(root_log(fed, "cn")[:1]))
    assert fed.ask("zj").did_proof(write.encode_log(root_log(fed, "cn")))


def test_only_authorities_are_approved(fed):
    psb = fed.agency("plain.gd.example")
    chain = fed.logs[REG].chain("did", psb.id)
    log = write.encode_log([placed.entry.body["entry"] for placed in chain])
    with refused("witness_required"):
        fed.ask("zj").did_proof(log)
    with refused("line_invalid"):
        fed.ask("zj").did_proof(b"not a log")


# --- restored from a backup -------------------------------------------------------------------


def keep_database(fed, region: str, into):
    for path in (fed.folder / region).glob("witness.sqlite*"):
        shutil.copy(path, into / path.name)


def restore_database(fed, region: str, kept) -> None:
    for path in (fed.folder / region).glob("witness.sqlite*"):
        path.unlink()
    for path in kept.iterdir():
        shutil.copy(path, fed.folder / region / path.name)


def set_back(fed, kept, name: str) -> int:
    """Put an older database of zj back, and return the size that it had cosigned since."""
    fed.publish("gd")
    fed.stop("zj")
    keep_database(fed, "zj", kept)
    fed.start("zj")
    fed.agency(f"{name}.gd.example")
    fed.publish("gd")
    newest = held(fed)
    fed.stop("zj")
    restore_database(fed, "zj", kept)
    return newest


@pytest.mark.sqlite_only
def test_a_witness_whose_guard_began_too_early_finds_its_own_newest_signature(fed, tmp_path):
    """All that showed it something lagged: the log itself bears our newer signature."""
    newest = set_back(fed, tmp_path, "early")
    guard = fed.folder / "zj" / "last-cosigned"
    kept = guard.read_bytes()
    guard.unlink()
    fed.start("zj")
    heads = {o: row.head for o in fed.logs if (row := fed.witness("zj").store.held(o))}
    fed.witness("zj").guard.begin(heads)
    assert held(fed) < newest
    answer = ask(fed, "zj", request(fed, head(fed), held(fed)))
    assert (answer.status, answer.body) == (409, b"%d\n" % newest)
    assert held(fed) == newest
    assert fed.witness("zj").mirror.replicas[REG].store.size() == newest
    guard.write_bytes(kept)


@pytest.mark.sqlite_only
def test_a_witness_without_its_guard_signs_nothing_and_says_so(fed, tmp_path):
    newest = set_back(fed, tmp_path, "gone")
    guard = fed.folder / "zj" / "last-cosigned"
    kept = guard.read_bytes()
    guard.unlink()
    fed.start("zj")
    answer = ask(fed, "zj", request(fed, head(fed), held(fed)))
    assert (answer.status, code_of(answer)) == (503, "guard_missing")
    assert "guard_missing" in health.words(fed.witness("zj"))
    assert not guard.exists()
    guard.write_bytes(kept)
    assert ask(fed, "zj", request(fed, head(fed), newest)).status == 200
