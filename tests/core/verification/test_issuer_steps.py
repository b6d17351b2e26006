"""Steps 4 to 6: who signed, and by whose leave."""

import json
from dataclasses import replace

import pytest

from did_service.core.credentials.proof_set import ProofOptions, sign
from did_service.core.encoding import jcs, timestamps
from did_service.core.evidence.sets import parse_evidence
from did_service.core.integrity import eddsa_jcs_2022
from did_service.core.verification.did_states import read_state
from did_service.core.verification.report import Outcome
from tests.support.counter import (
    Scene,
    all_codes,
    chained,
    codes,
    forced,
    headless,
    items_of,
    joined,
    request,
    whole_log,
    with_keeper,
)
from tests.support.refusals import refused

pytestmark = pytest.mark.offline
DAY = 86_400


# --- 4, 5 issuer ----------------------------------------------------------------------------


def test_issuer_without_heads_is_not_shown_to_be_the_latest(scene):
    staple = scene.staple()
    for item in items_of(staple, "did"):
        item.pop("head", None)
    report = scene.check(staple=staple)
    assert codes(report) == ["issuer_not_latest", "issuer_key_unknown", "status_missing"]


def test_spelling_of_the_issuer_must_be_exact(scene):
    other = scene.agency.did.replace("gz.gd", "gz2.gd")
    report = scene.check(scene.present(scene.issue(issuer=other)))
    assert "issuer_evidence_missing" in codes(report)


def test_deactivated_issuer(custodial):
    """The issuer's own end: older credentials live on by proof, later dates are refused."""
    custodial.log_issuance()
    custodial.publish()
    early = custodial.fed.evidence(("did", custodial.agency.id), batches=custodial.batches)
    unproven = custodial.issue(id="urn:uuid:5d0a2f0e-5f3a-4c9d-9a30-1f5c2f1f9a12")
    custodial.fed.tick(days=1)
    custodial.fed.end(custodial.grant, custodial.fed.root("gd"))
    custodial.fed.tick()
    custodial.fed.deactivate(custodial.agency)
    custodial.fed.tick()
    custodial.fed.status_list(custodial.agency, by=custodial.keeper)
    custodial.publish()
    report = custodial.check(staple=with_keeper(custodial), bundle=early)
    assert report.outcome is Outcome.ACCEPTED
    assert "issuer_before_end" in all_codes(report)
    report = custodial.check(custodial.present(unproven), staple=with_keeper(custodial))
    assert "issuance_time_not_proven" in codes(report)
    later = custodial.issue()
    custodial.publish()
    shown, whole = custodial.present(later), whole_log(custodial)
    report = custodial.check(shown, staple=with_keeper(custodial), bundle=whole)
    assert {"issuer_deactivated", "issued_after_end"} <= set(codes(report))


def test_a_did_key_signs_with_the_key_that_it_names_and_is_no_issuer_of_ours(scene):
    own = scene.issue(issuer=scene.holder.did, signer=scene.holder)
    report = scene.check(scene.present(own))
    assert {"issuer_unsupported", "proof_valid"} <= set(all_codes(report))
    assert report.outcome is Outcome.UNDECIDED


def test_a_second_signers_record_is_used_and_judged(scene):
    """A second proof by an agency whose record is old, or not shown to be the latest."""
    other = scene.fed.agency("fs.gd.example")
    scene.publish()
    record = scene.fed.evidence(("did", other.id))
    shown = scene.present(scene.secure(scene.credential, other))
    assert scene.check(shown, joined(scene.staple(), record)).outcome is Outcome.ACCEPTED
    report = scene.check(shown, joined(scene.staple(), headless(record)))
    assert codes(report) == ["proof_beside"]
    scene.fed.tick(days=2)
    scene.fed.agency("stranger.gd.example")
    scene.fed.status_list(scene.agency)
    scene.publish()
    report = scene.check(shown, joined(scene.staple(), record))
    assert codes(report) == ["evidence_stale"]


def test_an_entry_about_another_scid_is_no_state(scene):
    entries = scene.check().evidence.entries
    held = next(each for each in entries if each.subject == scene.agency.id)
    body = held.read_against()
    assert read_state(held, body, {}).document.id == scene.agency.did
    entry = replace(held.as_received.entry, subject=scene.fed.root("gd").id)
    with refused("subject_wrong"):
        read_state(replace(held, as_received=replace(held.as_received, entry=entry)), body, {})


def test_key_that_the_document_did_not_list_yet_is_undecided(scene):
    """An old staple knows nothing of a key that came later: no false refusal."""
    bundle = scene.staple()
    scene.fed.tick(3_600)
    scene.fed.rotate(scene.agency)
    scene.fed.tick()
    fresh = scene.issue()
    report = scene.check(scene.present(fresh), staple=None, bundle=bundle)
    assert report.outcome is Outcome.UNDECIDED
    assert codes(report) == ["issuer_key_unknown"]


def test_key_kept_in_the_document_still_verifies_after_rotation(scene):
    scene.fed.tick(days=1)
    scene.fed.rotate(scene.agency, keep_old_key=True)
    scene.fed.tick()
    scene.fed.status_list(scene.agency)
    scene.publish()
    assert scene.check()


def test_unknown_cryptosuite_is_named(scene):
    credential = json.loads(json.dumps(scene.credential))
    credential["proof"]["cryptosuite"] = "ecdsa-sd-2023"
    data = json.dumps(credential).encode()
    report = scene.check(data=data, bundle=scene.staple(), request=request(nonce=None))
    assert codes(report) == ["proof_unsupported"]


def test_expired_proof_is_expired(scene):
    created = timestamps.from_posix(scene.fed.now)
    options = ProofOptions(scene.agency.method, "assertionMethod", created, expires=created)
    credential = sign(scene.unsigned(), scene.agency.key, options, eddsa_jcs_2022)
    assert codes(scene.check(scene.present(credential))) == ["proof_expired"]


# --- 6 authority ----------------------------------------------------------------------------


def test_not_granted_is_a_refusal_only_where_nothing_is_missing(scene):
    """A supplier could have left the grant out; a full copy of the log leaves no doubt."""
    types = ["VerifiableCredential", "BusinessLicence"]
    elsewhere = {"id": scene.holder.did, "jurisdiction": "430100", "familyName": "王"}
    scene.fed.tick()
    for changes, code in (
        ({"type": types, "credentialSchema": None}, "type_not_granted"),
        ({"credentialSubject": elsewhere}, "region_not_granted"),
    ):
        shown = scene.present(scene.issue(at=scene.fed.now - 1, **changes))
        report = scene.check(shown)
        assert "authority_missing" in codes(report)
        assert report.outcome is Outcome.UNDECIDED
        report = scene.check(shown, bundle=whole_log(scene))
        assert code in codes(report)
        assert report.outcome is Outcome.REFUSED


def test_an_agency_without_any_statement_is_refused_where_nothing_is_missing(scene):
    other = scene.fed.agency("fs.gd.example")
    scene.fed.tick()
    scene.publish()
    credential = scene.issue(signer=other, issuer=other.did, at=scene.fed.now)
    shown = scene.present(credential)
    assert "type_not_granted" in codes(scene.check(shown, bundle=whole_log(scene)))


def test_altered_heads_file_is_dropped(scene):
    bundle = whole_log(scene)
    (root,) = bundle["heads_files"]
    bundle["heads_files"] = {root: "AAAA"}
    report = scene.check(staple=None, bundle=bundle)
    assert "evidence_dropped" in codes(report)
    assert "issuer_not_latest" in codes(report)


def test_suspended_authority_is_refused_while_that_is_fresh(scene):
    scene.fed.tick(days=1)
    scene.fed.restate(scene.grant, scene.fed.root("gd"), state="suspended")
    scene.fed.tick()
    scene.publish()
    file, bundle = scene.file(), whole_log(scene)
    report = scene.check(data=file, bundle=bundle)
    assert "authority_suspended" in codes(report)
    report = scene.check(data=file, bundle=bundle, clock=scene.clock(2 * DAY))
    assert "authority_suspended" not in codes(report)
    assert report.outcome is Outcome.UNDECIDED


def test_lapsed_authority_needs_proof_of_time():
    scene = Scene(until=Scene().fed.now + DAY)
    scene.fed.tick()
    scene.log_issuance()
    scene.publish()
    early = scene.fed.evidence(batches=scene.batches)
    unproven = scene.issue(id="urn:uuid:5d0a2f0e-5f3a-4c9d-9a30-1f5c2f1f9a12")
    scene.fed.tick(days=2)
    scene.publish()
    report = scene.check(bundle=early)
    assert "issued_while_authorised" in all_codes(report)
    report = scene.check(scene.present(unproven), bundle=early)
    assert "issuance_time_not_proven" in codes(report)
    late = scene.present(scene.issue())
    scene.publish()
    assert "issued_after_end" in codes(scene.check(late, bundle=whole_log(scene)))


def test_an_end_after_the_lapse_does_not_stretch_the_grant():
    """Lapsed on day 1, ended on day 5: what is proven for day 3 was not issued in time."""
    scene = Scene(until=Scene().fed.now + DAY)
    scene.fed.tick(days=3)
    scene.credential = scene.issue(at=scene.grant.entry.at + 10)
    friend = scene.fed.agency("fs.gd.example")
    scene.fed.grant(scene.fed.root("gd"), friend)
    record = jcs.encode(scene.credential)
    scene.batches = [scene.fed.batch(friend, [record]).item(record)]
    scene.publish()
    early = scene.fed.evidence(batches=scene.batches)
    scene.fed.tick(days=2)
    scene.fed.end(scene.grant, scene.fed.root("gd"))
    scene.fed.tick()
    scene.publish()
    assert "issuance_time_not_proven" in codes(scene.check(bundle=early))


def test_a_gap_in_the_chain_proves_no_end(scene):
    """Narrowed on day 1; the batch is of day 2; statement 2 is kept back by the supplier."""
    scene.publish()
    early = scene.staple()
    root = scene.fed.root("gd")
    scene.fed.tick(days=1)
    narrowed = scene.fed.restate(scene.grant, root, types=[])
    scene.fed.tick(days=1)
    scene.credential = scene.issue(at=scene.grant.entry.at + 10)
    scene.log_issuance()
    scene.publish()
    batch = scene.fed.evidence(batches=scene.batches)
    scene.fed.tick(days=1)
    scene.fed.restate(narrowed, root, basis={"zh": "新", "en": "new"})
    scene.fed.tick()
    scene.publish()
    late = scene.staple()
    shown = scene.file(staple=None)
    sets = [(str(n), parse_evidence(each)) for n, each in enumerate((early, batch, late))]
    report = scene.check(data=shown, evidence=sets)
    assert "authority_missing" in codes(report)


def test_narrowed_statement_still_carries_what_existed_before(scene):
    """The type was taken out of the statement on day 1."""
    scene.log_issuance()
    scene.publish()
    early = scene.staple()
    scene.fed.tick(days=1)
    scene.fed.restate(scene.grant, scene.fed.root("gd"), types=[])
    scene.fed.tick()
    scene.fed.status_list(scene.agency)
    scene.publish()
    report = scene.check(bundle=early)
    assert "issued_while_authorised" in all_codes(report)
    assert report.outcome is Outcome.ACCEPTED
    late = scene.present(scene.issue())
    sets = [("early", parse_evidence(early)), ("all", parse_evidence(whole_log(scene)))]
    assert "issued_after_end" in codes(scene.check(late, evidence=sets))


def test_authority_whose_granter_is_not_shown_is_undecided():
    scene = chained(2)
    scene.grants = scene.grants[1:]
    report = scene.check()
    assert codes(report) == ["authority_missing"]


def test_root_reaches_no_further_than_its_region(scene):
    """A grant of 广东's root over 湖南, logged by a lying log."""
    body = scene.fed.statement(
        scene.fed.root("gd"), scene.agency, scope="wide", territory=["430000"]
    )
    scene.grants.append(forced(scene, body, scene.fed.root("gd")))
    scene.fed.tick()
    scene.publish()
    subject = {"id": scene.holder.did, "jurisdiction": "430100", "familyName": "王"}
    report = scene.check(scene.present(scene.issue(credentialSubject=subject)))
    assert codes(report) == ["authority_missing"]
