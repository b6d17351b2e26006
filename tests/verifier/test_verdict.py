"""What the clerk sees: at most eight entries, one reason, one next step, nothing unproven."""

import io
import json
import re
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.encoding.xsd_datetime import Instant
from did_service.core.text import Bilingual, width
from did_service.core.verification.asked_for import Asked
from did_service.core.verification.codes import CHECKS, UNSAFE, Result
from did_service.core.verification.headline import PRECEDENCE, headline_of
from did_service.core.verification.report import (
    Basis,
    Check,
    DocumentIdentity,
    FirstVerdict,
    Outcome,
)
from did_service.program.folding import fold
from did_service.program.language import Language
from did_service.program.words import read_topic, words_at
from did_service.verifier.report_json import encode_report, report_bytes
from did_service.verifier.verdict_steps import claim_lines, step_lines
from did_service.verifier.verdict_text import LABELS, WORDS, Reader, render
from did_service.verify_cli.terminal import COLOURS, CommandResult
from tests.support.counter import Scene, request

pytestmark = pytest.mark.offline
CHINA = timezone(timedelta(hours=8), "CST")
ROWS = {Language.ZH: 12, Language.EN: 12, Language.BOTH: 17}  # the headline below included
ENTRIES, COLUMNS = 8, 80
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"…?')
STANDING = [code for code, m in CHECKS.items() if m.result in (Result.FAILED, Result.UNDECIDED)]
ENDED = ("revoked", "suspended", "expired", "proof_expired", "not_yet_valid")  # its own words
WHOLE_STEPS = (1, 2, 3, 11, 12)
TERMS = {
    "title": {"zh": "居民居住证", "en": "Residence permit"},
    "identity": {
        "name": ["familyName", "givenName"],
        "number": "citizenNumber",
        "document": "permitNumber",
    },
    "claims": {"familyName": {"zh": "姓", "en": "Family name"}},
}
SUBJECT = {
    "jurisdiction": "440100",
    "familyName": "王",
    "givenName": "芳",
    "citizenNumber": "999911199001010018",
    "permitNumber": "JZ9999990318",
}
WORST = DocumentIdentity(
    title=Bilingual("残疾军人及伤残人民警察优待证明", "Proof of social insurance, long form"),
    name="Abdurrahman Alexandrovich-Mustafaoglu (ex)",
    number="9999**********0018",
    document="JZ99**********0318",
    valid_from=Instant(1_795_248_000),
    valid_until=Instant(1_795_248_000),
)


@pytest.fixture(scope="module")
def scene():
    made = Scene(terms=TERMS)
    made.credential = made.issue(credentialSubject={"id": made.holder.did, **SUBJECT})
    made.fed.tick()
    made.publish()
    return made


@pytest.fixture(scope="module")
def accepted(scene):
    report = scene.check()
    assert report.outcome is Outcome.ACCEPTED
    return report


def having(report, *codes, waived=False):
    """The report with findings of these codes in place of what their steps had found."""
    steps = {CHECKS[code].step for code in codes}
    kept = [check for check in report.checks if check.step not in steps]
    found = [
        Check(
            code,
            None if CHECKS[code].step in WHOLE_STEPS else 0,
            Basis("trust", 1_795_219_200, 777_600, 86_400),
            '"gd.example/reg", 12',
            waived,
        )
        for code in codes
    ]
    return replace(report, checks=tuple(kept + found))


def worst(report):
    """The report of a document whose every name is as long as it may be, with every warning."""
    (summary,) = report.credentials
    name = Bilingual("广东省广州市公安局天河区分局", "Guangzhou Public Security Bureau Tianhe")
    summary = replace(summary, identity=WORST, issuer_name=name)
    item = Bilingual('老年人优待证"换发"与补领登记办理事项' * 9, "Renewal of passes " * 9)
    asked = Asked("window-3", "urn:didsvc:item:" + "x" * 184, item, "AAAAAAAAAAA", report.now)
    return replace(report, credentials=(summary,), unsafe=UNSAFE, asked=asked)


def answered(report):
    first = FirstVerdict(report.now, Outcome.ACCEPTED)
    check = Check("answered_before")
    return replace(report, checks=(check,), credentials=(), answered=first)


def rows(report, language):
    lines = render(report, Reader(language, CHINA))
    return [row for line in (*lines, lines[0]) for row in fold(line, COLUMNS).split("\n")]


def labels(lines, language):
    """The label of each entry below the headline."""
    said = {language.say(label): name for name, label in LABELS.items()}
    found = [line for line in lines[1:] if not line.startswith(" ")]
    return [said[max((s for s in said if line.startswith(s)), key=len)] for line in found]


def check_form(report, language):
    """Hold a verdict to the rules that hold for all of them."""
    lines = render(report, Reader(language, CHINA))
    told = labels(lines, language)
    assert 1 + len(told) <= ENTRIES
    assert len(set(told)) == len(told)
    assert told.count("reason") == told.count("next") == 1
    assert told.index("reason") < told.index("next")
    shown = rows(report, language)
    assert len(shown) <= ROWS[language], "\n".join(shown)
    assert all(width(row) <= COLUMNS for row in shown)
    assert "✔" not in QUOTED.sub("", "".join(lines))
    word = WORDS[report.outcome]
    assert word.zh in shown[0]
    assert word.en in shown[0]
    assert shown[-1] == shown[0]
    assert len(fold(lines[0], COLUMNS).split("\n")) == 1


# --- the form ---------------------------------------------------------------------------------


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("code", STANDING)
def test_every_reason_fits_the_screen_with_one_next_step(accepted, code, language):
    for report in (having(accepted, code), worst(having(accepted, code))):
        assert headline_of(report).reason == code
        check_form(report, language)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("code", ["status_stale", "evidence_stale"])
def test_what_the_policy_waives_is_no_acceptance(accepted, code, language):
    report = having(accepted, code, waived=True)
    assert headline_of(report).reason == "waived"
    assert report.outcome is Outcome.ACCEPTED_WITH_LIMITS
    taken = replace(report, accepts_limits=True)
    assert headline_of(taken).reason == "limits_accepted"
    assert not taken
    for each in (report, taken):
        check_form(each, language)
        check_form(worst(each), language)


@pytest.mark.parametrize("language", Language)
def test_every_other_outcome_fits_the_screen(accepted, language):
    document = having(accepted, "holder_not_asked")
    for report, reason in (
        (accepted, "accepted"),
        (document, "document"),
        (having(document, "issued_while_authorised"), "document"),
        (having(accepted, "issued_while_authorised"), "accepted"),
        (answered(accepted), "answered_before"),
        (replace(accepted, checks=()), "freshness_unknown"),
    ):
        assert headline_of(report).reason == reason
        check_form(report, language)
        if report.credentials:
            check_form(worst(report), language)


def test_an_accepted_verdict_reads_as_it_should(accepted):
    lines = render(accepted, Reader(Language.ZH, CHINA))
    assert lines[:7] == (
        "通过 ACCEPTED",
        "证照    居民居住证 JZ99****0318",
        "持证人  王芳 9999**********0018",
        "签发    演示",
        "有效期  至 2027年11月21日",
        "原因    证照真实有效，由持证人的钱包为本窗口本次核验签名。",
        "下一步  请核对是否为所需证照，并用身份证件核对眼前的人；均符合即可办理。",
    )
    english = render(accepted, Reader(Language.EN, CHINA))
    assert english[0] == "ACCEPTED 通过"
    assert english[1] == "Document  Residence permit JZ99****0318"


@pytest.mark.parametrize("language", Language)
def test_that_a_policy_is_of_no_force_has_a_row_of_its_own_whatever_else_is_said(
    accepted, language
):
    """It was folded into "2 more" in English: of all warnings this one may not be left out."""
    force = words_at("verdict", "policy_demo").meaning
    reports = (having(accepted, code) for code in STANDING)
    for report in (accepted, answered(accepted), *reports, *map(worst, [accepted])):
        label = language.say(LABELS["force"])
        shown = [row for row in rows(report, language) if language.say(force) in row]
        assert len(shown) == 1, headline_of(report).reason
        assert shown[0].startswith(label)
        behind = shown[0].partition(language.say(force))[2]
        assert not behind or "--all" in behind


def test_the_rest_is_seen_by_a_command_that_works_though_the_code_is_spent(accepted):
    for report, option in (
        (
            replace(worst(accepted), unsafe=("policy_demo", "now_given", "tier_relaxed")),
            " --document --all",
        ),
        (worst(accepted), " --all"),  # by a policy alone: nothing is remembered
        (worst(having(accepted, "status_stale")), " --all"),
    ):
        text = "".join(render(report, Reader(Language.EN, CHINA)))
        assert f" more: add{option}." in text


@pytest.mark.parametrize("code", [code for code in STANDING if code not in ENDED])
def test_of_what_did_not_pass_no_row_says_that_it_is_valid(accepted, code):
    for language in Language:
        lines = render(having(accepted, code), Reader(language, CHINA))
        assert "valid" not in labels(lines, language)
        assert " until 21 Nov 2027" not in "".join(lines)


def test_only_what_is_accepted_is_green(accepted):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

        def fileno(self):
            raise OSError

    for outcome in Outcome:
        lines = ("  ✔ x",)
        result = CommandResult({}, lines, "word", 0, colour=COLOURS[outcome.value])
        shown = "".join(result.words(Terminal(), {"TERM": "xterm"}))
        assert ("\033[32m" in shown) is (outcome is Outcome.ACCEPTED)


# --- one reason -------------------------------------------------------------------------------


def test_every_code_that_stands_in_the_way_has_its_place():
    assert sorted(PRECEDENCE) == sorted(STANDING)
    results = [CHECKS[code].result for code in PRECEDENCE]
    assert results == sorted(results, key=lambda result: result is Result.UNDECIDED)


@given(st.lists(st.sampled_from(STANDING), min_size=1, max_size=6, unique=True))
def test_the_strongest_of_many_is_the_reason_and_brings_its_own_next_step(codes):
    report = REPORTS["accepted"]
    found = headline_of(having(report, *codes))
    results = {CHECKS[code].result for code in codes}
    result = Result.FAILED if Result.FAILED in results else Result.UNDECIDED
    deciding = [code for code in codes if CHECKS[code].result is result]
    assert found.reason == min(deciding, key=PRECEDENCE.index)
    lines = render(having(report, *codes), Reader(Language.EN, CHINA))
    following = words_at("verdict", found.reason).following
    assert following is not None
    assert [line for line in lines if line.startswith("Next ")] == [f"Next      {following.en}"]


REPORTS = {}


@pytest.fixture(scope="module", autouse=True)
def _kept_for_hypothesis(accepted):
    REPORTS["accepted"] = accepted


def test_the_order_is_report_issuer_holder_data():
    order = [
        "proof_invalid",
        "key_not_listed",
        "issued_after_end",
        "holder_mismatch",
        "nonce_unknown",
        "revoked",
        "suspended",
        "expired",
        "not_yet_valid",
        "query_not_answered",
        "log_forked",
        "policy_missing",
        "clock_behind",
        "unsupported",
        "issuance_time_not_proven",
        "status_missing",
        "status_stale",
    ]
    assert order == sorted(order, key=PRECEDENCE.index)


def test_a_cause_is_told_once_and_the_rest_points_to_it(scene):
    report = scene.check(staple=None)
    told = headline_of(report)
    assert told.reason == "log_evidence_missing"
    assert {check.code for check in told.consequences} >= {"status_missing", "schema_missing"}
    lines = step_lines(report, Language.EN)
    cause = words_at("verdict", "log_evidence_missing").meaning.en
    assert sum(cause in line for line in lines) == 1
    assert sum("because of step 3" in line for line in lines) >= 5


# --- a broken signature -----------------------------------------------------------------------


def tampered(scene):
    changed = json.loads(json.dumps(scene.credential))
    changed["credentialSubject"]["familyName"] = "李"
    return scene.check(scene.present(changed))


def test_below_a_broken_signature_nothing_is_judged(scene):
    report = tampered(scene)
    assert report.outcome is Outcome.REFUSED
    below = [c for c in report.checks if c.credential == 0 and c.step > 5]
    assert {check.step for check in below} == {6, 7, 8, 9, 10, 13}
    assert {check.result for check in below} == {Result.NOT_JUDGED}
    assert all(check.code.endswith("_not_judged") for check in below)
    for check in encode_report(report, claims=True)["checks"]:
        if check["credential"] == 0 and check["step"] > 5:
            assert (check["result"], check["detail"]) == ("not-judged", "proof_invalid")
    assert report.holder_signed  # the code is spent all the same
    for line in step_lines(report, Language.BOTH):
        if line.lstrip()[:2].strip() in {"6", "7", "8", "9", "10", "13"}:
            assert not {"✔", "✘", "?"} & set(line)


def test_of_a_document_that_was_changed_nothing_is_told(scene):
    report = tampered(scene)
    text = "".join(render(report, Reader(Language.BOTH, CHINA)))
    told = report_bytes(report, claims=True).decode()
    for value in ("李", "芳", "9999", "JZ99"):
        assert value not in text + told
    assert report.credentials[0].identity is report.credentials[0].claims is None
    assert claim_lines(report, Language.EN) == ()


def test_only_the_signed_steps_are_ticked_where_no_key_is_known(scene):
    report = scene.check(staple=None)
    ticked = [line.split()[0] for line in step_lines(report, Language.EN) if "✔" in line]
    assert ticked == ["1", "2"]


# --- whose document, and its claims -----------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, True),
        ({"staple": None}, False),
        ({"policy": None}, False),
        ({"request": request(nonce="x")}, False),
        ({"request": request(nonce=None)}, True),
    ],
)
def test_a_name_is_shown_only_if_the_issuer_and_the_holder_signed(scene, changes, shown):
    report = scene.check(**changes)
    text = "".join(render(report, Reader(Language.ZH, CHINA)))
    assert ("王芳" in text) is shown
    assert ("9999**********0018" in text) is shown
    assert ("王芳" in report_bytes(report).decode()) is shown


def test_a_document_that_is_too_old_to_judge_says_whose_it_is_and_no_claims(scene):
    report = scene.check(clock=scene.clock(864_000))
    assert report.outcome is Outcome.UNDECIDED
    assert report.credentials[0].identity.name == "王芳"
    assert report.credentials[0].claims is None


def test_not_even_names_of_claims_are_told_of_what_did_not_pass(accepted, scene):
    assert "/credentialSubject/familyName" in accepted.credentials[0].disclosed
    for report in (
        scene.check(clock=scene.clock(864_000)),
        scene.check(policy=None),
        scene.check(request=request(nonce="x")),
        tampered(scene),
    ):
        assert report.credentials[0].disclosed == ()
        for claims in (True, False):
            assert b"familyName" not in report_bytes(report, claims=claims)


def test_claims_leave_for_stdout_and_not_for_what_is_kept(accepted, scene):
    assert accepted.credentials[0].claims == scene.credential["credentialSubject"]
    kept = report_bytes(accepted).decode()
    assert "claims" not in json.loads(kept)["credentials"][0]
    assert SUBJECT["citizenNumber"] not in kept + repr(accepted)
    assert "王芳" not in repr(accepted)
    told = report_bytes(accepted, claims=True).decode()
    assert SUBJECT["citizenNumber"] in told


def test_all_claims_are_shown_by_their_titles(accepted):
    lines = claim_lines(accepted, Language.EN)
    assert '  "Family name"    "王"' in lines
    assert any('"citizenNumber"' in line and "999911199001010018" in line for line in lines)


def test_what_passed_is_told_though_another_document_did_not(scene):
    late = scene.issue(
        validFrom="2019-01-01T00:00:00Z",
        validUntil="2020-01-01T00:00:00Z",
        credentialSubject={"id": scene.holder.did, **SUBJECT, "familyName": "赵"},
    )
    report = scene.check(scene.present(scene.credential, late))
    assert report.outcome is Outcome.REFUSED
    assert [each.claims is None for each in report.credentials] == [False, True]
    lines = render(report, Reader(Language.ZH, CHINA))
    assert lines[2].startswith("持证人  赵芳 ")  # the one that is refused
    assert "原至 2020年1月1日" in lines[4]


@pytest.mark.parametrize(
    "terms",
    [
        {"title": 1, "identity": [], "claims": "x"},
        {"title": {"zh": "x"}, "identity": {"name": [1], "number": {}}, "claims": {"a": 1}},
        {"title": {"zh": "x" * 201, "en": "x"}, "identity": {"name": "jurisdiction/x"}},
    ],
)
def test_terms_of_a_schema_that_are_none_name_nothing(terms):
    made = Scene(terms=terms)
    made.fed.tick()
    made.publish()
    report = made.check()
    assert report.outcome is Outcome.ACCEPTED
    whose = report.credentials[0].identity
    assert (whose.title, whose.name, whose.number, whose.titles) == (None, None, None, {})
    assert render(report, Reader(Language.EN, CHINA))[1].endswith(
        '"urn:didsvc:residence-permit:1"'
    )


# --- foreign text -----------------------------------------------------------------------------

HOSTILE = {
    "long": "通过 ACCEPTED " * 20_000,
    "turned": "\u202eDETPECCA\u2066\u200f",
    "marks": "a" + "\u0336\u0301\u20dd" * 40,
    "rows": "通过 ACCEPTED\n  ✔ signature valid\r\x1b[2J",
    "label": "原因    证照真实",
    "number": "1111**********1111",
    "quotes": '" 通过 \\" ',
    "blanks": "\u2800\u3164 " * 50,
}


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_name_adds_a_row_or_takes_the_start_of_a_line(accepted, text, language):
    (summary,) = accepted.credentials
    both = Bilingual(text, text)
    whose = DocumentIdentity(both, text, text, text, None, Instant(10**15))
    hostile = replace(summary, identity=whose, issuer_name=both, type=text, issuer=text)
    nameless = replace(hostile, issuer_name=None, identity=replace(whose, title=None))
    for each in (hostile, nameless):
        report = replace(accepted, credentials=(each,))
        check_form(report, language)
        shown = "".join(rows(report, language))
        assert not {"\x1b", "\u202e", "\u2800", "\u3164", "\r"} & set(shown)
    plain = rows(accepted, language)
    assert rows(report, language)[-1] == plain[-1]


# --- words ------------------------------------------------------------------------------------

FORBIDDEN_ZH = re.split(
    " ", "验证码 吊销 信任包 凭据包 佐证材料 信任目录 重放 哈希 签名无效 检查点 时效"
)
FORBIDDEN_EN = re.split(
    " ",
    "staple bundle nonce heads tick replay hash checkpoint evidence credential challenge tier "
    "quorum",
)
ASKING = "did-verify challenge"  # what is typed has the name that it has


def test_no_word_of_the_machine_room_stands_on_a_clerks_screen():
    for tongue, words in (("zh", FORBIDDEN_ZH), ("en", FORBIDDEN_EN)):
        for code, said in read_topic(tongue, "verdict").items():
            text = " ".join(said.values()).lower().replace(ASKING, "")
            assert [word for word in words if word in text] == [], code
    for label in (*LABELS.values(), *WORDS.values()):
        assert not any(word in label.zh for word in FORBIDDEN_ZH)
        assert not any(word in label.en.lower().split() for word in FORBIDDEN_EN)


def test_a_citizen_is_told_no_step_that_is_a_counters():
    """Steps 10 and 12 are about an answer, which `wallet cred verify` does not judge."""
    judged = [code for code in STANDING if CHECKS[code].step not in (10, 12)]
    for code in (*judged, "document"):
        following = words_at("verdict", code, "wallet").following
        assert "did-verify" not in following.en + following.zh, code
    assert "did-verify" in words_at("verdict", "clock_behind").following.en


def test_every_code_has_a_meaning_and_only_what_stands_in_the_way_a_next_step():
    extra = {"accepted", "waived", "limits_accepted", "document"}
    notes = {
        "contents_unbelieved",
        "contents_unproven",
        "contents_of_another",
        "not_anybodys_fault",
        "not_the_holders_fault",
        "more_credentials",
    }
    zh, en = (read_topic(tongue, "verdict") for tongue in ("zh", "en"))
    assert zh.keys() == en.keys() == {*CHECKS, *UNSAFE, *extra, *notes}
    for code in en:
        standing = code in STANDING or code in extra
        assert ("next" in en[code]) is ("next" in zh[code]) is standing, code
        for text in zh[code].values():
            assert text.endswith("。")
            assert any("\u4e00" <= character <= "\u9fff" for character in text)
        for text in en[code].values():
            assert text.isascii()
            assert text[0].isupper()
            assert text.endswith(".")


def test_the_published_schemas_say_what_their_documents_are_called():
    for path in Path("schemas/credential-types").glob("*.json"):
        schema = json.loads(path.read_text())
        terms, subject = schema["x-didsvc"], schema["$defs"]["subject"]["properties"]
        assert terms["title"]["zh"] == schema["title"]
        assert schema["description"].startswith(terms["title"]["en"])
        identity = terms["identity"]
        numbers = [identity[each] for each in ("number", "document") if each in identity]
        assert {*identity["name"], *numbers} <= subject.keys()
        assert {pointer.partition("/")[0] for pointer in terms["claims"]} == subject.keys() - {
            "id"
        }
        for pointer, title in terms["claims"].items():
            if "/" not in pointer:
                assert title["zh"] == subject[pointer]["title"]
