"""Leave and join: a DID goes from the log of one region to that of another, once at a time."""

import pytest

from did_service.core.anchor import moves
from did_service.core.anchor.entry import parse_submission
from did_service.core.anchor.rules.did import profile_of
from did_service.core.anchor.view import LogPrefix, at_home_in, document_of
from did_service.core.anchor.voids import standing
from did_service.core.did.document import document_with_keys
from did_service.core.did.webvh import write
from did_service.core.did.webvh.profile import Profile
from did_service.core.did.webvh.state import accept
from did_service.core.encoding import timestamps
from did_service.core.errors import (
    DidServiceError,
    OrderError,
    PolicyError,
    RuleError,
    UnavailableError,
)
from tests.support.dids import hash_of, key
from tests.support.federation import founded
from tests.support.moving import (
    as_next,
    join,
    join_entry,
    leave,
    movable,
    move,
    moved_version,
    void,
    void_entry,
)
from tests.support.refusals import refused

GD, HN = "gd.example/reg", "hn.example/reg"


@pytest.fixture
def fed():
    return founded(rules=2)


@pytest.fixture
def office(fed):
    made = movable(fed, "gz.gd.example")
    fed.tick()
    return made


def numbers(fed, origin, office):
    return [placed.entry.number for placed in fed.logs[origin].chain("did", office.id)]


def replayed(fed, office):
    """The history of a DID from the log where it stands, by did:webvh's own rules."""
    home = LogPrefix.now(fed.logs[fed.control_of(office.did)])
    state = None
    for placed in moves.history(home, office.id, fed.logs.__getitem__):
        now = timestamps.from_posix(fed.now)
        state = accept(state, placed.entry.body["entry"], now=now)
    return state


def test_numbering_goes_on_and_the_join_names_the_leave(fed, office):
    left, joined = move(fed, office, "gz.hn.example")
    assert joined.entry.previous == left.leaf
    fed.tick()
    fed.rotate(office)
    assert (numbers(fed, GD, office), numbers(fed, HN, office)) == ([1, 2], [3, 4])
    state = replayed(fed, office)
    assert (state.version.number, state.did) == (3, office.did)
    assert office.did.endswith(":gz.hn.example")


def test_it_may_come_back_and_go_on(fed, office):
    for location in ("gz.hn.example", "gy.gd.example", "gz.zj.example"):
        move(fed, office, location)
        fed.tick()
        fed.rotate(office)
        fed.tick()
    assert numbers(fed, GD, office) == [1, 2, 6, 7, 8]
    assert numbers(fed, HN, office) == [3, 4, 5]
    assert numbers(fed, "zj.example/reg", office) == [9, 10]
    assert replayed(fed, office).version.number == 7


def test_a_name_that_was_given_up_is_never_taken_again(fed, office):
    former = str(office.state.version.did.location)
    move(fed, office, "gz.hn.example")
    fed.tick()
    with refused("name_given_up", RuleError):
        leave(fed, office, former)


def test_a_name_of_the_same_region_is_not_taken_again(fed, office):
    def say(location):
        version = moved_version(fed, office, location)
        body = {"did": version["state"]["id"], "entry": version}
        fed.submit(GD, fed.compose(GD, "did", office.id, body))
        office.state = accept(office.state, version, now=timestamps.from_posix(fed.now))
        office.version += 1
        fed.tick()

    say("gy.gd.example")
    with refused("name_given_up", RuleError):
        say("gz.gd.example")
    say("gx.gd.example")


def test_what_a_thief_made_it_give_up_is_its_own_again_after_a_void(fed, office):
    """Governance voids the way there; then nothing was given up."""
    own, state = office.did, office.state
    left, _ = move(fed, office, "gz.hn.example")
    fed.tick()
    void(fed, HN, left)
    fed.tick()
    office.state, office.version = state, 1
    back = write.rotate(
        state,
        key("gz.gd.example update 2"),
        [hash_of("gz.gd.example update 3")],
        now=timestamps.from_posix(fed.now),
        document=document_with_keys(own, {"key-2": key("gz.gd.example assert 2").public}),
    )
    body = {"did": own, "op": "leave", "entry": back}
    again = fed.submit(HN, fed.compose(HN, "did", office.id, body))
    fed.publish("hn")
    joined = {"did": own, "op": "join", "entry": back, "x": fed.x("hn")}
    members = {"v": 1, "t": "did", "s": office.id, "b": joined}
    assert fed.submit(GD, as_next(members, again)).entry.body["did"] == own


@pytest.mark.parametrize("go", [False, True])
def test_nothing_is_taken_where_it_has_left(fed, office, go):
    leave(fed, office, "gz.hn.example")
    fed.tick()
    version = moved_version(fed, office, "sz.gd.example")
    body = {"did": version["state"]["id"], "entry": version}
    if go:
        body = {
            "did": office.did,
            "op": "leave",
            "entry": moved_version(fed, office, "a.hn.example"),
        }
    with refused("did_left", RuleError):
        fed.submit(GD, fed.compose(GD, "did", office.id, body))


def test_a_join_needs_the_leave_in_the_log_that_it_names(fed, office):
    fed.publish("gd")
    before = fed.x("gd")
    left = leave(fed, office, "gz.hn.example")
    with refused("join_without_leave", RuleError):
        fed.submit(HN, join_entry(fed, left, x=before))
    with refused("join_without_leave", RuleError):
        fed.publish("zj")
        fed.submit(HN, join_entry(fed, left, x=fed.x("zj")))
    fed.publish("gd")
    with refused("join_without_leave", RuleError):
        altered = {**left.entry.body["entry"], "versionTime": "2026-11-21T09:00:00Z"}
        fed.submit(HN, join_entry(fed, left, entry=altered))
    fed.submit(HN, join_entry(fed, left))


def test_a_join_rests_on_a_witnessed_checkpoint_of_the_last_hour(fed, office):
    left = leave(fed, office, "gz.hn.example")
    fed.publish("gd")
    own = {**fed.x("gd"), "origin": HN}
    with refused("x_wrong", RuleError):
        fed.submit(HN, join_entry(fed, left, x=own))
    fed.tick(3_601)
    with refused("x_wrong", RuleError):
        join(fed, office, left)


def test_a_leave_has_one_join(fed, office):
    left, joined = move(fed, office, "gz.hn.example")
    fed.tick()
    with refused("join_repeated", RuleError):
        join(fed, office, left)
    void(fed, HN, joined)
    with refused("join_repeated", RuleError):
        join(fed, office, left)


def test_a_join_stands_where_the_leave_went(fed, office):
    left = leave(fed, office, "gz.hn.example")
    fed.publish("gd")
    for origin in ("zj.example/reg", GD):
        with pytest.raises(RuleError) as refusal:
            fed.submit(origin, join_entry(fed, left))
        assert refusal.value.code in {"not_at_home", "x_wrong"}


def test_a_leave_goes_to_another_region_and_names_whom_it_takes(fed, office):
    def submit(did, location):
        body = {"did": did, "op": "leave", "entry": moved_version(fed, office, location)}
        fed.submit(GD, fed.compose(GD, "did", office.id, body))

    with refused("leave_wrong", RuleError):
        submit(office.did, "sz.gd.example")
    with refused("subject_wrong", RuleError):
        submit(office.did.replace("gz.gd", "sz.gd"), "gz.hn.example")
    with refused("home_unknown", PolicyError):
        submit(office.did, "example.org")


def test_a_did_moves_within_its_region_without_leaving(fed, office):
    version = moved_version(fed, office, "sz.gd.example")
    body = {"did": version["state"]["id"], "entry": version}
    fed.submit(GD, fed.compose(GD, "did", office.id, body))


def test_nothing_leaves_that_never_was_there(fed, office):
    body = {"did": office.did, "op": "leave", "entry": office.state.version.entry}
    other = founded(rules=2)
    with refused("subject_wrong", RuleError):
        other.submit(GD, other.compose(GD, "did", office.id, body))


def test_only_what_said_so_from_the_first_may_move_and_no_root(fed):
    fixed = fed.agency("sz.gd.example")
    assert profile_of(fixed.did, fed.policy) is Profile.ISSUER
    assert profile_of(fixed.did, fed.policy, portable=True) is Profile.MOVABLE
    assert profile_of(fed.root("gd").did, fed.policy, portable=True) is Profile.AUTHORITY
    with refused("not_portable", RuleError):
        moved_version(fed, fixed, "sz.hn.example")


def test_rules_1_know_neither_moving_nor_movable(fed, office):
    old = founded()
    with refused("portable_refused", RuleError):
        movable(old, "gz.gd.example")
    body = {
        "did": office.did,
        "op": "leave",
        "entry": moved_version(fed, office, "a.hn.example"),
    }
    with refused("rules_not_in_force", RuleError):
        old.submit(GD, old.compose(GD, "did", office.id, body))


def test_whoever_has_left_signs_nothing_in_its_old_log(fed, office):
    former = office.did
    leave(fed, office, "gz.hn.example")
    homes = at_home_in(LogPrefix.now(fed.logs[GD]), fed.world)
    with refused("signer_unknown", RuleError):
        document_of(former, homes)


def test_a_judge_without_the_log_that_it_left_asks_later(fed, office):
    left = leave(fed, office, "gz.hn.example")
    fed.publish("gd")
    entry = join_entry(fed, left).sequenced(fed.now)

    def behind(origin):
        if origin == GD:
            raise UnavailableError("log_not_mirrored", origin)
        return fed.logs[origin]

    with refused("log_not_mirrored", UnavailableError):
        fed.logs[HN].append(entry, fed.world._replace(log=behind))


def test_a_leave_is_not_voided_and_a_join_is(fed, office):
    left, joined = move(fed, office, "gz.hn.example")
    with refused("leave_stays", RuleError):
        fed.submit(GD, void_entry(fed, GD, left))
    first = fed.logs[GD].chain("did", office.id)[0]
    with refused("leave_stays", RuleError):
        fed.submit(GD, void_entry(fed, GD, first))
    void(fed, HN, joined)
    fed.tick()
    fed.rotate(office)
    assert numbers(fed, HN, office) == [3, 4, 5]
    assert replayed_standing(fed, office) == [1, 2, 5]


@pytest.mark.parametrize("back", [False, True], ids=["elsewhere", "back again"])
def test_a_thief_that_leaves_takes_nothing_beyond_a_void(fed, office, back):
    """Where the DID stands now, governance voids what it said before it came."""
    bad = fed.rotate(office)
    fed.tick()
    left, joined = move(fed, office, "gz.hn.example")
    home, other = HN, GD
    if back:
        fed.tick()
        _, joined = move(fed, office, "gy.gd.example")
        home, other = GD, HN
    for number in (bad.entry.number, left.entry.number):
        with pytest.raises(RuleError):
            fed.submit(other, void_entry(fed, other, bad, of=number))
    with refused("void_of_nothing", RuleError):
        fed.submit(home, void_entry(fed, home, bad, of=joined.entry.number + 1))
    void(fed, home, bad)
    whole = moves.history(LogPrefix.now(fed.logs[home]), office.id, fed.logs.__getitem__)
    assert [placed.entry.number for placed in standing(whole)] == [1]
    assert standing(fed.logs[home].chain("did", office.id))[1:] == []
    version = moved_version(fed, office, "zz.hn.example")
    body = {"did": version["state"]["id"], "entry": version}
    with pytest.raises(DidServiceError):
        fed.submit(home, fed.compose(home, "did", office.id, body))
    with refused("void_of_nothing", RuleError):
        fed.submit(home, void_entry(fed, home, bad, of=bad.entry.number))


def replayed_standing(fed, office):
    home = LogPrefix.now(fed.logs[HN])
    chain = moves.history(home, office.id, fed.logs.__getitem__)
    return [placed.entry.number for placed in standing(chain)]


def test_a_join_that_skips_a_number_is_out_of_order(fed, office):
    left = leave(fed, office, "gz.hn.example")
    fed.publish("gd")
    sent = join_entry(fed, left)
    with refused("out_of_order", OrderError):
        fed.submit(HN, parse_submission({**sent.members, "n": 4}))
