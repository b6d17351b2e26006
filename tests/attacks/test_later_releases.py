"""Attacks by what a later release has written, or seems to have.

An entry that this release cannot read is as genuine as any; whoever brings it hopes that this
release falls back to something older, or refuses what is good (docs/adr/0029).
"""

import pytest

from did_service.core.anchor.entry import parse_entry, parse_submission
from did_service.core.anchor.rules import check
from did_service.core.anchor.rules_number import RULES
from did_service.core.errors import DidServiceError, UnavailableError
from did_service.core.verification.codes import FAULTS
from did_service.core.verification.report import Outcome
from tests.support.counter import Scene, codes, sets
from tests.support.later import GD, UNREADABLE, complete, future_entry, grant_later, state_later
from tests.support.refusals import refused

pytestmark = pytest.mark.offline


@pytest.mark.parametrize("case", UNREADABLE)
def test_unknown_statement_is_not_replaced_by_an_older_one(scene, case):
    """The older one is still fresh, came with its heads, and would be accepted by itself."""
    kind, members, _ = UNREADABLE[case]
    scene.publish()
    older = scene.staple()
    assert scene.check(staple=older).outcome is Outcome.ACCEPTED
    scene.fed.tick()
    state_later(scene, kind, members)
    scene.fed.tick()
    scene.publish()
    report = scene.check(staple=older, evidence=sets(scene.staple()))
    assert report.outcome is Outcome.UNDECIDED
    assert not set(FAULTS.values()) & set(codes(report))


def test_unreadable_grant_is_no_missing_grant():
    """Nobody can tell what it grants: the issuer may well be in its right."""
    scene = Scene(types=[])
    scene.fed.tick()
    body = scene.fed.statement(scene.fed.root("gd"), scene.agency, scope="other", more=1)
    grant_later(scene, body)
    scene.fed.tick()
    scene.publish()
    report = scene.check(staple=None, bundle=complete(scene))
    assert "type_not_granted" not in codes(report)
    assert report.outcome is Outcome.UNDECIDED


def test_entry_of_an_unknown_type_blinds_no_counter(scene):
    future_entry(scene.fed, "asset", "urn:asset:1")
    scene.fed.tick()
    scene.publish()
    assert scene.check(staple=None, bundle=complete(scene)).outcome is Outcome.ACCEPTED


def test_entry_of_an_unknown_type_enters_no_log(fed):
    placed = future_entry(fed, "asset", "urn:asset:1")
    with refused("entry_type_unknown"):
        parse_entry(placed.entry.encode())
    members = {name: part for name, part in placed.entry.members.items() if name != "a"}
    with refused("entry_type_unknown"):
        parse_submission(members)
    with pytest.raises(DidServiceError):
        check.check(placed.entry, fed.logs[GD], fed.world)


def test_log_under_rules_of_a_later_release_is_not_judged(fed, gd):
    """What this release would let through may be forbidden by then."""
    agency = fed.agency("gz.gd.example")
    body = fed.statement(gd, agency)
    fed.policy = fed.next_policy(rules=RULES + 1)
    with refused("rules_unknown", UnavailableError):
        fed.state(body, gd)
