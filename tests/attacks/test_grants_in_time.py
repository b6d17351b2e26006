"""Attacks by grants: before they begin, after they end, narrowed, and handed on.

Each was tried for real against the verdict and runs again with no network (docs/threat-model.md
§3: false acceptance, a refusal that a third party could cause, or work without bound).
"""

import pytest

from did_service.core.verification.report import Outcome
from tests.support.counter import (
    SCHEMA,
    Scene,
    all_codes,
    clock_at,
    codes,
    forced,
    sets,
    status_entry,
    whole_log,
    with_keeper,
)
from tests.support.federation import founded

pytestmark = pytest.mark.offline
DAY = 86_400


def test_grant_reaches_back_behind_its_own_entry():
    """`from` may lie an hour before the entry; what was signed by then was not granted."""
    begun = founded().now
    fed = founded()
    fed.tick(3_000)
    scene = Scene(federation=fed, begins=begun)
    scene.credential = scene.issue(at=fed.now - 1)
    scene.publish()
    assert "authority_missing" in codes(scene.check())
    scene.credential = scene.issue(at=fed.now)
    assert scene.check().outcome is Outcome.ACCEPTED


def test_grant_that_has_not_begun():
    """Dated ahead, or not at all, a credential would use a grant of next month today."""
    fed = founded()
    scene = Scene(federation=fed, begins=fed.now + 30 * DAY)
    fed.tick()
    scene.publish()
    ahead = scene.issue(at=fed.now + 31 * DAY)
    for credential, also in ((ahead, ["dated_ahead"]), (scene.undated(), [])):
        found = codes(scene.check(scene.present(credential)))
        assert found == ["authority_missing", *also]
    fed.tick(days=30)
    fed.status_list(scene.agency)
    scene.publish()
    report = scene.check(scene.present(scene.undated()))
    assert report.outcome is Outcome.ACCEPTED


def test_end_moved_earlier_and_narrowed_at_once(custodial):
    """The statement that moves the end to day 4 no longer names the type; it counts still."""
    fed, root, begun = custodial.fed, custodial.fed.root("gd"), custodial.fed.now
    fed.tick(days=5)
    custodial.credential = custodial.issue(at=begun + 3 * DAY)
    custodial.log_issuance()
    custodial.publish()
    early = fed.evidence(batches=custodial.batches)
    fed.tick(days=5)
    ended = fed.end(custodial.grant, root)
    fed.tick()
    fed.status_list(custodial.agency, by=custodial.keeper)
    custodial.publish()
    middle = with_keeper(custodial)
    assert custodial.check(evidence=sets(early, middle)).outcome is Outcome.ACCEPTED
    fed.restate(ended, root, since=begun + 4 * DAY, types=[])
    custodial.publish()
    report = custodial.check(staple=with_keeper(custodial), evidence=sets(early, middle))
    assert codes(report) == ["issuance_time_not_proven"]


def test_type_taken_out_and_ended_long_before(custodial):
    """The type left on day 5; on day 6 everything is said to have ended on day 2."""
    fed, root, begun = custodial.fed, custodial.fed.root("gd"), custodial.fed.now
    fed.tick(days=3)
    custodial.credential = custodial.issue(at=begun + DAY)
    custodial.log_issuance()
    custodial.publish()
    early = custodial.staple()
    fed.tick(days=2)
    narrowed = fed.restate(custodial.grant, root, types=[])
    fed.tick()
    custodial.publish()
    middle = custodial.staple()
    assert "issued_while_authorised" in all_codes(custodial.check(evidence=sets(early, middle)))
    fed.tick(days=1)
    fed.end(narrowed, root, since=begun + 2 * DAY)
    fed.tick()
    custodial.publish()
    report = custodial.check(evidence=sets(early, middle))
    assert "issuance_time_not_proven" in codes(report)


@pytest.mark.parametrize("role", ["publisher", "granter", "counter"])
def test_another_role_is_taken_for_the_issuers(role):
    scene = Scene(roles=[role])
    scene.fed.tick()
    scene.publish()
    assert codes(scene.check()) == ["authority_missing"]


def test_issuer_hands_on_what_it_may_only_use(scene):
    """A lying log takes the grant of an issuer that is no granter."""
    fed, other = scene.fed, scene.fed.agency("fs.gd.example")
    body = fed.statement(scene.agency, other)
    scene.grants.append(forced(scene, body, scene.agency))
    fed.status_list(other)
    fed.tick()
    scene.publish()
    subject = {**scene.unsigned(issuer=other.did), "credentialStatus": status_entry(other)}
    shown = scene.present(scene.secure(subject, other))
    report = scene.check(shown, staple=fed.staple(other, *scene.grants, schemas=[SCHEMA]))
    assert codes(report) == ["authority_missing"]


def test_suspended_and_narrowed_at_once(scene):
    """The type was taken out; that the rest is suspended and may come back is another thing."""
    scene.publish()
    before = scene.staple()
    scene.fed.tick(60)
    scene.fed.restate(scene.grant, scene.fed.root("gd"), state="suspended", types=[])
    scene.fed.tick()
    scene.publish()
    report = scene.check(bundle=before)
    assert codes(report) == ["issuance_time_not_proven"]


def test_suspension_lifted_without_the_type(scene):
    """Suspended, it signs on and logs that under another grant; the type never returns."""
    fed, root = scene.fed, scene.fed.root("gd")
    scene.grants.append(fed.grant(root, scene.agency, scope="other", types=[]))
    stopped = fed.restate(scene.grant, root, state="suspended")
    fed.tick(60)
    scene.credential = scene.issue(at=fed.now)
    scene.log_issuance()
    scene.publish()
    middle = scene.staple()
    fed.tick(3_600)
    fed.restate(stopped, root, state="active", types=[])
    fed.status_list(scene.agency)
    fed.tick()
    scene.publish()
    report = scene.check(evidence=sets(middle, whole_log(scene)))
    assert codes(report) == ["issued_after_end"]


def test_grant_in_the_very_second_of_its_lapse():
    """`until` is the first second after, for whoever shows a credential in it."""
    scene = Scene(until=founded().now + DAY)
    scene.fed.tick()
    scene.publish()
    lapse = scene.grant.entry.at + DAY
    file = scene.file()
    last, over = (scene.check(data=file, clock=clock_at(at)) for at in (lapse - 1, lapse))
    assert "authority_held" in all_codes(last)
    assert "issuance_time_not_proven" in codes(over)


def test_granter_hands_on_a_type_that_it_lacks(scene):
    """Refused where nothing is missing, since the lying log has it all; else undecided."""
    fed, upper = scene.fed, scene.fed.agency("sz.gd.example")
    other = {"roles": ["granter"], "types": ["urn:didsvc:education:1"], "status_lists": []}
    above = fed.grant(fed.root("gd"), upper, **other)
    fed.end(scene.grant, fed.root("gd"), since=scene.grant.entry.at)
    body = fed.statement(upper, scene.agency, scope="below")
    scene.grants = [forced(scene, body, upper), above]
    fed.tick()
    scene.credential = scene.issue()
    scene.publish()
    assert codes(scene.check()) == ["authority_missing"]
    assert "issued_after_end" in codes(scene.check(bundle=whole_log(scene)))
