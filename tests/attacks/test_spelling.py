"""Attacks by spelling: equal statements in other JSON, digests that bind nothing, endless work.

Each was tried for real against the verdict and runs again with no network (docs/threat-model.md
§3: false acceptance, a refusal that a third party could cause, or work without bound).
"""

import copy
import json

import pytest

from did_service.core.credentials import eddsa_rdfc_2022, jsonld, proof_set, rdfc, term_tables
from did_service.core.credentials.contexts import CREDENTIALS_V2, DIDSVC_1
from did_service.core.credentials.proof_set import ProofOptions
from did_service.core.encoding import b64, strict_json, timestamps
from did_service.core.errors import DidServiceError
from did_service.core.limits import (
    MAX_INLINE_TERMS,
    MAX_RDF_QUADS,
    MAX_STATED_VALUES,
    MAX_TERM_DEFINITIONS,
)
from did_service.core.verification.report import Outcome
from tests.support.counter import (
    AUDIENCE,
    NONCE,
    SCHEMA,
    Scene,
    all_codes,
    codes,
    request,
    status_entry,
)
from tests.support.federation import RESIDENCE
from tests.support.optional import case

pytestmark = pytest.mark.offline
DIALECT = "https://json-schema.org/draft/2020-12/schema"
SHA384 = "sha384-" + b64.encode_std(bytes(48))


def strict_scene(highest=3):
    """A scene whose schema lets no grade above a number pass."""
    scene = Scene()
    grade = {"grade": {"maximum": highest, "items": {"maximum": highest}}}
    content = {
        "$schema": DIALECT,
        "x-didsvc": {"type": RESIDENCE, "status": "required"},
        "properties": {"credentialSubject": {"properties": grade}},
    }
    scene.fed.tick()
    scene.fed.schema(scene.fed.root("cn"), SCHEMA, content)
    scene.fed.tick()
    scene.publish()
    return scene


def subject(scene, **claims):
    return {"id": scene.holder.did, "jurisdiction": "440100", "familyName": "王", **claims}


HIDDEN = {
    "value object": lambda s: {**s, "grade": {"@value": 9}},
    "list": lambda s: {**s, "grade": [9]},
    "list twice": lambda s: {**s, "grade": [9, 9]},
    "fraction": lambda s: {**s, "grade": 9.0},
    "subject in a list": lambda s: [s],
    "subject in two": lambda s: [
        {**{n: v for n, v in s.items() if n != "grade"}},
        {"id": s["id"], "jurisdiction": "440100", "grade": 9},
    ],
    "keyword": lambda s: {**s, "@nest": {"grade": 9}},
}


@pytest.mark.parametrize("hide", HIDDEN.values(), ids=HIDDEN)
def test_claim_spelled_past_its_schema(hide):
    scene = strict_scene()
    signed = scene.issue(
        suite=eddsa_rdfc_2022, at=scene.fed.now - 1, credentialSubject=subject(scene, grade=9)
    )
    assert codes(scene.check(scene.present(signed))) == ["schema_violated"]
    shown = {**signed, "credentialSubject": hide(subject(scene, grade=9))}
    report = scene.check(scene.present(shown))
    assert report.outcome is not Outcome.ACCEPTED
    assert "unsupported" in codes(report)
    assert "proof_valid" not in all_codes(report)


@pytest.mark.parametrize("member", ["@language", "@direction", "@index"])
@pytest.mark.parametrize("place", ["root", "credentialSubject", "credentialStatus", "proof"])
def test_member_that_nobody_signed(scene, member, place):
    signed = scene.issue(suite=eddsa_rdfc_2022)
    scene.publish()
    assert scene.check(scene.present(signed))
    shown = copy.deepcopy(signed)
    (shown if place == "root" else shown[place])[member] = "ltr"
    report = scene.check(scene.present(shown))
    assert codes(report) == ["unsupported"]


def test_order_of_a_set_decides_nothing(scene):
    """What a signature does not keep, no reader sees: another order is the same report."""
    entries = [status_entry(scene.agency), status_entry(scene.agency, index=7)]
    signed = scene.issue(suite=eddsa_rdfc_2022, credentialStatus=entries)
    scene.fed.status_list(scene.agency, revoked=[7])
    scene.publish()
    turned = {**signed, "credentialStatus": entries[::-1], "type": signed["type"][::-1]}
    first, second = (scene.check(scene.present(each)) for each in (signed, turned))
    assert first.checks == second.checks
    assert first.credentials == second.credentials


def rdfc_presentation(scene, **changes):
    """A presentation with an rdfc proof that expires a minute from now."""
    document = {
        "@context": [CREDENTIALS_V2],
        "type": ["VerifiablePresentation"],
        "holder": scene.holder.did,
        "verifiableCredential": [scene.credential],
        **changes,
    }
    now = timestamps.from_posix(scene.fed.now)
    until = timestamps.from_posix(scene.fed.now + 60)
    made = ProofOptions(
        scene.holder.method, "authentication", now, until, challenge=NONCE, domain=AUDIENCE
    )
    return proof_set.sign(document, scene.holder.key, made, eddsa_rdfc_2022)


def _by_pinned_context(shown):
    shown["@context"].append("https://w3id.org/security/v2")
    shown["proof"]["expiration"] = shown["proof"].pop("expires")


def _by_inline_context(shown):
    iri = "https://w3id.org/security#expiration"
    datatype = "http://www.w3.org/2001/XMLSchema#dateTime"
    shown["@context"].append({"until": {"@id": iri, "@type": datatype}})
    shown["proof"]["until"] = shown["proof"].pop("expires")


@pytest.mark.parametrize("rename", [_by_pinned_context, _by_inline_context])
def test_expiry_of_a_presentation_renamed(scene, rename):
    scene.publish()
    shown = rdfc_presentation(scene)
    assert scene.check(shown)
    assert codes(scene.check(shown, clock=scene.clock(3_600))) == ["holder_proof_invalid"]
    rename(shown)
    assert codes(scene.check(shown, clock=scene.clock(3_600))) == ["unsupported"]


def test_credential_hidden_in_its_presentation(scene):
    other = scene.issue(name="another")
    scene.publish()
    shown = rdfc_presentation(scene, verifiableCredential=[scene.credential, other])
    own = {
        "@id": "https://www.w3.org/2018/credentials#verifiableCredential",
        "@type": "@id",
        "@container": "@graph",
        "@context": None,
    }
    hidden = {
        **shown,
        "@context": [CREDENTIALS_V2, {"hidden": own}],
        "verifiableCredential": [scene.credential],
        "hidden": [other],
    }
    assert "unsupported" in codes(scene.check(hidden))


@pytest.mark.parametrize(
    "bent",
    [
        {"jurisdiction": "urn:x:jurisdiction"},
        {"validUntil": "urn:x:validUntil"},
        {"statusPurpose": "urn:x:p"},
        {"@vocab": "urn:x:"},
        {"z": {"@id": "urn:x:z", "@context": {"jurisdiction": "urn:x:j"}}},
        {"urn": "https://evil.example/"},
        {f"t{number}": f"urn:x:{number}" for number in range(MAX_INLINE_TERMS + 1)},
    ],
    ids=str,
)
def test_inline_context_bends_a_name_that_counters_read(scene, bent):
    """Under eddsa-jcs-2022 the issuer signs it, and the counter reads the name all the same."""
    scene.publish()
    added = scene.issue(**{"@context": [CREDENTIALS_V2, DIDSVC_1, {"testedOn": "urn:x:on"}]})
    assert scene.check(scene.present(added))
    document = scene.unsigned(**{"@context": [CREDENTIALS_V2, DIDSVC_1, bent]})
    report = scene.check(scene.present(scene.secure(document, scene.agency)))
    assert "unsupported" in codes(report)
    assert "proof_valid" not in all_codes(report)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("09-related-resource-wrong-digest", "resource_altered"),
        ("11-schema-digestsri-wrong", "resource_altered"),
    ],
)
def test_digest_of_another_resource(name, code):
    """Cases of the field: VCDM 2.0 §5.3 has a verifier compare what it uses."""
    scene = Scene()
    scene.publish()
    shown = strict_json.load_object((case(name) / "shown.json").read_bytes())
    theirs = shown["vp_token"]["q"][0]["verifiableCredential"][0]
    changes = {n: theirs[n] for n in ("relatedResource",) if n in theirs}
    if "digestSRI" in theirs["credentialSchema"]:
        changes["credentialSchema"] = theirs["credentialSchema"]
    credential = scene.issue(**changes)
    report = scene.check(scene.present(credential))
    assert codes(report) == [code]
    assert report.outcome is Outcome.REFUSED
    forged = {**credential, "name": "altered"}
    assert "resource_altered" not in codes(scene.check(scene.present(forged)))


def test_digest_by_an_unknown_function_is_undecided(scene):
    scene.publish()
    bound = {"id": SCHEMA, "type": "JsonSchema", "digestSRI": "md5-AAAA"}
    report = scene.check(scene.present(scene.issue(credentialSchema=bound)))
    assert codes(report) == ["unsupported"]


def test_number_of_others_is_no_forgery():
    """Case 50: signed as xsd:double 1.0E21, which not all implementations write alike."""
    file = case("50-rdfc-number-1e21") / "credential.json"
    report = Scene().check(data=file.read_bytes(), request=request(nonce=None, audience=None))
    assert "unsupported" in codes(report)
    assert "proof_invalid" not in codes(report)


# --- work ------------------------------------------------------------------------------------


def junk(name, size):
    """A member, and a context, that cost a processor much more than their size."""
    terms = {f"t{number}": f"urn:x:{number}" for number in range(size)}
    return {
        "a list": {"name": [f"n{number}" for number in range(size)]},
        "fractions": {"name": [number + 0.5 for number in range(size)]},
        "types": {"employer": {"type": [f"urn:x:{number}" for number in range(size)]}},
        "objects": {"employer": [{"name": f"n{number}"} for number in range(size)]},
        "one object in pieces": {
            "employer": [{"id": "urn:x:y", "name": f"n{number}"} for number in range(size)]
        },
        "contexts": {
            "employer": [{"@context": {"b": f"urn:x:{n}"}, "name": "x"} for n in range(size)]
        },
        "terms of a term": {
            "@context": [
                CREDENTIALS_V2,
                DIDSVC_1,
                {"z": {"@id": "urn:x:z", "@context": terms}},
            ],
            "z": [{"t1": "x"} for _ in range(size)],
        },
        "terms": {"@context": [CREDENTIALS_V2, DIDSVC_1, terms]},
    }[name]


SHAPES = (
    "a list",
    "fractions",
    "types",
    "objects",
    "one object in pieces",
    "contexts",
    "terms of a term",
    "terms",
)


@pytest.fixture
def counted(monkeypatch):
    """Counts of what costs: definitions and comparisons of PyLD, statements, graph work."""
    steps = {}

    def count(owner, name, *, static=False):
        inner = getattr(owner, name)

        def counting(*args, **options):
            steps[name] = steps.get(name, 0) + 1
            return inner(*args, **options)

        monkeypatch.setattr(owner, name, staticmethod(counting) if static else counting)

    count(jsonld._StrictProcessor, "_create_term_definition")
    count(jsonld._StrictProcessor, "_expand")
    count(jsonld.JsonLdProcessor, "compare_values", static=True)
    count(term_tables._Writer, "_object")
    count(rdfc._Canonicalization, "_spend")
    return steps


def unsigned_credential(scene, members):
    """Junk with eight proofs by a stranger, whose key anybody has."""
    stated = {name: value for name, value in members.items() if name != "@context"}
    document = scene.unsigned(credentialSubject=subject(scene, **stated))
    document["@context"] = members.get("@context", document["@context"])
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-rdfc-2022",
        "verificationMethod": scene.holder.method,
        "proofPurpose": "assertionMethod",
        "proofValue": scene.credential["proof"]["proofValue"],
    }
    return {**document, "proof": [proof] * 8}


@pytest.mark.parametrize("size", [100, 4_000])
@pytest.mark.parametrize("kind", ["credential", "presentation", "status list"])
@pytest.mark.parametrize("shape", SHAPES)
def test_json_ld_work_that_nobody_signed_is_bounded(scene, counted, shape, kind, size):
    scene.publish()
    made = junk(shape, size)
    if kind == "status list":
        shown = unsigned_credential(scene, made)
        with pytest.raises(DidServiceError):
            proof_set.verify_proofs(
                shown,
                lambda *_: scene.holder.key.public,
                proof_set.ProofDemand(
                    "assertionMethod",
                    frozenset(proof_set.SUITES),
                    timestamps.from_posix(scene.fed.now),
                    None,
                    None,
                ),
            )
    elif kind == "credential":
        shown = {"vp_token": {"q": [unsigned_credential(scene, made)] * 16}}
        report = scene.check(
            data=json.dumps(shown).encode(), request=request(nonce=None, audience=None)
        )
        assert report.outcome not in (Outcome.ACCEPTED, Outcome.DOCUMENT)
    else:
        shown = {**scene.present(), "termsOfUse": made, "@context": [CREDENTIALS_V2]}
        shown["proof"] = {**shown["proof"], "cryptosuite": "eddsa-rdfc-2022"}
        del shown["proof"]["@context"]
        assert scene.check(shown).outcome is not Outcome.ACCEPTED
    assert counted.get("_create_term_definition", 0) <= MAX_TERM_DEFINITIONS + 1
    assert counted.get("_expand", 0) <= 4 * MAX_STATED_VALUES
    assert counted.get("compare_values", 0) <= 262_144
    assert counted.get("_object", 0) <= 16 * MAX_RDF_QUADS


def test_types_that_cannot_be_read_are_expanded_once(scene, counted):
    """Seven steps ask for them, and a refusal was worked out again for each."""
    scene.publish()
    document = scene.unsigned(
        **{
            "@context": [CREDENTIALS_V2, "https://w3id.org/security/data-integrity/v2"],
            "type": ["VerifiableCredential", "Nothing"],
            "credentialSchema": [{"id": SCHEMA, "type": "JsonSchema"}] * 16,
        }
    )
    shown = scene.present(scene.secure(document, scene.agency))
    scene.check(shown)
    once = dict(counted)
    scene.check(shown)
    assert counted.get("_expand", 0) == once.get("_expand", 0)
    assert once["_expand"] <= 8
