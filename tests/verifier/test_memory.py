"""What is remembered: sizes and the floor only rise, a nonce is answered once."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.errors import ConflictError, DidServiceError, NotFoundError
from did_service.core.limits import NONCE_LIFETIME_SECONDS
from did_service.core.verification.report import Outcome
from did_service.verifier.memory import Answered, Memory, Nonce, RememberedLog

NOW = datetime(2026, 11, 21, 11, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LIFETIME = timedelta(seconds=NONCE_LIFETIME_SECONDS)
ORIGIN = "gd.example/reg"

seconds = st.datetimes(timezones=st.just(UTC)).map(lambda t: t.replace(microsecond=0))
roots = st.binary(min_size=32, max_size=32)
logs = st.builds(RememberedLog, st.integers(0, 2**48), roots, seconds)


def refusal(call):
    with pytest.raises(DidServiceError) as caught:
        call()
    return type(caught.value), caught.value.code


def known(size, byte=0, time=NOW):
    return RememberedLog(size, bytes([byte]) * 32, time)


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


def asked(*nonces, boot=None):
    return Memory(nonces={each: Nonce(NOW + LIFETIME, boot=boot) for each in nonces}, boot=boot)


def test_a_nonce_is_answered_once():
    memory = asked("n").with_answer("n", NOW + SECOND)
    assert refusal(lambda: memory.with_answer("n", NOW)) == (ConflictError, "nonce_used")


def test_a_nonce_that_was_never_given_out_is_unknown():
    refused = refusal(lambda: asked("n").with_answer("m", NOW))
    assert refused == (NotFoundError, "nonce_unknown")


def test_a_nonce_lives_for_a_day_to_the_second():
    memory = asked("n")
    memory.with_answer("n", NOW + LIFETIME - SECOND)
    late = refusal(lambda: memory.with_answer("n", NOW + LIFETIME))
    assert late == (NotFoundError, "nonce_unknown")


def test_what_is_told_of_an_answer_is_that_of_the_first():
    first = Answered(NOW, Outcome.ACCEPTED, bytes(32))
    memory = asked("n").with_answer("n", NOW, first)
    with suppress(ConflictError):
        memory = memory.with_answer(
            "n", NOW, Answered(NOW + SECOND, Outcome.REFUSED, bytes(32))
        )
    assert memory.nonce("n").answer == first


def test_a_question_does_not_outlive_the_boot_that_asked_it():
    memory = asked("n", boot="first")
    assert memory.in_boot("first") is memory
    assert memory.in_boot("second").nonce("n") is None
    with pytest.raises(NotFoundError):
        memory.in_boot("second").with_answer("n", NOW)


def test_an_answered_question_is_still_known_as_such_after_a_restart():
    answered = asked("n", boot="first").with_answer("n", NOW)
    with pytest.raises(ConflictError):
        answered.in_boot("second").with_answer("n", NOW)
