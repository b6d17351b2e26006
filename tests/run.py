"""`make test`: all tests, coverage, and the offline ones where there is no network.

    measured: tests of the rooms ─► the same, marked `offline` ─► coverage gate
    others:   attacks, stories … ─► the same, marked `offline`

With arguments it is pytest on two workers and nothing else, for the part one is working on.
Without: every test, once. Those marked `offline` run inside a network namespace of their own,
in which not even loopback is up. Where no such namespace can be made they run as the others do,
which is said, and fails under CI=true: there "offline" has to be proven. A few tests that wait
for real processes may have a second try, alone (tests/second_try.py).
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.second_try import second_try

PYTEST = ["-m", "pytest"]
TWO_WORKERS = ["-n", "2", "--dist", "loadgroup"]  # a group shares one worker
COVERAGE = [sys.executable, "-m", "coverage"]
ONLINE, OFFLINE = ["-m", "not offline"], ["-m", "offline"]
GONE = "tests/test_offline.py"  # asserts that the network is really gone
RESULT = Path(".coverage")
# Measuring doubles the time of a test. These go through rooms that have tests of their own, and
# the gate is for those to pass: stories, attacks, processes that are killed again and again.
UNMEASURED = (
    "tests/architecture",
    "tests/attacks",
    "tests/cli/test_new_year.py",
    "tests/contract/test_bench.py",
    "tests/deploy",
    "tests/docs",
    "tests/e2e",
    "tests/fuzz",
    "tests/interop",
    "tests/services/test_crash_matrix.py",
    "tests/services/test_crash_matrix_issuer.py",
    "tests/services/test_crash_matrix_witness.py",
    "tests/services/test_issuer_crash.py",
    "tests/services/test_region_on_bucket.py",
    "tests/test_second_try.py",
)


def main(arguments: list[str]) -> int:
    """Run what `make test ARGS="…"` asks for and return the exit code."""
    if arguments:
        return run([sys.executable, *PYTEST, *TWO_WORKERS, *arguments])
    namespace = without_network()
    results = [measured_tests(namespace), other_tests(namespace)]
    if not namespace:
        print("test: not run without a network, as unshare makes no namespace here")
        results.append(int(os.environ.get("CI") == "true"))
    return int(any(results))


def measured_tests(namespace: Sequence[str]) -> int:
    """Run the tests of the rooms and hold the result to the coverage gate.

    The data files of this run are kept apart, so that two runs in one checkout do not mix.
    """
    without = [f"--ignore={each}" for each in UNMEASURED]
    with tempfile.TemporaryDirectory(prefix="did-service-coverage-") as folder:
        data = Path(folder, "data")
        environment = {**os.environ, "COVERAGE_FILE": str(data)}
        measured = [*COVERAGE, "run", *PYTEST]
        failed = (
            tried(measured, [*ONLINE, *without], environment)
            or offline(namespace, [*measured, *without], [GONE, "tests"], environment)
            or run([*COVERAGE, "combine", "--quiet"], environment)
            or run([*COVERAGE, "report"], environment)
        )
        if data.exists():
            shutil.copy(data, RESULT)  # for `coverage html`
    return failed


def other_tests(namespace: Sequence[str]) -> int:
    """Run all other tests."""
    print("test: attacks, stories, pages and what is shipped, not measured")
    pytest = [sys.executable, *PYTEST]
    failed = tried(pytest, [*ONLINE, *UNMEASURED])
    return offline(namespace, pytest, [GONE, *UNMEASURED], os.environ) or failed


def offline(
    namespace: Sequence[str],
    pytest: list[str],
    tests: list[str],
    environment: Mapping[str, str],
) -> int:
    """Run the tests marked `offline` in a namespace without a network, if there is one."""
    if namespace:
        print("test: the offline ones, in a namespace without a network")
        environment = {**environment, "DIDSVC_TEST_NO_NETWORK": "1"}
    return run([*namespace, *pytest, *TWO_WORKERS, *OFFLINE, *tests], environment)


def without_network() -> list[str]:
    """Return the command that runs another one without a network; empty where there is none."""
    namespace = ["unshare", "-n" if os.geteuid() == 0 else "-rn", "--"]
    return namespace if can_run([*namespace, "true"]) else []


def tried(
    pytest: list[str], arguments: Sequence[str], environment: Mapping[str, str] | None = None
) -> int:
    """Run tests on two workers, and what may have it a second time; returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="did-service-tests-") as folder:
        cache = ["-o", f"cache_dir={folder}"]
        code = run([*pytest, *TWO_WORKERS, *cache, *arguments], environment)
        return second_try(pytest, Path(folder), code, environment)


def can_run(command: list[str]) -> bool:
    """Tell whether a command exists and succeeds."""
    if not shutil.which(command[0]):
        return False
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def run(command: list[str], environment: Mapping[str, str] | None = None) -> int:
    """Run one command in sight of the user and return its exit code."""
    sys.stdout.flush()
    return subprocess.run(command, check=False, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
