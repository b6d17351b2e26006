"""deploy/systemd: units that systemd understands, and a sandbox in which a service can live.

No manager runs where tests do. So systemd's own programs judge the files, and the system calls
of a region that really serves are compared with those that the sandbox leaves it.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from did_service.client.routes import Routes, UnixRoute
from did_service.client.transport import Transport
from did_service.program.clock import SYSTEM
from tests.support import optional
from tests.support.founded import HOST, PASSPHRASE, found, region_folder

pytestmark = pytest.mark.clock

UNITS = optional.CHECKOUT / "deploy" / "systemd"
INSTALLED = "/opt/did-service/current/bin/did-service"
OURS = Path(sys.executable).with_name("did-service")
SERVED = ("region", "registry", "witness", "agency")
BESIDE = ("bundle", "monitor")  # what reads the logs beside a service
NAMES = [f"did-service-{kind}@.service" for kind in SERVED] + [
    f"did-{kind}@.service" for kind in BESIDE
]
MOST_EXPOSED = 15  # of 100, systemd-analyze(1); without a sandbox a service has 96
PATIENCE = 60
# SQLite gives a journal to its database's owner when it runs as root, as these tests may.
AS_ROOT = {"fchown"}


@pytest.fixture(scope="module")
def analyze():
    return optional.program("systemd-analyze")


@pytest.fixture
def units(tmp_path):
    """The units, with the program that this checkout has."""
    folder = tmp_path / "units"
    shutil.copytree(UNITS, folder, symlinks=True)
    for unit in folder.glob("*.service"):
        unit.write_text(unit.read_text().replace(INSTALLED, str(OURS)))
    return folder


def judged(analyze, folder, *words):
    environment = {**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:", "SYSTEMD_COLORS": "0"}
    return subprocess.run(
        [analyze, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_systemd_understands_every_unit(analyze, units):
    names = sorted(path.name.replace("@.", "@gd.") for path in units.glob("*.*[a-z]"))
    whole = [name for name in names if not name.endswith(".d")]
    assert len(whole) == len(NAMES) + 2  # the target and the timer
    done = judged(analyze, units, "verify", "--man=no", *whole)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_mistake_in_what_all_share_is_seen(analyze, units):
    shared = units / "did-service-.service.d" / "60-sandbox.conf"
    shared.write_text(f"{shared.read_text()}ProtectSytem=strict\n")
    for name in NAMES:
        told = judged(analyze, units, "verify", "--man=no", name.replace("@.", "@gd."))
        assert "ProtectSytem" in told.stderr


@pytest.mark.parametrize("name", NAMES)
def test_the_sandbox_leaves_little(analyze, units, name):
    instance = name.replace("@.", "@gd.")
    words = ("security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager")
    done = judged(analyze, units, *words, instance)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_what_a_unit_starts_is_a_command(name):
    """Every word of its line that is no path is known to the program."""
    text = (UNITS / name).read_text().replace("\\\n", " ")
    (words,) = re.findall(rf"^ExecStart={INSTALLED} (.*)$", text, re.MULTILINE)
    options = [word for word in words.split() if word.startswith("--")]
    command = [word for word in words.split() if not word.startswith(("-", "/"))]
    done = subprocess.run(
        [OURS, *command, "--help"], capture_output=True, text=True, check=True
    )
    assert all(f"  {option} " in done.stdout for option in options)
    assert name.removesuffix("@.service").removeprefix("did-") in {
        f"service-{command[0]}",
        command[0],
    }


@pytest.mark.parametrize("kind", BESIDE)
def test_what_runs_beside_a_service_reaches_its_peers_and_opens_no_key(kind):
    text = (UNITS / f"did-{kind}@.service").read_text()
    assert " --config /var/lib/did-service/%i " in text
    assert "InaccessiblePaths=-/var/lib/did-service/%i/keys\n" in text
    assert "passphrase" not in text


def test_no_service_differs_from_another_but_in_what_it_serves():
    told = {
        re.sub(rf"\b{kind}\b", "KIND", re.sub("Description=.*", "", text))
        for kind in SERVED
        for text in [(UNITS / f"did-service-{kind}@.service").read_text()]
    }
    assert len(told) == 1


# --- what a region does, and what it may do ----------------------------------------------


def calls_of(analyze, name):
    """Return the system calls of a set, sets within it as well."""
    done = judged(analyze, UNITS, "syscall-filter", name).stdout
    found = set()
    for word in re.findall(r"^ {4}([@\w-]+)$", done, re.MULTILINE):
        found |= calls_of(analyze, word) if word.startswith("@") else {word}
    return found


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    """The system calls of a region from its start to its end, one a line."""
    strace = optional.program("strace")
    place = tmp_path_factory.mktemp("traced")
    passphrase = place / "pass"
    passphrase.touch(0o600)
    passphrase.write_text(f"{PASSPHRASE}\n")
    folder = region_folder(place / "gd", found(SYSTEM), passphrase, SYSTEM)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("COVERAGE", "DIDSVC"))}
    words = [strace, "-f", "-qq", "-e", "signal=none", "-o", place / "calls"]
    child = subprocess.Popen(
        [*words, OURS, "region", "serve", folder], env=kept, stderr=subprocess.DEVNULL
    )
    try:
        await_answer(child, folder / "run" / "service.sock")
        (served,) = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
        subprocess.run(["kill", "-TERM", served], check=True)
        assert child.wait(PATIENCE) == 0
    finally:
        child.kill()
        child.wait()
    return (place / "calls").read_text()


def await_answer(child, socket):
    deadline = time.monotonic() + PATIENCE
    while not socket.is_socket():
        assert child.poll() is None, "it ended before it listened"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with Transport(Routes({HOST: UnixRoute(str(socket))})) as transport:
        assert transport.request("GET", f"https://{HOST}/ready").status in (200, 503)


def test_a_region_lives_with_the_system_calls_that_it_is_left(analyze, traced):
    allowed = calls_of(analyze, "@system-service") - calls_of(analyze, "@privileged")
    assert len(allowed) > 100
    made = set(re.findall(r"^\d+ +(\w+)\(", traced, re.MULTILINE))
    assert {"bind", "fdatasync"} <= made
    assert made - allowed - AS_ROOT == set()


def test_a_region_needs_no_memory_that_is_written_and_run(traced):
    asked = re.findall(r"^\d+ +(?:mmap|mprotect|pkey_mprotect)\(.*$", traced, re.MULTILINE)
    assert asked
    assert [call for call in asked if "PROT_WRITE" in call and "PROT_EXEC" in call] == []
    later = [call for call in asked if "mprotect(" in call and "PROT_EXEC" in call]
    assert later == []  # what was written once may not be run later either


def test_a_region_opens_no_place_that_is_hidden_from_it(traced):
    opened = set(
        re.findall(r'open(?:at)?\(.*?"((?:/proc|/dev|/sys|/home|/root)/[^"]*)"', traced)
    )
    own = ("/proc/self/", "/dev/urandom", "/dev/null", "/sys/devices/system/cpu")
    inside = (str(optional.CHECKOUT), sys.prefix, sys.base_prefix)
    assert {path for path in opened if not path.startswith((*own, *inside))} == set()


def test_a_region_speaks_by_unix_sockets_and_ip_alone(traced):
    families = set(re.findall(r"socket(?:pair)?\((AF_\w+)", traced))
    assert families <= {"AF_UNIX", "AF_INET", "AF_INET6"}
