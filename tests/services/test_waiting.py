"""Who waits for the quorum: told once, in order, by whoever publishes; so many and no more."""

import pytest

from did_service.core.anchor.entry import LoggedEntry, compose
from did_service.core.errors import UnavailableError
from did_service.core.limits import MAX_ENTRY_WAITERS, MAX_LOG_WAITERS
from did_service.registry.waiting import Waiting
from tests.support.refusals import refused

REG, OTHER = "gd.example/reg", "gd.example/ev/2026"
ENTRY = compose("heads", REG, {}).sequenced(1)  # what it says is nobody's concern here


def placed(index: int) -> LoggedEntry:
    return LoggedEntry(ENTRY, index, index.to_bytes(32, "big"))


class Tree:
    """A published tree of some size, that keeps which places were looked up."""

    def __init__(self) -> None:
        self.size = 0
        self.looks: list[list[int]] = []

    def shown(self, origin, places):
        self.looks.append([index for index, _ in places])
        return [place for place in places if place[0] < self.size]


@pytest.fixture
def tree():
    return Tree()


@pytest.fixture
def waiting(tree):
    return Waiting(tree.shown)


def test_who_begins_to_wait_has_its_own_entry_looked_up(tree, waiting):
    for index in (9, 7, 8):
        waiting.for_entry(REG, placed(index))
    assert tree.looks == [[9], [7], [8]]


def test_a_publication_looks_in_order_of_index_once_for_each_entry(tree, waiting):
    waiters = [waiting.for_entry(REG, placed(index)) for index in (9, 7, 8, 7)]
    tree.looks.clear()
    tree.size = 9
    waiting.published(REG)
    assert tree.looks == [[7, 8, 9]]
    assert [each.done() for each in waiters] == [False, True, True, True]
    waiting.published(REG)
    assert tree.looks[1:] == [[9]]  # who was told is not looked up again


def test_what_was_published_meanwhile_is_told_at_once(tree, waiting):
    tree.size = 8
    assert waiting.for_entry(REG, placed(7)).done()
    assert waiting._waiting == {REG: {}}


def test_who_waits_for_one_log_hears_nothing_of_another(tree, waiting):
    waiter = waiting.for_entry(REG, placed(7))
    tree.size = 8
    waiting.published(OTHER)
    assert not waiter.done()


@pytest.mark.parametrize(
    ("most", "index_of"), [(MAX_LOG_WAITERS, int), (MAX_ENTRY_WAITERS, lambda number: 7)]
)
def test_beyond_so_many_nobody_else_waits(tree, waiting, most, index_of):
    waiters = [waiting.for_entry(REG, placed(index_of(number))) for number in range(most)]
    assert None not in waiters
    tree.looks.clear()
    assert waiting.for_entry(REG, placed(index_of(most))) is None
    assert not tree.looks
    assert waiting.for_entry(OTHER, placed(index_of(most))) is not None
    waiters[0].cancel()  # whose time is over makes room
    assert waiting.for_entry(REG, placed(index_of(most))) is not None


def test_a_waiter_that_gives_up_while_it_is_told_stops_no_other(tree, waiting):
    gone, stays = (waiting.for_entry(REG, placed(7)) for _ in range(2))
    waiting._forget = lambda *_: None  # as if its thread had not come so far
    gone.cancel()
    tree.size = 8
    waiting.published(REG)
    assert (gone.cancelled(), stays.result()) == (True, True)


def test_a_look_that_fails_leaves_nobody_waiting(waiting):
    def fails(origin, places):
        raise UnavailableError("blobs_unavailable", "no disk")

    waiting._shown = fails
    with refused("blobs_unavailable"):
        waiting.for_entry(REG, placed(7))
    assert waiting._waiting == {REG: {}}


def test_a_service_that_ends_lets_everybody_go_who_waits(tree, waiting):
    places = [(origin, placed(index)) for origin in (REG, OTHER) for index in (7, 7, 8)]
    waiters = [waiting.for_entry(*place) for place in places]
    waiters[0].cancel()
    waiting.end()
    assert [each.result() for each in waiters[1:]] == [False] * 5
    tree.size = 9
    assert waiting.for_entry(REG, placed(9)) is None  # who comes now does not wait
    waiting.published(REG)
    assert waiting._waiting == {REG: {}, OTHER: {}}
