"""Attacks by whoever stands at the counter (docs/threat-model.md §6, Holder and Bytes).

Each one is tried for real, runs again with no network, and must not end in 通过.
"""

import json

import pytest

from did_service.core.credentials.proof_set import ProofOptions, sign
from did_service.core.encoding import timestamps
from did_service.core.integrity import eddsa_jcs_2022
from did_service.core.verification.report import Outcome
from did_service.core.verification.request import NonceState
from did_service.program.language import Language
from did_service.verifier.verdict_steps import claim_lines
from did_service.verifier.verdict_text import Reader, render
from tests.support.counter import (
    AUDIENCE,
    INDEX,
    NONCE,
    Scene,
    codes,
    items_of,
    request,
    without,
)
from tests.support.evidence import evidence_item
from tests.support.refusals import refused

pytestmark = pytest.mark.offline
DAY = 86_400


def test_revoked_in_stale_list_is_refused(scene):
    scene.fed.status_list(scene.agency, revoked=[INDEX])
    scene.publish()
    file = scene.file()
    scene.fed.tick(days=60)
    report = scene.check(data=file)
    assert report.outcome is Outcome.REFUSED
    assert "revoked" in codes(report)


def test_dropping_the_staple_gains_nothing(scene):
    scene.fed.status_list(scene.agency, revoked=[INDEX])
    scene.publish()
    report = scene.check(staple=None)
    assert report.outcome is Outcome.UNDECIDED
    report = scene.check(staple=None, bundle=scene.staple())
    assert report.outcome is Outcome.REFUSED


def test_waiver_of_absence_refused(scene):
    scene.publish()
    with refused("member_invalid"):
        scene.fed.next_policy(
            waivers=[{"item": "x", "code": "status_missing", "max_seconds": 9_999_999}]
        )
    waivers = [{"item": "x", "code": "status_stale", "max_seconds": 9_999_999}]
    policy = scene.fed.next_policy(waivers=waivers)
    staple = without(scene.staple(), "status")
    report = scene.check(staple=staple, policy=policy, request=request(item="x"))
    assert report.outcome is Outcome.UNDECIDED
    assert "status_missing" in codes(report)
    assert report.limits == ()


def test_two_persons_one_response(scene):
    scene.publish()
    other = scene.fed.device("li")
    theirs = scene.issue(
        credentialSubject={"id": other.did, "jurisdiction": "440100", "familyName": "李"}
    )
    file = json.loads(scene.file())
    file["vp_token"]["q"].append(scene.present(theirs, holder=other))
    report = scene.check(data=json.dumps(file).encode())
    assert report.outcome is Outcome.REFUSED
    assert codes(report) == ["holder_mismatch", "holder_mismatch"]


def test_borrowed_credential(scene):
    scene.publish()
    report = scene.check(scene.present(holder=scene.fed.device("thief")))
    assert codes(report) == ["holder_mismatch"]


def test_replay_same_counter(scene):
    scene.publish()
    report = scene.check(request=request(nonce_state=NonceState.USED))
    assert report.outcome is Outcome.REFUSED
    assert codes(report) == ["nonce_used"]


def test_replay_other_counter(scene):
    scene.publish()
    file = scene.file()
    report = scene.check(data=file, request=request(audience="https://elsewhere.example"))
    assert codes(report) == ["audience_wrong"]
    report = scene.check(data=file, request=request(nonce="another"))
    assert codes(report) == ["nonce_unknown"]
    assert report.outcome is Outcome.REFUSED


def test_late_answer(scene):
    scene.publish()
    report = scene.check(request=request(nonce_state=NonceState.UNKNOWN))
    assert report.outcome is Outcome.REFUSED
    assert codes(report) == ["nonce_unknown"]


def test_old_entry_with_new_heads(scene):
    """The grant before its end, shown with the heads record of the end."""
    scene.publish()
    scene.fed.tick(days=1)
    scene.fed.end(scene.grant, scene.fed.root("gd"))
    scene.fed.tick()
    scene.publish()
    new = scene.staple()
    (ended,) = items_of(new, "authority")
    old = evidence_item(scene.fed.logs["gd.example/reg"], scene.grant, ended["size"])
    forged = {**old, "head": ended["head"]}
    report = scene.check(staple={**new, "items": [*without(new, "authority")["items"], forged]})
    assert report.outcome is Outcome.UNDECIDED
    assert "authority_missing" in codes(report)
    assert any("head_unproven" in (check.detail or "") for check in report.checks)


def test_terminal_escape_in_claim(scene):
    scene.publish()
    subject = {
        "id": scene.holder.did,
        "jurisdiction": "440100",
        "familyName": "王",
        "a\x1b[2J": 1,
    }
    report = scene.check(scene.present(scene.issue(credentialSubject=subject)))
    lines = "".join((*render(report, Reader(Language.BOTH)), *claim_lines(report, Language.EN)))
    assert "\x1b" not in lines
    assert "\\u{1b}[2J" in lines


def test_bidi_in_name():
    name = {"zh": "广州\u202e市公安局", "en": "Guangzhou\nPSB"}
    scene = Scene(name=name)
    scene.fed.tick()
    scene.publish()
    lines = render(scene.check(), Reader(Language.BOTH))
    assert not any(set(line) & {"\u202e", "\n"} for line in lines)
    assert any("\\u{202e}" in line for line in lines)


def test_policy_swapped_presentation_proof(scene):
    """An assertion proof is no holder's proof: the purpose is part of what is demanded."""
    scene.publish()
    document = {n: v for n, v in scene.present().items() if n != "proof"}
    created = timestamps.from_posix(scene.fed.now)
    options = ProofOptions(
        scene.holder.method, "assertionMethod", created, challenge=NONCE, domain=AUDIENCE
    )
    forged = sign(document, scene.holder.key, options, eddsa_jcs_2022)
    assert codes(scene.check(forged)) == ["holder_proof_invalid"]


# --- what a report repeats --------------------------------------------------------------------

SAID = {
    "440100": {},
    "2026-02-03": {"validFrom": "2026-02-01T00:00:00Z", "validUntil": "2026-02-03T00:00:00Z"},
    "2099-03-04": {"validFrom": "2099-03-04T00:00:00Z", "validUntil": None},
    "secretPurpose": {"credentialStatus": {"type": "BitstringStatusListEntry"}},
}


def _says(scene: Scene, changes: dict) -> dict:
    if "credentialStatus" not in changes:
        return scene.unsigned(**changes)
    entry = {**scene.unsigned()["credentialStatus"], "statusPurpose": "secretPurpose"}
    return scene.unsigned(credentialStatus=[scene.unsigned()["credentialStatus"], entry])


@pytest.mark.parametrize("word", SAID)
def test_no_finding_repeats_what_nobody_signed_or_another_brings(scene, word):
    """A passed step told the region in its detail, while the summary kept silent about it."""
    scene.publish()
    document = _says(scene, SAID[word])
    signed = scene.secure(document, scene.agency)
    other = {**signed["proof"], "cryptosuite": "ecdsa-rdfc-2019"}
    shown = {
        "without a signature": scene.present(document),
        "by a suite that is not read": scene.present({**signed, "proof": other}),
        "by somebody else": scene.present(signed, holder=scene.fed.device("thief")),
        "by its holder": scene.present(signed),
    }
    reports = {how: scene.check(file).to_bytes().decode() for how, file in shown.items()}
    assert [how for how, told in reports.items() if word in told] == ["by its holder"]


def test_no_finding_names_a_claim_that_nobody_signed(scene):
    scene.publish()
    lacking = scene.unsigned(credentialSubject={"id": scene.holder.did})
    checks = scene.check(scene.present(lacking)).checks
    (violated,) = [check for check in checks if check.code == "schema_violated"]
    assert violated.detail is None
