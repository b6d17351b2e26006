"""The second try: for a few tests that wait, never for one that fails by itself."""

import subprocess
import sys

import pytest

from tests.second_try import MOST_AGAIN, failed_tests, second_try

pytestmark = pytest.mark.clock
_INI = "[pytest]\nmarkers = clock\naddopts = --strict-markers\n"
_BEGIN = "import pytest\nfrom pathlib import Path\nBEFORE = Path(__file__).parent / 'before'\n"
_ONCE = """
@pytest.mark.clock
def test_waits_{0}():
    before = BEFORE.with_suffix('.{0}')
    was_here = before.exists()
    before.touch()
    assert was_here
"""
_ALWAYS = "\n@pytest.mark.clock\ndef test_is_broken():\n    assert False\n"
_GROUPED = _ONCE.replace("@pytest", "@pytest.mark.xdist_group('demo')\n@pytest", 1)
_UNMARKED = _ONCE.replace("@pytest.mark.clock", "")


def tried(folder, *tests):
    """Run tests twice where they may; the exit code, and how often the first one failed."""
    (folder / "pytest.ini").write_text(_INI)
    (folder / "test_these.py").write_text(_BEGIN + "".join(tests))
    cache = folder / "cache"
    command = [sys.executable, "-m", "pytest", "-c", "pytest.ini"]
    workers = ["-n", "1", "--dist", "loadgroup", "-o", f"cache_dir={cache}"]
    first = subprocess.run([*command, *workers, "test_these.py"], check=False).returncode
    return first, second_try(command, cache, first)


CASES = {
    "one": ([_ONCE.format(0)], (1, 0)),
    "of a group": ([_GROUPED.format(0)], (1, 0)),
    "three": ([_ONCE.format(each) for each in range(MOST_AGAIN)], (1, 0)),
    "four": ([_ONCE.format(each) for each in range(MOST_AGAIN + 1)], (1, 1)),
    "unmarked": ([_UNMARKED.format(0)], (1, 1)),
    "one and an unmarked": ([_ONCE.format(0), _UNMARKED.format(1)], (1, 1)),
    "broken": ([_ALWAYS], (1, 1)),
    "one and a broken": ([_ONCE.format(0), _ALWAYS], (1, 1)),
    "none": (["\ndef test_passes(): pass\n"], (0, 0)),
    "no Python": (["\nthis is no Python\n"], (1, 1)),
}


@pytest.mark.parametrize("case", CASES)
def test_few_that_wait_have_a_second_try(tmp_path, monkeypatch, case):
    tests, codes = CASES[case]
    monkeypatch.chdir(tmp_path)
    assert tried(tmp_path, *tests) == codes


def test_what_passed_only_alone_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tried(tmp_path, _ONCE.format(0))
    assert "PASSED ONLY ALONE" in capsys.readouterr().out
    assert failed_tests(tmp_path / "nowhere") == []
