"""A dear value is computed once for all who ask at the same time."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from did_service.replica.single_flight import SingleFlight


def test_who_asks_together_waits_for_one_computation():
    inside, release, calls = threading.Event(), threading.Event(), []

    def compute(key):
        calls.append(key)
        inside.set()
        release.wait(30)
        return key * 2

    flight = SingleFlight(compute, 4)
    with ThreadPoolExecutor(30) as pool:
        answers = [pool.submit(flight, 7) for _ in range(30)]
        inside.wait(30)
        release.set()
        assert {answer.result() for answer in answers} == {14}
    assert calls == [7]
    assert (flight(7), calls) == (14, [7])


def test_an_error_is_told_to_those_who_waited_and_kept_for_nobody():
    calls = []

    def compute(key):
        calls.append(key)
        if len(calls) == 1:
            raise ValueError(key)
        return key

    flight = SingleFlight(compute, 4)
    with pytest.raises(ValueError, match="1"):
        flight(1)
    assert (flight(1), calls) == (1, [1, 1])


def test_those_asked_for_longest_ago_go_first():
    calls = []
    flight = SingleFlight(lambda key: calls.append(key) or key, 2)
    for key in (1, 2, 1, 3, 1, 2):
        flight(key)
    assert calls == [1, 2, 3, 2]
