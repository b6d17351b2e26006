"""Every clock against every floor: what may be said of an end, and of a beginning.

Time stands at R in all of it. A clock shows R and so much; the floor, where there is one, is
R + 200 s; what is judged ends with R, or begins at R + 250 s, 400 s or 600 s. The tables are
the rule written out (docs/adr 26, 27), not computed from the code.
"""

from dataclasses import replace
from functools import cache

import pytest

from did_service.core.credentials import proof_set
from did_service.core.credentials.proof_set import ProofOptions
from did_service.core.encoding import timestamps
from did_service.core.integrity import eddsa_jcs_2022
from did_service.core.verification.codes import CHECKS, Result
from did_service.core.verification.request import Clock
from tests.support.counter import AUDIENCE, NONCE, Scene, request

pytestmark = pytest.mark.offline

DAY, YEAR = 86_400, 365 * 86_400
FLOOR = 200
BEHIND = (-2 * YEAR, -DAY, -301, -299)  # more than 300 s before the floor
NEAR = (-1, 0)
AFTER = (1, 299, 301, DAY, 2 * YEAR)
CLOCKS = (*BEHIND, *NEAR, *AFTER)


def table(behind, near, after):
    """What comes out for each clock."""
    words = dict.fromkeys(BEHIND, behind) | dict.fromkeys(NEAR, near)
    return words | (after if isinstance(after, dict) else dict.fromkeys(AFTER, after))


ENDS = {
    "none": table("good", "good", "over"),
    "witnessed": table("doubt", "over", "over"),
    "decided": table("doubt", "doubt", "over"),
}
NOW_ON = dict.fromkeys(AFTER, "good") | {1: "skew"}
SOON = {  # begins at R + 250 s
    "none": table("early", "skew", NOW_ON),
    "witnessed": table("skew", "skew", NOW_ON),
    "decided": table("doubt", "skew", NOW_ON),
}
SKEWED = dict.fromkeys(AFTER, "skew") | {DAY: "good", 2 * YEAR: "good"}
BETWEEN = {  # begins at R + 400 s: by the clock too far ahead, by an own decision not
    "none": table("early", "early", SKEWED | {1: "early"}),
    "witnessed": table("skew", "skew", SKEWED),
    "decided": table("doubt", "doubt", SKEWED | {1: "doubt"}),
}
LATE = {1: "early", 299: "early", 301: "skew", DAY: "good", 2 * YEAR: "good"}
LATER = {  # begins at R + 600 s
    "none": table("early", "early", LATE),
    "witnessed": table("doubt", "early", LATE),
    "decided": table("doubt", "early", LATE),
}


class Stand:
    """One citizen before one counter: evidence of three years ago, things that end with R."""

    def __init__(self):
        self.scene = Scene()
        self.scene.publish()
        self.staple = self.scene.staple()
        self.r = self.scene.fed.now + 3 * YEAR

    def stamp(self, seconds):
        return timestamps.encode(self.time(seconds))

    def time(self, seconds):
        return timestamps.from_posix(self.r + seconds)

    def credential(self, *, begins=-4 * YEAR, ends=9 * YEAR, dated=-4 * YEAR, lapses=9 * YEAR):
        scene = self.scene
        document = scene.unsigned(validFrom=self.stamp(begins), validUntil=self.stamp(ends))
        options = ProofOptions(
            scene.agency.method,
            "assertionMethod",
            self.time(dated),
            expires=self.time(lapses),
        )
        return proof_set.sign(document, scene.agency.key, options, eddsa_jcs_2022)

    def shown(self, credential, lapses=9 * YEAR):
        holder = self.scene.holder
        document = self.scene.present(credential)
        document = {name: value for name, value in document.items() if name != "proof"}
        options = ProofOptions(
            holder.method,
            "authentication",
            self.time(0),
            expires=self.time(lapses),
            challenge=NONCE,
            domain=AUDIENCE,
        )
        return proof_set.sign(document, holder.key, options, eddsa_jcs_2022)

    def codes(self, floor, clock, shown, **changes):
        """The codes of a check, by step."""
        known = {} if floor == "none" else {floor: self.time(FLOOR)}
        report = self.scene.check(
            shown,
            self.staple,
            clock=Clock(self.time(clock), **known),
            policy=changes.pop(
                "policy", replace(self.scene.fed.policy, expires=self.time(DAY))
            ),
            request=request(**changes),
        )
        behind = [check for check in report.checks if check.code == "clock_behind"]
        assert bool(behind) is (floor != "none" and clock in BEHIND)
        return {each.step: each.code for each in report.checks if each not in behind}


@cache
def stand():
    return Stand()


def ends_validity(here, floor, clock):
    return here.codes(floor, clock, here.shown(here.credential(ends=0)))[8]


def ends_proof(here, floor, clock):
    return here.codes(floor, clock, here.shown(here.credential(lapses=1)))[5]


def ends_presentation(here, floor, clock):
    return here.codes(floor, clock, here.shown(here.credential(), lapses=1))[10]


def ends_nonce(here, floor, clock):
    shown = here.shown(here.credential())
    return here.codes(floor, clock, shown, nonce_until=here.time(1))[10]


def ends_policy(here, floor, clock):
    policy = replace(here.scene.fed.policy, expires=here.time(1))
    code = here.codes(floor, clock, here.shown(here.credential()), policy=policy)[2]
    return "policy_current" if code == "policy_lifetime" else code  # seen from two years before


ENDINGS = {
    ends_validity: {"good": "within_validity", "over": "expired", "doubt": "clock_in_doubt"},
    ends_proof: {
        "good": "proof_valid",
        "over": "proof_expired",
        "doubt": "proof_time_in_doubt",
    },
    ends_presentation: {
        "good": "holder_proven",
        "over": "holder_proof_invalid",
        "doubt": "holder_time_in_doubt",
    },
    ends_nonce: {
        "good": "holder_proven",
        "over": "nonce_unknown",
        "doubt": "holder_time_in_doubt",
    },
    ends_policy: {
        "good": "policy_current",
        "over": "policy_expired",
        "doubt": "policy_time_in_doubt",
    },
}


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("floor", ENDS)
@pytest.mark.parametrize("judge", ENDINGS, ids=lambda judge: judge.__name__)
def test_an_end_is_over_only_where_clock_and_quorum_agree(judge, floor, clock):
    assert judge(stand(), floor, clock) == ENDINGS[judge][ENDS[floor][clock]]


BEGINNINGS = {
    "begins": {"early": "not_yet_valid"},
    "dated": {"early": "dated_ahead"},
}


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("floor", ENDS)
@pytest.mark.parametrize(("second", "expected"), [(250, SOON), (400, BETWEEN), (600, LATER)])
@pytest.mark.parametrize("what", BEGINNINGS)
def test_a_beginning_may_lie_five_minutes_ahead_and_no_more(
    what, second, expected, floor, clock
):
    words = {
        **BEGINNINGS[what],
        "good": "within_validity",
        "skew": "within_clock_skew",
        "doubt": "clock_in_doubt",
    }
    here = stand()
    found = here.codes(floor, clock, here.shown(here.credential(**{what: second})))[8]
    assert found == words[expected[floor][clock]]


@pytest.mark.parametrize("clock", [*NEAR, 1, -299])
def test_what_a_date_ahead_gains_is_a_note_and_no_later_end(clock):
    here = stand()
    shown = here.shown(here.credential(begins=250, dated=250, ends=251))
    report_codes = here.codes("none", 252, shown)
    assert report_codes[8] == "expired"
    assert here.codes("none", clock, shown)[8] in ("within_clock_skew", "not_yet_valid")


def test_a_clock_in_doubt_never_refuses_and_never_passes():
    results = {code for code in CHECKS if code.endswith("_in_doubt")}
    results |= {"clock_behind", "dated_ahead", "policy_expired"}
    assert {CHECKS[code].result for code in results} == {Result.UNDECIDED}
    assert CHECKS["within_clock_skew"].result is Result.PASSED
