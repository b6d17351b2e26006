"""Attacks by issuers, removed issuers and thieves of their keys (docs/threat-model.md §6).

The agency is granted authority on day 0. Each attack is tried for real, runs again with no
network, and must not end in 通过.
"""

from dataclasses import replace

import pytest

from did_service.core.anchor.entry import compose
from did_service.core.credentials.contexts import CREDENTIALS_V2, DIDSVC_1
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import jcs
from did_service.core.verification.report import Outcome
from tests.support.counter import (
    INDEX,
    SCHEMA,
    Scene,
    all_codes,
    codes,
    status_entry,
    whole_log,
    with_keeper,
)
from tests.support.evidence import collect_evidence
from tests.support.federation import RESIDENCE, founded
from tests.support.refusals import refused

pytestmark = pytest.mark.offline
DAY = 86_400


def removed_on_day(scene, day, *, since=None):
    """End the agency's authority on a day, while its custodian keeps the list."""
    scene.fed.tick(days=day)
    since = None if since is None else scene.grant.entry.at + since * DAY
    scene.fed.end(scene.grant, scene.fed.root("gd"), since=since)
    scene.fed.tick()


def custodian_list(scene, **changes):
    """The custodian goes on with the list after the end."""
    return scene.fed.status_list(scene.agency, by=scene.keeper, **changes)


def test_removed_issuer_of_day_10_credential_of_day_5(custodial):
    custodial.fed.tick(days=5)
    custodial.credential = custodial.issue()
    custodial.log_issuance()
    custodial.publish()
    early = custodial.fed.evidence(batches=custodial.batches)
    removed_on_day(custodial, 5)
    custodian_list(custodial)
    custodial.publish()
    report = custodial.check(staple=with_keeper(custodial), bundle=early)
    assert report.outcome is Outcome.ACCEPTED
    assert "issued_while_authorised" in all_codes(report)


def test_removed_issuer_backdates(custodial):
    removed_on_day(custodial, 10)
    custodian_list(custodial)
    custodial.publish()
    claimed = custodial.grant.entry.at + 5 * DAY
    backdated = custodial.issue(at=claimed)
    report = custodial.check(custodial.present(backdated), staple=with_keeper(custodial))
    assert report.outcome is Outcome.UNDECIDED
    assert "issuance_time_not_proven" in codes(report)
    custodial.fed.tick(days=1)
    honest = custodial.issue()
    custodial.publish()
    shown, whole = custodial.present(honest), whole_log(custodial)
    report = custodial.check(shown, staple=with_keeper(custodial), bundle=whole)
    assert report.outcome is Outcome.REFUSED
    assert "issued_after_end" in codes(report)


def test_evidence_after_removal(custodial):
    custodial.fed.tick(days=9)
    other = custodial.fed.agency("fs.gd.example")
    custodial.fed.grant(custodial.fed.root("gd"), other, scope="helper")
    removed_on_day(custodial, 1)
    backdated = custodial.issue(at=custodial.grant.entry.at + 5 * DAY)
    record = jcs.encode(backdated)
    batch = custodial.fed.batch(other, [record])  # a friend's stream, after the end
    custodial.batches = [batch.item(record)]
    custodian_list(custodial)
    custodial.publish()
    report = custodial.check(custodial.present(backdated), staple=with_keeper(custodial))
    assert report.outcome is Outcome.UNDECIDED
    assert "issuance_time_not_proven" in codes(report)


def test_evidence_before_late_since(custodial):
    """The end is logged on day 10 but dates from day 4: a batch of day 5 proves nothing."""
    custodial.fed.tick(days=5)
    custodial.credential = custodial.issue(at=custodial.grant.entry.at + 3 * DAY)
    custodial.log_issuance()
    custodial.publish()
    early = custodial.fed.evidence(batches=custodial.batches)
    removed_on_day(custodial, 5, since=4)
    custodian_list(custodial)
    custodial.publish()
    report = custodial.check(staple=with_keeper(custodial), bundle=early)
    assert report.outcome is Outcome.UNDECIDED
    assert "issuance_time_not_proven" in codes(report)


def test_stolen_key_backdates(scene):
    """The key left the document on day 2; the thief dates the credential on day 1."""
    stolen = replace(scene.agency)
    scene.fed.tick(days=2)
    scene.fed.rotate(scene.agency)
    scene.fed.tick()
    scene.fed.status_list(scene.agency)
    scene.publish()
    forged = scene.issue(signer=stolen, at=scene.grant.entry.at + DAY)
    report = scene.check(scene.present(forged))
    assert report.outcome is Outcome.REFUSED
    assert codes(report) == ["key_not_listed"]


def test_old_key_without_record(scene):
    test_stolen_key_backdates(scene)
    scene.log_issuance(scene.credential)
    scene.publish()
    assert scene.check().outcome is Outcome.REFUSED


def test_removed_issuer_clears_revocation(custodial):
    """After its end the agency's key signs a cleared list; a lying log anchors it."""
    custodial.fed.status_list(custodial.agency, revoked=[INDEX])
    custodial.log_issuance()
    removed_on_day(custodial, 10)
    content = custodial.fed.list_content(custodial.agency, custodial.agency.list_url())
    with refused("signer_wrong"):
        custodial.fed.anchor_list(custodial.agency, custodial.agency.list_url(), content)
    force_list(custodial, content)
    custodial.publish()
    report = custodial.check()
    assert report.outcome is Outcome.UNDECIDED
    assert "status_missing" in codes(report)


def force_list(scene, content, **changes):
    """Anchor a list that no honest log would take."""
    fed, url = scene.fed, scene.agency.list_url()
    digest = sha256(content)
    times = {"iat": fed.now, "exp": fed.now + 604_800, "ttl": 3_600, "bits": 131_072}
    body = {"issuer": scene.agency.did, "kind": "bitstring", **times, **changes}
    origin = fed.data_of(scene.agency.did)
    entry = fed.compose(origin, "status", url, body, digest).sequenced(fed.now)
    fed.contents[digest] = content
    fed.logs[origin].force(entry, content)


def test_custodian_list_accepted(custodial):
    custodial.log_issuance()
    custodial.publish()
    early = custodial.fed.evidence(batches=custodial.batches)
    removed_on_day(custodial, 10)
    custodian_list(custodial, revoked=[1])
    custodial.publish()
    report = custodial.check(staple=with_keeper(custodial), bundle=early)
    assert report.outcome is Outcome.ACCEPTED
    custodial.fed.tick()
    custodian_list(custodial, revoked=[INDEX])
    custodial.publish()
    report = custodial.check(staple=with_keeper(custodial), bundle=early)
    assert codes(report) == ["revoked"]


def test_status_stream_across_years():
    """A cleared list of last year does not outlive what this year's log says of it."""
    scene = Scene(federation=founded(2026, 2027))
    fed, url = scene.fed, scene.agency.list_url()
    first = fed.logs["gd.example/ev/2026"].newest("status", url)
    fed.tick(days=45)
    content = fed.list_content(scene.agency, url, [INDEX])
    times = {"iat": fed.now, "exp": fed.now + 604_800, "ttl": 3_600, "bits": 131_072}
    body = {"issuer": scene.agency.did, "kind": "bitstring", **times}
    digest = sha256(content)
    entry = compose("status", url, body, after=first, digest=digest).sequenced(fed.now)
    fed.contents[digest] = content
    fed.logs["gd.example/ev/2027"].force(entry, content)
    scene.publish()
    logs = {o: log for o, log in fed.logs.items() if o != "gd.example/ev/2026"}
    newer = collect_evidence(logs, fed.notes, fed.contents, [("status", url)], [])
    assert codes(scene.check(bundle=newer)) == ["revoked"]


def test_credential_without_status(scene):
    scene.publish()
    bare = scene.issue(credentialStatus=None)
    report = scene.check(scene.present(bare))
    assert report.outcome is Outcome.REFUSED
    assert codes(report) == ["status_entry_missing"]


def test_second_status_entry_ignored(scene):
    scene.fed.status_list(scene.agency, revoked=[INDEX])
    scene.publish()
    two = [status_entry(scene.agency, index=5), status_entry(scene.agency)]
    report = scene.check(scene.present(scene.issue(credentialStatus=two)))
    assert codes(report) == ["revoked"]


def test_unregistered_list_uri(scene):
    scene.publish()
    own = status_entry(scene.agency, url="https://gz.gd.example/mine/9")
    report = scene.check(scene.present(scene.issue(credentialStatus=own)))
    assert report.outcome is Outcome.UNDECIDED
    assert codes(report) == ["status_list_unregistered"]


def test_list_of_another_issuer(scene):
    other = scene.fed.agency("fs.gd.example")
    scene.fed.grant(scene.fed.root("gd"), other, scope="other")
    scene.fed.status_list(other)
    scene.publish()
    borrowed = scene.issue(credentialStatus=status_entry(other))
    staple = scene.staple(lists=[other.list_url()])
    report = scene.check(scene.present(borrowed), staple=staple)
    assert report.outcome is Outcome.UNDECIDED
    assert codes(report) == ["status_list_unregistered"]


def test_status_list_signed_by_retired_key(scene):
    scene.publish()
    retired = replace(scene.agency)
    scene.fed.tick(days=1)
    scene.fed.rotate(scene.agency)
    scene.fed.tick()
    force_list(scene, scene.fed.list_content(retired, scene.agency.list_url()))
    scene.publish()
    report = scene.check(scene.present(scene.issue()))
    assert report.outcome is Outcome.UNDECIDED
    assert codes(report) == ["status_missing"]


def test_extends_foreign_type(scene):
    """A second type beside the granted one needs a grant of its own."""
    scene.publish()
    both = ["VerifiableCredential", "ResidencePermit", "BusinessLicence"]
    report = scene.check(scene.present(scene.issue(type=both)))
    assert report.outcome is Outcome.UNDECIDED
    assert codes(report) == ["authority_missing", "schema_missing"]


def test_aliased_type_term(scene):
    """An inline context may not bend the protected class name to a granted type."""
    scene.publish()
    alias = {"BusinessLicence": RESIDENCE}
    context = [CREDENTIALS_V2, DIDSVC_1, alias]
    bent = scene.issue(
        **{"@context": context, "type": ["VerifiableCredential", "BusinessLicence"]}
    )
    report = scene.check(scene.present(bent))
    assert report.outcome is not Outcome.ACCEPTED
    assert "authority_held" not in all_codes(report)


def test_context_added_after_signing(scene):
    """The agency signs a type that no context defines; the holder adds one that does."""
    scene.publish()
    odd = scene.issue(type=["VerifiableCredential", "Odd"], credentialSchema=None)
    odd["@context"] = [*odd["@context"], {"Odd": RESIDENCE}]
    report = scene.check(scene.present(odd))
    assert report.outcome is Outcome.REFUSED
    assert "proof_invalid" in codes(report)


def test_iss_differs_from_kid(scene):
    """Trust goes by who signed: the granted agency as issuer, another agency's key below."""
    other = scene.fed.agency("fs.gd.example")
    scene.publish()
    forged = scene.issue(signer=other)
    staple = with_other(scene, other)
    report = scene.check(scene.present(forged), staple=staple)
    assert report.outcome is Outcome.REFUSED
    assert codes(report) == ["proof_invalid"]
    assert report.credentials[0].signer is None


def with_other(scene, other):
    staple, more = scene.staple(), scene.fed.evidence(("did", other.id))
    known = {(item["log"], item["index"]) for item in staple["items"]}
    items = [item for item in more["items"] if (item["log"], item["index"]) not in known]
    return {**staple, "items": [*staple["items"], *items]}


def test_second_signer_lends_no_authority(scene):
    """An agency without a grant issues; the granted agency adds a second, valid proof."""
    other = scene.fed.agency("fs.gd.example")
    scene.publish()
    own = scene.secure(scene.unsigned(issuer=other.did), other)
    both = scene.secure(own, scene.agency)
    report = scene.check(scene.present(both), staple=with_other(scene, other))
    assert report.outcome is Outcome.UNDECIDED
    assert "authority_missing" in codes(report)
    assert report.credentials[0].signer == other.method


def test_credential_never_logged(custodial):
    """Issued honestly, but the agency never anchored it: after the end nobody can tell."""
    custodial.publish()
    removed_on_day(custodial, 10)
    custodian_list(custodial)
    custodial.publish()
    report = custodial.check(staple=with_keeper(custodial))
    assert codes(report) == ["issuance_time_not_proven"]


def test_unlogged_credential_of_a_logged_type():
    """The type demands the issuance batch of every credential, also while authority stands."""
    marked = {"x-didsvc": {"type": RESIDENCE, "status": "required", "issuance_logged": True}}
    scene = Scene()
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}
    scene.fed.schema(scene.fed.root("cn"), SCHEMA, {**dialect, **marked})
    scene.publish()
    assert codes(scene.check()) == ["issuance_time_not_proven"]
    scene.log_issuance()
    scene.publish()
    assert scene.check().outcome is Outcome.ACCEPTED


def test_territory_prefix_trick():
    """440010 is in no territory of 440100, though both begin with 4400 once zeros are cut."""
    scene = Scene()
    scene.fed.tick()
    scene.publish()
    subject = {"id": scene.holder.did, "jurisdiction": "440010", "familyName": "王"}
    report = scene.check(scene.present(scene.issue(credentialSubject=subject)))
    assert codes(report) == ["authority_missing"]


def test_retroactive_grant(scene):
    """A credential dated before its issuer's grant began was not granted."""
    scene.publish()
    early = scene.issue(at=scene.grant.entry.at - 1)
    report = scene.check(scene.present(early))
    assert codes(report) == ["authority_missing"]


def test_did_web_issuer_offline(scene):
    scene.publish()
    did = "did:web:gz.gd.example"
    foreign = replace(scene.agency, did=did, method=f"{did}#key-1")
    report = scene.check(scene.present(scene.issue(signer=foreign, issuer=did)))
    assert report.outcome is Outcome.UNDECIDED
    assert {"issuer_unsupported", "authority_missing"} <= set(codes(report))


def test_demo_issuer_in_production(scene):
    """A did:key signs for itself, but no chain of grants ever leads to it."""
    scene.publish()
    demo = scene.fed.device("seeded issuer")
    report = scene.check(scene.present(scene.issue(signer=demo, issuer=demo.did)))
    assert report.outcome is Outcome.UNDECIDED
    assert {"issuer_unsupported", "authority_missing"} <= set(codes(report))
