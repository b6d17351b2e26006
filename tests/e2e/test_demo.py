"""The story that `make demo` plays, from end to end, with its attacks and without them."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from did_service.cli.demo import play
from did_service.cli.demo.scenes import SCENES
from did_service.core.credentials import schema_check
from did_service.core.encoding import strict_json
from did_service.core.errors import Language
from did_service.web.settings import SYSTEM

pytestmark = [pytest.mark.offline, pytest.mark.xdist_group("demo")]

EXPECTED = {
    "accept-offline": "accepted",
    "refuse-replay": "refused",
    "refuse-tampered": "refused",
    "undecided-stale": "undecided",
    "undecided-fork": "undecided",
    "refuse-revoked": "refused",
    "accept-issued-while-authorised": "accepted",
    "refuse-no-authority": "refused",
    "undecided-back-dated": "undecided",
}
# What must stand in the report: the scene fails for its own reason, and for no other.
REASONS = {
    "refuse-replay": "nonce_used",
    "refuse-tampered": "proof_invalid",
    "undecided-stale": "status_stale",
    "undecided-fork": "quorum_not_met",
    "refuse-revoked": "revoked",
    "refuse-no-authority": "issued_after_end",
    "undecided-back-dated": "issuance_time_not_proven",
}
ATTACKS = [scene.id for scene in SCENES if not scene.id.startswith("accept-")]


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """The kept folder of one run of the command, and what it printed."""
    folder = tmp_path_factory.mktemp("demo") / "story"
    command = [sys.executable, "-m", "did_service.cli", "demo", "--json", "--keep", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def report_of(story, scene: str) -> dict:
    return json.loads((story[0] / "scenes" / scene / "report.json").read_text())


def test_every_scene_ends_as_it_must(story):
    result = story[1]
    assert {scene["id"]: scene["outcome"] for scene in result["scenes"]} == EXPECTED
    assert result["ok"] is True


def test_the_printed_object_fits_its_schema(story):
    schema = strict_json.load_object(Path("schemas/demo-output.json").read_bytes())
    assert schema_check.check(schema, story[1]) == ()


@pytest.mark.parametrize(("scene", "code"), REASONS.items())
def test_a_scene_fails_for_its_own_reason(story, scene, code):
    codes = {c["code"] for c in report_of(story, scene)["checks"] if c["result"] != "passed"}
    assert code in codes


def test_an_acceptance_states_the_age_of_each_piece_of_evidence(story):
    checks = report_of(story, "accept-offline")["checks"]
    aged = [check for check in checks if check["step"] in (4, 6, 7, 9)]
    assert {check["step"] for check in aged} == {4, 6, 7, 9}
    assert all(check["evidence"]["age_seconds"] is not None for check in aged)


@pytest.mark.parametrize("scene", ["refuse-tampered", "undecided-stale", "undecided-fork"])
def test_a_kept_scene_can_be_repeated_as_its_command_file_says(story, scene):
    folder = story[0]
    command = shlex.split((folder / "scenes" / scene / "command.txt").read_text())
    before = report_of(story, scene)["outcome"]
    done = subprocess.run(
        [sys.executable, "-m", "did_service.verifier", *command[1:]],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    assert done.returncode == {"refused": 1, "undecided": 5}[before]


def test_no_personal_data_stand_in_any_log_or_report(story):
    folder = story[0]
    shown = [
        p
        for pattern in ("regions", "counter", "agencies")
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
