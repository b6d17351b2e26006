"""Attacks on the counter's program: the threat model's names, through the command line."""

import shutil
import time

import pytest

from did_service.core.encoding import timestamps
from did_service.verify_cli import __main__ as program
from tests.support.counter import Scene
from tests.support.desk import COUNTER, Desk, did_verify, finish, start

pytestmark = pytest.mark.offline

ITEM = "urn:didsvc:item:renewal:1"
TWO_WEEKS = 1_209_600


@pytest.fixture
def desk(tmp_path, monkeypatch):
    for name in ("DIDVERIFY_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    scene = Scene()
    scene.publish()
    made = Desk(tmp_path, scene)
    made.pin()
    return made


def asked(nonce):
    return ("--nonce", nonce, "--audience", COUNTER)


# --- one question, one answer -----------------------------------------------------------------


@pytest.mark.clock
def test_nonce_race(tmp_path):
    scene = Scene()
    scene.publish()
    desk = Desk(tmp_path, scene)
    desk.pin()
    nonce = finish(start("challenge", "--trust", desk.path)).out.strip()
    shown = desk.shown(nonce)
    words = ("check", shown, "--json", "--trust", desk.path, *asked(nonce))
    with desk.trust.locked():  # all stand before the same door when it opens
        children = [start(*words) for _ in range(4)]
        time.sleep(0.1)
    runs = [finish(child) for child in children]
    assert sorted(run.exit for run in runs) == [0, 1, 1, 1]
    assert [run.codes for run in runs if run.exit == 1] == [["nonce_used"]] * 3


def test_replay_same_counter(desk):
    nonce = desk.challenge()
    shown = desk.shown(nonce)
    assert desk.check(shown, *asked(nonce)).exit == 0
    again = desk.check(shown, *asked(nonce))
    assert (again.exit, again.codes) == (1, ["nonce_used"])


def test_replay_other_counter(desk, tmp_path):
    nonce = desk.challenge()
    shown = desk.shown(nonce)
    other = Desk(tmp_path, desk.scene, "other")
    other.pin()
    elsewhere = other.check(shown, "--nonce", nonce, "--audience", "window-4")
    assert (elsewhere.exit, elsewhere.codes) == (1, ["audience_wrong"])
    same_name = other.check(shown, *asked(nonce))
    assert (same_name.exit, same_name.codes) == (1, ["nonce_unknown"])
    own = other.challenge()
    own_nonce = other.check(shown, "--nonce", own, "--audience", COUNTER)
    assert (own_nonce.exit, own_nonce.codes) == (1, ["nonce_unknown"])


def test_late_answer(desk):
    nonce = desk.challenge()
    desk.scene.fed.tick(days=1)
    desk.scene.fed.status_list(desk.scene.agency)
    desk.scene.publish()
    late = desk.answer(nonce)
    assert (late.exit, late.codes) == (1, ["nonce_unknown"])


def test_counter_restored_from_snapshot(desk, monkeypatch, tmp_path):
    nonce = desk.challenge()
    shown = desk.shown(nonce)
    snapshot = tmp_path / "snapshot"
    shutil.copytree(desk.path, snapshot)
    assert desk.check(shown, *asked(nonce)).exit == 0
    shutil.rmtree(desk.path)
    shutil.copytree(snapshot, desk.path)
    after_restart = tmp_path / "boot_id"
    after_restart.write_text("another boot\n")
    monkeypatch.setattr(program, "BOOT_ID", after_restart)
    replayed = desk.check(shown, *asked(nonce))
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
    assert desk.check(desk.shown(None), later=3_600).exit == 0
    back = desk.answer(nonce, later=60)
    assert (back.exit, back.codes) == (5, ["clock_behind"])
    day_later = desk.challenge(later=3_600 - 86_400)
    expires = desk.trust.memory().nonces[day_later].expires
    assert timestamps.to_posix(expires) >= desk.scene.fed.now + 3_600 + 86_400


def test_dead_battery_says_so(desk):
    shown = desk.shown(None)
    words = ("check", shown, "--trust", desk.path)
    run = did_verify(*words, now=1_000_000, stdin=b"")
    assert run.exit == 5
    assert "请校正时钟" in run.out
    assert "set the clock" in run.out


# --- what the clerk may not relax -------------------------------------------------------------


def test_limits_exit_code(desk):
    waivers = [
        {"item": ITEM, "code": code, "max_seconds": TWO_WEEKS}
        for code in ("status_stale", "evidence_stale")
    ]
    desk.pin(desk.scene.fed.next_policy(waivers=waivers))
    words = ("--item", ITEM, "--now", "+3d")
    limited = desk.check(desk.shown(None), *words)
    assert (limited.exit, limited.report["outcome"]) == (5, "accepted-with-limits")
    assert set(limited.report["limits"]) == {"status_stale", "evidence_stale"}
    assert desk.check(desk.shown(None), *words, "--accept-limits").exit == 0
    without_item = desk.check(desk.shown(None), "--now", "+3d", "--accept-limits")
    assert (without_item.exit, without_item.report["outcome"]) == (5, "undecided")
    nonce = desk.challenge("--now", "+3d")
    assert desk.answer(nonce, *words).report["outcome"] == "accepted-with-limits"
    again = desk.answer(nonce, *words, "--accept-limits")
    assert (again.exit, "nonce_used" in again.codes) == (1, True)


def test_clerk_relaxes_tier(desk):
    scene = desk.scene
    content = {"id": ITEM, "tier": "online"}
    kind = {"kind": "service-item", "media_type": "application/json"}
    scene.fed.schema(scene.fed.root("cn"), ITEM, content, **kind)
    scene.publish()
    bundle = desk.save_bundle(scene.fed.evidence(("schema", ITEM)))
    assert desk.run("trust", "import", bundle).exit == 0
    words = ("--item", ITEM, "--tier", "field")
    relaxed = desk.check(desk.shown(None), *words, later=3_600)
    assert (relaxed.exit, relaxed.report["tier"]) == (5, "online")
    unfounded = desk.check(desk.shown(None), "--tier", "field", later=3_600)
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
    run = desk.run("check", desk.shown("n"), "--json")
    assert all(character.isprintable() for character in run.out.replace("\n", ""))
    assert f"/credentialSubject/{hostile}" in run.report["credentials"][0]["disclosed"]
