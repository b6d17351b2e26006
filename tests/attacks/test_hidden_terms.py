"""Attacks by terms and schemas: what a credential says in words that the counter does not read.

Each was tried for real against the verdict and runs again with no network (docs/threat-model.md
§3: false acceptance, a refusal that a third party could cause, or work without bound).
"""

import copy

import pytest

from did_service.core.credentials import contexts, eddsa_rdfc_2022, proof_set
from did_service.core.credentials.proof_set import ProofOptions
from did_service.core.encoding import timestamps
from did_service.core.verification.report import Outcome
from tests.support.counter import (
    SCHEMA,
    Scene,
    all_codes,
    codes,
    whole_log,
)
from tests.support.federation import RESIDENCE

pytestmark = pytest.mark.offline
VALID_UNTIL = {
    "@id": "https://www.w3.org/2018/credentials#validUntil",
    "@type": "http://www.w3.org/2001/XMLSchema#dateTime",
}
DIALECT = "https://json-schema.org/draft/2020-12/schema"


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
    assert codes(scene.check(scene.present(signed))) == ["proof_expired"]
    signed["@context"].append(context)
    signed["proof"]["expiration"] = signed["proof"].pop("expires")
    assert scene.check(scene.present(signed)).outcome is not Outcome.ACCEPTED


def test_subject_without_a_region_beside_one_with_it(scene):
    """What is said of the second subject would be issued for nowhere."""
    scene.publish()
    here = {"id": scene.holder.did, "jurisdiction": "440100", "familyName": "王"}
    for elsewhere in ({}, {"jurisdiction": ["110000"]}, {"jurisdiction": 110_000}):
        two = [here, {**here, "jurisdiction": None, **elsewhere}]
        shown = scene.present(scene.issue(credentialSubject=two, at=scene.fed.now - 1))
        assert "authority_missing" in codes(scene.check(shown))
        assert "region_not_granted" in codes(scene.check(shown, bundle=whole_log(scene)))


@pytest.mark.parametrize("home", ["cn", "hn"])
def test_schema_of_the_issuers_own_choosing(home):
    """What a type demands stands in its schema: another one would demand nothing."""
    scene = Scene()
    scene.fed.restate(scene.grant, scene.fed.root("gd"), status_lists=[])
    demands = {"type": RESIDENCE, "status": "required", "issuance_logged": True}
    scene.fed.schema(scene.fed.root("cn"), SCHEMA, {"$schema": DIALECT, "x-didsvc": demands})
    lax = {"type": RESIDENCE, "status": "none"} if home == "hn" else None
    own = "https://hn.example/schemas/own" if home == "hn" else "urn:didsvc:schema:own:1"
    content = {"$schema": DIALECT} if lax is None else {"$schema": DIALECT, "x-didsvc": lax}
    scene.fed.schema(scene.fed.root(home), own, content)
    scene.fed.tick()
    scene.publish()
    chosen = {"id": own, "type": "JsonSchema"}
    credential = scene.issue(credentialSchema=chosen, credentialStatus=None)
    report = scene.check(scene.present(credential), staple=scene.staple(schemas=[own]))
    assert codes(report) == ["schema_missing", "status_missing"]
    both = scene.issue(
        credentialSchema=[chosen, {"id": SCHEMA, "type": "JsonSchema"}],
        credentialStatus=None,
        at=scene.fed.now - 1,
    )
    report = scene.check(scene.present(both), staple=scene.staple(schemas=[own, SCHEMA]))
    assert codes(report) == ["issuance_time_not_proven", "status_entry_missing"]


def test_code_list_in_place_of_a_schema(scene):
    """Registered by the right owner, but as something else: it may demand nothing."""
    content = {"$schema": DIALECT, "x-didsvc": {"type": RESIDENCE, "status": "none"}}
    name = "urn:didsvc:schema:list:1"
    scene.fed.schema(scene.fed.root("cn"), name, content, kind="code-list")
    scene.fed.tick()
    scene.publish()
    shown = scene.present(scene.issue(credentialSchema={"id": name, "type": "JsonSchema"}))
    report = scene.check(shown, staple=scene.staple(schemas=[name]))
    assert codes(report) == ["schema_missing"]
