"""Attacks by what is left out of the evidence, and by what was said before shown again.

Each was tried for real against the verdict and runs again with no network (docs/threat-model.md
§3: false acceptance, a refusal that a third party could cause, or work without bound).
"""

import pytest

from did_service.core.credentials.bitstring_status_list import (
    BitstringStatusList,
    ListDescription,
    Purpose,
    status_list_credential,
)
from did_service.core.encoding import timestamps
from did_service.core.evidence.sets import parse_evidence
from did_service.core.verification.report import Outcome
from tests.support.counter import (
    INDEX,
    SCHEMA,
    Scene,
    all_codes,
    codes,
    items_of,
    request,
    sets,
    status_entry,
    whole_log,
    with_keeper,
    without,
)
from tests.support.federation import RESIDENCE, founded

pytestmark = pytest.mark.offline
DAY = 86_400
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def test_earlier_statement_left_out(scene):
    """Narrowed on day 1: a complete list of newest entries does not show what stood before."""
    scene.publish()
    early = scene.staple()
    scene.fed.tick(days=1)
    scene.fed.restate(scene.grant, scene.fed.root("gd"), types=[])
    scene.fed.tick()
    scene.publish()
    report = scene.check(bundle=whole_log(scene))
    assert "authority_missing" in codes(report)
    assert report.outcome is Outcome.UNDECIDED
    late = scene.issue(at=scene.fed.now - 1)
    report = scene.check(scene.present(late), bundle=whole_log(scene))
    assert "type_not_granted" in codes(report)
    sets = [("early", parse_evidence(early)), ("all", parse_evidence(whole_log(scene)))]
    report = scene.check(scene.present(late), evidence=sets)
    assert report.outcome is Outcome.REFUSED


def test_earlier_end_kept_back(custodial):
    """Ended on day 10; on day 11 the end is moved to day 4. The holder shows day 10 alone."""
    fed, root = custodial.fed, custodial.fed.root("gd")
    begun = fed.now
    fed.tick(days=5)
    custodial.credential = custodial.issue(at=begun + 3 * DAY)
    custodial.log_issuance()
    custodial.publish()
    early = fed.evidence(batches=custodial.batches)
    fed.tick(days=5)
    ended = fed.end(custodial.grant, root)
    fed.tick()
    custodial.publish()
    middle = custodial.staple()
    fed.tick(days=1)
    fed.end(ended, root, since=begun + 4 * DAY)
    fed.tick()
    fed.status_list(custodial.agency, by=custodial.keeper)
    custodial.publish()
    late = without(with_keeper(custodial), "authority")
    sets = [("early", parse_evidence(early)), ("middle", parse_evidence(middle))]
    report = custodial.check(staple=late, evidence=sets, clock=custodial.clock(2))
    assert "issued_while_authorised" in all_codes(report)
    assert codes(report) == ["evidence_stale"]
    report = custodial.check(staple=with_keeper(custodial), evidence=sets)
    assert "issuance_time_not_proven" in codes(report)


def test_waiver_lets_an_old_suspension_pass(scene):
    """A waiver of staleness stands in for a fresh "clear", not for a fresh "suspended"."""
    fed, url = scene.fed, scene.agency.list_url(2)
    fed.restate(scene.grant, fed.root("gd"), status_lists=[scene.agency.list_url(), url])
    bits = BitstringStatusList.empty()
    bits.set(INDEX)
    begins, ends = (timestamps.from_posix(fed.now + age) for age in (0, 604_800))
    described = ListDescription(url, scene.agency.did, Purpose.SUSPENSION, begins, ends, 3_600)
    fed.anchor_list(
        scene.agency, url, fed.secure(status_list_credential(described, bits), scene.agency)
    )
    fed.tick()
    scene.publish()
    waivers = [
        {"item": "x", "code": code, "max_seconds": 9 * DAY}
        for code in ("status_stale", "evidence_stale")
    ]
    entries = [
        status_entry(scene.agency),
        status_entry(scene.agency, purpose="suspension", url=url),
    ]
    report = scene.check(
        scene.present(scene.issue(credentialStatus=entries)),
        staple=scene.staple(lists=[scene.agency.list_url(), url]),
        policy=fed.next_policy(waivers=waivers),
        request=request(item="x"),
        clock=scene.clock(2 * DAY),
    )
    assert "status_missing" in codes(report)
    assert report.outcome is Outcome.UNDECIDED


def test_age_of_the_end_hidden(custodial):
    """Without its heads record a statement has no age: the end may have moved since."""
    custodial.log_issuance()
    custodial.publish()
    early = custodial.staple()
    custodial.fed.tick(days=1)
    custodial.fed.end(custodial.grant, custodial.fed.root("gd"))
    custodial.fed.tick()
    custodial.fed.status_list(custodial.agency, by=custodial.keeper)
    custodial.publish()
    late = with_keeper(custodial)
    assert custodial.check(staple=late, bundle=early).outcome is Outcome.ACCEPTED
    for item in items_of(late, "authority"):
        item.pop("head")
    report = custodial.check(staple=late, bundle=early)
    assert codes(report) == ["authority_missing", "status_missing"]


def test_state_between_two_left_out(custodial):
    """Only the very last state before the end speaks; the one before it had lost the key."""
    fed = custodial.fed
    custodial.log_issuance()
    custodial.publish()
    early = custodial.staple()
    fed.tick(days=1)
    fed.rotate(custodial.agency)
    fed.tick()
    fed.end(custodial.grant, fed.root("gd"))
    fed.deactivate(custodial.agency)
    fed.status_list(custodial.agency, by=custodial.keeper)
    fed.tick()
    custodial.publish()
    report = custodial.check(staple=with_keeper(custodial), bundle=early)
    assert codes(report) == ["key_not_listed"]


def test_newer_grant_left_out():
    """Ended by mistake, granted again under another scope: the supplier shows the end alone."""
    scene = Scene()
    fed, root = scene.fed, scene.fed.root("gd")
    fed.tick(3_600)
    fed.end(scene.grant, root)
    again = fed.grant(root, scene.agency, scope="again")
    fed.tick()
    scene.credential = scene.issue()
    scene.publish()
    report = scene.check()
    assert report.outcome is Outcome.UNDECIDED
    assert codes(report) == ["authority_missing"]
    ended, scene.grants = scene.grants, [again]
    both = scene.check(bundle=fed.staple(scene.agency, *ended))
    assert both.outcome is Outcome.ACCEPTED


def test_end_of_the_only_grant_is_a_refusal_once_nothing_is_missing():
    scene = Scene()
    scene.fed.tick(3_600)
    scene.fed.end(scene.grant, scene.fed.root("gd"))
    scene.fed.tick()
    scene.publish()
    bundle = whole_log(scene)
    scene.fed.tick()
    shown = scene.present(scene.issue())
    report = scene.check(shown, bundle=bundle)
    assert "authority_missing" in codes(report)  # it could have been granted again since
    scene.publish()
    report = scene.check(shown, bundle=whole_log(scene))
    assert report.outcome is Outcome.REFUSED
    assert "issued_after_end" in codes(report)


def test_suspension_of_one_grant_while_another_stands():
    scene = Scene()
    fed, root = scene.fed, scene.fed.root("gd")
    other = fed.grant(root, scene.agency, scope="other")
    fed.restate(scene.grant, root, state="suspended")
    fed.tick()
    scene.publish()
    assert codes(scene.check()) == ["authority_missing"]
    scene.grants.append(other)
    assert scene.check().outcome is Outcome.ACCEPTED


def test_extension_of_a_grant_left_out():
    """Its period was extended before it lapsed; shown is the statement of before."""
    scene = Scene(until=founded().now + DAY)
    fed = scene.fed
    fed.tick()
    scene.publish()
    before = scene.staple()
    fed.tick(3_600)
    fed.restate(scene.grant, fed.root("gd"), until=fed.now + 100 * DAY)
    fed.tick(days=2)
    fed.status_list(scene.agency)
    scene.credential = scene.issue()
    scene.publish()
    assert scene.check().outcome is Outcome.ACCEPTED
    report = scene.check(staple=without(scene.staple(), "authority"), bundle=before)
    assert report.outcome is Outcome.UNDECIDED
    assert "authority_missing" in codes(report)


def test_lifted_suspension_shown_again(scene):
    """What was proven to exist before it began is good, whoever brings the old statement."""
    fed, root = scene.fed, scene.fed.root("gd")
    scene.log_issuance()
    scene.publish()
    first = scene.staple()
    fed.tick(3_600)
    stopped = fed.restate(scene.grant, root, state="suspended")
    between = scene.issue(at=fed.now + 1)
    fed.tick()
    scene.publish()
    middle = scene.staple()
    fed.tick(3_600)
    fed.restate(stopped, root, state="active", **{"from": fed.now})
    fed.tick()
    fed.status_list(scene.agency)
    scene.publish()
    evidence, whole = sets(first, middle), whole_log(scene)
    assert scene.check(evidence=evidence, bundle=whole).outcome is Outcome.ACCEPTED
    report = scene.check(
        scene.present(between), bundle=whole, evidence=sets(first, middle, whole)
    )
    assert codes(report) == ["issued_after_end"]  # taken up anew, so it had stopped


def test_suspension_that_was_lifted_reaches_back():
    """Taken for an end by whoever keeps count, it would undo what was proven to be older."""
    scene = Scene()
    fed, root, begun = scene.fed, scene.fed.root("gd"), scene.fed.now
    fed.tick(3_600)
    scene.log_issuance()
    scene.publish()
    early = scene.staple()
    fed.tick(3_600)
    narrowed = fed.restate(scene.grant, root, types=[])
    fed.tick(60)
    scene.publish()
    middle = scene.staple()
    stopped = fed.restate(narrowed, root, state="suspended", since=begun + 60)
    fed.tick()
    scene.publish()
    evidence = sets(early, middle, scene.staple())
    assert "issuance_time_not_proven" in codes(scene.check(evidence=evidence))
    fed.restate(stopped, root, state="active", since=None)
    fed.tick()
    scene.publish()
    assert scene.check(evidence=evidence).outcome is Outcome.ACCEPTED


def test_supplier_decides_on_a_suspension_without_a_trace(scene):
    """Lifted with the same `from`, it never stopped granting, whoever shows the old entry."""
    fed, root = scene.fed, scene.fed.root("gd")
    fed.tick(3_600)
    stopped = fed.restate(scene.grant, root, state="suspended")
    fed.tick()
    scene.credential = scene.issue()
    scene.publish()
    middle = scene.staple()
    assert "authority_suspended" in codes(scene.check(bundle=whole_log(scene)))
    fed.restate(stopped, root, state="active")
    fed.status_list(scene.agency)
    fed.tick()
    scene.publish()
    for evidence in (sets(), sets(middle)):
        assert scene.check(evidence=evidence).outcome is Outcome.ACCEPTED


def test_older_schema_demands_what_its_type_no_longer_does():
    """The issuer follows the newest schema; the supplier shows the one of before."""
    scene = Scene()
    scene.fed.tick()
    scene.publish()
    before = scene.staple()
    scene.fed.tick(3_600)
    free = {"$schema": DIALECT, "x-didsvc": {"type": RESIDENCE, "status": "none"}}
    scene.fed.schema(scene.fed.root("cn"), SCHEMA, free)
    scene.fed.tick()
    bare = scene.present(scene.issue(credentialStatus=None))
    scene.publish()
    assert scene.check(bare).outcome is Outcome.ACCEPTED
    report = scene.check(bare, staple=without(scene.staple(), "schema"), bundle=before)
    assert report.outcome is Outcome.UNDECIDED
    assert codes(report) == ["status_missing"]
