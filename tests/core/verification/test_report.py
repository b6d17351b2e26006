"""The report and its words: shape, outcome, sentences, what is never printed."""

import ast
import json
from pathlib import Path

import pytest

from did_service.core.credentials import schema_check
from did_service.core.verification.codes import CHECKS, Result
from tests.support.counter import request

pytestmark = pytest.mark.offline
ROOT = Path(__file__).resolve().parents[3]


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
        "query_not_answered",
    }


def test_no_code_of_a_step_lacks_its_sentence():
    """Every text in the steps' modules that looks like a code of theirs stands in the table."""
    folder = ROOT / "did_service/core/verification"
    for path in [*(folder / "steps").glob("*.py"), folder / "verify.py"]:
        tree = ast.parse(path.read_text())
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in (
                "check",
                "Check",
            ):
                for argument in call.args:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        assert argument.value in CHECKS


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
