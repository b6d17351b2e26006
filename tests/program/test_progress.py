"""Progress is told of long work alone."""

import pytest

from did_service.program.progress import QUIET_SECONDS, ProgressLines


@pytest.fixture
def told():
    return []


def steps(told, seconds, count, name="issuer.sqlite"):
    """Work of so many steps, each of which lasts so long."""
    now = [0.0]
    progress = ProgressLines(lambda line: told.append(line.en), lambda: now[0])
    for done in range(count):
        progress(name, done, count)
        now[0] += seconds
    return told


def test_short_work_says_nothing(told):
    """A backup of small files told 0 % of each of them."""
    assert steps(told, 0.01, 100) == []


def test_long_work_tells_each_tenth_once_it_is_known_to_be_long(told):
    lines = steps(told, 1.0, 20)
    first = 10 * int(10 * QUIET_SECONDS // 20)
    assert lines == [f"issuer.sqlite: {tenth} %" for tenth in range(first, 100, 10)]


def test_many_parts_tell_no_more_than_a_line_a_second(told):
    now = [QUIET_SECONDS + 1]
    progress = ProgressLines(lambda line: told.append(line.zh), lambda: now[0])
    now[0] += QUIET_SECONDS
    for number in range(1_000):
        progress(f"tile {number}", 0, 1)
        now[0] += 0.01
    assert told[0] == "tile 0：0 %"
    assert len(told) <= 11


def test_work_of_nothing_is_no_fault(told):
    assert steps(told, 0.0, 0) == []
    ProgressLines(told.append, lambda: 0.0)("empty", 0, 0)
    assert told == []
