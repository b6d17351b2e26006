"""The report and its words: shape, outcome, sentences, what is never printed."""

import ast
import json
from pathlib import Path

import pytest

from did_service.core.credentials import schema_check
from did_service.core.verification.codes import CHECKS, FAULTS, STEPS, Result
from tests.support.counter import request

pytestmark = pytest.mark.offline
ROOT = Path(__file__).resolve().parents[3]
STEPS_FOLDER = ROOT / "did_service/core/verification/steps"


# --- the closed table -------------------------------------------------------------------------


def test_unknown_is_never_a_pass_or_a_refusal():
    words = (
        "missing",
        "unknown",
        "stale",
        "not_met",
        "dropped",
        "forked",
        "behind",
        "not_proven",
    )
    own = {
        "nonce_unknown",
        "status_entry_missing",
        "holder_proof_missing",
    }  # demanded, not given
    for code, meaning in CHECKS.items():
        if any(word in code for word in words) and code not in own:
            assert meaning.result is Result.UNDECIDED, code


def test_refusals_are_the_authentic_negatives_alone():
    assert {code for code, s in CHECKS.items() if s.result is Result.FAILED} == {
        "issuer_deactivated",
        "proof_invalid",
        "key_not_listed",
        "type_not_granted",
        "region_not_granted",
        "authority_suspended",
        "issued_after_end",
        "schema_violated",
        "resource_altered",
        "not_yet_valid",
        "expired",
        "proof_expired",
        "status_entry_missing",
        "revoked",
        "suspended",
        "holder_proof_missing",
        "holder_proof_invalid",
        "holder_mismatch",
        "nonce_unknown",
        "nonce_used",
        "audience_wrong",
    }


# The state of a grant, and what a proof set says of a proof: no codes of a check.
WORDS_ALIKE = {"authority": {"suspended"}, "holder": {"proof_expired"}}


def texts_in(path):
    tree = ast.parse(path.read_text())
    return {each.value for each in ast.walk(tree) if isinstance(each, ast.Constant)}


def test_no_code_of_a_step_lacks_its_sentence():
    """Every text in the steps' modules that looks like a code of theirs stands in the table."""
    for path in (*STEPS_FOLDER.glob("*.py"), STEPS_FOLDER.parent / "resources.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in (
                "check",
                "Check",
            ):
                for argument in call.args:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        assert argument.value in CHECKS


def test_each_step_is_a_file_that_names_the_codes_of_its_step_alone():
    """So a report, docs/codes.md and formats.md 7 say one number of each finding."""
    files = {path.stem: path for path in STEPS_FOLDER.glob("*.py") if path.stem != "__init__"}
    assert files.keys() == set(STEPS)
    for number, name in enumerate(STEPS, 1):
        named = (texts_in(files[name]) & CHECKS.keys()) - WORDS_ALIKE.get(name, set())
        assert {code: CHECKS[code].step for code in named} == dict.fromkeys(named, number)


def test_each_code_belongs_to_a_step_that_exists_and_each_step_has_its_fault():
    assert {sentence.step for sentence in CHECKS.values()} == set(range(1, len(STEPS) + 1))
    assert [CHECKS[FAULTS[name]].step for name in STEPS] == list(range(1, len(STEPS) + 1))
    assert {CHECKS[code].result for code in FAULTS.values()} == {Result.UNDECIDED}


# --- the outcome ------------------------------------------------------------------------------


def test_report_is_false_unless_accepted(scene):
    assert scene.check()
    for report in (scene.check(staple=None), scene.check(request=request(nonce="x"))):
        assert not report


def test_same_input_gives_the_same_bytes(scene):
    file = scene.file()
    assert scene.check(data=file).to_bytes() == scene.check(data=file).to_bytes()


def test_report_fits_its_published_schema(scene):
    schema = json.loads((ROOT / "schemas/report.json").read_bytes())
    reports = [
        scene.check(),
        scene.check(staple=None),
        scene.check(policy=None),
        scene.check(data=b"{"),
        scene.check(request=request(nonce="x")),
        scene.check(clock=scene.clock(900_000)),
    ]
    for report in reports:
        assert schema_check.check(schema, json.loads(report.to_bytes())) == ()


def test_evidence_is_named_with_source_age_and_bound(scene):
    report = scene.check(clock=scene.clock(7_200))
    (status,) = [check for check in report.encode()["checks"] if check["step"] == 9]
    assert status["evidence"] == {
        "source": "staple",
        "time": "2026-11-21T08:00:00Z",
        "age_seconds": 7_201,
        "limit_seconds": 86_400,
    }


def test_report_names_claims_and_never_their_values_unless_they_are_asked_for(scene):
    report = scene.check()
    assert report.credentials[0].disclosed == (
        "/credentialSubject/jurisdiction",
        "/credentialSubject/familyName",
        "/credentialSubject/givenName",
    )
    kept, told = report.to_bytes().decode(), report.to_bytes(claims=True).decode()
    assert scene.holder.did not in kept + repr(report)
    assert scene.holder.did in told
    assert "claims" not in json.loads(kept)["credentials"][0]
    said = json.loads(told)["credentials"][0]["claims"]
    assert said == scene.credential["credentialSubject"]


def test_claims_of_several_subjects_and_within_objects_are_named(scene):
    subject = {
        "id": scene.holder.did,
        "jurisdiction": "440100",
        "familyName": "王",
        "residence": {"region": "440100", "a/b~c": "x"},
    }
    report = scene.check(scene.present(scene.issue(credentialSubject=[subject, subject])))
    assert report.credentials[0].disclosed[:4] == (
        "/credentialSubject/0/jurisdiction",
        "/credentialSubject/0/familyName",
        "/credentialSubject/0/residence/region",
        "/credentialSubject/0/residence/a~1b~0c",
    )


def test_summary_shows_who_signed_only_if_the_signature_holds(scene):
    assert scene.check().credentials[0].signer == scene.agency.method
    assert scene.check(staple=None).credentials[0].signer is None
