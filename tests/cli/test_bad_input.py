"""Three programs, and whatever comes to them: files, words, streams, disks, a sudden end.

However a run ends, a person reads two lines in their own language, a script a stable code and
an exit code of docs/cli.md, and what was stored before is still there.
"""

import json
import os
import re
import resource
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from unittest import mock

import pytest

from did_service.cli import __main__ as operator
from did_service.core.encoding import timestamps
from did_service.verifier.directory import TrustDirectory
from tests.support.counter import Scene
from tests.support.desk import SECOND, Desk, did_verify
from tests.support.purse import PASSPHRASE, Purse, Run, wallet
from wallet_cli.holdings import identities
from wallet_cli.trusting import WalletTrust
from wallet_cli.vault import open_vault

pytestmark = pytest.mark.clock

CHINESE = re.compile("[\u4e00-\u9fff]")
CODE = re.compile(r"\[([a-z][a-z0-9_]+)\]$")
MODULES = {
    "wallet": "wallet_cli",
    "did-verify": "did_service.verify_cli",
    "did-service": "did_service.cli",
}
LANGUAGE = {
    "wallet": "WALLET_LANG",
    "did-verify": "DIDVERIFY_LANG",
    "did-service": "DIDSVC_LANG",
}
SPEAKING = [*LANGUAGE.values(), "LC_ALL", "LC_MESSAGES", "LANG"]


@pytest.fixture(autouse=True)
def silent_environment(monkeypatch, tmp_path):
    for name in SPEAKING:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def purse(tmp_path):
    made = Purse(tmp_path)
    made.run("id", "new")
    return made


@pytest.fixture(scope="module")
def living():
    made = Scene()
    made.publish()
    return made


@pytest.fixture
def desk(tmp_path, living):
    made = Desk(tmp_path, living)
    assert made.pin().exit == 0
    return made


def did_service(*words: object) -> Run:
    """Run `did-service` in this process."""
    out, err = (TextIOWrapper(BytesIO(), encoding="utf-8") for _ in range(2))
    argv = ["did-service", *map(str, words)]
    with redirect_stdout(out), redirect_stderr(err), mock.patch.object(sys, "argv", argv):
        code = operator.run()
    for stream in (out, err):
        stream.flush()
    return Run(code, out.buffer.getvalue().decode(), err.buffer.getvalue().decode())


PROGRAMS = {"wallet": wallet, "did-verify": did_verify, "did-service": did_service}


def told(run, program: str, language: str) -> str:
    """The code of a refusal, once its two lines are seen to be for this reader."""
    assert "Traceback" not in run.out + run.err
    lines = [line for line in run.err.splitlines() if line.startswith(f"{program}: ")]
    error, hint = lines[-2:]
    names = ("错误：", "提示：") if language == "zh" else ("error: ", "hint: ")
    assert error.startswith(f"{program}: {names[0]}")
    assert hint.startswith(f"{program}: {names[1]}")
    for line in (error, hint):
        assert bool(CHINESE.search(line)) is (language != "en"), line
    return CODE.search(error)[1]


# --- words ------------------------------------------------------------------------------------

MISUSE = {
    "wallet": [
        ["frobnicate"],
        ["id", "frobnicate"],
        ["cred", "show"],
        ["status", "--frobnicate"],
        ["status", "--passphrase-fd", "x"],
        ["present", "x", "--nonce"],
        ["trust", "pin", "x\x1b[2J\u202e", "y"],
    ],
    "did-verify": [
        ["frobnicate"],
        ["trust", "frobnicate"],
        ["check"],
        ["check", "x", "--frobnicate"],
        ["did", "x", "--version-number", "x"],
        ["check", "x\x1b[2J\u202e", "y\x1b[2J\u202e"],
    ],
    "did-service": [
        ["frobnicate"],
        ["demo", "frobnicate"],
        ["demo", "--frobnicate"],
        ["bundle", "--policy", "x"],
        ["demo", "x\x1b[2J\u202e"],
    ],
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_words_that_are_off_end_with_2_in_the_readers_language(program, monkeypatch):
    for words in MISUSE[program]:
        for language in ("zh", "en", "both"):
            for given in (["--lang", language], [f"--lang={language}"]):
                run = PROGRAMS[program](*words, *given)
                assert (run.exit, run.out) == (2, "")
                assert told(run, program, language) == "usage"
                assert "\x1b" not in run.err
                assert "\u202e" not in run.err


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize(
    ("name", "value", "language"),
    [
        ("LC_ALL", "zh_CN.UTF-8", "zh"),
        ("LANG", "de_DE.UTF-8", "en"),
        ("own", "zh", "zh"),
        ("own", "both", "both"),
    ],
)
def test_the_environment_names_the_language(monkeypatch, program, name, value, language):
    environment = {LANGUAGE[program] if name == "own" else name: value}
    if program == "wallet":
        run = wallet("frobnicate", **environment)
    else:
        for each, text in environment.items():
            monkeypatch.setenv(each, text)
        run = PROGRAMS[program]("frobnicate")
    assert told(run, program, language)


@pytest.mark.parametrize("program", PROGRAMS)
def test_no_such_language_is_told_in_the_one_that_is_left(program):
    run = PROGRAMS[program](*MISUSE[program][1][:1], "--lang", "fr")
    assert (run.exit, run.out) == (2, "")
    assert told(run, program, "en")


@pytest.mark.parametrize("program", PROGRAMS)
def test_scripts_get_one_object(program):
    words = {"wallet": ["cred", "show"], "did-verify": ["check"], "did-service": ["bundle"]}
    run = PROGRAMS[program](*words[program], "--json")
    answer = json.loads(run.out)
    assert (answer["ok"], answer["error"]["exit"], run.exit) == (False, 2, 2)
    assert answer["schema"] == f"{program}/1"
    assert CODE.search(run.err.splitlines()[0])[1] == answer["error"]["code"]


# --- files ------------------------------------------------------------------------------------

CONTENTS = {
    "empty": b"",
    "binary": bytes(range(256)) * 40,
    "text": b"Guten Tag\n",
    "cut": b'{"format":"didsvc-policy/1","federation":"urn:didsvc:fed',
    "not UTF-8": b'{"format":"\xff\xfe"}',
    "an array": b"[]",
    "another version": b'{"format":"didsvc-policy/99"}',
    "no format": b'{"seq":1}',
    "a member twice": b'{"format":"didsvc-policy/1","format":"didsvc-policy/1"}',
    "deep": b'{"a":' * 4_000 + b"1" + b"}" * 4_000,
    "a huge number": b'{"seq":' + b"9" * 5_000 + b"}",
    "gzip of nothing": bytes.fromhex("1f8b08000000000000ff03000000000000000000"),
    "gzip that is cut": bytes.fromhex("1f8b08000000000000ff0300"),
    "large": b" " * 9_000_000,
}
APPLY_TO = "https://gz.gd.example/agencies/a"
READERS = [
    ("wallet", ["trust", "pin", "FILE", "--fingerprint", "00"]),
    ("wallet", ["trust", "import", "FILE"]),
    ("wallet", ["receive", "FILE"]),
    (
        "wallet",
        ["apply", APPLY_TO, "x", "--claims", "FILE", "--unlisted", "gz.gd.example", "--yes"],
    ),
    ("did-verify", ["trust", "pin", "FILE", "--fingerprint", "00"]),
    ("did-verify", ["trust", "import", "FILE"]),
    ("did-verify", ["check", "SHOWN", "--policy", "FILE", "--document"]),
    ("did-verify", ["did", "FILE"]),
    ("did-service", ["bundle", "--policy", "FILE", "--out", "NEW"]),
]


def state(folder: Path) -> dict[str, bytes]:
    """Every file below a folder but locks, which are empty."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != "lock")
    return {str(path): path.read_bytes() for path in found}


@pytest.fixture
def try_file(tmp_path, purse, desk):
    """Run a reader on a file in both languages; its exit code, and the codes that it told."""
    shown = desk.shown(None)
    fed = desk.scene.fed
    trust, now = WalletTrust(purse.path / "trust"), timestamps.from_posix(fed.now)
    trust.pin(fed.policy.members, fed.policy.fingerprint, now)

    def attempt(program, words, file):
        places = {"FILE": str(file), "SHOWN": str(shown), "NEW": str(tmp_path / "new")}
        given = [places.get(word, word) for word in words]
        ends = set()
        before = state(purse.path), state(desk.path)
        for language in ("zh", "en"):
            match program:
                case "wallet":
                    run = purse.run(*given, "--no-input", "--offline", "--lang", language)
                case "did-verify" if "check" not in words and "did" not in words:
                    run = desk.run(*given, "--lang", language)
                case _:
                    run = PROGRAMS[program](*given, "--lang", language)
            ends.add((run.exit, told(run, program, language)))
        assert before == (state(purse.path), state(desk.path))
        assert not (tmp_path / "new").exists()
        assert len(ends) == 1
        return ends.pop()

    return attempt


@pytest.mark.parametrize(("program", "words"), READERS)
def test_what_is_in_a_file_is_refused_by_name(try_file, tmp_path, program, words):
    file = tmp_path / "input"
    for name, content in CONTENTS.items():
        file.write_bytes(content)
        code, _ = try_file(program, words, file)
        assert code == 2, name


@pytest.mark.parametrize(("program", "words"), READERS)
def test_what_is_no_file_is_named(try_file, tmp_path, program, words):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "ring").symlink_to("ring")
    missing = {(7, "file_missing")}
    unreadable = {(8, "file_not_read"), (2, "usage"), (2, "folder_given")}
    assert try_file(program, words, tmp_path / "no such file") in missing
    assert try_file(program, words, tmp_path / "link") in missing
    assert try_file(program, words, tmp_path / "folder")[0] == 2
    for name in ("ring", "x" * 5_000, "folder/../no/../x" * 400):
        assert try_file(program, words, tmp_path / name) in unreadable | missing, name
    assert try_file(program, words, Path("/proc/self/mem")) in unreadable


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("wallet", ["init", "--no-input", "--passphrase-file", "PW", "--store", "LONG"]),
        ("did-verify", ["check", "PW", "--report", "LONG"]),
        ("did-verify", ["check", "PW", "--trust", "LONG"]),
        ("did-service", ["demo", "--keep", "LONG"]),
        ("did-service", ["bundle", "--policy", "PW", "--out", "LONG"]),
    ],
)
def test_a_name_that_the_system_does_not_take_is_told(purse, program, words):
    places = {"PW": purse.passphrase, "LONG": str(purse.folder / ("x" * 5_000))}
    for language in ("zh", "en"):
        run = PROGRAMS[program](*(places.get(w, w) for w in words), "--lang", language)
        assert (run.exit, told(run, program, language)) == (8, "system_refused")
        assert 'xxx"…' in run.err


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_what_is_no_presentation_is_named_and_never_refused(tmp_path, content):
    file = tmp_path / "shown"
    file.write_bytes(content)
    for language in ("zh", "en"):
        run = did_verify("check", file, "--lang", language)
        assert run.exit in (2, 5)
        assert bool(run.err) is (run.exit == 2)
        said = run.err if run.exit == 2 else run.out.partition("\n")[2]  # below the headline
        assert said
        assert {bool(CHINESE.search(line)) for line in said.splitlines()} == {language == "zh"}
    told_in_json = json.loads(did_verify("check", file, "--json").out)
    if run.exit == 2:
        assert told_in_json["error"]["code"].startswith("file_")
    else:
        told_in_json = told_in_json["data"]
        assert told_in_json["checks"][0]["code"] in ("malformed", "too_large", "unsupported")
        assert told_in_json["outcome"] == "undecided"


STATES = ("memory.json", "state.sqlite")


@pytest.mark.parametrize("name", ["policy.json", "evidence.json.gz", *STATES])
def test_a_damaged_trust_directory_is_named_and_left_as_it_is(desk, name):
    shown = desk.shown(None)
    desk.challenge()
    for content in CONTENTS.values():
        (desk.path / name).write_bytes(content)
        before = state(desk.path)
        for words in (["check", shown], ["trust", "show"], ["challenge"]):
            run = desk.run(*words, "--lang", "zh")
            if words == ["challenge"] and name not in STATES:
                continue  # which needs no more than its memory
            assert (run.exit, told(run, "did-verify", "zh")) == (11, "trust_damaged")
            assert name in run.err
        if name in STATES:
            assert state(desk.path) == before


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_a_damaged_wallet_is_named_and_left_as_it_is(purse, content):
    purse.file.write_bytes(content)
    before = state(purse.path)
    for words in (["status"], ["id", "new"], ["passphrase", "change"]):
        run = purse.run(*words, "--lang", "zh", "--no-input")
        assert run.exit == 11
        assert told(run, "wallet", "zh") in {"store_damaged", "store_newer"}
        assert state(purse.path) == before


def test_a_wrong_passphrase_ends_with_4_and_changes_nothing(purse):
    before = state(purse.path)
    purse.passphrase.write_text("another passphrase\n")
    for words in (["status"], ["id", "new"], ["cred", "list"], ["refresh"], ["doctor"]):
        for language in ("zh", "en"):
            run = purse.run(*words, "--lang", language)
            assert (run.exit, told(run, "wallet", language)) == (4, "passphrase_wrong")
            assert "another" not in run.out + run.err
    assert state(purse.path) == before


# --- streams, as a process has them -----------------------------------------------------------

FAILING = {
    "wallet": (["cred", "show", "x"], 7),
    "did-verify": (["did", "no such file"], 7),
    "did-service": (["frobnicate"], 2),
}


def run_shell(program: str, words: list[str], redirection: str, **environment: str):
    """Run a program from a shell, with its streams as the redirection has them."""
    line = f'exec "$0" -m {MODULES[program]} "$@" {redirection}'
    command = ["bash", "-c", line, sys.executable, *map(str, words)]
    known = {**os.environ, "LC_ALL": "C.UTF-8", **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=known)


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("stream", [">&-", ">/dev/full"])
def test_an_answer_that_nobody_can_read_is_no_success(program, stream):
    run = run_shell(program, ["--help"], stream)
    code = told(Run(run.returncode, run.stdout, run.stderr), program, "en")
    assert run.returncode == 8
    assert code in {"output_not_written", "system_refused"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_reader_who_has_gone_is_no_fault(program):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", MODULES[program], "--help"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (3, b"")


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("stream", ["2>&-", "2>/dev/full"])
def test_what_people_cannot_be_told_goes_nowhere_else(purse, program, stream):
    words, code = FAILING[program]
    more = purse.options if program == "wallet" else ()
    run = run_shell(program, [*words, *more], stream)
    assert (run.returncode, run.stdout, run.stderr) == (code, "", "")


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_terminal_without_chinese_is_no_trouble(purse, program):
    words, code = FAILING[program]
    more = purse.options if program == "wallet" else ()
    environment = {LANGUAGE[program]: "zh", "PYTHONIOENCODING": "ascii"}
    run = run_shell(program, [*words, *more], "<&-", **environment)
    assert run.returncode == code
    assert "\\u" in run.stderr
    assert "Traceback" not in run.stderr


# --- disks, and a sudden end ------------------------------------------------------------------


def unmeasured() -> dict[str, str]:
    """The environment of a child that would leave half a coverage file."""
    return {name: v for name, v in os.environ.items() if not name.startswith("COVERAGE")}


# What `python -m` does, at a time that is handed in.
STARTED = """
import sys
from datetime import UTC, datetime
from importlib import import_module

module, start, second, *words = sys.argv[1:]
now = datetime.fromtimestamp(int(second), UTC)
sys.exit(getattr(import_module(f"{module}.__main__"), start)(words, clock=lambda: now))
"""
STARTS = {"wallet": "run", "did-verify": "main"}


def at_the_desk(program: str, *words: str) -> list[str]:
    """The command line of a program at the second in which the desk's policy is in force."""
    if program not in STARTS:  # which makes a world of its own
        return [sys.executable, "-m", MODULES[program], *words]
    given = (MODULES[program], STARTS[program], str(SECOND), *words)
    return [sys.executable, "-c", STARTED, *given]


def limited(command: list[str]):
    """Run a child on a disk that takes files of 64 bytes."""
    size = 64
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**unmeasured(), "LC_ALL": "zh_CN.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )


def test_a_full_disk_loses_nothing_that_was_there(purse, desk):
    nonce = desk.challenge()
    before = state(purse.path), state(desk.path)
    new = str(purse.folder / "new")
    trials = {
        ("wallet", "id", "new", *purse.options): {"file_not_written"},
        ("wallet", "trust", "pin", desk.save_policy(), "--fingerprint", "F", *purse.options): {
            "file_not_written"
        },
        ("did-verify", "challenge", "--trust", desk.path): {"file_not_written"},
        (
            "did-verify",
            "trust",
            "pin",
            desk.save_policy(),
            "--fingerprint",
            "F",
            "--trust",
            new,
        ): {"file_not_written"},
        ("did-service", "demo", "--keep", f"{new} story"): {
            "system_refused",
            "database_refused",
            "file_not_written",
        },
    }
    fingerprint = desk.scene.fed.policy.fingerprint
    for words, codes in trials.items():
        program, *rest = (fingerprint if word == "F" else str(word) for word in words)
        done = limited(at_the_desk(program, *rest))
        assert done.returncode == 8, done
        assert told(Run(8, done.stdout, done.stderr), program, "zh") in codes
        assert (state(purse.path), state(desk.path)) == before
    assert not TrustDirectory(Path(new)).read_policy()
    assert desk.answer(nonce).exit == 0


KILLED = """
import os, signal, sqlite3, sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

module, start, point, second, *words = sys.argv[1:]
seen = 0


def deadly(function, after):
    def step(*arguments, **options):
        global seen
        seen += 1
        result = function(*arguments, **options) if after else None
        if seen == int(point):
            os.kill(os.getpid(), signal.SIGKILL)
        return result if after else function(*arguments, **options)

    return step


def connect(*arguments, **options):
    connection = connected(*arguments, **options)
    connection.set_trace_callback(deadly(print, after=False) if arguments != MADE else None)
    return connection


MADE, connected = (":memory:",), sqlite3.connect
sqlite3.connect = connect
print = lambda statement: None
os.fsync = deadly(os.fsync, after=False)
Path.replace = deadly(Path.replace, after=True)
now = datetime.fromtimestamp(int(second), UTC)
program = import_module(f"{module}.__main__")
sys.exit(getattr(program, start)(words, clock=lambda: now))
"""


def killed(program: str, point: int, words: tuple[object, ...]) -> int:
    """Run a program that is killed at one point of its writing; how it ended."""
    given = (MODULES[program], STARTS[program], point, SECOND, *words)
    command = [sys.executable, "-c", KILLED, *map(str, given)]
    done = subprocess.run(command, check=False, capture_output=True, env=unmeasured())
    return done.returncode


def test_a_wallet_that_is_killed_while_it_writes_is_whole(purse):
    ends = []
    for point in range(1, 9):
        held = len(identities(purse.vault()))
        ends.append(killed("wallet", point, ("id", "new", *purse.options)))
        found = len(identities(open_vault(purse.file.read_bytes(), PASSPHRASE)))
        assert found in (held, held + 1)
        assert purse.run("id", "new").exit == 0
        assert not list(purse.path.glob(".*.tmp"))
    # two files, each: fsync, rename, fsync of the folder; then it is over before the kill
    assert ends == [-signal.SIGKILL] * 6 + [0] * 2


def test_a_counter_that_is_killed_while_it_writes_forgets_nothing(desk):
    before = state(desk.path)
    nonce = desk.challenge()
    ends = []
    while 0 not in ends:
        point = len(ends) + 1
        ends.append(killed("did-verify", point, ("challenge", "--trust", desk.path)))
        assert state(desk.path).keys() >= before.keys()
        assert desk.run("trust", "show").exit == 0
    assert set(ends[:-1]) == {-signal.SIGKILL}
    assert len(ends) > 10  # before each statement on the state, the last of them the commit
    assert desk.answer(nonce).exit == 0
