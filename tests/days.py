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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

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
LEFT_OUT = "tests/cli/test_bad_input.py::test_an_answer_that_nobody_can_read_is_no_success"
# A worker that crashes ends the run: pytest-xdist waits for ever for the one that follows it.
_TWO_WORKERS = ["-n", "2", "--dist", "loadgroup", "--max-worker-restart=0"]
_PYTEST = ["-m", "pytest", "-q", *_TWO_WORKERS, "--deselect", LEFT_OUT]


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


def _new_year(now: datetime) -> datetime:
    return datetime(now.year + 1, 1, 1, tzinfo=UTC)


DAYS = {
    "tomorrow": Day("a day later", _in(1)),
    "next-month": Day("40 days later", _in(40)),
    "new-year": Day("across 31 December", lambda now, before: _new_year(now) - before),
    "later": Day("three years later", _in(3 * 365 + 1)),
    "shanghai": Day(
        "TZ=Asia/Shanghai, where it is next year already",
        lambda now, _: _new_year(now) - timedelta(hours=7),
        {"TZ": "Asia/Shanghai"},
    ),
}
_BEFORE_NEW_YEAR = timedelta(seconds=60)  # which falls into the tests, not before them


def main(names: Sequence[str]) -> int:
    """Repeat the marked tests on the days named, or on all; returns the exit code."""
    if unknown := set(names) - DAYS.keys():
        print(f"days: no day {', '.join(sorted(unknown))}; there are {', '.join(DAYS)}")
        return 2
    if not (names := is_there(names or list(DAYS))):
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
    return subprocess.run(command, check=False, env=environment).returncode


def _moves(python: Sequence[str], environment: dict[str, str], moved: int) -> bool:
    """Say whether a child process is really on the other day, give or take a minute."""
    ask = [*python, "-c", "import time; print(time.time())"]
    told = subprocess.run(ask, check=False, env=environment, capture_output=True).stdout
    shown = float(told.decode().strip() or 0)
    return abs(shown - datetime.now(UTC).timestamp() - moved) < 60


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
