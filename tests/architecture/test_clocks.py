"""Tests that depend on the day say so, and only they; the rule catches what is planted."""

import os
import re
import sys
from datetime import UTC, datetime, timedelta

import pytest

from tests import days, soak
from tests.architecture.clocks import Suite
from tests.support.optional import CHECKOUT

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def real():
    return Suite(CHECKOUT / "tests")


def test_every_test_that_depends_on_the_day_is_marked(real):
    assert list(real.unmarked()) == []


def test_no_mark_outlives_its_cause(real):
    assert list(real.marked_without_cause()) == []


def planted(folder, text, **support):
    """Judge one test file beside support modules."""
    (folder / "tests" / "support").mkdir(parents=True)
    (folder / "tests" / "test_planted.py").write_text(text)
    for name, source in support.items():
        path = "conftest.py" if name == "conftest" else f"support/{name}.py"
        (folder / "tests" / path).write_text(source)
    return Suite(folder / "tests")


FROM = "from tests.support.desk import start, still\n"
DESK = "import subprocess\ndef start(): subprocess.run('x')\ndef still(): pass\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import time\ndef test_a(): time.time()", True),
        ("import time\ndef test_a(): time.sleep(1)", False),
        ("import time\ndef test_a(): time.monotonic()", False),
        ("from datetime import datetime\ndef test_a(): datetime.now(None)", True),
        ("import datetime\ndef test_a(): datetime.date.today()", True),
        ("from datetime import datetime\ndef test_a(): datetime(2026, 1, 1)", False),
        ("from subprocess import Popen as P\ndef test_a(): P('x')", True),
        ("import os\ndef test_a(): os.fork()", True),
        ("from did_service.program.clock import SYSTEM\ndef test_a(): f(SYSTEM)", True),
        ("from wallet_cli.__main__ import run\ndef test_a(): run([])", True),
        ("from wallet_cli.__main__ import run\ndef test_a(): run([], clock=c)", False),
        ("import time\ndef now(): return time.time()\ndef test_a(): now()", True),
        ("import time\nSEEN = time.time()\ndef test_a(): assert SEEN", True),
        ("import time\nSEEN = time.time()\ndef test_a(): pass", False),
        (FROM + "def test_a(): start()", True),
        (FROM + "def test_a(): still()", False),
        ("def test_a(child): pass", True),
        ("def test_a(calm): pass", False),
        ("import pytest\n@pytest.mark.usefixtures('child')\ndef test_a(): pass", True),
    ],
)
def test_planted_causes_are_judged(tmp_path, text, found):
    conftest = (
        "import pytest\nfrom tests.support.desk import start\n"
        "@pytest.fixture\ndef child(): start()\n@pytest.fixture\ndef calm(): pass\n"
    )
    tests = planted(tmp_path, text, desk=DESK, conftest=conftest)
    assert list(tests.unmarked()) == (["tests.test_planted::test_a"] if found else [])


MARKS = (
    ("@pytest.mark.clock\n", ""),
    ("", "pytestmark = [pytest.mark.offline, pytest.mark.clock]\n"),
)


@pytest.mark.parametrize(("decorator", "whole"), MARKS)
@pytest.mark.parametrize(("body", "needed"), [("time.time()", True), ("pass", False)])
def test_a_mark_stands_at_the_test_or_for_the_file(tmp_path, decorator, whole, body, needed):
    text = f"import time, pytest\n{whole}{decorator}def test_a(): {body}"
    tests = planted(tmp_path, text)
    assert list(tests.unmarked()) == []
    assert bool(list(tests.marked_without_cause())) is not needed


# --- the days themselves ----------------------------------------------------------------------


@pytest.mark.parametrize("name", days.DAYS)
def test_each_day_lies_ahead(name):
    begins = days.DAYS[name].begins(NOW, timedelta(seconds=60))
    assert NOW < begins < NOW + timedelta(days=4 * 366)


def test_the_turn_of_the_year_falls_into_the_run():
    begins = days.DAYS["new-year"].begins(NOW, timedelta(seconds=60))
    assert begins == datetime(2026, 12, 31, 23, 59, tzinfo=UTC)


def test_the_usual_day_turns_the_year_in_utc_alone():
    (name,) = days.USUAL
    begins = days.DAYS[name].begins(NOW, timedelta(seconds=60))
    turned = begins + timedelta(seconds=60)
    assert turned == datetime(2030, 1, 1, tzinfo=UTC)
    assert (turned - timedelta(hours=10)).year == 2029
    assert days.DAYS[name].environment == {"TZ": "HST10"}


def test_in_shanghai_it_is_another_year_than_in_utc():
    begins = days.DAYS["shanghai"].begins(NOW, timedelta(seconds=60))
    assert (begins.year, (begins + timedelta(hours=8)).year) == (2029, 2030)


@pytest.mark.parametrize("left_out", days.LEFT_OUT)
def test_what_is_left_out_there_is_a_test(real, left_out):
    path, _, name = left_out.partition("::")
    dotted = path.removesuffix(".py").replace("/", ".")
    if path.endswith(".py"):
        assert not name or name in real.modules[dotted].definitions
    else:
        assert any(each.startswith(f"{dotted}.") for each in real.modules)


@pytest.mark.clock
def test_an_unknown_day_or_part_is_a_mistake():
    assert days.main(["yesterday"]) == 2
    assert soak.main(["nothing"]) == 2


@pytest.mark.clock
def test_every_day_has_its_part_and_every_row_names_one():
    assert {f"suite-{name}" for name in days.DAYS} <= soak.PARTS.keys()
    rows = re.findall(r"^\| ([a-z0-9-]+) \| \d{4}", soak.RESULTS.read_text(), re.MULTILINE)
    assert set(rows) <= soak.PARTS.keys()


@pytest.mark.clock
def test_a_faketime_that_moves_nothing_is_a_failure(tmp_path, monkeypatch, capfd):
    """Else a library that is not loaded would repeat today's tests and call them tomorrow's."""
    idle = tmp_path / "faketime"
    idle.write_text('#!/bin/sh\nshift 4\nexec "$@"\n', encoding="utf-8")
    idle.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert days.run(days.DAYS["tomorrow"], ["--version"], timedelta(seconds=60)) == 1
    assert "does not move the clock" in capfd.readouterr().out


@pytest.mark.clock
@pytest.mark.parametrize(
    ("told", "crashed"), [("[gw1] node down: Not properly terminated", True), ("FAILED", False)]
)
def test_a_crash_of_a_worker_is_noticed_though_it_comes_in_pieces(told, crashed, capfd):
    half = len(told) // 2
    write = "import sys, time\nfor each in sys.argv[1:]: print(each, end='', flush=True)"
    words = [sys.executable, "-c", f"{write}; time.sleep(0.1)", told[:half], told[half:], "."]
    assert days.watched(words, dict(os.environ)) == (0, crashed)
    assert capfd.readouterr().out.startswith(told)
