"""Verification always ends in a report: whatever is shown, and whatever evidence holds."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.verification.report import Outcome
from did_service.core.verification.request import Clock
from did_service.core.verification.verify import verify
from tests.support.counter import Scene, request
from tests.support.dids import NOW

pytestmark = pytest.mark.offline
ODD = [None, 0, -1, 1.5, "", "x", "did:key:z6Mk", "did:webvh:x", [], {}, [1], {"id": 1}, True]


def places(value, path=()):
    """Every place in a JSON document, as the way to it."""
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for name, member in members:
        yield (*path, name)
        if isinstance(member, dict | list):
            yield from places(member, (*path, name))


@pytest.fixture(scope="module")
def made() -> Scene:
    scene = Scene()
    scene.fed.tick()
    scene.log_issuance()
    scene.publish()
    return scene


@given(data=st.data())
def test_any_member_replaced_gives_a_report(made, data):
    file = json.loads(made.file())
    way = data.draw(st.sampled_from(sorted(places(file), key=repr)))
    changed = copy.deepcopy(file)
    target = changed
    for step in way[:-1]:
        target = target[step]
    target[way[-1]] = data.draw(st.sampled_from(ODD))
    report = made.check(data=json.dumps(changed).encode())
    assert report.to_bytes()
    if way[0] == "staple":
        assert report.outcome is not Outcome.REFUSED
    elif changed != file:
        assert report.outcome is not Outcome.ACCEPTED


@given(st.binary(max_size=200))
def test_any_bytes_give_a_report(data):
    report = verify(data, policy=None, evidence=(), request=request(), clock=Clock(NOW))
    assert report.outcome is not Outcome.ACCEPTED
