"""Old evidence brought instead of new by whoever is judged (docs/adr/0018).

Each of these was accepted by release 0.1.0: a fact that decides was read from an entry that
nobody had shown to be the latest of its subject.
"""

import json
from dataclasses import replace

import pytest

from did_service.core.encoding import jcs
from did_service.core.verification.report import Outcome
from tests.attacks.test_verdict_issuer import force_list
from tests.support.counter import (
    INDEX,
    SCHEMA,
    Scene,
    codes,
    headless,
    items_of,
    joined,
    status_entry,
    with_keeper,
    without,
)
from tests.support.desk import Desk
from tests.support.federation import RESIDENCE

pytestmark = pytest.mark.offline
ITEM = "urn:didsvc:item:residence-check:1"


def publish_item(scene, tier):
    """Publish the next version of a service item, and return its evidence."""
    members = {"kind": "service-item", "media_type": "application/json"}
    scene.fed.tick()
    scene.fed.schema(scene.fed.root("cn"), ITEM, {"id": ITEM, "tier": tier}, **members)
    scene.fed.tick()
    scene.publish()
    return scene.fed.evidence(("schema", ITEM))


@pytest.fixture
def revoked(scene, tmp_path):
    """A permit revoked three days ago, shown with the last staple from before that.

    Of the service item there was a version that allowed evidence of a week; the newest allows
    five minutes. `old` is evidence of the former; the desk knows neither.
    """
    scene.old = publish_item(scene, "field")
    scene.fed.tick(3_600)
    scene.new = publish_item(scene, "online")
    scene.stale = scene.staple()
    scene.fed.tick(60)
    scene.fed.status_list(scene.agency, revoked=[INDEX])
    scene.fed.tick(days=3)
    scene.publish()
    scene.desk = Desk(tmp_path, scene)
    assert scene.desk.pin().exit == 0
    return scene


def answered(scene, staple, *words):
    """Answer a question of the desk with a staple, and return how the check ended."""
    desk, nonce = scene.desk, scene.desk.challenge("--item", ITEM)
    return desk.check(desk.shown(nonce, staple=staple), *words)


def test_old_service_item_in_the_staple(revoked):
    for old in (revoked.old, headless(revoked.old)):
        run = answered(revoked, joined(revoked.stale, old))
        assert (run.exit, run.report["tier"]) == (5, "day")
        assert {"status_stale", "evidence_stale"} <= set(run.codes)


def test_old_service_item_beside_the_clerks_word(revoked):
    """The clerk may relax by hand, and that stands in the report: no item stands behind it."""
    run = answered(revoked, joined(revoked.stale, revoked.old), "--tier", "field")
    assert (run.report["tier"], "tier_relaxed" in run.report["unsafe"]) == ("field", True)


def test_service_item_left_behind_at_an_earlier_visit(scene, tmp_path):
    """A first answer would plant the old item, just proven, in the counter's own directory."""
    old = publish_item(scene, "field")
    scene.desk = Desk(tmp_path, scene)
    assert scene.desk.pin().exit == 0
    assert answered(scene, joined(scene.staple(), old)).report["tier"] == "day"
    assert answered(scene, scene.staple()).report["tier"] == "day"
    bundle = scene.desk.save_bundle(old)
    assert answered(scene, scene.staple(), "--bundle", bundle).report["tier"] == "field"


def test_newer_service_item_left_behind_at_an_earlier_visit(scene, tmp_path):
    """Of what the counter knows, newer evidence is kept: but no item that a visitor chose."""
    own = publish_item(scene, "online")
    scene.desk = Desk(tmp_path, scene)
    assert scene.desk.pin().exit == 0
    bundle = scene.desk.save_bundle(own)
    assert answered(scene, scene.staple(), "--bundle", bundle).report["tier"] == "online"
    newer = publish_item(scene, "field")
    assert answered(scene, joined(scene.staple(), newer)).report["tier"] == "online"
    assert answered(scene, scene.staple()).report["tier"] == "online"


def test_newer_service_item_of_the_staple_only_tightens(scene, tmp_path):
    """The counter has one version; the presenter brings the next, and may keep back more."""
    for own, brought, tier in (("online", "field", "online"), ("field", "online", "online")):
        bundle = publish_item(scene, own)
        newer = headless(publish_item(scene, brought))
        scene.desk = Desk(tmp_path, scene, f"desk {own}")
        assert scene.desk.pin().exit == 0
        words = ("--bundle", scene.desk.save_bundle(bundle))
        assert answered(scene, joined(scene.staple(), newer), *words).report["tier"] == tier


def test_new_key_of_the_custodian_kept_back(custodial):
    """Its stolen key clears the list; ten minutes later the custodian replaces the key."""
    fed = custodial.fed
    custodial.log_issuance()
    fed.status_list(custodial.agency)
    custodial.publish()
    fed.tick(3_600)
    fed.end(custodial.grant, fed.root("gd"))
    fed.tick()
    fed.status_list(custodial.agency, by=custodial.keeper)
    fed.tick()
    custodial.publish()
    before = with_keeper(custodial)
    assert custodial.check(staple=before).outcome is Outcome.ACCEPTED
    fed.tick(600)
    fed.rotate(custodial.keeper)
    fed.tick()
    custodial.publish()
    after, keeper = with_keeper(custodial), custodial.keeper.id
    old = [each for each in items_of(before, "did") if each["entry"]["s"] == keeper]
    rest = {**after, "items": [i for i in after["items"] if i["entry"]["s"] != keeper]}
    kept_back = joined(rest, headless({**before, "items": old}))
    for staple in (after, kept_back):
        report = custodial.check(staple=staple)
        assert report.outcome is Outcome.UNDECIDED
        assert codes(report) == ["status_missing"]


def test_withdrawn_list_address_registered_by_an_old_statement(scene):
    fed, root, url = scene.fed, scene.fed.root("gd"), scene.agency.list_url()
    other = fed.grant(root, scene.agency, scope="other", types=["urn:x:other"])
    fed.tick()
    scene.publish()
    old = headless(fed.evidence(("authority", other.entry.subject)))
    fed.status_list(scene.agency)
    fed.tick()
    scene.grants = [fed.restate(scene.grant, root, status_lists=[])]
    fed.restate(other, root, status_lists=[])
    fed.tick()
    scene.publish()
    staple = scene.staple(lists=[url])
    for shown in (staple, joined(staple, old)):
        report = scene.check(staple=shown)
        assert report.outcome is Outcome.UNDECIDED
        assert not {"status_clear"} & {check.code for check in report.checks}


def test_list_signed_by_a_retired_key_beside_the_state_that_listed_it(scene):
    scene.publish()
    old, retired = scene.staple(), replace(scene.agency)
    scene.fed.tick(days=1)
    scene.fed.rotate(scene.agency)
    scene.fed.tick()
    force_list(scene, scene.fed.list_content(retired, scene.agency.list_url()))
    scene.publish()
    shown, new = scene.present(scene.issue()), scene.staple()
    for former in (old, headless(old)):
        report = scene.check(shown, staple=joined(new, former))
        assert report.outcome is Outcome.UNDECIDED
        assert codes(report) == ["status_missing"]
        mixed = joined(without(new, "did"), former)
        assert scene.check(shown, staple=mixed).outcome is Outcome.UNDECIDED


def test_older_list_revokes_beside_a_newer_that_clears(scene):
    """No list un-revokes: whichever at hand has the bit set, its age does not matter."""
    scene.fed.status_list(scene.agency, revoked=[INDEX])
    scene.publish()
    revoking = headless(scene.staple())
    for _ in range(2):
        scene.fed.tick(3_600)
        scene.fed.status_list(scene.agency)
    scene.publish()
    for bundle in (revoking, scene.staple()):
        report = scene.check(staple=joined(scene.staple(), revoking), bundle=bundle)
        assert codes(report) == ["revoked"]


def test_suspension_entry_where_the_type_demands_revocation(scene):
    scene.publish()
    lone = status_entry(scene.agency, purpose="suspension")
    beside = {**lone, "statusPurpose": "refresh"}
    for entries in (lone, beside, [lone, beside]):
        report = scene.check(scene.present(scene.issue(credentialStatus=entries)))
        assert report.outcome is Outcome.REFUSED
        assert "status_entry_missing" in codes(report)


def test_batch_in_the_stream_of_another_agency():
    """Two agencies agree to keep an issuance out of the issuer's own stream."""
    scene = Scene()
    terms = {"type": RESIDENCE, "status": "required", "issuance_logged": True}
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}
    scene.fed.schema(scene.fed.root("cn"), SCHEMA, {**dialect, "x-didsvc": terms})
    friend = scene.fed.agency("fs.gd.example")
    scene.fed.grant(scene.fed.root("gd"), friend, scope="friend")
    record = jcs.encode(scene.credential)
    scene.batches = [scene.fed.batch(friend, [record]).item(record)]
    scene.publish()
    assert codes(scene.check()) == ["issuance_time_not_proven"]
    scene.log_issuance()
    scene.publish()
    assert scene.check().outcome is Outcome.ACCEPTED


def test_good_signature_by_a_key_that_may_be_listed_no_more(scene):
    """The report does not call it valid while nobody shows that the key still stands."""
    scene.publish()
    staple = scene.staple()
    old = headless({**staple, "items": items_of(staple, "did")})
    report = scene.check(staple=joined(without(staple, "did"), old))
    assert "issuer_key_unknown" in codes(report)
    assert report.credentials[0].signer is None
    forged = json.loads(json.dumps(scene.credential))
    forged["credentialSubject"]["familyName"] = "李"
    report = scene.check(scene.present(forged), staple=joined(without(staple, "did"), old))
    assert "proof_invalid" in codes(report)
