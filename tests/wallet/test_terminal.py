"""What a person sees: escaped, aligned, in their language; what a script reads: one object."""

import io
import json
import sys
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.errors import NotFoundError, UnavailableError, UsageError
from did_service.core.text import Bilingual, escaped, rewritten
from did_service.program.exits import Exit
from did_service.program.failure import as_error
from did_service.program.language import Language
from wallet_cli.config import Format, Settings, default_store, language_of, resolve
from wallet_cli.terminal import Terminal, table

HOME = Path("/home/wang")
NONE = 'none is "a"\\u{1b}'


def terminal(**settings):
    return Terminal(Settings(Path("w"), **settings), "cred list")


def envelope(capsys):
    return json.loads(capsys.readouterr().out)


def test_columns_are_aligned_by_their_width_on_a_screen():
    assert list(table([("姓", "1"), ("abcd", "22"), ("", "3")])) == [
        "姓    1",
        "abcd  22",
        "      3",
    ]


def test_an_empty_table_has_no_lines():
    assert list(table([])) == []


@given(st.dictionaries(st.text(), st.text()))
def test_json_on_a_screen_is_escaped_and_says_the_same(data):
    out = io.StringIO()
    with mock.patch.object(sys, "stdout", out):
        terminal(format=Format.JSON).finish({**data})
    assert json.loads(out.getvalue())["data"] == data
    assert all(rewritten(line, escaped) == line for line in out.getvalue().splitlines())


def test_lines_go_to_people_and_data_to_scripts(capsys):
    terminal().finish({"n": 1}, ["one"])
    assert capsys.readouterr().out == "one\n"
    terminal(format=Format.JSON).finish({"n": 1}, ["one"])
    assert envelope(capsys) == {
        "schema": "wallet/1",
        "command": "cred list",
        "ok": True,
        "data": {"n": 1},
        "warnings": [],
        "error": None,
    }


def test_a_result_that_falls_short_says_why(capsys):
    late = UnavailableError("not_yet", "two on their way")
    code = terminal(format=Format.JSON).finish_incomplete(late, {"n": 1}, [])
    found = envelope(capsys)
    assert (code, found["ok"], found["data"]) == (Exit.PENDING, False, {"n": 1})
    assert (found["error"]["code"], found["error"]["exit"]) == ("not_yet", 9)
    terminal().finish_incomplete(late, {}, ["line"])
    captured = capsys.readouterr()
    assert captured.out == "line\n"
    assert "[not_yet]" in captured.err


def test_warnings_are_told_and_counted(capsys):
    speaking = terminal(language=Language.ZH)
    speaking.warn("staple_old", "card\x1b", credential="card")
    assert "核验数据缺失或已超过一天 (card\\u{1b}) [staple_old]" in capsys.readouterr().err
    silent = terminal(format=Format.JSON)
    silent.warn("staple_old", credential="card")
    silent.finish({})
    captured = capsys.readouterr()
    assert captured.err == ""
    assert json.loads(captured.out)["warnings"] == [
        {"code": "staple_old", "credential": "card"}
    ]


@pytest.mark.parametrize(
    ("language", "text", "hint"),
    [
        (Language.ZH, '错误：没有这份证照："a"', "提示：请用 wallet cred list 查看"),
        (
            Language.EN,
            'error: no such credential: none is "a"\\u{1b}',
            "hint: see wallet cred list",
        ),
        (
            Language.BOTH,
            'error: 没有这份证照 no such credential: none is "a"\\u{1b}',
            "hint: 请用 wa",
        ),
    ],
)
def test_errors_are_told_in_the_readers_language(capsys, language, text, hint):
    error = NotFoundError("credential_unknown", 'none is "a"\x1b')
    assert terminal(language=language).error(error) is Exit.NOT_FOUND
    first, second = capsys.readouterr().err.splitlines()
    assert first == f"wallet: {text} [credential_unknown]"
    assert second.startswith(f"wallet: {hint}")


def test_an_error_of_another_room_is_told_by_its_class_with_what_is_wrong(capsys):
    """English details stand on a line of their own, never within a Chinese sentence."""
    terminal(language=Language.ZH).error(NotFoundError("tile_unknown", "tile 7"))
    first, second, _ = capsys.readouterr().err.splitlines()
    assert (first, second) == ("wallet: 错误：未找到 [tile_unknown]", "  (tile 7)")


def test_a_fault_of_ours_tells_its_class_and_nothing_of_its_content(capsys):
    error = as_error(ValueError("the passphrase is hunter2"))
    assert terminal(format=Format.JSON).error(error) is Exit.FAULT
    captured = capsys.readouterr()
    assert json.loads(captured.out)["error"]["exit"] == 70
    assert "ValueError" in captured.err
    assert "hunter2" not in captured.out + captured.err


def test_progress_is_for_people_who_want_it(capsys):
    text = Bilingual("好", "well")
    terminal().note(text)
    assert capsys.readouterr().err == "well\n"
    terminal(quiet=True).note(text)
    terminal(format=Format.JSON).note(text)
    assert capsys.readouterr().err == ""


# --- asking ----------------------------------------


class Keyboard(io.StringIO):
    def isatty(self):
        return True


def asked(answer, **settings):
    with mock.patch.object(sys, "stdin", Keyboard(answer)):
        terminal(**settings).confirm(Bilingual("删除？", "delete?"))


@pytest.mark.parametrize("answer", ["y\n", "YES\n", "是\n"])
def test_a_person_confirms(answer):
    asked(answer)


@pytest.mark.parametrize("answer", ["\n", "n\n", "", "yeah\n"])
def test_anything_else_declines(answer):
    with pytest.raises(UsageError) as caught:
        asked(answer)
    assert caught.value.code == "declined"


def test_yes_answers_for_the_person():
    asked("n\n", assume_yes=True)


@pytest.mark.parametrize("settings", [{"no_input": True}, {}])
def test_nobody_is_asked_where_nobody_is(settings):
    stdin = Keyboard("y\n") if settings else io.StringIO("y\n")
    with mock.patch.object(sys, "stdin", stdin), pytest.raises(UsageError) as caught:
        terminal(**settings).confirm(Bilingual("删除？", "delete?"))
    assert caught.value.code == "input_needed"


def test_the_end_of_input_is_no_passphrase():
    with (
        mock.patch.object(sys, "stdin", Keyboard("")),
        mock.patch("wallet_cli.terminal.getpass", side_effect=EOFError),
        pytest.raises(UsageError) as caught,
    ):
        terminal().secret(Bilingual("口令", "passphrase"))
    assert caught.value.code == "declined"


# --- settings ----------------------------------------


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, Language.EN),
        ({"LANG": "zh_CN.UTF-8"}, Language.ZH),
        ({"LC_MESSAGES": "zh_TW", "LANG": "C"}, Language.ZH),
        ({"LC_ALL": "C", "LC_MESSAGES": "zh_CN"}, Language.EN),
        ({"WALLET_LANG": "both", "LANG": "zh_CN"}, Language.BOTH),
    ],
)
def test_the_readers_language_is_found(environment, expected):
    assert language_of({}, environment) is expected


def test_an_option_outranks_the_environment():
    environment = {"WALLET_LANG": "zh", "WALLET_STORE": "b", "WALLET_PASSPHRASE_FILE": "f"}
    settings = resolve({"lang": "en", "store": "a", "passphrase_fd": 3}, environment, HOME)
    assert (settings.language, settings.store) == (Language.EN, Path("a"))
    assert (settings.passphrase_file, settings.passphrase_fd) == (None, 3)


def test_a_language_that_is_none_of_ours_is_refused():
    with pytest.raises(UsageError) as caught:
        language_of({}, {"WALLET_LANG": "fr"})
    assert caught.value.code == "language_unknown"


def test_two_sources_of_the_passphrase_are_one_too_many():
    with pytest.raises(UsageError) as caught:
        resolve({"passphrase_file": "f", "passphrase_fd": 3}, {}, HOME)
    assert caught.value.code == "passphrase_twice"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, HOME / ".local/share/didsvc-wallet"),
        ({"XDG_DATA_HOME": "/data"}, Path("/data/didsvc-wallet")),
        ({"XDG_DATA_HOME": "data"}, HOME / ".local/share/didsvc-wallet"),
    ],
)
def test_the_store_lies_where_data_belongs(environment, expected):
    assert default_store(environment, HOME) == expected
