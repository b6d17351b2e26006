"""The verdict as a whole: shape, policy, log evidence, freshness, waivers."""

import json
from dataclasses import replace

import pytest

from did_service.core.credentials import eddsa_rdfc_2022
from did_service.core.encoding import timestamps
from did_service.core.evidence.proofs import verify_evidence
from did_service.core.evidence.sets import UnverifiedEvidence, parse_evidence
from did_service.core.verification.codes import CHECKS, Result
from did_service.core.verification.report import Outcome
from did_service.core.verification.request import Clock, Remembered, Tree
from tests.support.counter import (
    INDEX,
    all_codes,
    chained,
    clock_at,
    codes,
    request,
    without,
)
from tests.support.evidence import kept

pytestmark = pytest.mark.offline
DAY = 86_400


# --- the whole ------------------------------------------------------------------------------


def test_good_credential_with_its_staple_is_accepted(scene):
    report = scene.check()
    assert report
    assert report.outcome is Outcome.ACCEPTED
    assert {check.step for check in report.checks} == set(range(1, 14))


def test_a_bundle_serves_as_well_as_a_staple(scene):
    assert scene.check(staple=None, bundle=scene.staple())


def test_rdfc_credential_is_accepted(scene):
    subject = {"id": scene.holder.did, "jurisdiction": "440100", "familyName": "王"}
    credential = scene.issue(suite=eddsa_rdfc_2022, credentialSubject=subject)
    assert scene.check(scene.present(credential))


def test_presentation_signed_by_rdfc_is_accepted(scene):
    subject = {"id": scene.holder.did, "jurisdiction": "440100", "familyName": "王"}
    credential = scene.issue(credentialSubject=subject)
    assert scene.check(scene.present(credential, suite=eddsa_rdfc_2022))


def test_without_evidence_nothing_is_passed_or_refused(scene):
    report = scene.check(staple=None)
    assert report.outcome is Outcome.UNDECIDED
    evidence_steps = [check for check in report.checks if check.step in (3, 4, 5, 6, 7, 9, 13)]
    assert {check.result for check in evidence_steps} == {Result.UNDECIDED}


def test_without_a_policy_nothing_is_passed_or_refused(scene):
    report = scene.check(policy=None)
    assert report.outcome is Outcome.UNDECIDED
    assert "policy_missing" in codes(report)
    assert report.encode()["policy"] is None


def test_one_failure_hides_no_other(scene):
    scene.fed.status_list(scene.agency, revoked=[INDEX])
    scene.publish()
    report = scene.check(
        data=scene.file(),
        request=request(nonce="other"),
        clock=clock_at(scene.fed.now + 400 * DAY),
    )
    assert {"expired", "revoked", "nonce_unknown", "evidence_stale", "policy_expired"} <= set(
        codes(report)
    )
    assert report.outcome is Outcome.REFUSED


def test_a_chain_of_four_hops_is_walked_and_a_fifth_is_not():
    for hops, outcome in ((4, Outcome.ACCEPTED), (5, Outcome.UNDECIDED)):
        assert chained(hops).check().outcome is outcome


# --- 1 shape --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "malformed"),
        (b"{", "malformed"),
        (b"[]", "malformed"),
        (b'{"type":["Other"]}', "malformed"),
        (b'{"vp_token":{}}', "malformed"),
        (b'{"vp_token":{"q":[]}}', "malformed"),
        (b'{"vp_token":{"q":["eyJh.e30.c2ln~"]}}', "unsupported"),
        (b"eyJhbGciOiJFZERTQSJ9.e30.c2ln~", "unsupported"),
        (b" eyJhbGciOiJFZERTQSJ9.e30.c2ln\n", "unsupported"),
        (b'"eyJhbGciOiJFZERTQSJ9.e30.c2ln"', "unsupported"),
        (b"eyJhbGciOiJFZERTQSJ9.e30.c2ln.c2ln.c2ln", "unsupported"),
        (b'{"payload":"e30","signatures":[]}', "unsupported"),
        (b'{"type":"EnvelopedVerifiableCredential","id":"data:,x"}', "unsupported"),
        (b'{"type":["EnvelopedVerifiablePresentation"]}', "unsupported"),
        (b'{"vp_token":{"q":[{"type":"VerifiablePresentation"}]},"other":1}', "malformed"),
        (b'"' + b"x" * 9_000_000 + b'"', "too_large"),
        (b'{"a":' + b"[" * 10_000_000, "too_large"),
        (b'{"a":' + b"[" * 100_000, "too_large"),
    ],
)
def test_what_cannot_be_read_is_never_accepted(scene, data, code):
    report = scene.check(data=data)
    assert codes(report)[0] == code
    assert report.outcome is Outcome.UNDECIDED


def test_too_many_credentials_are_refused_by_size(scene):
    shown = scene.present()
    file = {"vp_token": {"q": [shown] * 17}}
    assert codes(scene.check(data=json.dumps(file).encode()))[0] == "too_large"


def test_bare_credential_is_a_genuine_document_and_never_accepted(scene):
    data = json.dumps(scene.credential).encode()
    report = scene.check(data=data, bundle=scene.staple(), request=request(nonce=None))
    assert (report.outcome, bool(report)) == (Outcome.DOCUMENT, False)
    assert "holder_not_asked" in all_codes(report)
    report = scene.check(data=data, bundle=scene.staple())
    assert codes(report) == ["holder_proof_missing"]


def test_bare_presentation_is_taken(scene):
    data = json.dumps(scene.present()).encode()
    assert scene.check(data=data, bundle=scene.staple())


def test_an_answer_to_a_question_nobody_asked(scene):
    file = json.loads(scene.file())
    file["vp_token"] = {"other": file["vp_token"]["q"]}
    assert codes(scene.check(data=json.dumps(file).encode())) == ["query_not_answered"]


# --- 2 policy -------------------------------------------------------------------------------


def test_expired_policy_leaves_everything_undecided(scene):
    file = scene.file()
    clock = Clock(scene.fed.policy.expires)
    report = scene.check(data=file, clock=clock)
    assert "policy_expired" in codes(report)


def test_policy_that_would_last_too_long(scene):
    long = replace(scene.fed.policy, expires=timestamps.from_posix(scene.fed.now + 500 * DAY))
    assert codes(scene.check(policy=long)) == ["policy_lifetime"]


def test_demo_policy_is_named_in_every_report(scene):
    report = scene.check()
    assert "policy_demo" in report.unsafe
    assert report.encode()["policy"]["demo"] is True


# --- 3 log ----------------------------------------------------------------------------------


def test_another_root_at_a_remembered_size_is_a_fork(scene):
    checkpoints = scene.check().evidence.checkpoints
    trees = {
        c.checkpoint.origin: Tree(c.checkpoint.size, c.checkpoint.root) for c in checkpoints
    }
    assert scene.check(remembered=Remembered(trees))
    trees["gd.example/reg"] = Tree(trees["gd.example/reg"].size, bytes(32))
    report = scene.check(remembered=Remembered(trees))
    assert report.outcome is Outcome.UNDECIDED
    assert codes(report)[0] == "log_forked"


def test_a_fork_on_record_stays_undecided(scene):
    report = scene.check(remembered=Remembered(forked=frozenset({"gd.example/reg"})))
    assert report.outcome is Outcome.UNDECIDED
    assert "issuer_evidence_missing" in codes(report)


def test_smaller_tree_than_remembered_is_merely_older(scene):
    trees = {"gd.example/reg": Tree(10_000, bytes(32))}
    assert scene.check(remembered=Remembered(trees))


def test_log_of_strangers_is_named(scene):
    staple = scene.staple()
    stranger = staple["checkpoints"][1].replace("gd.example/reg", "xx.example/reg")
    report = scene.check(staple={**staple, "checkpoints": [stranger]})
    assert "log_unknown" in codes(report)


# --- 13 freshness, waivers ------------------------------------------------------------------


@pytest.mark.parametrize(("tier", "bound"), [("online", 300), ("day", DAY), ("field", 7 * DAY)])
def test_age_is_judged_across_each_bound(scene, tier, bound):
    staple = without(scene.staple(), "status")
    sets = scene.staple()
    for seconds, stale in ((bound, False), (bound + 1, True)):
        report = scene.check(
            staple=sets, request=request(tier=tier), clock=scene.clock(seconds)
        )
        assert ("evidence_stale" in codes(report)) is stale
    # the list was made a second before the rest
    report = scene.check(staple=sets, request=request(tier=tier), clock=scene.clock(bound - 2))
    assert report.outcome is Outcome.ACCEPTED
    assert "status_missing" in codes(scene.check(staple=staple))


def test_waiver_accepts_stale_evidence_with_limits(scene):
    waivers = [
        {"item": "urn:x:item", "code": code, "max_seconds": 3 * DAY}
        for code in ("status_stale", "evidence_stale")
    ]
    policy = scene.fed.next_policy(waivers=waivers)
    asked = request(item="urn:x:item")
    report = scene.check(policy=policy, request=asked, clock=scene.clock(2 * DAY))
    assert report.outcome is Outcome.ACCEPTED_WITH_LIMITS
    assert not report
    assert set(report.limits) == {"status_stale", "evidence_stale"}
    late = scene.check(policy=policy, request=asked, clock=scene.clock(4 * DAY))
    assert late.outcome is Outcome.UNDECIDED
    other = request(item="urn:x:other")
    report = scene.check(policy=policy, request=other, clock=scene.clock(2 * DAY))
    assert report.outcome is Outcome.UNDECIDED


def test_a_waiver_covers_no_refusal(scene):
    waivers = [{"item": "x", "code": "status_stale", "max_seconds": 30 * DAY}]
    scene.fed.status_list(scene.agency, revoked=[INDEX])
    scene.publish()
    policy = scene.fed.next_policy(waivers=waivers)
    report = scene.check(policy=policy, request=request(item="x"), clock=scene.clock(2 * DAY))
    assert report.outcome is Outcome.REFUSED


def test_two_good_credentials_in_one_presentation(scene):
    second = scene.issue(id="urn:uuid:5d0a2f0e-5f3a-4c9d-9a30-1f5c2f1f9a12")
    report = scene.check(scene.present(scene.credential, second))
    assert report
    assert len(report.credentials) == 2


def test_every_result_follows_from_the_code(scene):
    for check in scene.check(staple=None).checks:
        assert check.result is CHECKS[check.code].result
        assert check.step == CHECKS[check.code].step


def test_evidence_of_nothing_is_nothing(scene):
    evidence = verify_evidence([("empty", UnverifiedEvidence())], scene.fed.policy)
    assert evidence.fresh_at is None
    assert kept(evidence) == UnverifiedEvidence()
    assert parse_evidence(kept(evidence).encode()) == UnverifiedEvidence()
