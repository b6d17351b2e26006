"""Staples: what a credential needs, and what is picked for it."""

import json

import pytest

from did_service.core.credentials.model import parse_credential
from did_service.core.evidence.proofs import verify_evidence
from did_service.core.evidence.proven_set import Evidence
from did_service.core.evidence.sets import parse_evidence
from did_service.core.verification.staple import (
    EvidenceRequest,
    needed_for,
    staple_for,
)
from tests.support.counter import SCHEMA, Scene, chained, custodial_scene, with_keeper
from tests.support.federation import founded

pytestmark = pytest.mark.offline


def proven(scene, evidence):
    return verify_evidence([("set", parse_evidence(evidence))], scene.fed.policy)


def test_a_credential_alone_names_issuer_schema_and_list(scene):
    credential = parse_credential(scene.credential)
    assert set(needed_for(credential, scene.fed.policy, Evidence())) == {
        EvidenceRequest("gd.example/reg", "did", scene.agency.id),
        EvidenceRequest("cn.example/reg", "schema", SCHEMA),
        EvidenceRequest("gd.example/ev/2026", "status", scene.agency.list_url()),
    }


def test_a_list_is_asked_for_in_the_newest_log_and_then_in_those_before():
    fed = founded(2026, 2027, 2025)
    scene = Scene(federation=fed)
    (wanted,) = (
        each
        for each in needed_for(parse_credential(scene.credential), fed.policy, Evidence())
        if each.kind == "status"
    )
    assert (wanted.origin, wanted.before) == (
        "gd.example/ev/2027",
        ("gd.example/ev/2026", "gd.example/ev/2025"),
    )


def test_statements_lead_upward_to_the_root():
    scene = chained(3)
    evidence = proven(scene, scene.staple())
    wanted = needed_for(parse_credential(scene.credential), scene.fed.policy, evidence)
    kinds = [each.kind for each in wanted]
    assert kinds.count("did") == 4
    assert kinds.count("authority") >= 3
    root = scene.fed.root("gd")
    assert EvidenceRequest("gd.example/reg", "did", root.id) in wanted


def test_a_staple_is_enough_and_holds_nothing_else(scene):
    scene.log_issuance()
    other = scene.fed.agency("fs.gd.example")
    scene.publish()
    more = scene.fed.evidence(("did", other.id))
    sets = [("one", parse_evidence(scene.staple())), ("two", parse_evidence(more))]
    evidence = verify_evidence(sets, scene.fed.policy)
    staple = staple_for(parse_credential(scene.credential), scene.fed.policy, evidence)
    assert scene.check(staple=json.loads(json.dumps(staple.encode())))
    assert other.did not in json.dumps(staple.encode())
    assert len(staple.batches) == 1


def test_after_the_issuers_end_the_custodian_is_named_and_a_staple_alone_is_judged():
    """It signs the list from then on: a staple without its key gave `status_missing`."""
    scene = custodial_scene()
    fed = scene.fed
    scene.log_issuance()
    credential = parse_credential(scene.credential)
    scene.publish()
    keeper = EvidenceRequest("gd.example/reg", "did", scene.keeper.id)
    before = proven(scene, with_keeper(scene))
    assert keeper not in needed_for(credential, fed.policy, before)
    fed.tick(days=1)
    fed.end(scene.grant, fed.root("gd"))
    fed.status_list(scene.agency, by=scene.keeper)
    scene.publish()
    evidence = proven(scene, with_keeper(scene))
    assert keeper in needed_for(credential, fed.policy, evidence)
    staple = staple_for(credential, fed.policy, evidence).encode()
    report = scene.check(staple=json.loads(json.dumps(staple)))
    assert "status_missing" not in {each.code for each in report.checks}
    assert "status_clear" in {each.code for each in report.checks}


def test_foreign_names_need_nothing_here(scene):
    credential = parse_credential(
        {
            **scene.credential,
            "issuer": "did:web:elsewhere.example",
            "credentialSchema": {"id": "https://elsewhere.example/s", "type": "JsonSchema"},
        }
    )
    assert needed_for(credential, scene.fed.policy, Evidence()) == ()
