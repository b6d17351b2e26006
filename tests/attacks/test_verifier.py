"""Attacks on the counter's program: the threat model's names, through the command line."""

import json
import shutil
import time

import pytest

from did_service.core.encoding import timestamps
from did_service.verifier.challenges import state_of
from did_service.verify_cli import __main__ as program
from tests.support.counter import INDEX, Scene
from tests.support.desk import COUNTER, Desk, did_verify, finish, start

pytestmark = pytest.mark.offline

ITEM = "urn:didsvc:item:renewal:1"
TWO_WEEKS = 1_209_600


@pytest.fixture
def scene():
    made = Scene()
    made.publish()
    return made


@pytest.fixture
def desk(tmp_path, monkeypatch, scene):
    for name in ("DIDVERIFY_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    made = Desk(tmp_path, scene)
    made.pin()
    return made


def asked_in_a_process(desk):
    words = ("challenge", "--audience", COUNTER, "--json", "--trust", desk.path)
    return json.loads(finish(start(*words)).out)["data"]["nonce"]


# --- one question, one answer -----------------------------------------------------------------


@pytest.mark.clock
def test_nonce_race(tmp_path):
    scene = Scene()
    scene.publish()
    desk = Desk(tmp_path, scene)
    desk.pin()
    shown = desk.shown(asked_in_a_process(desk))
    words = ("check", shown, "--json", "--trust", desk.path)
    with desk.trust.locked():  # all stand before the same door when it opens
        children = [start(*words) for _ in range(4)]
        time.sleep(0.1)
    runs = [finish(child) for child in children]
    assert sorted(run.exit for run in runs) == [0, 5, 5, 5]
    assert [run.codes for run in runs if run.exit == 5] == [["answered_before"]] * 3


def test_replay_same_counter(desk):
    """The same bytes again are no crime, and no second acceptance."""
    shown = desk.shown(desk.challenge())
    assert desk.check(shown).exit == 0
    again = desk.check(shown, later=60)
    assert (again.exit, again.codes) == (5, ["answered_before"])
    assert again.report["outcome"] == "answered"
    assert again.report["answered"]["outcome"] == "accepted"
    assert again.report["credentials"] == []


def test_same_code_with_other_bytes(desk):
    """A copy with a space more is another file: its code is used."""
    shown = desk.shown(desk.challenge())
    assert desk.check(shown).exit == 0
    copy = desk.save("copy.vp.json", shown.read_bytes() + b" ")
    again = desk.check(copy)
    assert (again.exit, again.codes) == (1, ["nonce_used"])
    assert desk.check(shown).codes == ["answered_before"]


def test_first_verdict_that_refused_is_told_as_that(desk, scene):
    scene.fed.tick()
    scene.fed.status_list(scene.agency, revoked=[INDEX])
    scene.publish()
    shown = desk.shown(desk.challenge())
    assert desk.check(shown).codes == ["revoked"]
    again = desk.check(shown)
    assert (again.exit, again.report["answered"]["outcome"]) == (5, "refused")
    text = desk.run("check", shown, "--lang", "both")
    assert "已核验过 ALREADY ANSWERED" in text.out
    assert "王" not in text.out


@pytest.mark.parametrize("words", [(), ("--accept-limits",), ("--tier", "field")])
def test_copied_file_is_never_accepted(desk, scene, words):
    """A copy without the wallet's key, or an old presentation: nobody was asked for it here."""
    desk.challenge()
    copies = {
        "holder_proof_missing": scene.credential,
        "nonce_unknown": scene.present(
            nonce="n-of-nobody-that-was-given-out", audience=COUNTER
        ),
    }
    for code, document in copies.items():
        copied = desk.save("copied.json", scene.file(document))
        run = desk.check(copied, *words)
        assert (run.exit, code in run.codes) == (1, True)
    unsigned = scene.present(nonce=None, audience=None)
    run = desk.check(desk.save("unasked.json", scene.file(unsigned)), *words)
    assert (run.exit, run.codes) == (1, ["nonce_unknown"])


@pytest.mark.parametrize("decoy", ["first", "last"])
def test_code_that_is_written_beside_the_signature_answers_nothing(desk, scene, decoy):
    """The open code stands in a claim; the wallet has signed another one."""
    open_one = {"note": {"challenge": desk.challenge()}}
    signed = scene.present(nonce="n-of-nobody-that-was-given-out", audience=COUNTER)
    members = {**open_one, **signed} if decoy == "first" else {**signed, **open_one}
    run = desk.check(desk.save("decoy.json", json.dumps(members).encode()))
    assert run.exit == 1
    assert run.report["outcome"] == "refused"


def test_document_alone_is_never_accepted(desk, scene):
    """Whatever is shown and however: who asks for the document gets no more than that."""
    shown = desk.shown(desk.challenge())
    bare = desk.save("bare.json", scene.file(scene.credential))
    for path in (shown, bare):
        run = desk.document(path)
        assert (run.exit, run.report["outcome"]) == (0, "document")
        text = desk.run("check", path, "--document", "--lang", "both")
        assert "证照真实，未核验持证人 GENUINE DOCUMENT, holder not checked" in text.out
        assert "ACCEPTED" not in text.out
    assert desk.check(shown).report["outcome"] == "accepted"  # and no code was spent


def test_state_of_another_request_is_no_answer(desk, scene):
    for state_is, code in ((lambda _: "another", ["query_not_answered"]), (state_of, [])):
        nonce = desk.challenge()
        members = json.loads(scene.file(scene.present(nonce=nonce, audience=COUNTER)))
        stated = json.dumps({**members, "state": state_is(nonce)}).encode()
        run = desk.check(desk.save("stated.vp.json", stated))
        assert (run.exit, run.codes) == (5 if code else 0, code)


def test_replay_other_counter(desk, tmp_path):
    shown = desk.shown(desk.challenge())
    other = Desk(tmp_path, desk.scene, "other")
    other.pin()
    assert other.check(shown).codes == ["nonce_unknown"]
    assert other.run("challenge", "--audience", "window-4").exit == 0
    elsewhere = other.check(shown)
    assert (elsewhere.exit, elsewhere.codes) == (1, ["audience_wrong"])
    other.challenge()  # another machine of the same name
    same_name = other.check(shown)
    assert (same_name.exit, same_name.codes) == (1, ["nonce_unknown"])


def test_late_answer(desk):
    nonce = desk.challenge()
    desk.scene.fed.tick(days=1)
    desk.scene.fed.status_list(desk.scene.agency)
    desk.scene.publish()
    late = desk.answer(nonce)
    assert (late.exit, late.codes) == (1, ["nonce_unknown"])


def test_counter_restored_from_snapshot(desk, monkeypatch, tmp_path):
    shown = desk.shown(desk.challenge())
    snapshot = tmp_path / "snapshot"
    shutil.copytree(desk.path, snapshot)
    assert desk.check(shown).exit == 0
    shutil.rmtree(desk.path)
    shutil.copytree(snapshot, desk.path)
    after_restart = tmp_path / "boot_id"
    after_restart.write_text("another boot\n")
    monkeypatch.setattr(program, "BOOT_ID", after_restart)
    replayed = desk.check(shown)
    assert (replayed.exit, replayed.codes) == (1, ["nonce_unknown"])
    assert desk.answer(desk.challenge()).exit == 0


# --- the first policy -------------------------------------------------------------------------


def test_pin_without_fingerprint(tmp_path):
    scene = Scene()
    desk = Desk(tmp_path, scene)
    run = desk.run("trust", "pin", desk.save_policy(), "--json")
    assert (run.exit, run.envelope["error"]["code"]) == (2, "fingerprint_missing")
    assert not desk.path.exists()


# --- the clock --------------------------------------------------------------------------------


def test_clock_set_back(desk):
    nonce = desk.challenge()
    assert desk.document(desk.shown(None), later=3_600).exit == 0
    back = desk.answer(nonce, later=60)
    assert (back.exit, back.codes) == (5, ["clock_behind"])
    day_later = desk.challenge(later=3_600 - 86_400)
    expires = desk.trust.memory().nonces[day_later].expires
    assert timestamps.to_posix(expires) >= desk.scene.fed.now + 3_600 + 86_400


def test_dead_battery_says_so(desk):
    shown = desk.shown(None)
    words = ("check", shown, "--document", "--trust", desk.path)
    for lang, next_step in (("zh", "请先与可靠的时钟核对"), ("en", "with a reliable clock")):
        run = did_verify(*words, "--lang", lang, now=1_000_000)
        assert (run.exit, next_step in run.out) == (5, True)


# --- what the clerk may not relax -------------------------------------------------------------


def test_limits_exit_code(desk):
    waivers = [
        {"item": ITEM, "code": code, "max_seconds": TWO_WEEKS}
        for code in ("status_stale", "evidence_stale")
    ]
    desk.pin(desk.scene.fed.next_policy(waivers=waivers))
    later = ("--now", "+3d")
    asked = desk.shown(desk.challenge("--item", ITEM, *later))
    for _ in range(2):  # nobody has accepted the limits yet: the code waits for who does
        limited = desk.check(asked, *later)
        assert (limited.exit, limited.report["outcome"]) == (5, "accepted-with-limits")
        assert set(limited.report["limits"]) == {"status_stale", "evidence_stale"}
    assert desk.check(asked, *later, "--accept-limits").exit == 0
    again = desk.check(asked, *later, "--accept-limits")
    assert (again.exit, again.codes) == (5, ["answered_before"])
    another = desk.challenge("--item", ITEM, *later)
    assert desk.answer(another, *later, "--accept-limits").exit == 0
    without_item = desk.answer(desk.challenge(*later), *later, "--accept-limits")
    assert (without_item.exit, without_item.report["outcome"]) == (5, "undecided")
    words = (desk.shown(None), "--item", ITEM, *later)
    document = desk.document(*words)
    assert (document.exit, document.report["outcome"]) == (5, "document")
    assert desk.document(*words, "--accept-limits").exit == 0


def test_clerk_relaxes_tier(desk):
    scene = desk.scene
    content = {"id": ITEM, "tier": "online"}
    kind = {"kind": "service-item", "media_type": "application/json"}
    scene.fed.schema(scene.fed.root("cn"), ITEM, content, **kind)
    scene.publish()
    bundle = desk.save_bundle(scene.fed.evidence(("schema", ITEM)))
    assert desk.run("trust", "import", bundle).exit == 0
    words = ("--item", ITEM, "--tier", "field")
    relaxed = desk.document(desk.shown(None), *words, later=3_600)
    assert (relaxed.exit, relaxed.report["tier"]) == (5, "online")
    unfounded = desk.document(desk.shown(None), "--tier", "field", later=3_600)
    assert (unfounded.exit, "tier_relaxed" in unfounded.report["unsafe"]) == (0, True)


# --- what a screen is told --------------------------------------------------------------------


def test_terminal_escape_in_claim(desk):
    scene = desk.scene
    hostile = "\x1b[2J\x1b[1;32m通过\u202e\u2028\x07"
    subject = {
        "id": scene.holder.did,
        "jurisdiction": "440100" + hostile,
        "familyName": hostile,
        hostile: hostile,
    }
    scene.credential = scene.issue(
        credentialSubject=subject, credentialSchema={"id": hostile, "type": "JsonSchema"}
    )
    nonce = f"n{hostile}"
    shown = desk.shown(nonce)
    hostile_name = desk.save("a\x1b[2Jb.bundle", b"{}")
    for words in (
        ("check", shown, "--bundle", hostile_name, "--nonce", nonce, "--audience", hostile),
        ("check", f"no{hostile}such"),
        ("check", shown, "--now", hostile),
        ("did", shown, "--did", hostile),
        (hostile,),
    ):
        run = did_verify(*words, now=scene.fed.now + 1) if len(words) == 1 else desk.run(*words)
        for character in (run.out + run.err).replace("\n", ""):
            assert character.isprintable()


def test_terminal_escape_in_json(desk):
    """JSON leaves C1 controls, bidi marks and tags as they are; a screen may obey them."""
    scene, hostile = desk.scene, "\x9b2J\u202e\u2028\U000e0041"
    subject = {"id": scene.holder.did, "jurisdiction": "440100", "familyName": "王", hostile: 1}
    scene.credential = scene.issue(credentialSubject=subject)
    run = desk.document(desk.shown(None), "--json")
    assert all(character.isprintable() for character in run.out.replace("\n", ""))
    assert f"/credentialSubject/{hostile}" in run.report["credentials"][0]["disclosed"]
