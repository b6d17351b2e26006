"""The story that `make demo` plays, from end to end, with its attacks and without them."""

import json
import os
import shlex
import signal
import subprocess
import sys
from base64 import b64decode
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from did_service.core.credentials import schema_check
from did_service.core.encoding import strict_json
from did_service.demo import play
from did_service.demo.scenes import SCENES
from did_service.node.local.members import ITEM
from did_service.program.clock import SYSTEM
from did_service.program.language import Language

pytestmark = [pytest.mark.clock, pytest.mark.offline, pytest.mark.xdist_group("demo")]

EXPECTED = {
    "accept-offline": "accepted",
    "answered-before": "answered",
    "refuse-replay": "refused",
    "document-only": "document",
    "refuse-tampered": "refused",
    "undecided-stale": "undecided",
    "undecided-fork": "undecided",
    "refuse-revoked": "refused",
    "refuse-old-item": "undecided",
    "accept-issued-while-authorised": "accepted",
    "refuse-no-authority": "refused",
    "undecided-back-dated": "undecided",
}
EXITS = {"accepted": 0, "document": 0, "refused": 1, "undecided": 5, "answered": 5}
# What must stand in the report: the scene fails for its own reason, and for no other.
REASONS = {
    "answered-before": "answered_before",
    "refuse-replay": "nonce_used",
    "refuse-tampered": "proof_invalid",
    "undecided-stale": "status_stale",
    "undecided-fork": "log_contradicted",
    "refuse-revoked": "revoked",
    "refuse-old-item": "status_stale",
    "refuse-no-authority": "issued_after_end",
    "undecided-back-dated": "issuance_time_not_proven",
}
# What an acceptance rests on besides: the scene would be another without it.
GROUNDS = {
    "accept-offline": "holder_proven",
    "accept-issued-while-authorised": "issued_while_authorised",
}
ATTACKS = [scene.id for scene in SCENES if not scene.id.startswith("accept-")]

_UNWANTED = {"HOME", "LANG", "LC_MESSAGES"}
_SURROUNDINGS = {
    "LC_ALL": "POSIX",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "PYTHONIOENCODING": "ascii",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "socks5://127.0.0.1:9",
    "WALLET_STORE": "/nowhere",
    "WALLET_LANG": "zh",
}


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """The kept folder of one run of the command, and what it printed.

    It is given the worst surroundings in which it has to work: a terminal without Chinese, no
    home, a proxy that answers nobody, no room for a socket's name.
    """
    folder = tmp_path_factory.mktemp("demo") / "story"
    temporary = tmp_path_factory.mktemp("t" * 100)
    known = {name: value for name, value in os.environ.items() if name not in _UNWANTED}
    command = [sys.executable, "-m", "did_service.cli", "demo", "--json", "--keep", folder]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**known, **_SURROUNDINGS, "TMPDIR": str(temporary)},
    )
    assert done.returncode == 0, done.stderr
    assert list(temporary.iterdir()) == []
    return folder, json.loads(done.stdout)["data"]


def report_of(story, scene: str) -> dict:
    return json.loads((story[0] / "scenes" / scene / "report.json").read_text())


def codes(report: dict, *results: str) -> set[str]:
    return {check["code"] for check in report["checks"] if check["result"] in results}


def test_every_scene_ends_as_it_must(story):
    result = story[1]
    assert {scene["id"]: scene["outcome"] for scene in result["scenes"]} == EXPECTED
    assert result["ok"] is True


def test_the_printed_object_fits_its_schema(story):
    schema = strict_json.load_object(Path("schemas/demo-output.json").read_bytes())
    assert schema_check.check(schema, story[1]) == ()


@pytest.mark.parametrize(("scene", "code"), REASONS.items())
def test_a_scene_fails_for_its_own_reason(story, scene, code):
    assert code in codes(report_of(story, scene), "failed", "undecided")


@pytest.mark.parametrize(("scene", "code"), GROUNDS.items())
def test_an_acceptance_has_its_own_ground(story, scene, code):
    assert code in codes(report_of(story, scene), "passed")


def test_an_acceptance_states_the_age_of_each_piece_of_evidence(story):
    checks = report_of(story, "accept-offline")["checks"]
    aged = [check for check in checks if check["step"] in (4, 6, 7, 9)]
    assert {check["step"] for check in aged} == {4, 6, 7, 9}
    assert all(check["evidence"]["age_seconds"] is not None for check in aged)


@pytest.mark.parametrize("scene", EXPECTED)
def test_a_kept_scene_can_be_repeated_as_its_command_file_says(story, scene):
    folder = story[0]
    command = shlex.split((folder / "scenes" / scene / "command.txt").read_text())
    done = subprocess.run(
        [sys.executable, "-m", "did_service.verify_cli", *command[1:], "--json"],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    again = json.loads(done.stdout)["data"]
    assert (again["outcome"], done.returncode) == (EXPECTED[scene], EXITS[EXPECTED[scene]])
    assert REASONS.get(scene, "") in {"", *codes(again, "failed", "undecided")}


def signers(note: str) -> set[tuple[str, bytes]]:
    """Name and key id of each signature of a signed note."""
    lines = [line.split() for line in note.splitlines() if line.startswith("— ")]
    return {(name, b64decode(signature)[:4]) for _, name, signature in lines}


def test_three_of_the_four_other_regions_cosigned_whatever_was_published(story):
    regions = story[0] / "regions"
    published = list(regions.glob("**/checkpoint"))
    parts = (path.parent.relative_to(regions).parts for path in published)
    logs = {(region, *rest) for region, _data, *rest in parts}  # regions/ID/data/…
    assert sum(kind == "reg" for _, kind, *_ in logs) == 5
    assert {region for region, kind, *_ in logs if kind == "ev"} == {"gd", "hn"}  # of each year
    for path in published:
        note = path.read_text()
        own = note.partition("/")[0]
        others = {name for name, _ in signers(note)} - {note.splitlines()[0]}
        assert len(others) >= 3
        assert f"{own}/witness" not in others


def test_the_forked_log_has_the_true_key_and_nobodys_cosignature(story):
    shown = json.loads((story[0] / "scenes/undecided-fork/input.json").read_text())
    forked, true = shown["staple"]["checkpoints"]
    assert forked.splitlines()[:2] == true.splitlines()[:2]  # one log, one size
    assert forked.splitlines()[2] != true.splitlines()[2]
    assert len(signers(forked)) == 1
    assert signers(forked) < signers(true)


def test_the_old_item_is_genuine_and_allowed_a_week_and_loosens_nothing(story):
    shown = json.loads((story[0] / "scenes/refuse-old-item/input.json").read_text())
    entries = [item["entry"] for item in shown["staple"]["items"]]
    [old] = [entry for entry in entries if entry["s"] == ITEM]
    assert (old["n"], json.loads(old["b"]["content"])["tier"]) == (1, "field")
    report = report_of(story, "refuse-old-item")
    assert (report["tier"], "tier_relaxed" in report["unsafe"]) == ("day", False)


def test_no_personal_data_stand_in_any_log_or_report(story):
    folder = story[0]
    shown = [
        p
        for pattern in ("regions", "forked", "counter", "agencies")
        for p in (folder / pattern).rglob("*")
    ]
    reports = list((folder / "scenes").glob("*/report.json"))
    held = [path for path in shown if path.is_file() and path.name != "issuer.sqlite"]
    for path in [path for path in held if "issuer.sqlite" not in path.name] + reports:
        assert b"11010519491231002X" not in path.read_bytes(), path


def test_without_its_attack_each_scene_accepts_and_so_fails(tmp_path):
    options = play.Options(Language.EN, tmp_path / "story", quiet=True, disarmed=True)
    played, seconds = play.play(options, SYSTEM)
    outcomes = {each.scene.id: each.outcome for each in played}
    assert {scene: outcomes[scene] for scene in ATTACKS} == dict.fromkeys(ATTACKS, "accepted")
    assert play.encode(played, seconds)["ok"] is False


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("kept")
    command = [sys.executable, "-m", "did_service.cli", "demo", "--keep", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "folder_not_empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.fixture
def interruptible():
    """Children of a job in the background would ignore SIGINT; not those of a handler's."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def short_folder():
    """Sockets are named in it: the folder of a test may leave their names no room."""
    with TemporaryDirectory(prefix="didsvc-test-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_story_that_is_ended_early_leaves_nothing_behind(short_folder, number):
    command = [sys.executable, "-m", "did_service.cli", "demo"]
    places = {**os.environ, "TMPDIR": str(short_folder)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=places) as running:
        told = next(line for line in running.stderr if "✔" in line)  # the servers are up
        assert list(short_folder.rglob("*.sock"))
        running.send_signal(number)
        rest = running.communicate()[1]
    assert running.returncode == 3, told + rest
    assert "Traceback" not in rest
    assert list(short_folder.iterdir()) == []
