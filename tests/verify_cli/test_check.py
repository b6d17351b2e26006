"""`did-verify check`: verdicts, exit codes, and what the trust directory keeps of them."""

import json
import shlex
import subprocess
from copy import deepcopy
from subprocess import PIPE

import pytest

from did_service.core.encoding import timestamps
from did_service.verifier import shelves
from tests.support.counter import SCHEMA, without
from tests.support.desk import COUNTER, Desk, command, did_verify, finish, start

pytestmark = pytest.mark.offline
ITEM = "urn:didsvc:item:residence-renewal:1"


def publish_item(scene, tier, **changes):
    """A service item of the federation, and the evidence for it beside the staple's."""
    members = {"kind": "service-item", "media_type": "application/json", **changes}
    scene.fed.schema(scene.fed.root("cn"), ITEM, {"id": ITEM, "tier": tier}, **members)
    scene.publish()
    return scene.staple(schemas=[SCHEMA, ITEM])


# --- verdicts ---------------------------------------------------------------------------------


def test_an_answer_to_our_question_is_accepted(desk):
    run = desk.answer(desk.challenge())
    assert (run.exit, run.report["outcome"]) == (0, "accepted")
    assert run.report["unsafe"] == ["policy_demo"]
    assert run.report["now_from"] == "clock"


def test_a_revoked_credential_is_refused(desk, scene):
    scene.fed.tick()
    scene.fed.status_list(scene.agency, revoked=[94_567])
    scene.publish()
    run = desk.answer(desk.challenge())
    assert (run.exit, run.report["outcome"]) == (1, "refused")
    assert run.codes == ["revoked"]


def test_without_evidence_nothing_is_decided(desk):
    nonce = desk.challenge()
    run = desk.check(desk.shown(nonce, staple=None))
    assert (run.exit, run.report["outcome"]) == (5, "undecided")


def test_without_a_policy_nothing_is_decided_and_nothing_made(tmp_path, scene):
    desk = Desk(tmp_path, scene)
    run = desk.document(desk.shown(None))
    assert run.exit == 5
    assert "policy_missing" in run.codes
    assert not desk.path.exists()


def test_a_directory_without_a_policy_keeps_its_questions(tmp_path, scene):
    desk = Desk(tmp_path, scene)
    nonce = desk.challenge()
    assert desk.answer(nonce).codes[0] == "policy_missing"
    desk.pin()
    assert desk.answer(nonce).exit == 0


def test_a_bundle_serves_where_there_is_no_staple(desk):
    shown = desk.shown(None, staple=None)
    run = desk.document(shown, "--bundle", desk.save_bundle())
    assert run.exit == 0
    sources = {
        check["evidence"]["source"] for check in run.report["checks"] if check["evidence"]
    }
    assert "bundle south.bundle.jsonl.gz" in sources


def test_a_bundle_that_cannot_be_read_is_named_and_turns_nothing_bad(desk):
    broken = desk.save("broken.bundle.jsonl.gz", b"\x1f\x8bnothing")
    run = desk.document(desk.shown(None), "--bundle", broken)
    assert run.exit == 0
    (named,) = [c for c in run.report["checks"] if c["code"] == "evidence_left_out"]
    assert named["evidence"]["source"] == "bundle broken.bundle.jsonl.gz"
    alone = desk.document(desk.shown(None, staple=None), "--bundle", broken, "--now", "+9d")
    assert "evidence_dropped" in alone.codes
    assert [c["step"] for c in run.report["checks"]] == sorted(
        c["step"] for c in run.report["checks"]
    )


def test_a_presentation_comes_through_standard_input(desk):
    data = desk.shown(None).read_bytes()
    assert desk.run("check", "-", "--document", "--json", stdin=data).exit == 0


def test_a_bare_credential_is_judged_without_its_holder(desk, scene):
    bare = desk.save("permit.vc.json", json.dumps(scene.credential).encode())
    run = desk.document(bare, "--bundle", desk.save_bundle())
    assert (run.exit, run.report["outcome"]) == (0, "document")
    assert "holder_not_asked" in [c["code"] for c in run.report["checks"]]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"[" * 10_000_000, "too_large"),
        (b'{"vp_token":{}}', "malformed"),
        (b'{"vp_token":{"q":[]},"vp_token":{"q":[]}}', "malformed"),
        (b'{"type":"VerifiableCredential"}', "malformed"),
    ],
)
def test_a_presentation_that_cannot_be_read_is_left_undecided(desk, data, code):
    run = desk.check(desk.save("shown.vp.json", data))
    assert run.exit == 5
    assert run.codes[0] == code


def test_an_unknown_form_is_left_undecided(desk):
    assert desk.check(desk.save("c.sd-jwt", b"eyJ.eyJ.sig~")).codes[0] == "unsupported"


def test_the_report_file_holds_what_json_prints_but_the_claims(desk):
    path = desk.folder / "report.json"
    run = desk.document(desk.shown(None), "--report", path)
    printed, kept = json.loads(run.out)["data"], json.loads(path.read_bytes())
    (claims,) = [credential.pop("claims") for credential in printed["credentials"]]
    assert claims["familyName"] == "王"
    assert kept == printed
    desk.document(desk.shown(None), "--report", path, "--force", "--claims")
    assert json.loads(path.read_bytes())["credentials"][0]["claims"] == claims
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_report_is_not_overwritten_and_no_nonce_is_spent_on_trying(desk):
    path = desk.save("report.json", b"precious")
    nonce = desk.challenge()
    refused = desk.answer(nonce, "--report", path)
    assert (refused.exit, json.loads(refused.out)["error"]["code"]) == (2, "file_exists")
    assert path.read_bytes() == b"precious"
    assert desk.answer(nonce, "--report", path, "--force").exit == 0
    assert json.loads(path.read_bytes())["outcome"] == "accepted"


def test_a_trust_directory_that_is_a_file_is_named(desk):
    run = did_verify("check", desk.shown(None), "--trust", desk.save_policy(), "--json")
    assert (run.exit, json.loads(run.out)["error"]["code"]) == (8, "file_not_read")


def test_a_report_goes_into_a_folder_that_is_there(desk):
    run = desk.document(desk.shown(None), "--report", desk.folder / "no" / "report.json")
    assert (run.exit, json.loads(run.out)["error"]["code"]) == (7, "directory_missing")
    for place in ("/dev/null", "."):
        run = desk.document(desk.shown(None), "--report", place, "--force")
        assert (run.exit, json.loads(run.out)["error"]["code"]) == (8, "file_not_written")


@pytest.mark.parametrize(
    "words",
    [
        ("--audience", COUNTER),
        ("--nonce", "n"),
        ("--nonce", "n", "--audience", COUNTER, "--document"),
    ],
)
def test_what_the_directory_remembers_is_not_given_again(desk, words):
    run = desk.check(desk.shown(None), *words)
    assert (run.exit, json.loads(run.out)["error"]["code"]) == (2, "question_remembered")


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--audience", COUNTER),
        ("--nonce", "n"),
        ("--nonce", "n", "--document"),
        ("--nonce", "n", "--audience", COUNTER, "--document"),
    ],
)
def test_a_policy_alone_is_told_whether_a_holder_is_wanted(desk, words):
    here = ("--policy", desk.save_policy(), "--json")
    run = did_verify("check", desk.shown("n"), *here, *words)
    assert (run.exit, json.loads(run.out)["error"]["code"]) == (2, "holder_or_document")


# --- a policy alone ---------------------------------------------------------------------------


def test_a_policy_alone_remembers_nothing_and_says_so(desk, scene, tmp_path):
    policy = desk.save_policy()
    words = (
        "check",
        desk.shown("n"),
        "--policy",
        policy,
        "--nonce",
        "n",
        "--audience",
        COUNTER,
    )
    for _ in range(2):
        run = did_verify(*words, "--json", now=scene.fed.now + 1)
        assert run.exit == 0
        assert set(run.report["unsafe"]) == {
            "policy_demo",
            "nonce_not_remembered",
            "nothing_remembered",
        }
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("data", [b"\0\0", b'{"format":"didsvc-policy/2"}', b"[]"])
def test_a_policy_that_cannot_be_read_decides_nothing(desk, data):
    policy = desk.save("policy.json", data)
    run = did_verify("check", desk.shown(None), "--document", "--policy", policy, "--json")
    assert (run.exit, run.envelope["data"]) == (2, None)
    assert run.envelope["error"]["code"] in ("json_invalid", "member_missing", "member_invalid")


# --- the time ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "seconds"), [("+2d", 172_800), ("+90m", 5_400), ("+5h", 18_000), ("+7s", 7)]
)
def test_a_given_time_is_counted_from_the_clock_and_stands_in_unsafe(desk, given, seconds):
    run = desk.document(desk.shown(None), "--now", given)
    now = timestamps.from_posix(desk.scene.fed.now + 1 + seconds)
    assert run.report["now"] == timestamps.encode(now)
    assert run.report["now_from"] == "given"
    assert "now_given" in run.report["unsafe"]


def test_a_given_time_may_be_a_date(desk):
    now = timestamps.encode(timestamps.from_posix(desk.scene.fed.now + 60))
    assert desk.document(desk.shown(None), "--now", now).report["now"] == now


@pytest.mark.parametrize("given", ["tomorrow", "+2w", "2026-11-21", "-999999d", "9999-99-99"])
def test_a_time_that_is_none_is_a_mistake(desk, given):
    run = desk.document(desk.shown(None), f"--now={given}")
    assert (run.exit, json.loads(run.out)["error"]["code"]) == (2, "now_invalid")


def test_a_given_time_moves_no_floor(desk):
    assert desk.document(desk.shown(None), "--now", "+5h").exit == 0
    assert desk.document(desk.shown(None)).exit == 0


def test_old_evidence_is_undecided_under_day_and_fresh_enough_under_field(desk):
    assert desk.document(desk.shown(None), "--now", "+2d").exit == 5
    assert desk.document(desk.shown(None), "--now", "+2d", "--tier", "field").exit == 0


# --- the tier ---------------------------------------------------------------------------------


def test_a_service_item_binds_the_clerk(desk, scene):
    bundle = desk.save_bundle(publish_item(scene, "online"))
    words = ("--bundle", bundle, "--item", ITEM, "--tier", "field")
    run = desk.document(desk.shown(None), *words, later=3_600)
    assert (run.exit, run.report["tier"]) == (5, "online")
    assert "tier_relaxed" not in run.report["unsafe"]


def test_a_service_item_may_ask_for_less_than_the_default(desk, scene):
    publish_item(scene, "field")
    shown = desk.shown(None)
    scene.fed.tick(days=2)
    scene.publish()
    words = ("--bundle", desk.save_bundle(scene.fed.evidence(("schema", ITEM))), "--item", ITEM)
    run = desk.document(shown, *words)
    assert (run.exit, run.report["tier"]) == (0, "field")
    assert "tier_relaxed" not in run.report["unsafe"]


def test_an_own_copy_of_the_item_that_is_no_day_fresh_loosens_nothing(desk, scene):
    bundle = desk.save_bundle(publish_item(scene, "field"))
    words = ("--bundle", bundle, "--item", ITEM, "--now", "+2d")
    run = desk.document(desk.shown(None), *words)
    assert (run.exit, run.report["tier"]) == (5, "day")
    run = desk.document(desk.shown(None), *words, "--tier", "field")
    assert (run.report["tier"], "tier_relaxed" in run.report["unsafe"]) == ("field", True)


def test_a_withdrawn_item_tightens_and_loosens_nothing(desk, scene):
    for tier, expected in (("field", "day"), ("online", "online")):
        publish_item(scene, tier, state="deprecated")
        bundle = desk.save_bundle(scene.fed.evidence(("schema", ITEM)))
        run = desk.document(desk.shown(None), "--bundle", bundle, "--item", ITEM)
        assert run.report["tier"] == expected


def test_the_clerk_may_tighten_what_the_item_asks(desk, scene):
    bundle = desk.save_bundle(publish_item(scene, "field"))
    words = ("--bundle", bundle, "--item", ITEM, "--tier", "online")
    assert desk.document(desk.shown(None), *words, later=3_600).report["tier"] == "online"


@pytest.mark.parametrize("item", [SCHEMA, "no such", "urn:didsvc:item:unknown:1"])
def test_what_is_no_service_item_at_hand_demands_nothing(desk, item):
    run = desk.document(desk.shown(None), "--item", item, "--tier", "field")
    assert (run.report["tier"], "tier_relaxed" in run.report["unsafe"]) == ("field", True)


# --- what is kept -----------------------------------------------------------------------------


def kept(desk):
    return desk.trust.evidence()


def test_what_a_staple_proved_serves_the_next_credential(desk):
    assert desk.document(desk.shown(None)).exit == 0
    run = desk.document(desk.shown(None, staple=None))
    assert run.exit == 0
    sources = {
        check["evidence"]["source"] for check in run.report["checks"] if check["evidence"]
    }
    assert sources == {"trust", "checkpoint"}


def test_the_same_evidence_again_writes_nothing(desk):
    desk.document(desk.shown(None))
    version, before = desk.trust.version, (desk.path / "state.sqlite").stat()
    desk.document(desk.shown(None))
    after = (desk.path / "state.sqlite").stat()  # but for its last reading
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert desk.trust.version == version


def test_older_evidence_replaces_nothing_newer(desk, scene):
    old = scene.staple()
    scene.fed.tick(60)
    scene.publish()
    desk.document(desk.shown(None))
    newer = kept(desk)
    desk.document(desk.shown(None, staple=old))
    assert all(item in kept(desk).items for item in newer.items)


def test_omission_deletes_nothing(desk, scene):
    desk.document(desk.shown(None))
    before = {(item.entry.type, item.entry.subject) for item in kept(desk).items}
    scene.fed.tick(60)
    scene.publish()
    desk.document(desk.shown(None, staple=without(scene.staple(), "status")))
    assert before <= {(item.entry.type, item.entry.subject) for item in kept(desk).items}


def test_the_issuance_proof_of_a_visitor_is_not_kept(desk, scene):
    scene.log_issuance()
    scene.publish()
    assert desk.document(desk.shown(None)).exit == 0
    assert kept(desk).items
    assert not kept(desk).batches


def test_the_issuance_proof_of_a_bundle_is_kept(desk, scene):
    scene.log_issuance()
    scene.publish()
    desk.document(desk.shown(None, staple=None), "--bundle", desk.save_bundle())
    assert kept(desk).batches
    desk.document(desk.shown(None))
    assert kept(desk).batches


def test_sizes_and_floor_are_remembered(desk, scene):
    desk.document(desk.shown(None), later=30)
    memory = desk.trust.memory()
    assert memory.logs["gd.example/reg"].size == scene.fed.logs["gd.example/reg"].size()
    assert timestamps.to_posix(memory.floor) == scene.fed.now + 30


def test_an_undecided_verdict_raises_the_floor_to_the_witnessed_time_alone(desk, scene):
    desk.document(desk.shown(None), later=9 * 86_400)
    assert timestamps.to_posix(desk.trust.memory().floor) == scene.fed.now


def test_an_undecided_answer_may_be_checked_again_with_better_evidence(desk, scene):
    nonce = desk.challenge()
    shown = desk.shown(nonce, staple=None)
    assert desk.check(shown).exit == 5
    assert desk.check(shown, "--bundle", desk.save_bundle()).exit == 0
    assert desk.check(shown).codes == ["answered_before"]


def test_a_stranger_cannot_spend_our_question(desk, scene):
    nonce = desk.challenge()
    stranger = scene.present(nonce=nonce, audience=COUNTER, holder=scene.fed.device("liu"))
    assert desk.check(desk.save("s.vp.json", scene.file(stranger))).exit == 1
    assert desk.answer(nonce).exit == 0


def test_a_damaged_directory_is_named(desk):
    for name in ("memory.json", "state.sqlite", "evidence.json.gz", "policy.json"):
        kept = (desk.path / name).read_bytes() if (desk.path / name).exists() else None
        (desk.path / name).write_bytes(b"\0")
        run = desk.document(desk.shown(None))
        assert (run.exit, json.loads(run.out)["error"]["code"]) == (11, "trust_damaged")
        assert name in json.loads(run.out)["error"]["detail"]
        if kept is None:
            (desk.path / name).unlink()
        else:
            (desk.path / name).write_bytes(kept)


def test_a_full_directory_keeps_what_it_has_and_decides_all_the_same(desk, monkeypatch):
    monkeypatch.setattr(shelves, "MAX_CHAINS_HELD", 3)
    assert desk.answer(desk.challenge()).exit == 0
    assert not kept(desk).items
    merged = desk.run("trust", "import", desk.save_bundle(), "--json")
    assert (merged.exit, json.loads(merged.out)["error"]["code"]) == (2, "too_large")


@pytest.mark.clock
def test_what_cannot_be_remembered_is_not_accepted(tmp_path, living):
    desk = Desk(tmp_path, living)
    desk.pin()
    here = ("--trust", desk.path, "--json")
    asked = finish(start("challenge", "--audience", COUNTER, *here))
    nonce = json.loads(asked.out)["data"]["nonce"]
    words = ["check", desk.shown(nonce), *here]
    full = f"ulimit -f 0; exec {shlex.join(map(str, command(*words)))}"
    run = finish(subprocess.Popen(["sh", "-c", full], stdout=PIPE, stderr=PIPE))
    assert (run.exit, json.loads(run.out)["error"]["code"]) == (8, "file_not_written")
    assert finish(start(*words)).exit == 0


# --- forks ------------------------------------------------------------------------------------


@pytest.fixture
def forked(desk, scene):
    """Two staples of one size and two roots, both cosigned: the same log, told twice."""
    other = deepcopy(scene)
    for world, name in ((scene, "one"), (other, "two")):
        world.fed.tick(60)
        world.fed.agency(f"{name}.gd.example")
        world.publish()
    return scene.staple(), other.staple()


def test_a_fork_is_undecided_from_then_on_and_its_proof_is_kept(desk, forked):
    one, two = forked
    assert desk.document(desk.shown(None, staple=one)).exit == 0
    evidence = desk.trust.evidence()
    run = desk.document(desk.shown(None, staple=two))
    assert (run.exit, "log_forked" in run.codes) == (5, True)
    (name,) = desk.trust.forks()
    fork = json.loads(desk.trust.read_fork(name))
    assert fork["origin"] == "gd.example/reg"
    assert len(fork["notes"]) == 2
    assert desk.trust.evidence() == evidence
    again = desk.document(desk.shown(None, staple=one))
    assert again.exit == 5
    assert desk.trust.forks() == (name,)


def test_a_higher_policy_settles_a_fork(desk, scene, forked):
    one, two = forked
    desk.document(desk.shown(None, staple=one))
    desk.document(desk.shown(None, staple=two))
    assert desk.pin(scene.fed.next_policy(), "--lang", "en").exit == 0
    desk.trust.keep_chains(desk.trust.evidence(), [], "")
    assert desk.document(desk.shown(None, staple=two)).exit == 0
