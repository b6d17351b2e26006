"""`did-verify did`: the published did:webvh suite through the command line."""

import json
import re

import pytest

from did_service.core.did.webvh import write
from tests.support.desk import did_verify
from tests.support.dids import Controller, key, rule_of
from tests.support.optional import vectors

pytestmark = pytest.mark.offline

SUITE = vectors("didwebvh")
FAULTY = "witness-update"  # a fault of the suite, as its README says
LOGS = sorted(path.parent for path in SUITE.glob("*/*/did.jsonl"))
GOOD = [
    p for p in LOGS if not p.parent.name.startswith("negative-") and p.parent.name != FAULTY
]
BAD = [p for p in LOGS if p not in GOOD]
MEMBERS = ["did", "versionId", "document", "metadata", "problem"]
PERFORMED = ("created", "updated", "versionTime", "deactivated")


def named(path):
    return f"{path.parent.name}-{path.name}"


def words_for(folder):
    witness = folder / "did-witness.json"
    given = ["--witness", witness] if witness.exists() else []
    return ["did", folder / "did.jsonl", *given]


def resolved(*words):
    run = did_verify(*words, "--json")
    answer = run.envelope
    assert list(answer["data"]) == MEMBERS
    assert answer["ok"] is (run.exit == 0) is (answer["error"] is None)
    return run.exit, {**answer["data"], "error": answer["error"]}


@pytest.mark.parametrize("folder", GOOD, ids=named)
def test_good_logs_give_the_published_versions(folder):
    for expected_file in sorted(folder.glob("resolutionResult*.json")):
        expected = json.loads(expected_file.read_text())["didDocumentMetadata"]
        number = expected["versionNumber"]
        code, answer = resolved(*words_for(folder), "--version-number", number)
        assert (code, answer["versionId"]) == (0, expected["versionId"])
        for name in PERFORMED:
            assert answer["metadata"].get(name) == expected.get(name, answer["metadata"][name])


@pytest.mark.parametrize("folder", BAD, ids=named)
def test_bad_logs_are_refused(folder):
    code, answer = resolved(*words_for(folder))
    assert code in (1, 2)
    assert re.fullmatch("[a-z_]+", answer["error"]["code"])
    assert answer["problem"].startswith("https://www.w3.org/ns/did#")
    assert answer["document"] is None


@pytest.fixture
def made():
    controller = Controller.create()
    controller.update(watchers=["https://w.example/"])
    return controller


@pytest.fixture
def log(made, tmp_path):
    path = tmp_path / "did.jsonl"
    path.write_bytes(made.log)
    return path


def test_the_newest_version_is_shown_unless_another_is_asked_for(made, log):
    first, second = (entry["versionId"] for entry in made.entries)
    assert resolved("did", log)[1]["versionId"] == second
    assert resolved("did", log, "--version-id", first)[1]["versionId"] == first
    time = made.entries[0]["versionTime"]
    assert resolved("did", log, "--version-time", time)[1]["versionId"] == first
    assert resolved("did", log, "--version-number", 1)[1]["metadata"]["nextVersionId"] == second


def test_people_are_told_the_version_and_that_there_is_a_later_one(made, log):
    run = did_verify("did", log, "--version-number", 1, "--lang", "en")
    assert run.out.startswith("VALID\n")
    assert made.did in run.out
    assert made.entries[1]["versionId"] in run.out
    assert run.err == ""


def test_the_log_comes_through_standard_input(made):
    run = did_verify("did", "-", "--json", stdin=made.log)
    assert run.report["did"] == made.did


def test_a_did_that_has_ended_has_no_document(made, log, tmp_path):
    made.add(write.deactivate(made.state, key("update"), now=made.tick()))
    log.write_bytes(made.log)
    code, answer = resolved("did", log)
    assert (code, answer["document"], answer["metadata"]["deactivated"]) == (0, None, True)
    assert "该标识已注销" in did_verify("did", log, "--lang", "zh").out


def test_the_log_of_another_did_is_refused(log):
    code, answer = resolved("did", log, "--did", "did:webvh:QmOther:gd.example")
    assert (code, answer["error"]["code"]) == (1, "did_mismatch")
    assert answer["did"] == "did:webvh:QmOther:gd.example"


def test_a_log_that_lost_a_version_seen_before_is_refused(made, log):
    first, second = (entry["versionId"] for entry in made.entries)
    assert resolved("did", log, "--known", first)[0] == 0
    assert resolved("did", log, "--known", second)[0] == 0
    log.write_bytes(made.log.splitlines()[0])
    code, answer = resolved("did", log, "--known", second, "--version-number", 1)
    assert (code, answer["error"]["code"]) == (1, "did_rolled_back")


def test_missing_witness_proofs_are_asked_for(tmp_path):
    made = Controller.create(witness=rule_of(1, "w1").encode())
    made.witness("w1")
    log, witness = tmp_path / "did.jsonl", tmp_path / "did-witness.json"
    log.write_bytes(made.log)
    witness.write_bytes(made.witness_file)
    alone = did_verify("did", log, "--lang", "en")
    assert alone.exit == 1
    assert "[witness_threshold]" in alone.err
    assert "--witness" in alone.err
    assert did_verify("did", log, "--witness", witness).exit == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--version-number", "99"], (7, "version_not_found")),
        (["--version-id", "1-Qm"], (7, "version_not_found")),
        (["--version-time", "1999-01-01T00:00:00Z"], (7, "version_not_found")),
        (["--version-time", "yesterday"], (2, "version_time_invalid")),
        (["--witness", "no-such-file"], (7, "file_missing")),
    ],
)
def test_what_cannot_be_answered_has_its_code(log, words, code):
    exit_code, answer = resolved("did", log, *words)
    assert (exit_code, answer["error"]["code"]) == code
    run = did_verify("did", log, *words)
    assert (run.exit, run.out) == (code[0], "")
    assert f"[{code[1]}]" in run.err


@pytest.mark.parametrize("data", [b"", b"\0\xff", b"{}", b"[" * 100_000, b"x" * 6_000_000])
def test_what_is_no_log_is_refused(tmp_path, data):
    path = tmp_path / "did.jsonl"
    path.write_bytes(data)
    assert resolved("did", path)[0] == 2
