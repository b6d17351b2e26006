"""Each different signature is verified once, and the steps run once: the calls are counted."""

from collections import Counter

import pytest
from nacl import bindings

from did_service.core.credentials import bitstring_status_list
from did_service.core.integrity import data_integrity
from did_service.core.verification import statements
from did_service.core.verification import verify as verifying
from did_service.core.verification.report import Outcome
from did_service.core.verification.request import Remembered
from did_service.core.verification.steps import schema, status
from did_service.core.verification.verified import Verified
from tests.support.counter import (
    INDEX,
    codes,
    custodial_scene,
    request,
    sets,
    with_keeper,
)

pytestmark = pytest.mark.offline
ITEM = "urn:didsvc:item:residence-check:1"
MEMBERS = {"kind": "service-item", "media_type": "application/json"}


@pytest.fixture
def signatures(monkeypatch):
    """How often each signature is verified, by key, text and signature."""
    counted = Counter()
    verify = bindings.crypto_sign_open

    def counting(signed, public):
        counted[signed, public] += 1
        return verify(signed, public)

    monkeypatch.setattr(bindings, "crypto_sign_open", counting)
    return counted


@pytest.fixture
def steps(monkeypatch):
    """How often each step of a credential ran."""
    counted = Counter()

    def counting(name, step):
        def count(context):
            counted[name] += 1
            return step(context)

        return count

    for name, step in verifying.STEPS.items():
        monkeypatch.setitem(verifying.STEPS, name, counting(name, step))
    return counted


def remembering(scene):
    """What a counter keeps from visit to visit."""
    return Remembered(verified=Verified(scene.fed.policy.digest))


def test_each_signature_of_what_is_presented_is_verified_once(scene, signatures):
    assert scene.check()
    # two checkpoints of a log and four regions; the issuer's record, the list, who issued, held
    assert sorted(signatures.values()) == [1] * (2 * (1 + 4) + 4)


def test_credentials_of_one_presentation_share_list_record_and_bits(
    scene, signatures, monkeypatch
):
    unpacked = []
    decode = bitstring_status_list.BitstringStatusList.decode
    monkeypatch.setattr(
        bitstring_status_list.BitstringStatusList,
        "decode",
        lambda text: unpacked.append(text) or decode(text),
    )
    second = scene.issue(id="urn:uuid:5d0a2f0e-5f3a-4c9d-9a30-1f5c2f1f9a12")
    assert scene.check(scene.present(scene.credential, second))
    assert set(signatures.values()) == {1}
    assert len(signatures) == 2 * (1 + 4) + 5
    assert len(unpacked) == 1


def test_what_a_counter_has_verified_is_not_verified_at_the_next_visit(scene, signatures):
    own = {"evidence": sets(scene.staple()), "remembered": remembering(scene)}
    first = scene.check(staple=None, **own)
    signatures.clear()
    second = scene.check(staple=None, **own)
    assert first.outcome is second.outcome is Outcome.ACCEPTED
    assert first.to_bytes() == second.to_bytes()
    assert list(signatures.values()) == [1, 1]  # who issued it, who shows it


def test_what_entries_say_is_read_at_the_first_visit_alone(scene, monkeypatch):
    """Statement, status and schema, each by its leaf: what another one says is read."""
    read = Counter()

    def counting(module, name):
        parse = getattr(module, name)
        monkeypatch.setattr(module, name, lambda body: read.update([name]) or parse(body))

    counting(statements, "parse_authority")
    counting(status, "parse_status_body")
    counting(schema, "parse_schema_body")
    own = {"evidence": sets(scene.staple()), "remembered": remembering(scene)}
    assert scene.check(staple=None, **own)
    each_once = {"parse_authority": 1, "parse_status_body": 1, "parse_schema_body": 1}
    assert read == each_once
    assert scene.check(staple=None, **own)
    assert read == each_once
    scene.fed.tick(30)
    scene.fed.status_list(scene.agency)
    scene.publish()
    assert scene.check(remembered=own["remembered"])
    assert read == {**each_once, "parse_status_body": 2}


def test_the_proofs_of_a_credential_are_read_once(scene, monkeypatch):
    read = Counter()
    parse = data_integrity.parse_proof

    def counting(value, *rest):
        read[value["proofValue"]] += 1
        return parse(value, *rest)

    monkeypatch.setattr(data_integrity, "parse_proof", counting)
    assert scene.check()
    assert set(read.values()) == {1}


def test_a_staple_of_what_the_counter_has_verified_costs_no_signature(scene, signatures):
    own = {"evidence": sets(scene.staple()), "remembered": remembering(scene)}
    assert scene.check(staple=None, **own)
    signatures.clear()
    assert scene.check(**own)
    assert list(signatures.values()) == [1, 1]


def test_what_was_verified_under_another_policy_is_verified_again(scene, signatures):
    kept = Remembered(verified=Verified(b"\x00" * 32))
    assert scene.check(remembered=kept)
    known = kept.verified
    assert (known.notes, known.records, known.lists) == ({}, {}, {})
    signatures.clear()
    assert scene.check(remembered=kept)
    assert len(signatures) == 14


def test_revocation_counts_at_the_next_visit_whatever_was_read_before(scene):
    known = remembering(scene)
    assert scene.check(remembered=known)
    scene.fed.tick(30)
    scene.fed.status_list(scene.agency, revoked=[INDEX])
    scene.publish()
    assert scene.check(remembered=known).outcome is Outcome.REFUSED


def test_a_list_that_is_not_at_hand_is_not_answered_from_memory(scene):
    """The same input gives the same report, whatever was read at an earlier visit."""
    known, staple = remembering(scene), scene.staple()
    assert scene.check(remembered=known)
    reports = [
        scene.check(staple={**staple, "contents": {}}, remembered=each)
        for each in (known, Remembered())
    ]
    assert codes(reports[0]) == ["status_missing"]
    assert reports[0].to_bytes() == reports[1].to_bytes()


def test_a_list_counts_no_more_once_its_keeper_has_replaced_the_key():
    """Its signature was verified at an earlier visit, with the key of then."""
    scene = custodial_scene()
    fed, known = scene.fed, remembering(scene)
    scene.log_issuance()
    fed.status_list(scene.agency)
    scene.publish()
    fed.tick(3_600)
    fed.end(scene.grant, fed.root("gd"))
    fed.tick()
    fed.status_list(scene.agency, by=scene.keeper)
    fed.tick()
    scene.publish()
    shown = scene.present()
    assert scene.check(shown, with_keeper(scene), remembered=known)
    assert scene.check(shown, with_keeper(scene), remembered=known)
    fed.rotate(scene.keeper)
    fed.tick()
    scene.publish()
    report = scene.check(shown, with_keeper(scene), remembered=known)
    assert codes(report) == ["status_missing"]


def test_the_steps_run_once_whatever_tier_an_item_demands(scene, steps):
    fed = scene.fed
    fed.schema(fed.root("cn"), ITEM, {"id": ITEM, "tier": "online"}, **MEMBERS)
    fed.tick()
    scene.publish()
    own = sets(fed.evidence(("schema", ITEM)))
    report = scene.check(evidence=own, request=request(item=ITEM), clock=scene.clock(2_000))
    assert report.tier == "online"
    assert "evidence_stale" in {check.code for check in report.checks}
    assert steps == dict.fromkeys(verifying.STEPS, 1)


def test_an_item_costs_no_signature_of_its_own_checkpoint_twice(scene, signatures):
    fed = scene.fed
    fed.schema(fed.root("cn"), ITEM, {"id": ITEM, "tier": "field"}, **MEMBERS)
    fed.tick()
    scene.publish()
    own = sets(fed.evidence(("schema", ITEM)))
    report = scene.check(evidence=own, request=request(item=ITEM))
    assert (report.tier, report.outcome) == ("field", Outcome.ACCEPTED)
    assert set(signatures.values()) == {1}
