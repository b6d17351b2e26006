"""The rows of a trust directory: one step or none, the same work among many, nothing lost."""

import json
import sqlite3
import tempfile
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from did_service.core.errors import (
    ConflictError,
    DidServiceError,
    MalformedError,
    NotFoundError,
    UnavailableError,
)
from did_service.core.limits import (
    MAX_NONCES_DOUBTED,
    MAX_NONCES_REMEMBERED,
    NONCE_LIFETIME_SECONDS,
)
from did_service.core.verification.report import Outcome
from did_service.verifier import database
from did_service.verifier.directory import TrustDirectory
from did_service.verifier.former import MOVED, parse_memory
from did_service.verifier.memory import Answered, RememberedLog
from did_service.verifier.state import State

pytestmark = pytest.mark.offline

NOW = datetime(2026, 11, 21, 11, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LIFETIME = timedelta(seconds=NONCE_LIFETIME_SECONDS)
ORIGIN = "gd.example/reg"
ROOT = "A" * 43


@pytest.fixture
def trust(tmp_path):
    return TrustDirectory(tmp_path / "trust")


def numbered():
    """A source of nonces that never repeats one."""
    count = iter(range(1 << 40))
    return lambda size: next(count).to_bytes(size, "big")


RNG = numbered()


def refusal(call):
    with pytest.raises(DidServiceError) as caught:
        call()
    return type(caught.value), caught.value.code


def answer(trust, nonce, now=NOW, told=None):
    trust.change(lambda memory: memory.with_answer(nonce, now, told))


def fill(trust, count, expires, state="open"):
    """Remember many nonces at once, as a year at a counter would."""
    trust.new_challenge(NOW, RNG)
    with closing(sqlite3.connect(trust.path / "state.sqlite")) as connection, connection:
        rows = ((f"x{n:06}", expires + n, state) for n in range(count))
        connection.executemany(
            "INSERT INTO nonces (nonce, expires, state) VALUES (?, ?, ?)", rows
        )


# --- questions --------------------------------------------------------------------------------


def test_question_is_remembered_with_what_it_was_asked_for(trust):
    nonce = trust.new_challenge(NOW, RNG, "window-1", "urn:item")
    known = TrustDirectory(trust.path).memory().nonce(nonce)
    assert (known.audience, known.item, known.expires) == (
        "window-1",
        "urn:item",
        NOW + LIFETIME,
    )


def test_first_answer_is_what_is_told_of_a_question(trust):
    nonce = trust.new_challenge(NOW, RNG)
    first = Answered(NOW, Outcome.ACCEPTED, bytes(range(32)))
    answer(trust, nonce, told=first)
    assert refusal(lambda: answer(trust, nonce)) == (ConflictError, "nonce_used")
    assert trust.memory().nonce(nonce).answer == first


def test_questions_are_forgotten_once_a_quorum_has_seen_the_end_of_their_day(trust):
    one, other = (trust.new_challenge(NOW, RNG) for _ in range(2))
    answer(trust, one)
    later = trust.new_challenge(NOW + LIFETIME, RNG)
    assert set(trust.memory().nonces) == {one, other, later}
    trust.change(lambda memory: memory.with_witnessed(NOW + LIFETIME))
    last = trust.new_challenge(NOW + LIFETIME, RNG)
    assert set(trust.memory().nonces) == {later, last}


def test_a_clock_that_was_ahead_once_forgets_no_question(trust):
    nonce = trust.new_challenge(NOW, RNG)
    trust.new_challenge(NOW + 800 * LIFETIME, RNG)
    answer(trust, nonce, NOW + SECOND)
    assert trust.memory().nonce(nonce).state == "used"


def test_of_the_questions_that_only_the_clock_calls_over_the_latest_stay(trust):
    fill(trust, 2 * MAX_NONCES_DOUBTED, int(NOW.timestamp()))
    nonce = trust.new_challenge(NOW + LIFETIME + LIFETIME, RNG)
    left = set(trust.memory().nonces)
    assert nonce in left
    assert len(left) == MAX_NONCES_DOUBTED + 1
    assert "x000000" not in left


def test_the_number_of_open_nonces_is_bounded(trust):
    fill(trust, MAX_NONCES_REMEMBERED - 1, int((NOW + LIFETIME).timestamp()))
    refused = refusal(lambda: trust.new_challenge(NOW, RNG))
    assert refused == (UnavailableError, "nonces_exhausted")
    trust.new_challenge(NOW + 3 * LIFETIME, RNG)
    assert len(trust.memory().nonces) == MAX_NONCES_DOUBTED + 1


def test_open_questions_end_with_the_boot_and_answered_ones_stay_known(trust):
    trust.change(lambda memory: memory.in_boot("first"))
    one, other = (trust.new_challenge(NOW, RNG) for _ in range(2))
    answer(trust, one)
    assert trust.memory().in_boot("second").nonce(other) is None
    trust.change(lambda memory: memory.in_boot("second"))
    assert set(trust.memory().nonces) == {one}
    assert refusal(lambda: answer(trust, one)) == (ConflictError, "nonce_used")
    assert refusal(lambda: answer(trust, other)) == (NotFoundError, "nonce_unknown")


def test_memory_that_was_read_stays_as_it_was_read(trust):
    """Who decides compares what was read before with what is there at the end."""
    nonce = trust.new_challenge(NOW, RNG)
    before = trust.memory()
    assert before.nonce(nonce).state == "open"
    answer(trust, nonce)
    assert before.nonce(nonce).state == "open"
    assert trust.memory().nonce(nonce).state == "used"


# --- the same work among many -----------------------------------------------------------------


def work(call):
    """Count the steps of SQLite's machine, which are rows touched and nothing of the clock."""
    steps, connected = [], sqlite3.connect

    def connect(*arguments, **options):
        connection = connected(*arguments, **options)
        connection.set_progress_handler(lambda: steps.append(1), 1)
        return connection

    with mock.patch.object(sqlite3, "connect", connect):
        call()
    return len(steps)


def a_visit(trust):
    """A question, what a check reads, and the answer."""
    nonce = trust.new_challenge(NOW, RNG)
    trust.memory().nonce(nonce)
    answer(trust, nonce)


@pytest.mark.parametrize("state", ["open", "used"])
def test_a_visit_costs_the_same_with_fifty_thousand_questions_remembered(tmp_path, state):
    few, many = (TrustDirectory(tmp_path / name) for name in ("few", "many"))
    for trust, count in ((few, 5), (many, 50_000)):
        fill(trust, count, int((NOW + LIFETIME).timestamp()), state)
        a_visit(trust)
    assert work(lambda: a_visit(many)) == work(lambda: a_visit(few)) > 0


# --- one step ---------------------------------------------------------------------------------


def test_what_is_changed_under_one_lock_is_kept_together_or_not_at_all(trust):
    nonce = trust.new_challenge(NOW, RNG)
    with suppress(ZeroDivisionError), trust.locked():
        answer(trust, nonce)
        trust.change(lambda memory: memory.with_witnessed(NOW))
        raise ZeroDivisionError
    assert trust.memory().witnessed is None
    assert trust.memory().nonce(nonce).state == "open"


def test_one_step_opens_the_file_once_for_questions_and_once_for_changes(trust, monkeypatch):
    trust.new_challenge(NOW, RNG)
    opened, connect = [], sqlite3.connect

    def counting(*where, **how):
        opened.append(where)
        return connect(*where, **how)

    monkeypatch.setattr(database.sqlite3, "connect", counting)
    with trust.locked():
        assert trust.evidence() == trust.evidence()
        assert trust.version == trust.version
        assert trust.memory().witnessed is None
        assert len(opened) == 1
        trust.change(lambda memory: memory.with_witnessed(NOW))
        assert trust.memory().witnessed == NOW
    assert len(opened) == 2


def test_a_question_left_half_answered_does_not_hold_up_what_is_changed(trust, monkeypatch):
    trust.new_challenge(NOW, RNG)
    monkeypatch.setattr(database, "_PATIENCE_SECONDS", 0)
    state = State(trust.path)
    with state.opened():
        with state.reading() as seen:
            half = seen.all("SELECT name FROM facts")
            assert next(half)
        state.rows().change("INSERT INTO facts VALUES ('x', 1)")
    assert state.ask("SELECT value FROM facts WHERE name = 'x'") == [(1,)]


def test_what_is_changed_is_seen_at_once_by_its_own_step_and_by_no_other(trust):
    nonce = trust.new_challenge(NOW, RNG)
    with trust.locked():
        answer(trust, nonce)
        assert trust.memory().nonce(nonce).state == "used"
        assert TrustDirectory(trust.path).memory().nonce(nonce).state == "open"


class Remembering(RuleBasedStateMachine):
    """Any order of questions, answers, times and failures: what is told is what was kept."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.trust = TrustDirectory(Path(self.folder.name) / "trust")
        self.states, self.size, self.witnessed = {}, None, None

    def teardown(self):
        self.folder.cleanup()

    @rule()
    def ask(self):
        self.states[self.trust.new_challenge(NOW, RNG)] = "open"

    @rule(position=st.integers(0, 5), fails=st.booleans())
    def take_an_answer(self, position, fails):
        nonce = [*self.states, "never"][position % (len(self.states) + 1)]
        try:
            with self.trust.locked():
                answer(self.trust, nonce)
                assert not fails or 1 // 0
        except (ConflictError, NotFoundError):
            assert self.states.get(nonce) != "open"
        except ZeroDivisionError:
            assert self.states[nonce] == "open"
        else:
            assert self.states[nonce] == "open"
            self.states[nonce] = "used"

    @rule(size=st.integers(0, 9))
    def see_a_tree(self, size):
        known = RememberedLog(size, bytes(32), NOW)
        self.trust.change(lambda memory: memory.with_log(ORIGIN, known))
        self.size = max(size, self.size or 0)

    @rule(seconds=st.integers(-9, 9))
    def see_a_time(self, seconds):
        instant = NOW + seconds * SECOND
        self.trust.change(lambda memory: memory.with_witnessed(instant))
        self.witnessed = max(instant, self.witnessed or instant)

    @rule()
    def restart(self):
        self.trust = TrustDirectory(self.trust.path)

    @invariant()
    def tells_what_was_kept(self):
        memory = self.trust.memory()
        assert {text: each.state for text, each in memory.nonces.items()} == self.states
        assert memory.witnessed == self.witnessed
        assert getattr(memory.logs.get(ORIGIN), "size", None) == self.size


TestRemembering = Remembering.TestCase
TestRemembering.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)


# --- what release 0.2.0 left ------------------------------------------------------------------


def former(**members):
    stamp = "2026-11-21T11:10:00Z"
    return {
        "format": "didsvc-memory/1",
        "logs": {ORIGIN: {"size": 5, "root": ROOT, "time": stamp}},
        "nonces": {
            "a": {"expires": "2026-11-22T11:10:00Z", "state": "open"},
            "b": {"expires": "2026-11-22T11:10:00Z", "state": "used"},
        },
        "witnessed": stamp,
        "decided": "2026-11-21T11:10:30Z",
        "boot": "first",
        **members,
    }


def leave(trust, memory):
    trust.path.mkdir(exist_ok=True)
    (trust.path / "memory.json").write_text(json.dumps(memory))


def test_memory_of_the_former_release_is_taken_over_whole_when_it_is_met(trust):
    leave(trust, former())
    memory = trust.memory()
    assert memory.logs == {ORIGIN: RememberedLog(5, bytes(32), NOW)}
    assert {text: each.state for text, each in memory.nonces.items()} == {
        "a": "open",
        "b": "used",
    }
    assert (memory.witnessed, memory.floor, memory.boot) == (NOW, NOW + 30 * SECOND, "first")
    answer(trust, "a")
    assert refusal(lambda: answer(trust, "b")) == (ConflictError, "nonce_used")


def test_former_release_finds_damage_and_no_empty_memory(trust):
    leave(trust, former())
    trust.memory()
    assert (trust.path / "memory.json").read_bytes() == MOVED
    assert refusal(lambda: parse_memory(MOVED)) == (MalformedError, "member_invalid")


def test_new_directory_is_closed_to_the_former_release_as_well(trust):
    trust.new_challenge(NOW, RNG)
    assert (trust.path / "memory.json").read_bytes() == MOVED


def test_taking_over_twice_takes_nothing_back(trust):
    """It was killed in between: the rows are there, and the former file still is."""
    leave(trust, former())
    trust.memory()
    answer(trust, "a")
    trust.change(lambda memory: memory.with_log(ORIGIN, RememberedLog(9, bytes(32), NOW)))
    leave(trust, former())
    memory = TrustDirectory(trust.path).memory()
    assert memory.nonce("a").state == "used"
    assert memory.logs[ORIGIN].size == 9


def test_former_memory_that_is_damaged_is_named_and_left(trust):
    leave(trust, former(witnessed=5))
    before = (trust.path / "memory.json").read_bytes()
    assert refusal(trust.memory) == (MalformedError, "trust_damaged")
    assert (trust.path / "memory.json").read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"format": "didsvc-memory/9"}, "member_invalid"),
        ({"witnessed": 5}, "member_invalid"),
        ({"decided": "2026-11-21T11:10:00+00:00"}, "time_invalid"),
        ({"extra": 1}, "member_unknown"),
        ({"logs": {"a": {}}}, "member_missing"),
        ({"logs": {"a": {"size": 1, "root": ROOT, "time": "x"}}}, "time_invalid"),
        ({"nonces": {"a": {"expires": "x", "state": "y"}}}, "time_invalid"),
        (
            {"nonces": {"a": {"expires": "2026-11-22T11:10:00Z", "state": "y"}}},
            "member_invalid",
        ),
    ],
)
def test_other_shapes_of_a_former_memory_are_refused(changes, code):
    data = json.dumps(former(**changes)).encode()
    assert refusal(lambda: parse_memory(data)) == (MalformedError, code)
