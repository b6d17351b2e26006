"""The report and its words: shape, outcome, sentences, what is never printed."""

import ast
import json
import re
from pathlib import Path

import pytest

from did_service.core.credentials import schema_check
from did_service.core.errors import Bilingual, Language
from did_service.core.verification.codes import CHECKS, FAULTS, STEPS, UNSAFE, Result
from did_service.core.verification.report import Basis, Check, Outcome
from did_service.verifier.verdict_text import duration, render
from tests.support.counter import request

pytestmark = pytest.mark.offline
ROOT = Path(__file__).resolve().parents[3]
STEPS_FOLDER = ROOT / "did_service/core/verification/steps"


# --- the closed table -------------------------------------------------------------------------


@pytest.mark.parametrize("code", CHECKS)
def test_every_code_has_both_languages_and_a_next_step(code):
    sentence = CHECKS[code]
    texts = [sentence.message]
    settled = sentence.result in (Result.PASSED, Result.NOT_ASKED)
    assert (sentence.next_step is None) is settled
    texts += [] if sentence.next_step is None else [sentence.next_step]
    for text in texts:
        assert any("\u4e00" <= c <= "\u9fff" for c in text.zh)
        assert text.en.isascii()
        assert text.en


@pytest.mark.parametrize("code", UNSAFE)
def test_every_weakened_check_has_both_languages(code):
    assert UNSAFE[code].zh
    assert UNSAFE[code].en.isascii()


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
    for code, sentence in CHECKS.items():
        if any(word in code for word in words) and code not in own:
            assert sentence.result is Result.UNDECIDED, code


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


def test_report_names_claims_and_never_their_values(scene):
    report = scene.check()
    assert report.credentials[0].disclosed == (
        "/credentialSubject/jurisdiction",
        "/credentialSubject/familyName",
        "/credentialSubject/givenName",
    )
    text = report.to_bytes().decode() + "".join(render(report, Language.BOTH))
    assert "王" not in text
    assert scene.holder.did not in text


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


# --- the words --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (Language.ZH, ["通过"]),
        (Language.EN, ["ACCEPTED"]),
        (Language.BOTH, ["通过 ACCEPTED"]),
    ],
)
def test_first_line_is_the_word(scene, language, words):
    lines = render(scene.check(), language)
    assert lines[0] in words


def test_age_and_bound_are_said_in_words(scene):
    lines = render(scene.check(clock=scene.clock(7_200)), Language.BOTH)
    (status,) = [line for line in lines if "未被吊销" in line]
    assert "2 小时前 2 h old" in status
    assert "1 天 1 d" in status


def test_evidence_is_named_in_the_readers_language(scene):
    lines = {each: "\n".join(render(scene.check(), each)) for each in Language}
    assert "依据 凭据包, " in lines[Language.ZH]
    assert "staple" not in lines[Language.ZH]
    assert "evidence checkpoint, " in lines[Language.EN]
    assert "依据 evidence 检查点 checkpoint, " in lines[Language.BOTH]


def test_next_step_follows_what_cannot_be_told(scene):
    lines = render(scene.check(staple=None), Language.EN)
    assert lines[0] == "CANNOT TELL"
    assert any("→" in line and "refresh" in line for line in lines)
    assert not any("→" in line for line in render(scene.check(), Language.EN))


def test_what_stands_in_the_way_comes_before_all_that_does_not(scene):
    report = scene.check(staple=None, request=request(nonce="x"))
    assert report.outcome is Outcome.REFUSED
    marks = "".join(line.strip()[0] for line in render(report, Language.EN)[1:])
    assert re.fullmatch("✘+[?]+→+!*[^✘?→]+", marks)
    assert "✔" in marks


def test_several_credentials_are_told_apart(scene):
    late = scene.issue(validFrom="2019-01-01T00:00:00Z", validUntil="2020-01-01T00:00:00Z")
    lines = render(scene.check(scene.present(scene.credential, late)), Language.EN)
    begin = '#2 credential "urn:didsvc:residence-permit:1" · '
    assert [line for line in lines if "#2" in line] == [
        "  ✘ the credential has expired (#2; 2020-01-01T00:00:00Z)",
        next(line for line in lines if line.startswith(begin)),
    ]


def test_waived_finding_says_so(scene):
    waivers = [
        {"item": "x", "code": code, "max_seconds": 9_000_000}
        for code in ("status_stale", "evidence_stale")
    ]
    policy = scene.fed.next_policy(waivers=waivers)
    report = scene.check(policy=policy, request=request(item="x"), clock=scene.clock(172_800))
    lines = render(report, Language.BOTH)
    assert lines[0] == "有条件通过 ACCEPTED WITH LIMITS"
    assert any("≈" in line for line in lines)


def test_what_is_found_of_several_things_is_said_once(scene):
    old = scene.check(clock=scene.clock(864_000))
    stale = [check for check in old.checks if check.code == "evidence_stale"]
    lines = render(old, Language.EN)
    said = [line for line in lines if "the evidence is too old" in line]
    assert len(said) == 1 < len(stale)
    assert all(check.detail in said[0] for check in stale)
    assert sum("the status list is too old" in line for line in lines) == 1


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (7_199, "1 h"),
        (86_400, "1 d"),
        (864_001, "10 d"),
    ],
)
def test_durations_are_said_in_their_largest_unit(seconds, words):
    assert duration(seconds).en == words


def test_texts_come_in_the_language_asked_for():
    text = Bilingual("是", "yes")
    assert [each.say(text) for each in Language] == ["是", "yes", "是 yes"]


def test_detail_stands_in_brackets_in_both_languages():
    check = Check("revoked", detail="x")
    assert check.message == Bilingual("证照已被吊销 (x)", "the credential has been revoked (x)")
    assert Basis("staple").encode() == {
        "source": "staple",
        "time": None,
        "age_seconds": None,
        "limit_seconds": None,
    }
    assert Outcome.REFUSED.value == "refused"
