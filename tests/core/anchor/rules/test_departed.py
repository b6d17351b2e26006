"""A region leaves the federation: DIDs that came from it in time go on (docs/adr/0079)."""

import pytest

from did_service.core.errors import (
    DidServiceError,
    PolicyError,
    ProofError,
    RuleError,
    UnavailableError,
)
from tests.support.departing import log_policy, without
from tests.support.federation import founded
from tests.support.memory_log import MemoryLog
from tests.support.moving import join_entry, leave, movable, move, void
from tests.support.refusals import refused

GD, HN = "gd.example/reg", "hn.example/reg"


@pytest.fixture
def fed():
    return founded(rules=2)


@pytest.fixture
def office(fed):
    made = movable(fed, "gz.gd.example")
    fed.tick()
    fed.rotate(made)
    fed.tick()
    return made


def depart(fed):
    """Without gd from now on, as every log that stays says."""
    fed.policy = without(fed, "gd")
    for region in ("hn", "zj", "sc", "cn"):
        log_policy(fed, f"{region}.example/reg")
    fed.tick()


def judging(fed, **copies):
    """Judge with other copies of gd's control log; None where there is none."""

    def log(origin):
        if origin == GD and copies["gd"] is None:
            raise UnavailableError("log_not_mirrored", origin)
        return copies["gd"] if origin == GD else fed.logs[origin]

    return fed.world._replace(log=log)


def copied(log, stop=None, changed=lambda entry: entry):
    """Copy a log, so far, with other entries where they were changed; nobody judges it."""
    copy = MemoryLog(log.origin)
    for placed in log.entries[:stop]:
        copy.force(changed(placed.entry))
    return copy


# --- who came in time -------------------------------------------------------------------------


def rotated(fed, office):
    return fed.rotate(office)


def deactivated(fed, office):
    return fed.deactivate(office)


def voided(fed, office):
    (joined,) = fed.logs[HN].chain("did", office.id)
    return void(fed, HN, joined, signers=("hn", "zj", "sc"))


def voided_in_the_log_that_left(fed, office):
    _, second, _ = fed.logs[GD].chain("did", office.id)
    return void(fed, HN, second, signers=("hn", "zj", "sc"))


def moved_on(fed, office):
    return move(fed, office, "gz.zj.example")[1]


@pytest.mark.parametrize(
    "act",
    [rotated, deactivated, voided, voided_in_the_log_that_left, moved_on],
    ids=lambda act: act.__name__,
)
def test_a_did_that_came_in_time_goes_on_after_its_former_region_has_left(fed, office, act):
    left, joined = move(fed, office, "gz.hn.example")
    depart(fed)
    placed = act(fed, office)
    assert placed.entry.number > joined.entry.number > left.entry.number


def cut(log, office):
    return copied(log, log.chain("did", office.id)[-1].index)


def changed(number):
    def copy(log, office):
        entry = log.chain("did", office.id)[number - 1].entry
        other = entry.submission().sequenced(entry.at + 1)
        return copied(log, None, lambda each: other if each == entry else each)

    return copy


@pytest.mark.parametrize(
    "copy",
    [lambda *_: None, cut, changed(3), changed(1)],
    ids=["none", "one that ends before", "another leave", "another first version"],
)
def test_a_judge_without_that_copy_says_that_it_has_none(fed, office, copy):
    """It neither takes the entry nor holds it against the log."""
    move(fed, office, "gz.hn.example")
    depart(fed)
    fed.rotate(office)
    entry = fed.logs[HN].entries[-1].entry
    judge = copied(fed.logs[HN], -1)
    with refused("log_not_mirrored", UnavailableError):
        judge.append(entry, judging(fed, gd=copy(fed.logs[GD], office)))
    judge.append(entry, judging(fed, gd=copied(fed.logs[GD])))


# --- who copies a log later -------------------------------------------------------------------


def replayed(fed, origin, world):
    """Judge a log again from its beginning, and say what ends it."""
    copy = MemoryLog(origin)
    for placed in fed.logs[origin].entries:
        try:
            copy.append(placed.entry, world)
        except DidServiceError as error:
            return copy.size(), error
    return copy.size(), None


def test_a_log_is_copied_later_as_its_judges_of_then_read_it(fed, office):
    """What speaks of the region that left stands before the policy without it."""
    fed.grant(fed.root("gd"), office, territory=[])
    move(fed, office, "gz.hn.example")
    agency = movable(fed, "cs.hn.example")
    fed.publish("gd")
    fed.grant(fed.root("gd"), agency, x=fed.x("gd"), territory=[], status_lists=[])
    fed.tick()
    leave(fed, agency, "cs.gd.example")
    depart(fed)
    fed.rotate(office)
    assert replayed(fed, HN, fed.world) == (fed.logs[HN].size(), None)


def test_who_never_had_a_copy_of_the_log_that_left_stops_at_the_join(fed, office):
    _, joined = move(fed, office, "gz.hn.example")
    depart(fed)
    size, error = replayed(fed, HN, judging(fed, gd=None))
    assert (size, error.code) == (joined.index, "log_not_mirrored")
    assert isinstance(error, UnavailableError)


def test_behind_the_policy_without_a_region_nothing_speaks_of_it(fed, office):
    left = leave(fed, office, "gz.hn.example")
    fed.publish("gd")
    entry, agency = join_entry(fed, left), movable(fed, "cs.hn.example")
    granted = {"x": fed.x("gd"), "territory": [], "status_lists": []}
    depart(fed)
    with refused("log_unknown", PolicyError):
        fed.submit(HN, entry)
    with refused("log_unknown", PolicyError):
        fed.grant(fed.root("gd"), agency, **granted)
    with refused("home_unknown", PolicyError):
        leave(fed, agency, "cs.gd.example")


def test_a_checkpoint_of_then_needs_its_quorum_and_its_hour(fed, office):
    left = leave(fed, office, "gz.hn.example")
    fed.publish("gd")
    entry, x = join_entry(fed, left), fed.x("gd")
    short = {**x, "proof": "".join(x["proof"].splitlines(keepends=True)[:-2])}
    few = join_entry(fed, left, x=short)
    fed.policy = without(fed, "gd")  # this judge was quicker than hn's log
    with refused("quorum_not_met", ProofError):
        fed.submit(HN, few)
    fed.tick(3_601)
    with refused("x_wrong", RuleError):
        fed.submit(HN, entry)


# --- what a region has granted elsewhere ------------------------------------------------------


def test_an_office_with_an_older_grant_from_a_region_that_left_goes_on(fed, office):
    """What has been granted there hinders nothing that it does by the grant of its own."""
    agency = movable(fed, "cs.hn.example")
    fed.publish("gd")
    fed.tick()
    old = fed.grant(fed.root("gd"), agency, x=fed.x("gd"))
    fed.tick()
    fed.status_list(agency)
    fed.batch(agency, [b"before"])
    depart(fed)
    own = {"scope": "own", "territory": [], "status_lists": [agency.list_url(2)]}
    fed.grant(fed.root("hn"), agency, **own)
    fed.tick()
    fed.batch(agency, [b"behind"])
    for url in (agency.list_url(), agency.list_url(2)):
        fed.status_list(agency, url=url)
    data = fed.data_of(agency.did)
    assert replayed(fed, data, fed.world) == (fed.logs[data].size(), None)
    said = {name: old.entry.body[name] for name in old.entry.body.keys() - {"proof", "x"}}
    with refused("x_missing", RuleError):
        fed.state({**said, "state": "ended"}, fed.root("hn"))
    void(fed, HN, old, signers=("hn", "zj", "sc"))
