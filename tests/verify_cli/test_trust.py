"""`did-verify trust` and `challenge`: pinning, merging, showing, asking."""

import json

import pytest

from did_service.core.anchor.bodies.policy import parse_policy, sign_policy
from did_service.core.encoding import b64, strict_json, timestamps
from did_service.core.openid.request_object import parse_request_object
from did_service.core.text import quote
from did_service.program.language import Language
from did_service.verifier.challenges import state_of
from did_service.verifier.dates import moment_in_zone
from did_service.verifier.tables import STATE_FILE
from did_service.verify_cli import __main__ as program
from tests.support.desk import COUNTER, Desk, did_verify
from tests.support.founding import governor
from tests.support.later import complete, future_entry
from tests.support.optional import case

pytestmark = pytest.mark.offline


def code_of(run):
    return json.loads(run.out)["error"]["code"]


# --- pin --------------------------------------------------------------------------------------


@pytest.fixture
def bare(tmp_path, scene):
    """A desk without a policy."""
    return Desk(tmp_path, scene)


def test_the_first_policy_is_pinned_under_its_fingerprint(bare, scene):
    run = bare.pin(None, "--fingerprint", scene.fed.policy.fingerprint.upper(), "--json")
    assert run.exit == 0
    pinned = run.report
    assert (pinned["seq"], pinned["fingerprint"]) == (1, scene.fed.policy.fingerprint)
    assert bare.trust.read_policy()


def test_a_wrong_fingerprint_pins_nothing(bare):
    run = bare.pin(None, "--fingerprint", "0000 " * 8, "--json")
    assert (run.exit, code_of(run)) == (1, "fingerprint_wrong")
    assert not bare.path.exists()


def test_the_same_policy_again_changes_nothing(desk):
    before = desk.trust.read_policy()
    again = desk.pin(None, "--lang", "en")
    assert again.exit == 0
    assert "already" in again.out
    assert desk.trust.read_policy() == before


def test_the_next_policy_needs_no_fingerprint(desk, scene):
    following = scene.fed.next_policy()
    assert desk.pin(following, "--lang", "en").exit == 0
    assert desk.run("trust", "show", "--json").report["policy"]["seq"] == 2


def test_a_policy_of_later_rules_is_pinned_and_gone_by(desk, scene):
    scene.publish()
    assert desk.pin(scene.fed.next_policy(rules=2)).exit == 0
    assert desk.answer(desk.challenge()).report["outcome"] == "accepted"


def test_a_bundle_with_an_entry_of_an_unknown_type_is_kept_whole(desk, scene):
    future_entry(scene.fed, "asset", "urn:asset:1")
    scene.fed.tick()
    scene.publish()
    run = desk.run("trust", "import", desk.save_bundle(complete(scene)), "--json")
    assert (run.exit, run.report["dropped"]) == (0, 0)
    answered = desk.answer(desk.challenge()).report
    assert answered["outcome"] == "accepted"
    assert "evidence_of_other_type" in [check["code"] for check in answered["checks"]]


def test_a_fingerprint_that_is_given_must_fit(desk, scene):
    run = desk.pin(scene.fed.next_policy(), "--fingerprint", "00", "--json")
    assert (run.exit, code_of(run)) == (1, "fingerprint_wrong")


def test_a_policy_of_the_past_is_refused(desk, scene):
    first = scene.fed.policy
    desk.pin(scene.fed.next_policy())
    run = desk.pin(first, "--json")
    assert (run.exit, code_of(run)) == (1, "policy_rollback")


def test_a_second_policy_of_one_number_is_refused(desk, scene):
    members = {n: v for n, v in scene.fed.policy.members.items() if n != "proof"}
    keys = [governor(region) for region in ("gd", "hn", "zj")]
    now = timestamps.from_posix(scene.fed.now)
    other = sign_policy({**members, "waivers": WAIVERS}, keys, now)
    run = desk.pin(other, "--json", "--fingerprint", other.fingerprint)
    assert (run.exit, code_of(run)) == (1, "policy_forked")


WAIVERS = [{"item": "urn:x", "code": "status_stale", "max_seconds": 1_209_600}]


def test_an_expired_policy_is_not_pinned(bare, scene):
    policy = scene.fed.policy
    run = bare.run(
        "trust",
        "pin",
        bare.save_policy(),
        "--fingerprint",
        policy.fingerprint,
        "--json",
        later=366 * 86_400,
    )
    assert (run.exit, code_of(run)) == (5, "policy_expired")


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"[]", b'{"format":"didsvc-policy/9"}', b" " * 2**21]
)
def test_what_is_no_policy_is_refused(bare, data):
    path = bare.save("policy.json", data)
    run = bare.run("trust", "pin", path, "--fingerprint", "00", "--json")
    assert run.exit == 2
    assert code_of(run)


# --- import -----------------------------------------------------------------------------------


def counted(run):
    return {name: run.report[name] for name in ("newer", "same", "older", "dropped")}


def test_a_bundle_is_merged_and_counted(desk, scene):
    old = scene.staple()
    run = desk.run("trust", "import", desk.save_bundle(), "--json")
    assert (run.exit, counted(run)) == (0, {"newer": 5, "same": 0, "older": 0, "dropped": 0})
    again = desk.run("trust", "import", desk.save_bundle(), "--json")
    assert counted(again) == {"newer": 0, "same": 5, "older": 0, "dropped": 0}
    scene.fed.tick(60)
    scene.publish()
    newer = desk.run("trust", "import", desk.save_bundle(), "--json")
    # The list itself is as old as it was, whatever stands behind it.
    assert counted(newer) == {"newer": 4, "same": 1, "older": 0, "dropped": 0}
    before = desk.trust.evidence()
    older = desk.run("trust", "import", desk.save_bundle(old, "old"), "--json", later=120)
    assert counted(older) == {"newer": 0, "same": 1, "older": 4, "dropped": 0}
    assert len(desk.trust.evidence().items) >= len(before.items)
    assert desk.document(desk.shown(None, staple=None)).exit == 0


def test_what_does_not_verify_is_dropped_and_counted(desk, scene):
    bundle = scene.staple()
    bundle["items"][0]["path"] = bundle["items"][0]["path"][1:]
    run = desk.run("trust", "import", desk.save_bundle(bundle), "--json")
    assert (run.exit, counted(run)["dropped"] > 0) == (0, True)
    words = [
        desk.run("trust", "import", desk.save_bundle(bundle), "--lang", lang).out
        for lang in ("zh", "en")
    ]
    assert ("弃用" in words[0], "1 dropped" in words[1]) == (True, True)


def test_a_bundle_carries_the_policies_that_follow(desk, scene):
    second = scene.fed.next_policy()
    members = {n: v for n, v in second.members.items() if n != "proof"}
    after = {**members, "seq": 3, "previous": b64.encode_url(second.digest)}
    keys = [governor(region) for region in ("gd", "hn", "zj")]
    third = sign_policy(after, keys, timestamps.from_posix(scene.fed.now))
    unsigned = {**third.members, "seq": 4, "previous": b64.encode_url(third.digest)}
    policies = [{"policy": each} for each in (third.members, unsigned, second.members, {})]
    bundle = desk.save_bundle({**scene.staple(), "policies": policies})
    run = desk.run("trust", "import", bundle, "--json")
    assert run.report["policy"]["seq"] == 3
    assert desk.document(desk.shown(None, staple=None)).exit == 0
    words = desk.run("trust", "import", bundle, "--lang", "en")
    assert "took over" not in words.out


def test_people_are_told_that_another_policy_took_over(desk, scene):
    policies = [{"policy": scene.fed.next_policy().members}]
    bundle = desk.save_bundle({**scene.staple(), "policies": policies})
    assert "policy 2 took over" in desk.run("trust", "import", bundle, "--lang", "en").out


def test_two_policies_of_one_number_stop_the_import(desk, scene):
    members = {n: v for n, v in scene.fed.policy.members.items() if n != "proof"}
    keys = [governor(region) for region in ("gd", "hn", "zj")]
    other = sign_policy(
        {**members, "waivers": WAIVERS}, keys, timestamps.from_posix(scene.fed.now)
    )
    bundle = desk.save_bundle({**scene.staple(), "policies": [{"policy": other.members}]})
    run = desk.run("trust", "import", bundle, "--json")
    assert (run.exit, code_of(run)) == (1, "policy_forked")
    assert not desk.trust.evidence().items


def test_without_a_policy_nothing_can_be_merged(bare):
    run = bare.run("trust", "import", bare.save_bundle(), "--json")
    assert (run.exit, code_of(run)) == (5, "policy_missing")
    assert not bare.path.exists()


@pytest.mark.parametrize(
    "data", [b"", b"\x1f\x8b\x08", b"{}", b'{"format":"didsvc-evidence/2"}']
)
def test_what_is_no_bundle_is_refused(desk, data):
    run = desk.run("trust", "import", desk.save("x.bundle.jsonl.gz", data), "--json")
    assert run.exit == 2


# --- reset-clock ------------------------------------------------------------------------------


def test_a_reset_says_what_it_took_back_and_what_still_counts(desk, scene):
    desk.document(desk.shown(None), later=30)
    witnessed, decided = (
        timestamps.encode(timestamps.from_posix(scene.fed.now + later)) for later in (0, 30)
    )
    now = timestamps.from_posix(scene.fed.now)
    for language in ("zh", "en", "both"):
        desk.document(desk.shown(None), later=30)
        run = desk.run("trust", "reset-clock", "--lang", language)
        assert run.exit == 0
        for instant in (decided, witnessed):  # for people, in their own zone with its name
            told = moment_in_zone(timestamps.parse(instant), now, None)
            assert Language(language).say(told) in run.out or told.en in run.out
            assert instant not in run.out
    again = desk.run("trust", "reset-clock", "--json").report
    assert again["before"] == again["after"] == {"witnessed": witnessed, "decided": None}


def test_a_reset_where_nothing_was_decided_makes_nothing(bare):
    run = bare.run("trust", "reset-clock", "--json")
    nothing = {"witnessed": None, "decided": None}
    assert (run.exit, run.report) == (0, {"before": nothing, "after": nothing})
    assert not bare.path.exists()
    assert bare.run("trust", "reset-clock", "--lang", "en").exit == 0


# --- show -------------------------------------------------------------------------------------


def test_show_tells_policy_regions_and_ages(desk, scene):
    desk.run("trust", "import", desk.save_bundle())
    run = desk.run("trust", "show", "--json", later=3_600)
    data = run.report
    assert data["policy"]["fingerprint"] == scene.fed.policy.fingerprint
    assert [region["id"] for region in data["policy"]["regions"]] == [
        "gd",
        "hn",
        "zj",
        "sc",
        "cn",
    ]
    assert data["logs"]["gd.example/reg"]["age_seconds"] == 3_600
    assert data["items"] == {"authority": 1, "did": 2, "schema": 1, "status": 1}
    words = desk.run("trust", "show", "--lang", "en", later=3_600)
    assert scene.fed.policy.fingerprint in words.out
    assert "1 h old" in words.out
    assert "Demonstration only" in words.err


def test_show_tells_the_times_before_which_it_cannot_be(desk, scene):
    desk.document(desk.shown(None), later=30)
    told = desk.run("trust", "show", "--json").report["clock"]
    witnessed, decided = (
        timestamps.encode(timestamps.from_posix(scene.fed.now + later)) for later in (0, 30)
    )
    assert told == {"witnessed": witnessed, "decided": decided}
    for language in Language.ZH, Language.EN:
        words = desk.run("trust", "show", "--lang", language.value).out
        for later in (0, 30):
            instant = timestamps.from_posix(scene.fed.now + later)
            assert language.say(moment_in_zone(instant, instant, None)) in words


def test_show_names_what_is_held_in_the_readers_language(desk):
    desk.run("trust", "import", desk.save_bundle())
    held = {
        "zh": "核验数据 1 授权, 2 身份标识, 1 证照格式, 1 作废记录",
        "en": "evidence 1 authority, 2 did, 1 schema, 1 status",
    }
    for language, told in held.items():
        words = desk.run("trust", "show", "--lang", language).out
        assert told in [" ".join(line.split()) for line in words.splitlines()]


def test_a_word_too_many_is_named(desk):
    run = did_verify("trust", "show", desk.path.name, "--lang", "en")
    assert (run.exit, run.out) == (2, "")
    assert f'not expected here: "{desk.path.name}" [usage]' in run.err


def test_show_answers_first_until_when_it_is_good(desk, scene):
    assert desk.run("trust", "import", desk.save_bundle(), "--lang", "en").out.startswith(
        "good until "
    )
    for later, exit_code, begins in (
        (0, 0, "good until "),
        (86_399, 0, "good until "),
        (86_400, 5, "too old: data as of "),
        (8 * 86_400, 5, "too old: data as of "),
        (400 * 86_400, 5, "the policy expired on "),
    ):
        run = desk.run("trust", "show", "--lang", "en", later=later)
        assert (run.exit, run.out.startswith(begins)) == (exit_code, True), run.out
    data = desk.run("trust", "show", "--json").report
    day = timestamps.encode(timestamps.from_posix(scene.fed.now + 86_400))
    assert data["good_until"]["day"] == day
    assert data["as_of"] == timestamps.encode(timestamps.from_posix(scene.fed.now))


def test_a_desk_without_evidence_says_so(desk):
    run = desk.run("trust", "show", "--lang", "zh")
    assert (run.exit, run.out.startswith("本机没有核验数据")) == (0, True)
    assert desk.run("trust", "show", "--json").report["as_of"] is None


def test_show_changes_nothing(desk):
    before = sorted(path.stat().st_mtime_ns for path in desk.path.iterdir())
    desk.run("trust", "show")
    assert sorted(path.stat().st_mtime_ns for path in desk.path.iterdir()) == before


def test_without_a_policy_there_is_nothing_to_show(bare):
    run = bare.run("trust", "show", "--json")
    assert (run.exit, code_of(run)) == (5, "policy_missing")


# --- challenge --------------------------------------------------------------------------------


def test_a_request_is_alone_on_stdout_and_new_each_time(desk):
    first, second = (desk.run("challenge", "--audience", COUNTER) for _ in range(2))
    asked = parse_request_object(first.out.encode())
    assert (asked.client_id, asked.item, len(asked.nonce)) == (COUNTER, None, 43)
    assert first.out != second.out
    assert "accepted once" in first.err


def test_a_request_file_is_what_a_wallet_reads(desk, scene):
    path = desk.folder / "ask.request.json"
    run = desk.run("challenge", "--audience", COUNTER, "--item", "item-1", "--out", path)
    asked = parse_request_object(path.read_bytes())
    assert (asked.client_id, asked.item, asked.state) == (
        COUNTER,
        "item-1",
        state_of(asked.nonce),
    )
    asked.check_current(timestamps.from_posix(scene.fed.now + 1))
    assert run.out == f"The request is in {quote(path)}. Let the holder's wallet read it.\n"
    assert desk.answer(asked.nonce).exit == 0


def test_a_request_replaces_no_file_unless_it_is_told_to(desk):
    path = desk.save("ask.request.json", b"precious")
    words = ("challenge", "--audience", COUNTER, "--out", path, "--json")
    assert (desk.run(*words).exit, path.read_bytes()) == (2, b"precious")
    run = desk.run(*words, "--force")
    assert run.report["request"] == json.loads(path.read_bytes())


def test_a_counter_is_named_once(desk):
    run = desk.run("challenge", "--json")
    assert (run.exit, code_of(run)) == (2, "audience_missing")
    desk.challenge()
    assert desk.run("challenge", "--json").report["audience"] == COUNTER
    desk.run("challenge", "--audience", "window-4")
    assert desk.run("challenge", "--json").report["audience"] == "window-4"


@pytest.mark.parametrize(
    "words",
    [
        ("--audience", "x509_hash:abc"),
        ("--audience", ""),
        ("--audience", "window\u202e3"),
        ("--audience", COUNTER, "--item", "two items"),
    ],
)
def test_what_no_request_can_say_is_refused_and_nothing_remembered(desk, words):
    run = desk.run("challenge", *words, "--json")
    code = "item_invalid" if "--item" in words else "audience_invalid"
    assert (run.exit, code_of(run)) == (2, code)
    assert desk.trust.memory().audience is None


def test_a_challenge_says_until_when_it_is_taken(desk, scene):
    run = desk.run("challenge", "--audience", COUNTER, "--json")
    expires = timestamps.encode(timestamps.from_posix(scene.fed.now + 1 + 86_400))
    data = run.report
    assert (data["audience"], data["expires"], data["unsafe"]) == (COUNTER, expires, [])


def test_a_challenge_for_a_policy_alone_is_not_remembered_and_says_so(desk, tmp_path):
    words = ("--policy", desk.save_policy(), "--json")
    run = did_verify("challenge", "--audience", COUNTER, *words)
    assert run.report["unsafe"] == ["nonce_not_remembered"]
    assert not (tmp_path / "state").exists()
    assert code_of(did_verify("challenge", *words)) == "audience_missing"


def test_a_challenge_of_a_given_time_says_so(desk):
    run = desk.run("challenge", "--audience", COUNTER, "--now", "+2d", "--json")
    assert run.report["unsafe"] == ["now_given"]


def test_the_default_directory_is_the_user_s_own(tmp_path):
    assert did_verify("challenge", "--audience", COUNTER).exit == 0
    assert (tmp_path / "state" / "did-verify" / STATE_FILE).exists()


def test_where_boots_have_no_names_questions_are_still_answered_once(
    desk, monkeypatch, tmp_path
):
    monkeypatch.setattr(program, "BOOT_ID", tmp_path / "no such file")
    nonce = desk.challenge()
    assert desk.answer(nonce).exit == 0
    assert desk.answer(nonce).codes == ["answered_before"]


def test_a_policy_of_the_first_release_is_pinned_and_judges(tmp_path):
    """Its proofs are not sorted, its quorum has the name of a keyword, its witnesses no URL."""
    world, now = (
        case("world"),
        timestamps.to_posix(timestamps.parse_utc("2026-11-21T08:00:02Z")),
    )
    policy = parse_policy(strict_json.load_object((world / "policy.json").read_bytes()))
    assert "quorum quorum" in next(iter(policy.regions[0].logs.values())).encode().decode()
    for words in (("--fingerprint", policy.fingerprint), ()):
        pinning = ("trust", "pin", world / "policy.json", *words, "--trust", tmp_path / "trust")
        assert did_verify(*pinning, now=now).exit == 0
    asked = ("--nonce", "n-0S6_WzA2Mj", "--audience", "https://counter.hn.example/1")
    judging = ("--policy", world / "policy.json", "--tier", "field", "--json")
    run = did_verify("check", world / "good.json", *asked, *judging, now=now)
    assert (run.exit, run.report["outcome"]) == (0, "accepted")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_without_a_policy_every_command_names_the_next_step(bare, language):
    """`check` and `trust show` cannot go on, and `challenge` asks what cannot be judged yet."""
    said = ("--lang", language)
    asked = bare.run("challenge", "--audience", COUNTER, *said)
    nonce = json.loads(asked.out)["nonce"]
    judged = bare.run("check", bare.shown(nonce), *said)
    shown = bare.run("trust", "show", *said)
    assert (asked.exit, judged.exit, shown.exit) == (0, 5, 5)
    for told in (asked.err, judged.out, shown.err):
        assert "did-verify trust pin" in told.replace("\n          ", " ")
