"""What is remembered: sizes and the floor only rise, a nonce is answered once."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from did_service.verifier.memory import Memory, Nonce, RememberedLog, parse_memory

NOW = datetime(2026, 11, 21, 11, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LIFETIME = timedelta(seconds=NONCE_LIFETIME_SECONDS)
ORIGIN = "gd.example/reg"

seconds = st.datetimes(timezones=st.just(UTC)).map(lambda t: t.replace(microsecond=0))
roots = st.binary(min_size=32, max_size=32)
logs = st.builds(RememberedLog, st.integers(0, 2**48), roots, seconds)
nonces = st.builds(Nonce, seconds, st.sampled_from(["open", "used"]))
memories = st.builds(
    Memory,
    st.dictionaries(st.text(), logs, max_size=3),
    st.dictionaries(st.text(), nonces, max_size=3),
    st.none() | seconds,
    st.none() | seconds,
    st.none() | st.text(min_size=1, max_size=40),
)


def refusal(call):
    with pytest.raises(DidServiceError) as caught:
        call()
    return type(caught.value), caught.value.code


def known(size, byte=0, time=NOW):
    return RememberedLog(size, bytes([byte]) * 32, time)


def wordy(value):
    return json.dumps({**value.encode(), "extra": 1}).encode()


# --- the file ---------------------------------------------------------------------------------


@given(memories)
def test_reading_turns_writing_round(memory):
    assert parse_memory(memory.encode()) == memory


@given(st.binary())
def test_any_bytes_are_memory_or_refused(data):
    with suppress(MalformedError):
        parse_memory(data)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"memory/1", b"memory/2", "member_invalid"),
        (b'"witnessed": null', b'"witnessed": 5', "member_invalid"),
        (b'"decided": null', b'"decided": "2026-11-21T11:10:00+00:00"', "time_invalid"),
        (b'"decided": null', b'"decided": null, "extra": 1', "member_unknown"),
        (b'"logs": {}', b'"logs": {"a": {}}', "member_missing"),
        (b'"logs": {}', b'"logs": {"a": %s}' % wordy(known(1)), "member_unknown"),
        (b'"nonces": {}', b'"nonces": {"a": %s}' % wordy(Nonce(NOW, "open")), "member_unknown"),
        (b'"nonces": {}', b'"nonces": {"a": {"expires": "x", "state": "y"}}', "time_invalid"),
    ],
)
def test_other_shapes_are_refused(old, new, code):
    data = Memory().encode()
    assert old in data
    assert refusal(lambda: parse_memory(data.replace(old, new))) == (MalformedError, code)


# --- logs -------------------------------------------------------------------------------------


def test_a_larger_tree_replaces_a_smaller_one_and_never_the_reverse():
    memory = Memory().with_log(ORIGIN, known(5)).with_log(ORIGIN, known(9, 1, NOW - SECOND))
    assert memory.logs[ORIGIN] == known(9, 1, NOW - SECOND)
    assert memory.with_log(ORIGIN, known(5, 2, NOW + SECOND)) is memory


def test_the_same_tree_seen_later_is_fresher():
    memory = Memory().with_log(ORIGIN, known(5))
    assert memory.with_log(ORIGIN, known(5)) is memory
    assert memory.with_log(ORIGIN, known(5, 0, NOW - SECOND)) is memory
    assert memory.with_log(ORIGIN, known(5, 0, NOW + SECOND)).logs[ORIGIN].time == NOW + SECOND


def test_two_roots_of_one_size_are_a_fork():
    memory = Memory().with_log(ORIGIN, known(5))
    forked = refusal(lambda: memory.with_log(ORIGIN, known(5, 1)))
    assert forked == (ConflictError, "log_forked")
    assert memory.with_log("hn.example/reg", known(5, 1)).logs[ORIGIN] == known(5)


@given(st.lists(logs))
def test_the_remembered_size_never_falls(seen):
    memory, largest = Memory(), 0
    for log in seen:
        with suppress(ConflictError):
            memory = memory.with_log(ORIGIN, log)
        largest = max(largest, log.size)
        assert memory.logs[ORIGIN].size == largest


def test_only_the_logs_named_are_forgotten():
    memory = Memory().with_log(ORIGIN, known(5)).with_log("hn.example/reg", known(6))
    assert [*memory.without_logs([ORIGIN]).logs] == ["hn.example/reg"]
    assert memory.without_logs(["zj.example/reg"]) is memory


# --- the floor of the clock -------------------------------------------------------------------


@given(st.lists(st.tuples(st.sampled_from(["witnessed", "decided"]), seconds)))
def test_the_floor_only_rises(instants):
    memory = Memory()
    for kind, instant in instants:
        memory = getattr(memory, f"with_{kind}")(instant)
    assert memory.floor == max((instant for _, instant in instants), default=None)


@pytest.mark.parametrize("kind", ["witnessed", "decided"])
def test_the_same_time_again_is_no_change(kind):
    memory = getattr(Memory(), f"with_{kind}")(NOW)
    assert getattr(memory, f"with_{kind}")(NOW) is memory


def test_an_own_decision_is_taken_back_as_far_as_a_quorum_has_shown():
    memory = Memory().with_witnessed(NOW).with_decided(NOW + LIFETIME)
    assert memory.floor == NOW + LIFETIME
    assert memory.without_decided().floor == NOW
    assert Memory().with_witnessed(NOW).without_decided() == Memory().with_witnessed(NOW)


# --- nonces -----------------------------------------------------------------------------------


def test_a_nonce_is_answered_once():
    memory = Memory().with_nonce("n", NOW).with_answer("n", NOW + SECOND)
    assert refusal(lambda: memory.with_answer("n", NOW)) == (ConflictError, "nonce_used")


def test_a_nonce_that_was_never_given_out_is_unknown():
    memory = Memory().with_nonce("n", NOW)
    assert refusal(lambda: memory.with_answer("m", NOW)) == (NotFoundError, "nonce_unknown")


def test_a_nonce_lives_for_a_day_to_the_second():
    memory = Memory().with_nonce("n", NOW)
    memory.with_answer("n", NOW + LIFETIME - SECOND)
    late = refusal(lambda: memory.with_answer("n", NOW + LIFETIME))
    assert late == (NotFoundError, "nonce_unknown")


def test_nonces_are_forgotten_used_or_not_once_a_quorum_has_seen_the_end_of_their_day():
    memory = Memory().with_nonce("a", NOW).with_nonce("b", NOW).with_answer("a", NOW)
    over = memory.with_witnessed(NOW + LIFETIME)
    assert set(over.with_nonce("c", NOW + LIFETIME).nonces) == {"c"}
    assert set(memory.with_nonce("c", NOW + LIFETIME).nonces) == {"a", "b", "c"}


def test_a_clock_that_was_ahead_once_forgets_no_question():
    memory = Memory().with_nonce("n", NOW).with_nonce("m", NOW + 800 * LIFETIME)
    assert memory.with_answer("n", NOW + SECOND).nonces["n"].state == "used"


def test_of_the_questions_that_only_the_clock_calls_over_the_latest_stay():
    many = {f"{n:05}": Nonce(NOW + n * SECOND, "open") for n in range(2 * MAX_NONCES_DOUBTED)}
    left = Memory(nonces=many).with_nonce("n", NOW + LIFETIME).nonces
    assert set(left) == {*sorted(many)[-MAX_NONCES_DOUBTED:], "n"}


def test_the_number_of_open_nonces_is_bounded():
    expires = NOW + LIFETIME
    full = Memory(nonces={str(n): Nonce(expires, "open") for n in range(MAX_NONCES_REMEMBERED)})
    refused = refusal(lambda: full.with_nonce("n", NOW))
    assert refused == (UnavailableError, "nonces_exhausted")
    assert len(full.with_nonce("n", expires).nonces) == MAX_NONCES_DOUBTED + 1


def test_a_question_does_not_outlive_the_boot_that_asked_it():
    memory = Memory().in_boot("first").with_nonce("n", NOW)
    assert memory.in_boot("first") is memory
    with pytest.raises(NotFoundError):
        memory.in_boot("second").with_answer("n", NOW)


def test_an_answered_question_is_still_known_as_such_after_a_restart():
    answered = Memory().in_boot("first").with_nonce("n", NOW).with_answer("n", NOW)
    with pytest.raises(ConflictError):
        answered.in_boot("second").with_answer("n", NOW)
