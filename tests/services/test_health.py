"""What /ready and /metrics say: parts with a word, an age, a since; numbers by log."""

import pytest
from starlette.testclient import TestClient

from did_service.core.encoding import timestamps
from did_service.program.clock import ClockAndRandom
from did_service.program.words import words_of
from did_service.web.app import create_app
from did_service.web.health import HealthPart, aged_part, checked_part
from did_service.web.metrics import Histogram, LabelledCounter, counter, encode, gauge_by
from did_service.web.ready_words import ReadyWord

NOW = 1_795_248_000
LOG = "gd.example/reg"


class World:
    """A server whose parts and clock a test sets."""

    def __init__(self):
        self.parts, self.now = [], NOW
        edge = ClockAndRandom(lambda: timestamps.from_posix(self.now), bytes)
        self.client = TestClient(create_app("test", ready=lambda: self.parts, edge=edge))

    def ready(self, **headers):
        answer = self.client.get("/ready", headers=headers)
        return answer.status_code, answer.json()


@pytest.fixture
def world():
    return World()


@pytest.mark.parametrize(
    ("last", "word", "age", "since"),
    [
        (NOW, None, 0, None),
        (NOW - 60, None, 60, None),
        (NOW - 61, "not_published", 61, NOW - 1),
        (NOW + 5, None, 0, None),
        (None, "not_published", None, None),
    ],
    ids=["just now", "at the limit", "late", "the clock was set back", "never"],
)
def test_a_part_is_well_while_it_went_well_not_long_ago(last, word, age, since):
    part = aged_part(
        "publication", ReadyWord.NOT_PUBLISHED, last=last, now=NOW, most=60, log=LOG
    )
    assert part == HealthPart("publication", word, LOG, age, since)


def test_a_server_with_all_parts_well_is_ready(world):
    world.parts = [checked_part("disk", ReadyWord.TREE_NOT_SYNCED, well=True)]
    assert world.ready() == (200, {"status": "ready", "waiting_for": [], "parts": []})


def test_each_word_comes_with_its_log_age_since_next_step_and_page(world):
    world.parts = [
        aged_part(
            "publication", ReadyWord.NOT_PUBLISHED, last=NOW - 90, now=NOW, most=60, log=LOG
        )
    ]
    status, told = world.ready()
    (part,) = told["parts"]
    assert (status, told["waiting_for"]) == (503, ["not_published"])
    expected = words_of("not_published", "http")
    assert part == {
        "part": "publication",
        "log": LOG,
        "word": "not_published",
        "age": 90,
        "since": timestamps.encode(timestamps.from_posix(NOW - 30)),
        "meaning": expected.meaning.en,
        "next": expected.following.en,
        "page": "docs/operating.md#not_published",
    }


def test_words_are_told_in_the_readers_language(world):
    world.parts = [checked_part("disk", ReadyWord.TREE_NOT_SYNCED, well=False)]
    (part,) = world.ready(**{"Accept-Language": "zh"})[1]["parts"]
    assert part["meaning"] == words_of("tree_not_synced", "http").meaning.zh


def test_what_has_no_moment_of_its_own_is_dated_by_when_it_was_first_seen(world):
    world.parts = [checked_part("rules", ReadyWord.RULES_UNKNOWN, well=False)]
    first = world.ready()[1]["parts"][0]["since"]
    world.now += 600
    assert world.ready()[1]["parts"][0]["since"] == first
    world.parts = []
    world.ready()
    world.parts = [checked_part("rules", ReadyWord.RULES_UNKNOWN, well=False)]
    assert world.ready()[1]["parts"][0]["since"] != first


def test_the_same_word_of_two_logs_is_named_once_and_told_twice(world):
    world.parts = [
        checked_part("publication", ReadyWord.NOT_PUBLISHED, well=False, log=log)
        for log in "ba"
    ]
    _, told = world.ready()
    assert told["waiting_for"] == ["not_published"]
    assert [part["log"] for part in told["parts"]] == ["a", "b"]


def test_metrics_tell_each_part_and_its_age(world):
    world.parts = [
        aged_part(
            "publication", ReadyWord.NOT_PUBLISHED, last=NOW - 90, now=NOW, most=60, log=LOG
        ),
        checked_part("disk", ReadyWord.TREE_NOT_SYNCED, well=True),
    ]
    lines = world.client.get("/metrics").text.splitlines()
    about = f'part="publication",log="{LOG}"'
    assert {
        f"didsvc_part_ready{{{about}}} 0",
        f"didsvc_part_age_seconds{{{about}}} 90",
        f'didsvc_waiting_for{{{about},word="not_published"}} 1',
        'didsvc_part_ready{part="disk",log=""} 1',
    } <= {*lines}


# --- the text format ------------------------------------------------------------------------


def test_families_are_told_once_and_labels_are_escaped():
    one, other = (gauge_by("x", "Told.", "log", {name: 1}) for name in ('a"\\\n', "b"))
    assert encode([one, counter("c_total", "C.", 2), other]) == (
        "# HELP didsvc_c_total C.\n# TYPE didsvc_c_total counter\ndidsvc_c_total 2\n"
        "# HELP didsvc_x Told.\n# TYPE didsvc_x gauge\n"
        'didsvc_x{log="a\\"\\\\\\n"} 1\ndidsvc_x{log="b"} 1\n'
    )


def test_a_histogram_counts_what_is_at_most_so_long():
    times = Histogram("t_seconds", "T.")
    for seconds in (0.05, 0.2, 99.0):
        times.observe(seconds, log="a")
    text = encode([times.metric()])
    assert 'didsvc_t_seconds_bucket{log="a",le="0.05"} 1\n' in text
    assert 'didsvc_t_seconds_bucket{log="a",le="0.25"} 2\n' in text
    assert 'didsvc_t_seconds_bucket{log="a",le="+Inf"} 3\n' in text
    assert 'didsvc_t_seconds_count{log="a"} 3\n' in text
    assert 'didsvc_t_seconds_sum{log="a"} 99.25\n' in text


def test_a_counter_counts_by_labels():
    failures = LabelledCounter("f_total", "F.")
    for log in "aab":
        failures.add(log=log)
    assert encode([failures.metric()]).splitlines()[2:] == [
        'didsvc_f_total{log="a"} 2',
        'didsvc_f_total{log="b"} 1',
    ]
