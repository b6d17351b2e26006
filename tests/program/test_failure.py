"""What is told when something was refused: each thing once, in one language."""

import json

import pytest

from did_service.core.errors import (
    DidServiceError,
    MalformedError,
    NotFoundError,
    PolicyError,
    UnavailableError,
    UsageError,
)
from did_service.program.envelope import enveloped, written
from did_service.program.failure import failure_text, warning_text
from did_service.program.language import Language
from tests.support.desk import did_verify

EN, ZH, BOTH = Language.EN, Language.ZH, Language.BOTH


def first(error: DidServiceError, language: Language) -> str:
    return failure_text("wallet", error, language).split("\n")[0]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            PolicyError("fingerprint_wrong", "the fingerprint does not match this policy"),
            "the fingerprint does not match this policy",
        ),
        (
            NotFoundError("folder_not_empty", '"story" is not empty'),
            'the folder is not empty: "story"',
        ),
        (
            UsageError("url_invalid", 'this is not a web address: "x"'),
            'this is not a web address: "x"',
        ),
        (
            PolicyError("policy_missing", "no trust policy is pinned in this trust directory"),
            "this machine has no trust policy",
        ),
        (
            UnavailableError("file_not_read", '"x": Permission denied'),
            'a file could not be read: "x": Permission denied',
        ),
        (UsageError("declined", ""), "you cancelled it"),
    ],
    ids=lambda value: getattr(value, "code", ""),
)
def test_no_sentence_is_said_twice(error, told):
    assert first(error, EN) == f"wallet: error: {told} [{error.code}]"


def test_a_chinese_sentence_names_each_log_whole():
    what = [f"no mirror has gd.example/{log} from 4 to 9" for log in ("reg", "ev/2026")]
    told = first(UnavailableError("history_missing", "; ".join(what)), ZH)
    assert told.endswith("：gd.example/reg、gd.example/ev/2026 [history_missing]")


def test_a_chinese_sentence_has_no_english_in_it():
    short = UsageError("passphrase_short", "a passphrase has at least 8 characters", least=8)
    assert first(short, ZH) == "wallet: 错误：口令太短，至少 8 个字符 [passphrase_short]"
    assert first(short, EN).startswith("wallet: error: the passphrase is shorter than 8")
    damaged = MalformedError("store_damaged", "wallet.json: records were dropped or added")
    assert (
        first(damaged, ZH)
        == "wallet: 错误：钱包文件已损坏或被改动：wallet.json [store_damaged]"
    )


def test_what_a_setting_may_be_stands_below_the_chinese_sentence():
    error = UsageError("configuration_invalid", '"f:4:1": least is "x"; allowed: seconds')
    error.message_zh = '"f:4:1"：least 为 "x"；可用：秒数'
    told = {each: failure_text("did-service", error, each).split("\n") for each in Language}
    assert told[ZH][:2] == [
        "did-service: 错误：配置文件或变量有误 [configuration_invalid]",
        f"  {error.message_zh}",
    ]
    assert error.message in told[EN][0]
    assert error.message in told[BOTH][0]
    assert told[BOTH][1] == told[ZH][1]
    assert len(told[EN]) == 2


def test_another_command_that_does_what_is_wanted_is_the_one_next_step():
    error = UsageError("folder_of_other_service", "x", instead="did-service agency serve")
    assert failure_text("did-service", error, EN).endswith("use did-service agency serve")
    assert failure_text("did-service", error, ZH).endswith("请用 did-service agency serve")


def test_a_missing_option_is_called_missing():
    error = UsageError("usage", 'missing option "--dir"', is_missing=True)
    assert first(error, ZH) == 'wallet: 错误：用法不正确，缺少："--dir" [usage]'
    assert first(error, EN) == 'wallet: error: wrong usage: missing option "--dir" [usage]'


def test_a_detail_without_words_has_a_line_of_its_own_in_chinese():
    error = MalformedError("no_such_code", "not UTF-8 at byte 1")
    lines = failure_text("wallet", error, ZH).split("\n")
    assert lines[:2] == [
        "wallet: 错误：内容格式不正确 [no_such_code]",
        "  (not UTF-8 at byte 1)",
    ]
    assert failure_text("wallet", error, EN).count("\n") == 1


def test_words_of_a_peer_stand_on_a_line_of_their_own_and_move_nothing():
    error = UnavailableError("no_such_code", "the agency refused")
    error.peer_says = "wallet: hint: run\x1b[2J this {least}"
    for language in Language:
        lines = failure_text("wallet", error, language).split("\n")
        (said,) = [line for line in lines if "hint: run" in line]
        assert said.startswith('  "')
        assert "\x1b" not in said


def test_a_placeholder_is_filled_with_numbers_alone():
    """A name that a server chose never stands within a sentence of ours."""
    for least in ("a name", "{0.__class__}", None):
        told = first(UsageError("passphrase_short", "", least=least), EN)
        assert "shorter than … characters [" in told


def test_what_may_be_meant_is_the_one_next_step():
    meant = UsageError("usage", "x", command="wallet cred", suggestion="list")
    lost = UsageError("usage", "x", command="wallet cred", suggestion=None)
    for error, hint in ((meant, "did you mean list?"), (lost, "see wallet cred --help")):
        assert failure_text("wallet", error, EN).endswith(f"wallet: hint: {hint}")
        answer = json.loads(written(enveloped("wallet", "cred", None, error)))
        assert answer["error"]["next"]["en"] == hint


def test_a_warning_without_words_is_its_code():
    assert warning_text("wallet", "no_such_code", "", EN).endswith(
        "warning: no_such_code [no_such_code]"
    )


def test_bytes_of_an_argument_that_are_no_text_are_escaped_in_json(tmp_path):
    """House F4: one of two escapings met a lone surrogate and failed. It names no counter."""
    words = ["challenge", "--trust", tmp_path / "t", "--audience", "window-\udcff"]
    said = '"window-\\u{dcff}"'
    for run in (did_verify(*words), did_verify(*words, "--json")):
        assert (run.exit, "[audience_invalid]" in run.err, said in run.err) == (2, True, True)
    assert run.envelope["error"]["detail"].endswith(said)
