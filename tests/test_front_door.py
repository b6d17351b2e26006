"""The front door, `from did_service import verify`, as a program of others comes in by it."""

import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone

import pytest

import did_service
from did_service import DidServiceError, Outcome, front_door, verify
from did_service.core.encoding import timestamps
from did_service.core.evidence.bundle import encode_bundle
from did_service.core.evidence.sets import parse_evidence
from did_service.program.clock import SYSTEM
from tests.support.counter import AUDIENCE, INDEX, NONCE, Scene

DAY = timedelta(days=1)
AT_SEA = timezone(timedelta(hours=-12))


@pytest.fixture(scope="module")
def scene():
    made = Scene()
    made.publish()
    return made


@pytest.fixture(scope="module")
def asked(scene):
    """The question of a counter a second after the presentation was made."""
    return {
        "policy": json.dumps(scene.fed.policy.members).encode(),
        "nonce": NONCE,
        "audience": AUDIENCE,
        "now": timestamps.from_posix(scene.fed.now + 1),
    }


def bundle_of(scene):
    return encode_bundle(parse_evidence(scene.staple()))


# --- what it answers --------------------------------------------------------------------------


def test_an_answer_of_the_holder_with_its_evidence_is_true(scene, asked):
    report = verify(scene.file(), **asked)
    assert report
    assert report.outcome is Outcome.ACCEPTED


def test_a_bundle_serves_as_well_as_a_staple(scene, asked):
    assert not verify(scene.file(staple=None), **asked)
    assert verify(scene.file(staple=None), **asked, bundles=[bundle_of(scene)])


def test_a_newer_bundle_overrules_the_staple(asked):
    scene = Scene()
    scene.publish()
    shown, policy = scene.file(), json.dumps(scene.fed.policy.members).encode()
    scene.fed.tick()
    scene.fed.status_list(scene.agency, revoked=[INDEX])
    scene.fed.tick()
    scene.publish()
    now = timestamps.from_posix(scene.fed.now + 1)
    question = {**asked, "policy": policy, "now": now}
    assert verify(shown, **question)
    report = verify(shown, **question, bundles=[bundle_of(scene)])
    assert report.outcome is Outcome.REFUSED


@pytest.mark.parametrize("wrong", [{"nonce": "another"}, {"audience": "https://else.example"}])
def test_an_answer_to_another_question_is_false(scene, asked, wrong):
    assert not verify(scene.file(), **{**asked, **wrong})


def test_a_copy_without_its_holder_is_false(scene, asked):
    members = {"vp_token": {"q": [scene.credential]}, "staple": scene.staple()}
    assert not verify(json.dumps(members).encode(), **asked)


@pytest.mark.parametrize("presented", [b"", b"\xff", b"[]", b"{", b"eyJ.e30.sig~", b"{}" * 99])
def test_nothing_presented_makes_it_raise(asked, presented):
    assert not verify(presented, **asked)


def test_the_report_says_what_was_not_asked_of_this_door(scene, asked):
    report = verify(scene.file(), **asked)
    assert {"now_given", "nonce_not_remembered", "nothing_remembered"} <= {*report.unsafe}


def test_evidence_of_two_days_before_is_too_old(scene, asked):
    assert not verify(scene.file(), **{**asked, "now": asked["now"] + 2 * DAY})


@pytest.mark.parametrize("hours", [-12, 0, 12])
@pytest.mark.parametrize("year", [1, 1900, 9999])
def test_no_year_in_any_zone_is_too_far_to_judge_by(scene, asked, year, hours):
    there = datetime(year, 1, 1, tzinfo=timezone(timedelta(hours=hours)))
    assert not verify(scene.file(), **{**asked, "now": there})


@pytest.mark.clock
def test_the_machine_s_clock_is_read_where_no_time_is_given(scene, asked):
    before = SYSTEM.clock().replace(microsecond=0)
    report = verify(scene.file(), **{**asked, "now": None})
    assert report.now >= before
    assert "now_given" not in report.unsafe


# --- what is the caller's own fault -----------------------------------------------------------


def signed_by_one(policy):
    members = json.loads(policy)
    return json.dumps({**members, "proof": members["proof"][:1]}).encode()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda asked: {"nonce": ""}, "nonce_absent"),
        (lambda asked: {"audience": ""}, "audience_absent"),
        (lambda asked: {"now": asked["now"].replace(tzinfo=None)}, "now_invalid"),
        (lambda _: {"now": datetime(9999, 12, 31, 23, tzinfo=AT_SEA)}, "now_invalid"),
        (lambda asked: {"policy": b"no JSON"}, "json_invalid"),
        (lambda asked: {"policy": b"{}"}, "member_missing"),
        (lambda asked: {"policy": signed_by_one(asked["policy"])}, "policy_signatures_missing"),
        (lambda asked: {"bundles": [b"\x1f\x8b damaged"]}, "gzip_invalid"),
        (lambda asked: {"bundles": [b"{}"]}, "member_missing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_of_the_caller_is_an_error_of_ours(scene, asked, change, code):
    with pytest.raises(DidServiceError) as refused:
        verify(scene.file(), **{**asked, **change(asked)})
    assert refused.value.code == code


# --- the door itself --------------------------------------------------------------------------


def test_the_package_names_what_stands_behind_the_door():
    names = {*did_service.__all__} - {"__version__"}
    assert names == {*front_door.__all__}
    assert all(getattr(did_service, name) is getattr(front_door, name) for name in names)


def test_any_other_name_is_missing_as_in_every_module():
    with pytest.raises(AttributeError, match="'did_service' has no attribute 'sign'"):
        _ = did_service.sign


@pytest.mark.clock
def test_the_package_loads_nothing_until_the_door_is_opened():
    program = "import sys, did_service; print(*sys.modules)"
    child = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    loaded = {name for name in child.stdout.split() if name.startswith(b"did_service")}
    assert loaded == {b"did_service", b"did_service.program", b"did_service.program.version"}
