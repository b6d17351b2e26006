"""Attacks by a next policy that moves or leaves out what older evidence rests on."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from did_service.core.anchor import entry as entries
from did_service.core.anchor.bodies.policy import check_successor
from did_service.core.anchor.entry import LoggedEntry
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import timestamps
from did_service.core.errors import OrderError, PolicyError, RuleError
from did_service.core.log.policy import PolicyLog
from did_service.core.verification.report import Outcome
from tests.support.counter import INDEX, SCHEMA, Scene, codes
from tests.support.federation import Federation, founded
from tests.support.founding import log_policy, log_signer
from tests.support.refusals import refused

NEW_YEARS_EVE = int(datetime(2026, 12, 31, 23, tzinfo=UTC).timestamp())
GD_2028 = "gd.example/ev/2028"


def revoked(years=(2026, 2027, 2028)) -> Scene:
    """A permit that was revoked on the last evening of 2026."""
    scene = Scene(federation=Federation(years=years, now=NEW_YEARS_EVE, rules=2))
    scene.fed.tick()
    scene.fed.status_list(scene.agency, revoked=[INDEX])
    scene.fed.tick()
    return scene


def regions_with(fed: Federation, **changes):
    found = fed.policy.members["regions"]
    return [each | changes.get(each["id"], {}) for each in found]


def refuses(fed: Federation, code: str, **changes) -> None:
    """Counters, witnesses and logs refuse a policy that its governors have signed."""
    following = fed.next_policy(**changes)
    with refused(code, PolicyError):
        check_successor(fed.policy, following)
    held, fed.policy = fed.policy, following
    body = {"policy": following.members}
    with refused(code, PolicyError):
        entry = fed.compose("gd.example/reg", "policy", following.federation, body)
        fed.submit("gd.example/reg", entry)
    fed.policy = held


def goes_on(scene: Scene, last: LoggedEntry, bits: list[int]) -> None:
    """Anchor a list in 2028 that follows its last entry of 2026."""
    fed, url = scene.fed, scene.agency.list_url()
    content = fed.list_content(scene.agency, url, bits)
    times = {"iat": fed.now, "exp": fed.now + 604_800, "ttl": 3_600, "bits": 131_072}
    link = {"log": "gd.example/ev/2026", "index": last.index}
    body = {"issuer": scene.agency.did, "kind": "bitstring", **times, "x": link}
    entry = entries.compose("status", url, body, after=last, digest=sha256(content))
    fed.submit(GD_2028, entry, content)


@pytest.mark.parametrize(
    "changes",
    [
        {"cn": {"territory": ["110000"]}, "hn": {"territory": ["000000"]}},
        {"gd": {"territory": ["440000", "000000"]}},
        {"hn": {"prefixes": ["https://hn.example/", "https://gd.example/schemas/"]}},
    ],
    ids=["nation-wide", "before the nation-wide one", "below another's"],
)
def test_schema_given_to_another_region_and_back_is_not_revived(changes):
    """What the other region made stricter would be forgotten on the way back: nobody signs."""
    fed = founded(rules=2)
    refuses(fed, "prefix_moved", regions=regions_with(fed, **changes))
    assert fed.policy.home_of_schema(SCHEMA).id == "cn"


def test_year_left_out_clears_no_revocation():
    """With last year's log the list is gone that this year's has to go on from."""
    fed = revoked().fed
    for year in ("2026", "2027"):
        regions = [
            {**each, "logs": {o: t for o, t in each["logs"].items() if year not in o}}
            for each in fed.policy.members["regions"]
        ]
        refuses(fed, "log_dropped", regions=regions)


def test_rules_that_fall_clear_no_revocation():
    """Under rules 1 no log looks at what a list clears."""
    scene = revoked()
    refuses(scene.fed, "rules_fall", rules=1)
    with refused("revocation_cleared", RuleError):
        scene.fed.status_list(scene.agency)


def test_silent_year_clears_no_revocation():
    """A list without an entry in all of 2027 would begin anew in 2028, with every bit clear."""
    scene = revoked()
    fed = scene.fed
    last = fed.logs["gd.example/ev/2026"].newest("status", scene.agency.list_url())
    for _ in range(2):
        fed.tick(days=200)
        expires = timestamps.encode(timestamps.from_posix(fed.now + 360 * 86_400))
        fed.policy = fed.next_policy(expires=expires)
    with refused("out_of_order", OrderError):
        fed.status_list(scene.agency)
    with refused("revocation_cleared", RuleError):
        goes_on(scene, last, [])
    goes_on(scene, last, [INDEX])
    scene.credential = scene.issue()
    scene.publish()
    report = scene.check()
    assert report.outcome is Outcome.REFUSED
    assert codes(report) == ["revoked"]


def test_second_log_of_a_year_clears_no_revocation():
    """Under another host of its region, where a list has no entry yet, it would begin anew."""
    fed = revoked().fed
    gd = fed.policy.members["regions"][0]
    for year in (2026, 2027):  # the list's own, or an empty one that hides it in 2028
        origin = f"gd.gd.example/ev/{year}"
        log = PolicyLog(log_signer(origin).verifier_key, f"https://{origin}")
        text = replace(log_policy("gd.example/reg"), logs=(log,)).encode().decode()
        second = {
            "hosts": [*gd["hosts"], "gd.gd.example"],
            "logs": {**gd["logs"], origin: text},
        }
        with refused("region_repeated", PolicyError):
            fed.next_policy(regions=regions_with(fed, gd=second))


def test_granter_that_has_ended_becomes_no_root():
    """What it has granted would stand again, and nobody was asked to grant it."""
    fed = founded(rules=2)
    scene = Scene(federation=fed)
    middle = fed.agency("middle.gd.example")
    wide = {"roles": ["granter", "issuer"], "status_lists": [], "scope": "middle"}
    upper = fed.grant(fed.root("gd"), middle, **wide)
    lower = fed.grant(middle, scene.agency, scope="below", status_lists=[])
    scene.grants = [lower, upper]
    fed.tick()
    for each in (scene.grant, upper):
        fed.end(each, fed.root("gd"))
    fed.tick()
    scene.credential = scene.issue()
    scene.publish()
    assert "authority_missing" in codes(scene.check())
    refuses(fed, "roots_changed", regions=regions_with(fed, gd={"root": middle.did}))
    with refused("root_elsewhere", PolicyError):  # in whatever region, a new one too
        fed.next_policy(regions=regions_with(fed, hn={"root": middle.did}))
