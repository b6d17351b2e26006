"""Dates of the wallet: for people in their own time zone, in JSON with `Z`."""

import time

import pytest

from did_service.core.encoding import strict_json, timestamps
from tests.support.counter import Scene
from tests.support.purse import Purse
from wallet_cli.dates import local_text


@pytest.fixture
def beijing(monkeypatch):
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "CST-8")
        time.tzset()
        yield
    time.tzset()


def test_the_last_day_is_that_of_the_reader(beijing):
    """It was printed in UTC: the 27th, of what in Beijing ends on the 28th."""
    assert local_text("2031-11-27T23:46:07Z") == "2031-11-28 07:46 CST"
    assert local_text("whenever") is None


@pytest.mark.clock
def test_people_read_their_own_time_and_programs_utc(beijing, tmp_path):
    scene, purse = Scene(), Purse(tmp_path)
    policy = scene.fed.policy
    file = purse.save("policy.json", strict_json.dumps(policy.members))
    words = ("trust", "pin", file, "--fingerprint", policy.fingerprint)
    assert purse.json(*words, clock=timestamps.from_posix(scene.fed.now)).exit == 0
    own = policy.expires.astimezone()
    assert f"{own:%Y-%m-%d %H:%M} CST" in purse.run("trust", "show").out
    assert purse.json("trust", "show").data["expires"] == timestamps.encode(policy.expires)
