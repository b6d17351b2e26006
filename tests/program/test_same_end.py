"""The same bad input ends alike in every program: code, exit, shape of the answer."""

import json
from pathlib import Path

import pytest

from did_service.core.credentials import schema_check
from did_service.core.encoding import strict_json, timestamps
from tests.cli.test_bad_input import PROGRAMS
from tests.support.counter import Scene
from tests.support.desk import COUNTER, Desk, did_verify
from tests.support.purse import Purse

pytestmark = pytest.mark.clock

ENVELOPE = ["schema", "ok", "command", "data", "warnings", "error"]
ERROR = {"code", "exit", "message", "next", "detail", "details"}
POLICY = '{"format":"didsvc-policy/9"}'

# Each program's way to take a policy, and the words of that command.
READERS = {
    "wallet": (["trust", "pin", "FILE", "--fingerprint", "00"], "trust pin"),
    "did-verify": (["trust", "pin", "FILE", "--fingerprint", "00"], "trust pin"),
    "did-verify check": (["check", "SHOWN", "--document", "--policy", "FILE"], "check"),
    "did-service": (["bundle", "--policy", "FILE", "--out", "NEW"], "bundle"),
}
BAD = {
    "no JSON": (b"not json", 2, "json_invalid"),
    "empty": (b"", 2, "json_invalid"),
    "no policy": (POLICY.encode(), 2, "member_invalid"),
    "another object": (b'{"x":1}', 2, "member_missing"),
    "an array": (b"[]", 2, "member_invalid"),
    "a member twice": (b'{"a":1,"a":1}', 2, "duplicate_member"),
    "not UTF-8": (b'{"format":"\xff"}', 2, "utf8_invalid"),
}


PUBLISHED = strict_json.load_object(Path("schemas/envelope.json").read_bytes())


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    purse = Purse(tmp_path)
    shown = tmp_path / "shown.vp.json"
    shown.write_text("{}")

    def ended(reader, file, *more):
        words, command = READERS[reader]
        places = {"FILE": file, "SHOWN": shown, "NEW": tmp_path / "new"}
        given = [places.get(word, word) for word in words]
        program = reader.split(" ")[0]
        own = purse.options if program == "wallet" else ()
        made = PROGRAMS[program](*own, *given, *more, "--json")
        answer = json.loads(made.out)
        assert [*answer] == ENVELOPE
        assert schema_check.check_to_issue(PUBLISHED, answer) == ()
        assert (answer["schema"], answer["ok"]) == (f"{program}/1", False)
        assert (answer["command"], answer["data"]) == (command, None)
        assert answer["error"].keys() == ERROR
        assert {*answer["error"]["message"]} == {*answer["error"]["next"]} == {"zh", "en"}
        assert answer["error"]["exit"] == made.exit
        return made.exit, answer["error"]["code"]

    return ended


@pytest.mark.parametrize(("content", "exit_code", "code"), BAD.values(), ids=BAD)
def test_a_file_that_is_no_policy_ends_alike(run, tmp_path, content, exit_code, code):
    file = tmp_path / "bad.json"
    file.write_bytes(content)
    assert {run(reader, file) for reader in READERS} == {(exit_code, code)}


@pytest.mark.parametrize("content", [b"nonsense", b"{}", b"\x1f\x8b broken", b""])
def test_a_file_that_is_no_bundle_ends_alike(tmp_path, content):
    file = tmp_path / "bad.bundle.jsonl.gz"
    file.write_bytes(content)
    purse, scene = Purse(tmp_path), Scene()
    desk = Desk(tmp_path, scene)
    assert desk.pin().exit == 0
    words = ("trust", "pin", desk.save_policy(), "--fingerprint", scene.fed.policy.fingerprint)
    assert purse.json(*words, clock=timestamps.from_posix(scene.fed.now)).exit == 0
    counter = desk.run("trust", "import", file, "--json")
    citizen = purse.json("trust", "import", file)
    assert json.loads(counter.out)["error"] == citizen.envelope["error"]
    assert (counter.exit, citizen.exit) == (2, 2)


def test_a_missing_file_ends_alike(run, tmp_path):
    assert {run(reader, tmp_path / "none") for reader in READERS} == {(7, "file_missing")}


def test_a_folder_for_a_file_ends_alike(run, tmp_path):
    assert {run(reader, tmp_path)[0] for reader in READERS} == {2}


def test_an_option_that_is_none_ends_alike(run, tmp_path):
    assert {run(each, tmp_path / "x", "--frobnicate") for each in READERS} == {(2, "usage")}


def test_success_has_the_same_members(desk_and_scene):
    desk = desk_and_scene
    answer = desk.run("challenge", "--audience", COUNTER, "--json").envelope
    assert [*answer] == ENVELOPE
    assert (answer["command"], answer["ok"], answer["error"]) == ("challenge", True, None)


def test_what_each_program_prints_fits_the_published_schema(desk_and_scene, tmp_path):
    """On success, with warnings, with a verdict that is not accepted, and after a refusal."""
    desk, purse = desk_and_scene, Purse(tmp_path)
    policy = desk.save_policy()
    wallet, service = PROGRAMS["wallet"], PROGRAMS["did-service"]
    runs = [
        desk.run("trust", "show", "--json"),
        desk.document(desk.shown(None)),
        desk.answer("A" * 43),
        did_verify("completion", "bash", "--json"),
        wallet(*purse.options, "cred", "list", "--json"),
        wallet(*purse.options, "cred", "show", "none", "--json"),
        wallet(*purse.options, "trust", "show", "--json"),
        service("bundle", "--policy", policy, "--out", "", "--json"),
    ]
    for run in runs:
        answer = strict_json.load_object(run.out.encode(), numbers=strict_json.Numbers.FINITE)
        assert schema_check.check_to_issue(PUBLISHED, answer) == (), run.out
    assert {json.loads(run.out)["schema"] for run in runs} == {
        "did-verify/1",
        "wallet/1",
        "did-service/1",
    }


def test_a_verdict_that_is_not_accepted_is_never_ok(desk_and_scene):
    desk = desk_and_scene
    run = desk.answer("A" * 43)  # to a question that this counter never asked
    assert run.exit != 0
    assert (run.envelope["ok"], run.envelope["command"]) == (False, "check")
    assert run.report["outcome"] not in ("accepted", "document")


@pytest.fixture
def desk_and_scene(tmp_path):
    scene = Scene()
    scene.publish()
    desk = Desk(tmp_path, scene)
    assert desk.pin().exit == 0
    return desk
