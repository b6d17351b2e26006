"""Attacks that a review found: what a holder, a supplier or a log can try at the counter.

Each was tried for real against the verdict and runs again with no network (docs/threat-model.md
§3: false acceptance, or a refusal that a third party could cause).
"""

import copy

import pytest

from did_service.core.credentials import contexts, eddsa_rdfc_2022, proof_set
from did_service.core.credentials.proof_set import ProofOptions
from did_service.core.encoding import timestamps
from did_service.core.verification import bundle
from did_service.core.verification.anchored import Evidence
from did_service.core.verification.evidence import parse_evidence
from did_service.core.verification.report import Outcome
from tests.support.counter import (
    INDEX,
    Scene,
    all_codes,
    codes,
    whole_log,
    with_keeper,
    without,
)
from tests.support.evidence import collect_evidence
from tests.support.federation import founded
from tests.support.refusals import refused

pytestmark = pytest.mark.offline
DAY = 86_400
VALID_UNTIL = {
    "@id": "https://www.w3.org/2018/credentials#validUntil",
    "@type": "http://www.w3.org/2001/XMLSchema#dateTime",
}


# --- holder ---------------------------------------------------------------------------------


def _aliased(credential):
    credential["@context"].append({"until": VALID_UNTIL})
    credential["until"] = credential.pop("validUntil")


def _nested(credential):
    credential["@nest"] = {"validUntil": credential.pop("validUntil")}


def _spelled_out(credential):
    credential[VALID_UNTIL["@id"]] = {
        "@type": VALID_UNTIL["@type"],
        "@value": credential.pop("validUntil"),
    }


def _beside(credential):
    node = {"id": credential["id"], "validUntil": credential.pop("validUntil")}
    credential["@included"] = [node]


@pytest.mark.parametrize("hide", [_aliased, _nested, _spelled_out, _beside])
def test_expiry_hidden_from_json_by_json_ld(scene, hide):
    """An rdfc signature covers statements, not names: the same ones can be written unseen."""
    until = timestamps.encode(timestamps.from_posix(scene.fed.now + 10))
    scene.credential = scene.issue(suite=eddsa_rdfc_2022, validUntil=until)
    scene.fed.tick(60)
    scene.publish()
    assert codes(scene.check()) == ["expired"]
    hidden = copy.deepcopy(scene.credential)
    hide(hidden)
    report = scene.check(scene.present(hidden))
    assert report.outcome is not Outcome.ACCEPTED
    assert "proof_valid" not in all_codes(report)


@pytest.mark.parametrize("context", sorted({*contexts._BUNDLED, *contexts._OURS}))
def test_pinned_context_appended_as_a_synonym(scene, context):
    """Contexts are not under an rdfc signature, so a holder may append any that is pinned."""
    until = timestamps.encode(timestamps.from_posix(scene.fed.now + 10))
    options = ProofOptions(
        scene.agency.method,
        "assertionMethod",
        timestamps.from_posix(scene.fed.now),
        expires=timestamps.parse(until),
    )
    signed = proof_set.sign(scene.unsigned(), scene.agency.key, options, eddsa_rdfc_2022)
    scene.fed.tick(60)
    scene.publish()
    assert codes(scene.check(scene.present(signed))) == ["expired"]
    signed["@context"].append(context)
    signed["proof"]["expiration"] = signed["proof"].pop("expires")
    assert scene.check(scene.present(signed)).outcome is not Outcome.ACCEPTED


def test_holder_dates_the_credential(scene):
    """Signed before the grant began; the holder adds a proof of its own, dated after that."""
    scene.publish()
    early = scene.issue(at=scene.grant.entry.at - DAY)
    dated = scene.secure(early, scene.holder)
    report = scene.check(scene.present(dated))
    assert "authority_missing" in codes(report)
    assert report.outcome is Outcome.UNDECIDED


@pytest.mark.parametrize("created", ["1969-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"])
def test_date_before_our_era_gives_a_report(scene, created):
    scene.publish()
    shown = copy.deepcopy(scene.credential)
    shown["proof"]["created"] = created
    report = scene.check(scene.present(shown))
    assert report.to_bytes()
    assert report.outcome is Outcome.REFUSED


# --- supplier of evidence -------------------------------------------------------------------


def test_policy_with_its_proofs_in_another_order(scene):
    """Anybody can write the pinned policy's signatures in another order: that forks nothing."""
    scene.publish()
    members = copy.deepcopy(scene.fed.policy.members)
    members["proof"].reverse()
    staple = {**scene.staple(), "policies": [{"policy": members}]}
    assert scene.check(staple=staple).outcome is Outcome.ACCEPTED


def test_unsigned_policies_are_not_kept(scene):
    """What a holder's staple holds besides proofs would fill the counter's directory."""
    scene.publish()
    following = scene.fed.next_policy()
    forged = {**following.members, "proof": scene.fed.policy.members["proof"]}
    members = [{"a": "x" * 1_000}, forged, following.members, following.members]
    staple = {**scene.staple(), "policies": [{"policy": each} for each in members]}
    report = scene.check(staple=staple)
    assert report.outcome is Outcome.ACCEPTED
    assert report.evidence.kept().policies == (following.members,)


def test_foreign_region_evicts_a_list_from_what_is_kept(scene):
    """Another region numbers its lists of the same URL higher: the home's list must stay."""
    fed, url = scene.fed, scene.agency.list_url()
    other = fed.agency("cs.hn.example")
    fed.grant(fed.root("hn"), other, territory=["430100"], status_lists=[url])
    theirs = {origin: log for origin, log in fed.logs.items() if origin.startswith("hn.")}
    fed.status_list(scene.agency, revoked=[INDEX])
    bundles = []
    for number in range(4):
        fed.tick()
        fed.status_list(other, url=url)
        scene.publish()
        bundle = collect_evidence(theirs, fed.notes, fed.contents, [("status", url)], [])
        bundles.append((f"bundle {number}", parse_evidence(bundle)))
    kept = scene.check(evidence=bundles).evidence.kept()
    report = scene.check(staple=None, bundle=kept.encode())
    assert "revoked" in codes(report)


def test_old_heads_files_do_not_pile_up(scene):
    """Each hour has a heads file of its own; whoever brings them all fills the directory."""
    bundles = []
    for hour in range(3):
        scene.publish()
        bundles.append((f"hour {hour}", parse_evidence(whole_log(scene))))
        scene.fed.tick(3_600)
        scene.fed.restate(
            scene.grant, scene.fed.root("gd"), basis={"zh": "新", "en": f"{hour}"}
        )
        scene.grant = scene.fed.logs["gd.example/reg"].entries[-1]
    scene.publish()
    bundles.append(("last", parse_evidence(whole_log(scene))))
    evidence = scene.check(evidence=bundles).evidence
    assert len(evidence.heads_files) == 4
    kept = evidence.kept()
    assert kept.heads_files.keys() == bundles[-1][1].heads_files.keys()
    assert "gd.example/reg" in scene.check(evidence=[("kept", kept)]).evidence.complete


def test_directory_never_holds_more_than_it_can_read(scene, monkeypatch):
    scene.publish()
    kept = scene.check().evidence.kept()
    monkeypatch.setattr(bundle, "MAX_BUNDLE_BYTES", 1_000)
    with refused("too_large"):
        bundle.encode_bundle(kept)


# --- end and begin of authority -------------------------------------------------------------


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


# --- unbounded work -------------------------------------------------------------------------


def test_the_same_evidence_again_and_again(scene):
    """Each piece is proven once; work that grows with the square would stop a counter."""
    scene.log_issuance()
    scene.publish()
    staple = scene.staple()
    many = {**staple, **{part: staple[part] * 300 for part in ("items", "batches")}}
    many["checkpoints"] = staple["checkpoints"] * 300
    report = scene.check(staple=many)
    assert report.outcome is Outcome.ACCEPTED
    evidence = report.evidence
    assert len(evidence.entries) == len(scene.check(staple=staple).evidence.entries)
    assert [len(proofs) for proofs in evidence.issued.values()] == [1]
    assert len(evidence.checkpoints) == len(staple["checkpoints"])


def test_circle_of_many_grants(scene, monkeypatch):
    """Two agencies grant each other in many scopes: ways up multiply at each of four hops."""
    fed, root = scene.fed, scene.fed.root("gd")
    one, two = fed.agency("fs.gd.example"), fed.agency("sz.gd.example")
    wide = {"roles": ["granter", "issuer"], "status_lists": []}
    fed.grant(root, one, **wide)
    fed.grant(root, two, scope="own", **wide)
    scopes = [f"s{number}" for number in range(6)]
    for lower, upper in ((one, two), (two, one)):
        scene.grants += [fed.grant(upper, lower, scope=each, **wide) for each in scopes]
    scene.grants += [fed.grant(one, scene.agency, scope=each) for each in scopes]
    fed.tick()
    scene.credential = scene.issue()
    scene.publish()
    asked = []
    about = Evidence.statements_about
    monkeypatch.setattr(
        Evidence, "statements_about", lambda *given: asked.append(given[1]) or about(*given)
    )
    assert scene.check().outcome is Outcome.ACCEPTED
    assert len(asked) < 16


@pytest.mark.parametrize("member", ["credentialStatus", "credentialSchema"])
def test_a_thousand_entries_to_be_checked(scene, member):
    """Nobody needs to have signed it: each entry of a forged credential costs a check."""
    scene.publish()
    shown = copy.deepcopy(scene.credential)
    shown[member] = [shown[member]] * 1_000
    assert "too_large" in codes(scene.check(scene.present(shown)))
