"""Attacks by a clock: wrong for one check, a little behind, or shown by whoever presents."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from did_service.core.encoding import timestamps
from tests.support.counter import Scene
from tests.support.desk import Desk, did_verify
from tests.support.optional import case

pytestmark = pytest.mark.offline

HOUR, DAY, YEAR = 3_600, 86_400, 365 * 86_400
WRONG = [-2 * YEAR, -DAY, -301, -299, 299, 301, 20 * HOUR, 6 * DAY, 2 * YEAR]


def desk_at(folder):
    scene = Scene()
    scene.publish()
    made = Desk(folder, scene)
    made.pin()
    return made


@pytest.fixture
def desk(tmp_path):
    return desk_at(tmp_path)


DOUBTS = {"clock_behind", "clock_in_doubt", "policy_time_in_doubt", "holder_time_in_doubt"}


def fresh_evidence(desk, seconds=HOUR):
    """Time passes; logs and lists go on."""
    fed = desk.scene.fed
    fed.tick(seconds)
    fed.status_list(desk.scene.agency)
    desk.scene.publish()


def answered(desk, *words, later=10):
    return desk.answer(desk.challenge(later=later), *words, later=later)


@pytest.mark.parametrize("tier", ["day", "field"])
@pytest.mark.parametrize("wrong", WRONG)
def test_one_check_with_a_wrong_clock_refuses_nobody_later(desk, wrong, tier):
    """A forged NTP answer, an empty battery: one check, and the next citizen is not refused."""
    assert answered(desk, "--tier", tier).exit == 0
    desk.document(desk.shown(None), "--tier", tier, later=wrong)
    again = answered(desk, "--tier", tier, later=20)
    assert again.report["outcome"] != "refused"
    fresh_evidence(desk)
    later = answered(desk, "--tier", tier)
    assert later.report["outcome"] != "refused"
    ahead_of_all_evidence = wrong > {"day": DAY, "field": 7 * DAY}[tier]
    if wrong <= 299 or ahead_of_all_evidence:
        assert (again.exit, later.exit) == (0, 0)
    else:
        assert set(later.codes) <= DOUBTS
        assert desk.run("trust", "reset-clock").exit == 0
        assert answered(desk, "--tier", tier).exit == 0


def test_question_asked_before_the_clock_was_wrong_can_still_be_answered(desk):
    nonce, other = desk.challenge(), desk.challenge()
    for wrong in (2 * YEAR, -2 * YEAR):
        desk.answer(other, later=wrong)
        desk.challenge(later=wrong)
    assert desk.answer(nonce, later=60).exit == 0
    assert desk.answer(nonce, later=61).codes == ["answered_before"]


steps = st.lists(
    st.tuples(
        st.sampled_from(["check", "answer", "challenge", "forged", "import"]),
        st.sampled_from(WRONG) | st.integers(-YEAR, YEAR),
        st.sampled_from(["online", "day", "field"]),
    ),
    max_size=5,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=steps)
@example(steps=[("check", 90_001, "field")])
def test_no_sequence_of_wrong_clocks_refuses_a_sound_credential(tmp_path_factory, steps):
    """Whatever clocks showed before: a right one and fresh evidence refuse nobody."""
    desk = desk_at(tmp_path_factory.mktemp("clocks"))
    asked_before = desk.challenge()
    for what, wrong, tier in steps:
        if what == "check":
            desk.document(desk.shown(None), "--tier", tier, later=wrong)
        elif what == "answer":
            desk.answer(desk.challenge(later=wrong), "--tier", tier, later=wrong)
        elif what == "forged":
            desk.check(desk.save("forged.json", b"{}"), "--tier", tier, later=wrong)
        elif what == "import":
            desk.run("trust", "import", desk.save_bundle(), later=wrong)
        else:
            desk.challenge(later=wrong)
    fresh_evidence(desk)
    for nonce in (asked_before, desk.challenge(later=10)):
        answer = desk.answer(nonce, later=10)
        assert answer.report["outcome"] in ("accepted", "undecided")
        # ages go by the later of two times that contradict each other
        assert set(answer.codes) <= {*DOUBTS, "status_stale", "evidence_stale"}
        assert not answer.codes or DOUBTS & set(answer.codes)
    desk.run("trust", "reset-clock")
    assert answered(desk).report["outcome"] == "accepted"


def test_expired_credential_stays_refused_whatever_the_clock_showed_before(desk):
    """Doubt is for what an own decision alone says; a right clock goes on refusing."""
    desk.document(desk.shown(None), later=100)
    ended = timestamps.encode(timestamps.from_posix(desk.scene.fed.now))
    desk.scene.credential = desk.scene.issue(
        validFrom=timestamps.encode(timestamps.from_posix(desk.scene.fed.now - YEAR)),
        validUntil=ended,
    )
    assert desk.document(desk.shown(None), later=50).codes == ["expired"]
    assert desk.document(desk.shown(None), later=-DAY).report["outcome"] == "undecided"


def test_clock_ahead_for_one_check_expires_nobody(desk):
    """Ten hours are left; a clock twenty hours ahead said otherwise, once."""
    last = timestamps.from_posix(desk.scene.fed.now + 10 * HOUR)
    desk.scene.credential = desk.scene.issue(validUntil=timestamps.encode(last))
    assert desk.document(desk.shown(None), later=20 * HOUR).codes == ["expired"]
    again = desk.document(desk.shown(None), later=60)
    assert again.report["outcome"] == "undecided"
    assert set(again.codes) <= DOUBTS
    assert desk.run("trust", "reset-clock", later=60).exit == 0
    assert desk.document(desk.shown(None), later=60).exit == 0


def test_dead_battery_calls_no_new_credential_early(desk):
    """It was issued after the newest evidence, and the clock now stands before both."""
    begins = timestamps.from_posix(desk.scene.fed.now + HOUR)
    desk.scene.fed.tick(2 * HOUR)
    desk.scene.credential = desk.scene.issue(validFrom=timestamps.encode(begins))
    assert desk.document(desk.shown(None), later=0).exit == 0
    run = desk.document(desk.shown(None), later=-DAY)
    assert run.report["outcome"] == "undecided"
    assert set(run.codes) <= DOUBTS


def test_reset_does_not_go_below_what_was_witnessed(desk):
    """Whoever resets to have an old list pass for fresh meets the quorum's time."""
    witnessed = timestamps.encode(timestamps.from_posix(desk.scene.fed.now))
    assert desk.document(desk.shown(None), later=HOUR).exit == 0
    run = desk.run("trust", "reset-clock", "--json", later=-DAY)
    decided = timestamps.encode(timestamps.from_posix(desk.scene.fed.now + HOUR))
    assert run.report == {
        "before": {"witnessed": witnessed, "decided": decided},
        "after": {"witnessed": witnessed, "decided": None},
    }
    assert desk.document(desk.shown(None), later=-301).codes == ["clock_behind"]


def test_reset_opens_no_question_again(desk):
    nonce = desk.challenge()
    assert desk.answer(nonce).exit == 0
    desk.run("trust", "reset-clock")
    assert desk.answer(nonce).codes == ["answered_before"]


def test_counter_a_second_behind_its_issuer_refuses_nobody(desk):
    """Case 17: the credential was made a moment ago, by a clock a little faster than ours."""
    scene = desk.scene
    soon = timestamps.from_posix(scene.fed.now + 2)
    scene.credential = scene.issue(validFrom=timestamps.encode(soon), at=scene.fed.now + 2)
    run = answered(desk, later=1)
    assert run.exit == 0
    (found,) = [check for check in run.report["checks"] if check["step"] == 8]
    assert (found["code"], found["result"]) == ("within_clock_skew", "passed")


CASES = {
    "13-validfrom-without-offset": "2026-11-21T08:00:02Z",
    "14-validuntil-24-00-00": "2026-11-21T08:00:02Z",
    "16-proof-created-without-offset": "2026-11-21T08:00:02Z",
    "17-counter-one-second-behind-issuer": "2026-11-21T08:00:30Z",
}


@pytest.mark.parametrize("name", CASES)
def test_time_as_other_people_write_it_is_not_called_forged(name):
    """Cases 13, 14, 16 and 17 of the field, by the program."""
    words = ["check", case(name) / "shown.json", "--policy", case("world") / "policy.json"]
    words += ["--now", CASES[name], "--nonce", "n-0S6_WzA2Mj", "--tier", "field"]
    words += ["--audience", "https://counter.hn.example/1", "--json"]
    run = did_verify(*words, now=0)
    assert (run.exit, run.report["outcome"]) == (0, "accepted")


def test_far_away_time_gives_a_verdict(desk):
    """Years that `datetime` does not have, on either side, are compared like all others."""
    scene = desk.scene
    for begin, end, code in (
        ("-12000-01-01T00:00:00Z", "99999-12-31T24:00:00Z", None),
        ("12000-01-01T00:00:00Z", "12001-01-01T00:00:00Z", "not_yet_valid"),
        ("-12001-01-01T00:00:00Z", "-12000-01-01T00:00:00Z", "expired"),
    ):
        scene.credential = scene.issue(validFrom=begin, validUntil=end)
        run = desk.document(desk.shown(None))
        own = [c for c in run.codes if c in ("expired", "not_yet_valid", "malformed")]
        assert own == ([] if code is None else [code])
    scene.credential = scene.issue(
        validFrom="20000-01-01T00:00:00Z", validUntil="12000-01-01T00:00:00Z"
    )
    assert "malformed" in desk.document(desk.shown(None)).codes
