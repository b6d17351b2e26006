"""The trust directory on a real disk: private, whole after accidents, one answer a nonce."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from did_service.core.errors import (
    ConflictError,
    DidServiceError,
    LimitError,
    MalformedError,
    NotFoundError,
    UnavailableError,
)
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.limits import MAX_JSON_BYTES
from did_service.program import files
from did_service.verifier.directory import TrustDirectory, default_path, fresh_nonce
from did_service.verifier.memory import RememberedLog

pytestmark = pytest.mark.offline

NOW = datetime(2026, 11, 21, 11, 10, tzinfo=UTC)

# What a child process has at hand: the same directory, and a signal to begin.
PRELUDE = """
import sys
from datetime import datetime
from pathlib import Path
from did_service.core.errors import ConflictError, UnavailableError
from did_service.verifier.directory import TrustDirectory
from did_service.verifier.memory import RememberedLog

trust = TrustDirectory(Path(sys.argv[1]))
now = datetime.fromisoformat(sys.argv[2])

def remember(origin, size):
    trust.change(lambda memory: memory.with_log(origin, RememberedLog(size, bytes(32), now)))

print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def trust(tmp_path):
    return TrustDirectory(tmp_path / "state" / "did-verify")


def random_bytes(size):
    return os.urandom(size)


def raise_floor(trust, instant):
    trust.change(lambda memory: memory.with_decided(instant))


def consume(trust, nonce):
    trust.change(lambda memory: memory.with_answer(nonce, NOW))


def refusal(call):
    with pytest.raises(DidServiceError) as caught:
        call()
    return type(caught.value), caught.value.code


def child(trust, program):
    """Start a process that waits until `begin` and then runs `program`."""
    command = [sys.executable, "-c", PRELUDE + program, trust.path, NOW.isoformat()]
    # Unmeasured: a killed process would leave half a coverage file.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE")}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment)


def begin(*children):
    """Let all children go at once."""
    for each in children:
        each.stdout.read(1)
    for each in children:
        each.stdin.close()


def exit_codes(*children):
    codes = []
    for each in children:
        codes.append(each.wait())
        each.stdout.close()
    return sorted(codes)


def run_together(*children):
    begin(*children)
    return exit_codes(*children)


# --- what is stored ---------------------------------------------------------------------------


def test_a_new_directory_is_empty_and_reading_makes_nothing(trust):
    assert trust.read_policy() is None
    assert trust.evidence() == UnverifiedEvidence()
    assert trust.memory().floor is None
    assert trust.forks() == ()
    assert not trust.path.exists()


def test_policy_that_could_not_be_read_again_is_not_written(trust):
    trust.write_policy(largest := b"p" * MAX_JSON_BYTES)
    with pytest.raises(LimitError):
        trust.write_policy(b"p" * (MAX_JSON_BYTES + 1))
    assert trust.read_policy() == largest


def test_policy_is_returned_byte_for_byte(trust):
    trust.write_policy(b"\x00policy\r\n")
    assert TrustDirectory(trust.path).read_policy() == b"\x00policy\r\n"


def test_memory_is_kept_between_processes(trust):
    known = RememberedLog(5, bytes(32), NOW)
    trust.change(lambda memory: memory.with_log("gd.example/reg", known))
    raise_floor(trust, NOW)
    memory = TrustDirectory(trust.path).memory()
    assert memory.logs["gd.example/reg"].size == 5
    assert memory.floor == NOW


def test_an_unchanged_memory_is_not_written_again(trust):
    raise_floor(trust, NOW)
    before = written(trust.path / "state.sqlite")
    raise_floor(trust, NOW - timedelta(seconds=1))
    assert written(trust.path / "state.sqlite") == before


def written(path):
    """Tell one writing of a file from the next; when it was read is another matter."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def test_forks_are_kept_and_never_overwritten(trust):
    trust.keep_fork("gd-5.json", b"one")
    trust.keep_fork("gd-5.json", b"one")
    assert refusal(lambda: trust.keep_fork("gd-5.json", b"two")) == (
        ConflictError,
        "file_exists",
    )
    (trust.path / "forks" / ".half-written.tmp").touch()
    assert trust.forks() == ("gd-5.json",)
    assert trust.read_fork("gd-5.json") == b"one"
    assert refusal(lambda: trust.read_fork("hn-5.json")) == (NotFoundError, "file_missing")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", ".hidden", "a\n", "a" * 101, "é"]
)
def test_names_that_leave_the_folder_are_refused(trust, name):
    for call in (lambda: trust.keep_fork(name, b""), lambda: trust.read_fork(name)):
        assert refusal(call) == (MalformedError, "name_invalid")


def test_everything_is_private(trust):
    old = os.umask(0)
    try:
        trust.write_policy(b"p")
        raise_floor(trust, NOW)
        trust.keep_fork("f", b"f")
    finally:
        os.umask(old)
    for path in (trust.path, *trust.path.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path.name


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "/home/li/.local/state/did-verify"),
        ({"XDG_STATE_HOME": "/var/state"}, "/var/state/did-verify"),
        ({"XDG_STATE_HOME": "relative"}, "/home/li/.local/state/did-verify"),
    ],
)
def test_the_default_place_is_the_xdg_state_directory(environment, expected):
    assert default_path(environment, Path("/home/li")) == Path(expected)


# --- accidents --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-9],
        lambda data: data[:4096],
        lambda data: b"",
        lambda data: data.replace(b"SQLite format 3", b"SQLite format 9"),
        lambda data: data.replace(b"dsV1", b"dsV9"),
        lambda data: data[:4096] + os.urandom(len(data) - 4096),
        lambda data: b"{}",
    ],
    ids=["cut", "one page", "emptied", "changed", "of another program", "noise", "short"],
)
def test_a_damaged_state_is_named_and_never_taken_for_a_new_one(trust, damage):
    raise_floor(trust, NOW)
    path = trust.path / "state.sqlite"
    path.write_bytes(damage(path.read_bytes()))
    for call in (trust.memory, lambda: trust.new_challenge(NOW, random_bytes)):
        with pytest.raises(MalformedError) as caught:
            call()
        assert caught.value.code == "trust_damaged"
        assert caught.value.details == {"file": "state.sqlite"}


def test_state_that_is_gone_is_damage_and_never_a_new_directory(trust):
    raise_floor(trust, NOW)
    (trust.path / "state.sqlite").unlink()
    for call in (trust.memory, lambda: trust.new_challenge(NOW, random_bytes)):
        assert refusal(call) == (MalformedError, "trust_damaged")
    assert not (trust.path / "state.sqlite").exists()


def test_a_file_of_absurd_size_is_named(trust):
    trust.write_policy(b"p")
    with (trust.path / "policy.json").open("r+b") as file:
        file.truncate(2**30)
    with pytest.raises(MalformedError) as caught:
        trust.read_policy()
    assert caught.value.code == "trust_damaged"
    assert caught.value.details == {"file": "policy.json"}


def test_what_cannot_be_read_says_so(trust):
    trust.write_policy(b"p")
    (trust.path / "policy.json").unlink()
    (trust.path / "policy.json").mkdir()
    assert refusal(trust.read_policy) == (UnavailableError, "file_not_read")


def test_a_path_that_is_no_directory_says_so(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    trust = TrustDirectory(tmp_path / "file")
    refused = refusal(lambda: trust.write_policy(b"p"))
    assert refused == (UnavailableError, "file_not_written")


@pytest.mark.clock
def test_a_full_disk_leaves_the_former_file_whole(trust):
    trust.write_policy(b"former")
    program = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))
try:
    trust.write_policy(bytes(1_001))
except UnavailableError as error:
    sys.exit(3 if error.code == "file_not_written" else 4)
"""
    assert run_together(child(trust, program)) == [3]
    assert trust.read_policy() == b"former"
    assert sorted(path.name for path in trust.path.iterdir()) == ["lock", "policy.json"]


@pytest.mark.clock
def test_a_killed_writer_leaves_one_whole_file_and_no_litter(trust):
    program = """
contents = [bytes([n]) * 500_000 for n in range(4)]
while True:
    for content in contents:
        trust.write_policy(content)
"""
    trust.write_policy(bytes(500_000))
    for pause in (0.01, 0.03, 0.05, 0.07):
        writer = child(trust, program)
        begin(writer)
        time.sleep(pause)
        writer.kill()
        assert exit_codes(writer) == [-signal.SIGKILL]
        found = trust.read_policy()
        assert len(found) == 500_000
        assert len(set(found)) == 1
    raise_floor(trust, NOW)
    names = {path.name for path in trust.path.iterdir()}
    assert names == {"lock", "memory.json", "policy.json", "state.sqlite"}


def test_what_a_killed_writer_left_is_swept(trust):
    trust.keep_fork("f", b"f")
    for name in ("policy.json", "evidence.json.gz", "memory.json", "state.sqlite", "forks/f"):
        path = trust.path / name
        (path.parent / f".{path.name}.didsvc-x1_45678.tmp").write_bytes(b"half")
    trust.write_policy(b"p")
    assert not list(trust.path.rglob("*.tmp"))


def test_killed_writer_leaves_what_is_swept(trust, monkeypatch):
    """The name that is written and the name that is swept are one."""
    monkeypatch.setattr(Path, "replace", lambda *_: None)
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)
    trust.write_policy(b"p")
    monkeypatch.undo()
    assert len(list(trust.path.glob(".policy.json.*.tmp"))) == 1
    raise_floor(trust, NOW)
    assert not list(trust.path.glob("*.tmp"))


NOT_OURS = (
    *(
        ".thesis.docx.tmp",
        ".policy.json.tmp",
        ".policy.json.x1.tmp",
        ".draft.didsvc-12345678.tmp",
    ),
    *("forks/sub/.f.didsvc-12345678.tmp", "project/.policy.json.didsvc-12345678.tmp"),
)


@pytest.mark.parametrize("name", NOT_OURS)
def test_temporary_file_of_another_program_is_let_alone(trust, name):
    path = trust.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"only copy")
    trust.write_policy(b"p")
    assert path.read_bytes() == b"only copy"


def test_folder_with_the_name_of_a_temporary_file_stops_nobody(trust):
    (trust.path / ".policy.json.didsvc-12345678.tmp").mkdir(parents=True)
    trust.write_policy(b"p")
    assert trust.read_policy() == b"p"


# --- what is no file --------------------------------------------------------------------------


def make_pipe(path):
    os.mkfifo(path)


def make_socket(path):
    folder = os.open(path.parent, os.O_RDONLY)  # a socket's name has at most 107 bytes
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(f"/proc/self/fd/{folder}/{path.name}")
    os.close(folder)


def make_link(path):
    path.with_name("other").write_bytes(b"{}")
    path.symlink_to(path.with_name("other"))


def make_folder(path):
    path.mkdir()


READS = {
    "policy.json": lambda trust: trust.read_policy(),
    "evidence.json.gz": lambda trust: trust.evidence(),
    "memory.json": lambda trust: trust.memory(),
    "state.sqlite": lambda trust: trust.memory(),
    "forks/f": lambda trust: trust.read_fork("f"),
}


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("make", [make_pipe, make_link, make_socket, make_folder])
def test_what_is_no_file_is_not_read_and_nobody_waits_for_it(trust, name, make):
    path = trust.path / name
    path.parent.mkdir(parents=True)
    make(path)
    with trust.locked(), pytest.raises(UnavailableError) as refused:
        READS[name](trust)
    assert refused.value.code == "file_not_read"


@pytest.mark.parametrize("make", [make_pipe, make_link, make_socket, make_folder])
def test_lock_that_is_no_file_is_refused(trust, make):
    trust.path.mkdir(parents=True)
    make(trust.path / "lock")
    with pytest.raises(UnavailableError) as refused, trust.locked():
        raise AssertionError
    assert refused.value.code == "file_not_written"


def test_lock_that_is_a_link_makes_no_file_elsewhere(trust, tmp_path):
    trust.path.mkdir(parents=True)
    (trust.path / "lock").symlink_to(tmp_path / "outside.txt")
    with pytest.raises(UnavailableError), trust.locked():
        raise AssertionError
    assert not (tmp_path / "outside.txt").exists()


@pytest.mark.parametrize(("mode", "exposed"), [(0o700, False), (0o755, False), (0o770, True)])
def test_directory_says_that_others_may_write_into_it(trust, mode, exposed):
    assert not trust.exposed
    trust.write_policy(b"p")
    trust.path.chmod(mode)
    assert trust.exposed is exposed
    trust.path.chmod(0o702)
    assert trust.exposed


def test_bytes_are_on_the_disk_before_their_name_and_the_name_before_all_else(
    tmp_path, monkeypatch
):
    path, synced = tmp_path / "x", []

    def fsync(descriptor):
        target = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced.append((target == tmp_path, os.fstat(descriptor).st_size, path.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    is_open = len(list(Path("/proc/self/fd").iterdir()))
    files.replace_file(path, b"12345")
    (file, size, named), (folder, _, then) = synced
    assert (file, size, named, folder, then) == (False, 5, False, True, True)
    assert len(list(Path("/proc/self/fd").iterdir())) == is_open


def test_only_a_public_file_is_for_everybody(tmp_path):
    for write, mode in ((files.replace_file, 0o600), (files.replace_public_file, 0o644)):
        write(tmp_path / "x", b"")
        assert (tmp_path / "x").stat().st_mode & 0o777 == mode


def test_a_file_is_read_up_to_its_limit(tmp_path):
    (tmp_path / "x").write_bytes(b"12345")
    assert files.read_file(tmp_path / "x", 5) == b"12345"
    assert refusal(lambda: files.read_file(tmp_path / "x", 4)) == (
        MalformedError,
        "file_damaged",
    )


def test_a_failed_write_leaves_no_temporary_file(tmp_path):
    (tmp_path / "taken").mkdir()
    refused = refusal(lambda: files.replace_file(tmp_path / "taken", b"x"))
    assert refused == (UnavailableError, "file_not_written")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


# --- one at a time ----------------------------------------------------------------------------


def test_a_challenge_has_256_bits_and_is_answered_once(trust):
    nonce = trust.new_challenge(NOW, random_bytes)
    assert len(nonce) == 43
    consume(trust, nonce)
    assert refusal(lambda: consume(trust, nonce)) == (ConflictError, "nonce_used")
    other = TrustDirectory(trust.path)
    assert refusal(lambda: consume(other, nonce)) == (ConflictError, "nonce_used")
    assert refusal(lambda: consume(trust, "x")) == (NotFoundError, "nonce_unknown")


@pytest.mark.clock
def test_of_many_processes_exactly_one_consumes_a_nonce(trust):
    nonce = trust.new_challenge(NOW, random_bytes)
    program = f"""
try:
    trust.change(lambda memory: memory.with_answer({nonce!r}, now))
except ConflictError:
    sys.exit(3)
"""
    children = [child(trust, program) for _ in range(5)]
    assert run_together(*children) == [0, 3, 3, 3, 3]


def test_of_many_threads_exactly_one_consumes_a_nonce(trust):
    nonce = trust.new_challenge(NOW, random_bytes)
    results = []

    def answer():
        try:
            consume(trust, nonce)
        except ConflictError:
            results.append("used")
        else:
            results.append("mine")

    threads = [threading.Thread(target=answer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["mine"] + ["used"] * 7


@pytest.mark.clock
def test_changes_of_several_processes_are_all_kept(trust):
    names = ["a", "b", "c"]
    children = [child(trust, f"for n in range(20): remember({name!r}, n)") for name in names]
    assert run_together(*children) == [0, 0, 0]
    sizes = {name: log.size for name, log in trust.memory().logs.items()}
    assert sizes == dict.fromkeys(names, 19)


@pytest.mark.clock
def test_reading_deciding_and_writing_can_be_held_together(trust):
    trust.write_policy(b"")
    children = [
        child(
            trust,
            f"""
for _ in range(10):
    with trust.locked(), trust.locked():
        trust.write_policy(trust.read_policy() + {letter!r})
""",
        )
        for letter in (b"a", b"b")
    ]
    assert run_together(*children) == [0, 0]
    assert sorted(trust.read_policy().decode()) == sorted("a" * 10 + "b" * 10)


@pytest.mark.clock
def test_a_failure_inside_the_lock_lets_go_of_it(trust):
    with pytest.raises(ZeroDivisionError), trust.locked():
        raise ZeroDivisionError
    assert run_together(child(trust, 'trust.write_policy(b"p")')) == [0]
    assert trust.read_policy() == b"p"


def test_no_nonce_looks_like_an_option():
    nonces = [
        fresh_nonce(lambda size, first=first: bytes([first]) * size) for first in range(256)
    ]
    assert all(nonce[0].isalpha() and len(nonce) == 43 for nonce in nonces)
