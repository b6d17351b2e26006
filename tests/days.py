"""`make days`: the tests marked `clock` once more, on other days and in another zone.

    python tests/days.py [DAY …]

The clock is moved by libfaketime, by so many seconds: so it goes on in every child process.
Which tests are marked is for tests/architecture/clocks.py to say. Where `faketime` is missing
nothing is repeated, which is said, and is a failure under DIDSVC_REQUIRE_ALL=1.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.second_try import second_try

_SITE = Path(__file__).parent / "support" / "faketime"
# The clock of deadlines stays as it is: Python waits on it in the kernel, which libfaketime
# does not reach. Its mend for old C libraries turns each wait for the interpreter's lock into a
# busy one. The environment is read once a process: threads read it while a test changes it.
# Files keep their times: else every .pyc file looks stale.
_UNMOVED = {
    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    "FAKETIME_FORCE_MONOTONIC_FIX": "0",
    "FAKETIME_CACHE_DURATION": "1000000",
    "NO_FAKE_STAT": "1",
    "FAKE_UTIME": "1",
    "PYTHONPATH": str(_SITE),
}
# A stdout that is closed is none under libfaketime: the file of its own takes the number.
# What takes long and knows no day runs once: what is shipped; machines and processes that are
# cut off, killed, backed up and restored (tests/e2e/test_up.py has a federation on each day);
# what a program loads, how it is helped with, rows of a former release, and our own runner.
LEFT_OUT = (
    "tests/architecture",
    "tests/attacks/test_changed_backups.py",
    "tests/cli/test_bad_input.py::test_an_answer_that_nobody_can_read_is_no_success",
    "tests/cli/test_services.py",
    "tests/contract/test_bench.py",
    "tests/deploy",
    "tests/docs/test_site.py",
    "tests/e2e/test_issuer_processes.py",
    "tests/e2e/test_machines.py",
    "tests/e2e/test_processes.py",
    "tests/program/test_help.py",
    "tests/services/test_backup.py",
    "tests/services/test_backup_apart.py",
    "tests/services/test_crash_matrix.py",
    "tests/services/test_crash_matrix_issuer.py",
    "tests/services/test_crash_matrix_witness.py",
    "tests/services/test_failover.py",
    "tests/services/test_long_log.py",
    "tests/services/test_migrations.py",
    "tests/services/test_postgres_region.py",
    "tests/services/test_region_on_bucket.py",
    "tests/services/test_two_registries.py",
    "tests/test_second_try.py",
)
# A worker that crashes ends the run: pytest-xdist waits for ever for the one that follows it.
# libfaketime crashes one now and then, where a thread asks for the time while a test changes
# the environment. That says nothing of ours, so the day is run once more; what crashes by
# itself crashes in `make test` as well.
_CRASHED = b"node down: Not properly terminated"
_TWO_WORKERS = ["-n", "2", "--dist", "loadgroup", "--max-worker-restart=0"]
_PYTEST = ["-m", "pytest", "-q", *(f"--deselect={each}" for each in LEFT_OUT)]


@dataclass(frozen=True)
class Day:
    """A day to test on.

    Attributes:
        told: What it is.
        begins: The instant at which the tests begin, from now and from how long before a turn
            of the year they should.
        environment: What else is other there.
    """

    told: str
    begins: Callable[[datetime, timedelta], datetime]
    environment: dict[str, str] = field(default_factory=dict)


def _in(days: int) -> Callable[[datetime, timedelta], datetime]:
    return lambda now, _: now + timedelta(days=days)


def _new_year(now: datetime, later: int = 1) -> datetime:
    return datetime(now.year + later, 1, 1, tzinfo=UTC)


DAYS = {
    "tomorrow": Day("a day later", _in(1)),
    "next-month": Day("40 days later", _in(40)),
    "new-year": Day("across 31 December", lambda now, before: _new_year(now) - before),
    "turn": Day(
        "across 31 December three years later, TZ=HST10, where that lasts for ten hours more",
        lambda now, before: _new_year(now, 4) - before,
        {"TZ": "HST10"},
    ),
    "later": Day("three years later", _in(3 * 365 + 1)),
    "shanghai": Day(
        "three years later, TZ=Asia/Shanghai, where it is another year already",
        lambda now, _: _new_year(now, 4) - timedelta(hours=7),
        {"TZ": "Asia/Shanghai"},
    ),
}
# The others are for a run by name, and for `make soak`: what fails there fails here as well,
# since this one lies across New Year, beyond every validity, and in another year by the wall.
USUAL = ("turn",)
_BEFORE_NEW_YEAR = timedelta(seconds=60)  # which falls into the tests, not before them


def main(names: Sequence[str]) -> int:
    """Repeat the marked tests on the days named, or the usual ones; returns the exit code."""
    if unknown := set(names) - DAYS.keys():
        print(f"days: no day {', '.join(sorted(unknown))}; there are {', '.join(DAYS)}")
        return 2
    if not (names := is_there(names or USUAL)):
        return int(os.environ.get("DIDSVC_REQUIRE_ALL") == "1")
    results = [run(DAYS[name], ["-m", "clock"], _BEFORE_NEW_YEAR) for name in names]
    return int(any(results))


def is_there(names: Sequence[str]) -> Sequence[str]:
    """Return the names if `faketime` is installed; else say that it is not."""
    if shutil.which("faketime"):
        return names
    print("days: not repeated on other days, as there is no faketime; try make test-system")
    return []


def run(day: Day, arguments: Sequence[str], before: timedelta) -> int:
    """Run pytest on a day and return its exit code.

    Args:
        day: When.
        arguments: Which tests.
        before: How long before a turn of the year they begin, if the day has one.
    """
    now = datetime.now(UTC)
    begins = day.begins(now, before)
    print(f"days: {day.told}, from {begins:%Y-%m-%d %H:%M:%S} UTC", flush=True)
    moved = round((begins - now).total_seconds())
    faketime = ["faketime", "-m", "--exclude-monotonic", "-f", f"+{moved}s"]
    command = [*faketime, sys.executable, *_PYTEST, *arguments]
    environment = {**os.environ, **_UNMOVED, **day.environment}
    if not _moves([*faketime, sys.executable], environment, moved):
        print("days: faketime is there and does not move the clock")
        return 1
    with tempfile.TemporaryDirectory(prefix="did-service-day-") as folder:
        whole = [*command, *_TWO_WORKERS, "-o", f"cache_dir={folder}"]
        code, crashed = watched(whole, environment)
        if crashed:
            print("days: a worker crashed under libfaketime; the day once more", flush=True)
            code, _ = watched(whole, environment)
        return second_try(command, Path(folder), code, environment)


def watched(command: Sequence[str], environment: dict[str, str]) -> tuple[int, bool]:
    """Run pytest in sight of the user: its exit code, and whether a worker crashed."""
    crashed, told = False, b""
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        while piece := os.read(child.stdout.fileno(), 65_536):
            sys.stdout.buffer.write(piece)
            sys.stdout.flush()
            told = told[-len(_CRASHED) :] + piece
            crashed = crashed or _CRASHED in told
    return child.returncode, crashed


def _moves(python: Sequence[str], environment: dict[str, str], moved: int) -> bool:
    """Say whether a child process is really on the other day, give or take a minute."""
    ask = [*python, "-c", "import time; print(time.time())"]
    told = subprocess.run(ask, check=False, env=environment, capture_output=True).stdout
    shown = float(told.decode().strip() or 0)
    return abs(shown - datetime.now(UTC).timestamp() - moved) < 60


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
