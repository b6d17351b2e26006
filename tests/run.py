"""`make test`: all tests, coverage, then the offline ones again where there is no network.

A few tests that wait for real processes may have a second try, alone (tests/second_try.py).

With arguments it is pytest on two workers and nothing else, for the part one is working on.
Without: every test; the coverage gate of pyproject.toml, for what the rooms' own tests run in
any process; and the tests marked `offline` once more inside a network namespace of their own,
in which not even loopback is up. Where no such namespace can be made that last part is left out
with a sentence, and fails under CI=true: there "offline" has to be proven.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.second_try import second_try

PYTEST = ["-m", "pytest"]
TWO_WORKERS = ["-n", "2", "--dist", "loadgroup"]  # a group shares one worker
COVERAGE = [sys.executable, "-m", "coverage"]
# The first file asserts that the network is really gone.
OFFLINE = ["-m", "offline", "tests/test_offline.py", "tests"]
RESULT = Path(".coverage")
# Measuring doubles the time of a test. These go through rooms that have tests of their own, and
# the gate is for those to pass.
UNMEASURED = (
    "tests/architecture",
    "tests/attacks",
    "tests/deploy",
    "tests/docs",
    "tests/e2e",
    "tests/fuzz",
    "tests/interop",
)


def main(arguments: list[str]) -> int:
    """Run what `make test ARGS="…"` asks for and return the exit code."""
    if arguments:
        return run([sys.executable, *PYTEST, *TWO_WORKERS, *arguments])
    results = [part() for part in (measured_tests, other_tests, offline_tests)]
    return int(any(results))


def measured_tests() -> int:
    """Run the tests of the rooms and hold the result to the coverage gate.

    The data files of this run are kept apart, so that two runs in one checkout do not mix.
    """
    without = [f"--ignore={each}" for each in UNMEASURED]
    with tempfile.TemporaryDirectory(prefix="did-service-coverage-") as folder:
        data = Path(folder, "data")
        environment = {**os.environ, "COVERAGE_FILE": str(data)}
        failed = (
            tried([*COVERAGE, "run", *PYTEST], without, environment)
            or run([*COVERAGE, "combine", "--quiet"], environment)
            or run([*COVERAGE, "report"], environment)
        )
        if data.exists():
            shutil.copy(data, RESULT)  # for `coverage html`
    return failed


def other_tests() -> int:
    """Run all other tests."""
    print("test: attacks, stories, pages and what is shipped, not measured")
    return tried([sys.executable, *PYTEST], UNMEASURED)


def offline_tests() -> int:
    """Run the tests marked `offline` without a network."""
    namespace = ["unshare", "-n" if os.geteuid() == 0 else "-rn", "--"]
    if not can_run([*namespace, "true"]):
        print("test: not repeated without a network, as unshare makes no namespace here")
        return int(os.environ.get("CI") == "true")
    print("test: the offline tests again, in a namespace without a network")
    command = [*namespace, sys.executable, *PYTEST, *TWO_WORKERS, *OFFLINE]
    return run(command, {**os.environ, "DIDSVC_TEST_NO_NETWORK": "1"})


def tried(
    pytest: list[str], arguments: Sequence[str], environment: dict[str, str] | None = None
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


def run(command: list[str], environment: dict[str, str] | None = None) -> int:
    """Run one command in sight of the user and return its exit code."""
    sys.stdout.flush()
    return subprocess.run(command, check=False, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
