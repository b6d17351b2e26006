"""Attacks with keys that an issuer has, had or never listed, and after its end.

Each was tried for real against the verdict and runs again with no network (docs/threat-model.md
§3: false acceptance, a refusal that a third party could cause, or work without bound).
"""

import copy

import pytest

from did_service.core.did.document import document_with_keys
from did_service.core.did.webvh import write
from did_service.core.encoding import jcs, timestamps
from did_service.core.verification.report import Outcome
from tests.support.counter import (
    all_codes,
    codes,
    with_keeper,
    without,
)
from tests.support.dids import hash_of, key
from tests.support.refusals import refused

pytestmark = pytest.mark.offline
DAY = 86_400


def test_holder_dates_the_credential(scene):
    """Signed before the grant began; the holder adds a proof of its own, dated after that."""
    scene.publish()
    early = scene.issue(at=scene.grant.entry.at - DAY)
    dated = scene.secure(early, scene.holder)
    report = scene.check(scene.present(dated))
    assert "authority_missing" in codes(report)
    assert report.outcome is Outcome.UNDECIDED


@pytest.mark.parametrize(
    ("created", "outcome"),
    [
        ("1969-12-31T23:59:59Z", Outcome.REFUSED),
        ("0001-01-01T00:00:00+14:00", Outcome.REFUSED),  # the last day before our era
    ],
)
def test_date_before_our_era_gives_a_report(scene, created, outcome):
    scene.publish()
    shown = copy.deepcopy(scene.credential)
    shown["proof"]["created"] = created
    report = scene.check(scene.present(shown))
    assert report.to_bytes()
    assert report.outcome is outcome


def test_retired_key_shown_with_the_state_that_listed_it(scene):
    """While an issuer lives only its newest state names its keys, whatever else is at hand."""
    fed, stolen = scene.fed, copy.copy(scene.agency)
    scene.publish()
    early = scene.staple()
    fed.tick(days=1)
    fed.rotate(scene.agency)
    fed.tick()
    fed.status_list(scene.agency)
    scene.publish()
    forged = scene.present(scene.issue(signer=stolen, at=scene.grant.entry.at + 10))
    assert codes(scene.check(forged, bundle=early)) == ["key_not_listed"]


def test_deactivated_issuer_backdates(scene):
    """Its grant still stands; the keys it had when it ended can date anything."""
    scene.log_issuance()
    scene.publish()
    early = scene.staple()
    scene.fed.tick(60)
    scene.fed.deactivate(scene.agency)
    scene.fed.tick()
    scene.publish()
    assert scene.check(bundle=early).outcome is Outcome.ACCEPTED
    backdated = scene.present(scene.issue(at=scene.grant.entry.at + 10))
    assert codes(scene.check(backdated, bundle=early)) == ["issued_before_end_not_proven"]


def test_evidence_in_a_shorter_log(custodial):
    """After the end a friend in another region anchors it: low numbers there prove nothing."""
    fed = custodial.fed
    friend = fed.agency("cs.hn.example")
    fed.grant(fed.root("hn"), friend, territory=["430100"])
    for number in range(9):  # 广东's log is the longer one
        fed.agency(f"a{number}.gd.example")
    fed.tick(days=9)
    fed.end(custodial.grant, fed.root("gd"))
    fed.tick()
    backdated = custodial.issue(at=custodial.grant.entry.at + DAY)
    record = jcs.encode(backdated)
    custodial.batches = [fed.batch(friend, [record]).item(record)]
    fed.status_list(custodial.agency, by=custodial.keeper)
    custodial.publish()
    report = custodial.check(custodial.present(backdated), staple=with_keeper(custodial))
    assert custodial.batches
    assert codes(report) == ["issuance_time_not_proven"]


def test_seen_in_the_very_second_of_the_end(custodial):
    """Before an end means before: its own second is the first that no longer counts."""
    fed, root = custodial.fed, custodial.fed.root("gd")
    fed.tick(days=2)
    custodial.log_issuance()
    custodial.publish()
    early, seen = custodial.staple(), fed.now
    fed.tick(days=1)
    ended = fed.end(custodial.grant, root, since=seen + 1)
    fed.tick()
    custodial.publish()
    assert "issued_while_authorised" in all_codes(custodial.check(bundle=early))
    fed.end(ended, root, since=seen)
    custodial.publish()
    assert "issuance_time_not_proven" in codes(custodial.check(bundle=early))


def test_key_listed_again_left_out(scene):
    """A key was taken out by mistake and put back; old evidence knows only that it was out."""
    fed, own = scene.fed, copy.copy(scene.agency)
    fed.tick(3_600)
    fed.rotate(scene.agency)
    fed.tick()
    scene.publish()
    middle = scene.staple()
    signed_by_the_old = scene.present(scene.issue(signer=own, at=fed.now - 1))
    assert "key_not_listed" in codes(scene.check(signed_by_the_old))
    fed.tick(days=2)
    keys = {"key-1": own.key.public, "key-2": scene.agency.key.public}
    entry = write.rotate(
        scene.agency.state,
        key("gz.gd.example update 3"),
        [hash_of("gz.gd.example update 4")],
        now=timestamps.from_posix(fed.now),
        document=document_with_keys(own.did, keys),
    )
    fed._submit_did(scene.agency, entry)
    fed.status_list(scene.agency)
    fed.tick()
    scene.publish()
    assert scene.check(signed_by_the_old).outcome is Outcome.ACCEPTED
    late = without(scene.staple(), "did")
    report = scene.check(signed_by_the_old, staple=late, bundle=middle)
    assert report.outcome is Outcome.UNDECIDED
    assert "issuer_key_unknown" in codes(report)


def test_key_name_given_to_another_key(scene):
    """Old evidence would read the old key under it, and call a good signature forged."""
    fed, agency = scene.fed, scene.agency
    fed.tick(60)
    entry = write.rotate(
        agency.state,
        key("gz.gd.example update 2"),
        [hash_of("gz.gd.example update 3")],
        now=timestamps.from_posix(fed.now),
        document=document_with_keys(agency.did, {"key-1": key("fresh").public}),
    )
    with refused("key_name_reused"):
        fed._submit_did(agency, entry)


def test_undated_credential_and_evidence_of_before_its_key(scene):
    """Without a date nothing says that old evidence should have known the key."""
    scene.publish()
    bundle = scene.staple()
    scene.fed.tick(60)
    scene.fed.rotate(scene.agency)
    scene.fed.tick()
    report = scene.check(scene.present(scene.undated()), staple=None, bundle=bundle)
    assert report.outcome is Outcome.UNDECIDED
    assert codes(report) == ["issuer_key_unknown"]
