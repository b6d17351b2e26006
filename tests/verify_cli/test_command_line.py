"""How `did-verify` speaks: languages, errors, exit codes, colours, and what it loads."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from did_service.program import failure
from did_service.program.folding import width
from did_service.program.version import __version__
from did_service.verify_cli import check as check_command
from tests.support.desk import COUNTER, Desk, command, did_verify, finish, start
from tests.support.dids import NOW
from tests.support.optional import CHECKOUT

pytestmark = pytest.mark.clock

HEAVY = {"fastapi", "sqlmodel", "httpx", "pyld", "jsonschema", "asyncio", "click", "rich"}
WRITING = {"tempfile", "shutil", "zipfile", "traceback"}  # where nothing is written or wrong
HELP_HEAVY = HEAVY | {"nacl", "jsonschema_rs"}
JSON_DOOR = {"dataclasses", "json", "orjson"}  # through which the texts of help are read
# What has a memory, what asks questions, and what tells a verdict to people.
MEMORY = {"sqlite3", *(f"did_service.verifier.{n}" for n in ("decide", "held", "directory"))}
ASKING = {"did_service.core.openid.request_object"}
WORDS = {f"did_service.verifier.{name}" for name in ("verdict_text", "verdict_steps")}
COMMANDS = [
    [],
    ["check"],
    ["challenge"],
    ["did"],
    ["trust"],
    ["trust", "pin"],
    ["trust", "import"],
    ["trust", "show"],
]
FULL_DISK = Path("/dev/full")
CHINESE = re.compile("[\u4e00-\u9fff]")


# --- help -------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_help_is_in_the_reader_s_language(words, language):
    run = did_verify(*words, "--lang", language, "--help")
    assert (run.exit, run.err) == (0, "")
    assert bool(CHINESE.search(run.out)) is (language == "zh")
    assert run.out.startswith({"zh": "用法: did-verify", "en": "usage: did-verify"}[language])


@pytest.mark.parametrize("command", ["challenge", "check", "did", "trust pin"])
def test_help_teaches_by_examples_that_parse(command):
    text = did_verify(*command.split(), "--help", "--lang", "en").out
    examples = text.partition("examples:")[2].replace("\\\n", " ").strip().splitlines()
    assert examples
    for line in examples:
        assert line.strip().startswith(f"did-verify {command}")


def test_version_is_printed():
    run = did_verify("--version")
    assert (run.exit, run.out) == (0, f"{__version__}\n")


# --- language ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "words", "chinese", "english"),
    [
        ({}, [], False, True),
        ({"LANG": "zh_CN.UTF-8"}, [], True, False),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, [], False, True),
        ({"LC_MESSAGES": "zh_TW.UTF-8", "LANG": "C"}, [], True, False),
        ({"DIDVERIFY_LANG": "zh", "LANG": "C"}, [], True, False),
        ({"DIDVERIFY_LANG": "both"}, [], True, True),
        ({"DIDVERIFY_LANG": "klingon"}, [], False, True),
        ({"DIDVERIFY_LANG": "zh"}, ["--lang", "en"], False, True),
        ({}, ["--lang=zh"], True, False),
    ],
)
def test_errors_follow_option_then_variable_then_locale(
    monkeypatch, environment, words, chinese, english
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    run = did_verify("did", "no-such-file", *words)
    assert ("找不到文件" in run.err, "no such file" in run.err) == (chinese, english)
    assert (run.exit, run.out) == (7, "")


def test_verdicts_are_in_the_language_of_the_locale_unless_one_is_asked_for(desk, monkeypatch):
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    words = ("check", desk.shown(None), "--document")
    assert "\n下一步  " in desk.run(*words).out
    assert "\n下一步 Next     " in desk.run(*words, "--lang", "both").out
    monkeypatch.setenv("DIDVERIFY_LANG", "en")
    assert "\nNext      " in desk.run(*words).out


def test_every_error_has_words_in_both_languages_for_machines():
    error = did_verify("did", "no-such-file", "--json")
    described = json.loads(error.out)["error"]
    for name in ("message", "next"):
        assert CHINESE.search(described[name]["zh"])
        assert not CHINESE.search(described[name]["en"])


# --- errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["frobnicate"],
        ["check"],
        ["check", "x", "--tier", "year"],
        ["check", "x", "--trust", "d", "--policy", "p"],
        ["did", "x", "--version-number", "one"],
        ["trust"],
        ["trust", "unpin"],
        ["check", "x", "--lang", "fr"],
        ["check", "x\x1b[2J", "y\x1b[2J"],
    ],
    ids=" ".join,
)
def test_misuse_is_explained_with_a_hint(words):
    run = did_verify(*words)
    assert (run.exit, run.out) == (2, "")
    error, hint = run.err.splitlines()
    assert error.startswith("did-verify: error: ")
    assert error.endswith("[usage]")
    assert hint.startswith("did-verify: hint: ")
    assert "\x1b" not in run.err


def test_misuse_is_an_object_for_machines():
    run = did_verify("check", "--json")
    assert (run.exit, json.loads(run.out)["ok"]) == (2, False)


@pytest.mark.parametrize(
    ("name", "end", "code"),
    [
        ("no-such-file", 7, "file_missing"),
        (".", 2, "folder_given"),
        ("a\0b", 7, "file_missing"),
        ("x" * 5_000, 8, "file_not_read"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(name, end, code):
    run = did_verify("check", name)
    assert run.exit == end
    assert f"[{code}]" in run.err


def test_a_fault_of_ours_shows_its_place_and_no_traceback(monkeypatch):
    def broken(*_):
        secret = "the holder's name"
        raise ZeroDivisionError(secret)

    monkeypatch.setattr(check_command, "run", broken)
    run = did_verify("check", "x", "--lang", "en")
    assert (run.exit, run.out) == (70, "")
    assert re.search(
        r"ZeroDivisionError at test_command_line\.py:\d+ \[internal_fault\]", run.err
    )
    assert "Traceback" not in run.err
    assert "holder" not in run.err
    assert json.loads(did_verify("check", "x", "--json").out)["error"]["exit"] == 70


def test_a_failure_without_a_trace_is_described_as_well():
    assert failure.as_error(RecursionError()).message == "RecursionError at ?"


def test_an_interrupted_command_says_nothing(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(check_command, "run", interrupted)
    assert did_verify("check", "x") == (run := did_verify("check", "x"))
    assert (run.exit, run.out, run.err) == (3, "", "")


# --- the terminal -----------------------------------------------------------------------------


def on_a_terminal(*words, **environment):
    """Run with stdout on a pseudo-terminal and return what appears there."""
    ours, theirs = pty.openpty()
    known = {name: v for name, v in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    subprocess.run(
        command(*words), stdout=theirs, cwd=CHECKOUT, check=False, env={**known, **environment}
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65_536):
            shown += piece
    except OSError:  # the end of a terminal that nobody writes to
        pass
    finally:
        os.close(ours)
    return shown.decode()


@pytest.fixture(scope="module")
def published(tmp_path_factory, living):
    desk = Desk(tmp_path_factory.mktemp("published"), living)
    desk.pin()
    return desk


def test_colours_stand_on_a_terminal_only(published):
    here = ("--trust", published.path, "--lang", "en")
    answer = published.shown(published.challenge())
    shown = on_a_terminal("check", answer, *here, TERM="xterm")
    assert shown.startswith("\x1b[1m\x1b[32mACCEPTED ")
    again = on_a_terminal("check", answer, *here, TERM="xterm")
    assert again.startswith("\x1b[1m\x1b[34mALREADY ANSWERED ")
    assert "\x1b[32m" not in again
    words = ("check", published.shown(None), "--document", *here)
    document = on_a_terminal(*words, TERM="xterm")
    assert document.startswith("\x1b[1m\x1b[34mGENUINE DOCUMENT, holder not checked ")
    assert "\x1b" not in on_a_terminal(*words, TERM="xterm", NO_COLOR="1")
    assert "\x1b" not in on_a_terminal(*words, TERM="dumb")
    assert "\x1b" not in finish(start(*words)).out


def test_lines_are_broken_for_a_screen_and_for_nothing_else(published):
    words = ("check", published.shown(None), "--document", "--trust", published.path)
    words = (*words, "--lang", "both")
    lines = on_a_terminal(*words, TERM="dumb").splitlines()
    assert max(map(width, lines)) <= 80
    assert any(line.startswith("    ") for line in lines)
    assert max(map(width, finish(start(*words)).out.splitlines())) > 80


def test_a_terminal_without_chinese_shows_numbers_instead(published):
    words = ("trust", "show", "--trust", published.path)
    run = finish(start(*words, "--lang", "zh", PYTHONIOENCODING="ascii"))
    assert run.exit == 0
    assert "\\u7b56\\u7565" in run.out
    data = finish(start(*words, "--json", PYTHONIOENCODING="ascii"))
    assert data.report["policy"]["regions"][0]["name"]["zh"] == "广东"


def test_a_report_that_cannot_be_written_is_no_success(published):
    words = command("trust", "show", "--trust", published.path)
    with FULL_DISK.open("wb") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 8
    assert b"[output_not_written]" in done.stderr
    assert b"Traceback" not in done.stderr


# --- exit codes, as a script sees them --------------------------------------------------------


@pytest.mark.offline
def test_the_exit_codes_of_the_table(published):
    def code(*words, stdin=b""):
        return finish(start(*words), stdin).exit

    here = ("--trust", published.path)
    good = published.shown(None)
    seen = (good, *here, "--document")
    assert code("challenge", "--audience", COUNTER, *here) == 0
    assert code("check", *seen) == 0
    assert code("check", good, *here) == 1
    assert code("check", good) == 5
    assert code("check", *seen, "--accept-limits", "--now", "+9d") == 5
    assert code("check", "--tier") == 2
    assert code("check", "no-such-file", *here) == 7
    assert code("check", "-", "--document", *here, stdin=good.read_bytes()) == 0
    (published.path / "evidence.json.gz").write_bytes(b"\0")
    assert code("check", good, *here) == 11
    (published.path / "evidence.json.gz").unlink()


# --- weight -----------------------------------------------------------------------------------

LOADED = """
import sys
from datetime import datetime
from did_service.verify_cli.__main__ import main
now = datetime.fromisoformat(sys.argv[1])
code = main(sys.argv[2:], clock=lambda: now)
print(*sorted(sys.modules), file=sys.stderr)
sys.exit(code)
"""


def loaded_by(*words):
    command = [sys.executable, "-c", LOADED, NOW.isoformat(), *map(str, words)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE")}
    child = subprocess.run(
        command, cwd=CHECKOUT, capture_output=True, text=True, check=False, env=environment
    )
    return child.returncode, set(child.stderr.split())


def test_a_check_loads_nothing_heavy(published):
    code, modules = loaded_by(
        "check", published.shown(None), "--document", "--trust", published.path
    )
    assert code == 0
    assert not modules & HEAVY
    _, modules = loaded_by(
        "check", published.shown(None), "--document", "--policy", published.save_policy()
    )
    assert modules & (HEAVY | WRITING | MEMORY) == set()


def test_a_check_loads_a_memory_only_where_there_is_one_and_words_only_for_people(published):
    shown, policy = published.shown(None), published.save_policy()
    code, modules = loaded_by("check", shown, "--document", "--policy", policy, "--json")
    assert code == 0
    assert modules & (MEMORY | ASKING | WORDS) == set()
    code, modules = loaded_by("check", shown, "--document", "--trust", published.path)
    assert code == 0
    assert modules & (MEMORY | ASKING | WORDS) == MEMORY | WORDS


def test_help_loads_next_to_nothing():
    code, modules = loaded_by("check", "--help")
    assert code == 0
    assert not modules & HELP_HEAVY
    code, modules = loaded_by("--version")
    assert code == 0
    assert not modules & (HELP_HEAVY | JSON_DOOR)
