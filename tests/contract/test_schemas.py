"""The published schemas: valid themselves, and true to their examples.

An example under `valid/` or `invalid/` is named after its schema and, after a dot, after what
is special about it; an invalid one breaks one rule, which stands here.
"""

import json
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from did_service.core.anchor.authority import parse_authority
from did_service.core.anchor.entry import parse_sequenced
from did_service.core.anchor.policy import parse_policy
from did_service.core.credentials import contexts, schema_check, vocabulary
from did_service.core.credentials.model import parse_credential, parse_presentation
from did_service.core.crypto.key_file import parse_key_file
from did_service.core.encoding import strict_json

SCHEMAS = Path(str(resources.files("did_service"))) / "schemas"
TYPES = sorted((SCHEMAS / "credential-types").glob("*.json"))
OBJECTS = sorted(SCHEMAS.glob("*.json"))
VALID = sorted((SCHEMAS / "examples" / "valid").glob("*.json"))
INVALID = sorted((SCHEMAS / "examples" / "invalid").glob("*.json"))

SUBJECT = "/credentialSubject"
BROKEN = {
    "authority.proof-missing": ("", "required"),
    "authority.role-unknown": ("/roles/0", "enum"),
    "authority.territory-two-digits": ("/territory/0", "pattern"),
    "bench-output.row-without-value": ("/results/0", "oneOf"),
    "business-licence.capital-negative": (f"{SUBJECT}/registeredCapital/amount", "minimum"),
    "business-licence.credit-code-letter-o": (f"{SUBJECT}/creditCode", "pattern"),
    "business-licence.type-missing": ("/type", "contains"),
    "demo-output.scene-without-outcome": ("/scenes/0", "required"),
    "disability-card.card-number-short": (f"{SUBJECT}/cardNumber", "pattern"),
    "disability-card.grade-out-of-range": (f"{SUBJECT}/grade", "maximum"),
    "education.date-not-in-calendar": (f"{SUBJECT}/graduatedOn", "format"),
    "education.level-unknown": (f"{SUBJECT}/educationLevel", "enum"),
    "entry.digest-missing": ("", "required"),
    "entry.hash-not-canonical": ("/d", "pattern"),
    "entry.member-unknown": ("", "additionalProperties"),
    "entry.previous-at-first": ("", "false"),
    "entry.previous-missing": ("", "required"),
    "entry.status-list-short": ("/b/bits", "minimum"),
    "entry.type-unknown": ("/t", "enum"),
    "entry.version-unknown": ("/v", "const"),
    "evidence.log-name": ("/items/0/log", "pattern"),
    "evidence.path-hash-short": ("/items/0/path/0", "pattern"),
    "evidence.record-length": ("/items/0/head/record", "pattern"),
    "key-file.kdf-too-costly": ("/kdf/passes", "maximum"),
    "key-file.seed-in-clear": ("", "additionalProperties"),
    "policy.expires-not-utc": ("/expires", "pattern"),
    "policy.format-unknown": ("/format", "const"),
    "policy.governance-key-not-ed25519": ("/governance/keys/0", "pattern"),
    "policy.previous-missing-in-second": ("/previous", "type"),
    "presentation-file.no-queries": ("/vp_token", "minProperties"),
    "presentation-file.staple-format": ("/staple/format", "const"),
    "report.message-in-one-language": ("/checks/0/message", "required"),
    "report.outcome-unknown": ("/outcome", "enum"),
    "report.step-out-of-range": ("/checks/0/step", "maximum"),
    "residence-permit.address-without-region": (f"{SUBJECT}/residence", "required"),
    "residence-permit.citizen-number-birth-date": (f"{SUBJECT}/citizenNumber", "format"),
    "residence-permit.citizen-number-check-digit": (f"{SUBJECT}/citizenNumber", "format"),
    "residence-permit.claim-unknown": (SUBJECT, "additionalProperties"),
    "residence-permit.context-added": ("/@context", "const"),
    "residence-permit.jurisdiction-missing": (SUBJECT, "required"),
    "residence-permit.licence-identifier-check-character": (
        f"{SUBJECT}/licenceIdentifier",
        "format",
    ),
    "residence-permit.newline-after-permit-number": (f"{SUBJECT}/permitNumber", "pattern"),
    "service-item.no-materials": ("/materials", "minItems"),
    "service-item.tier-unknown": ("/tier", "enum"),
    "social-insurance.months-as-text": (f"{SUBJECT}/insurances/0/months", "type"),
    "social-insurance.no-insurances": (f"{SUBJECT}/insurances", "minItems"),
}


def read(path):
    return strict_json.load_object(path.read_bytes(), numbers=strict_json.Numbers.FINITE)


def schema_of(example):
    name = example.name.split(".")[0]
    paths = [path for path in OBJECTS + TYPES if path.stem == name]
    assert len(paths) == 1, f"{example.name} belongs to no schema"
    return read(paths[0])


def named(paths):
    return [pytest.param(path, id=path.stem) for path in paths]


@pytest.mark.parametrize("path", named(OBJECTS + TYPES))
def test_schema_is_valid_named_and_titled(path):
    schema = read(path)
    schema_check.check_schema(schema)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:didsvc:schema:{path.stem}:1"
    assert schema["title"]


@pytest.mark.parametrize("path", named(VALID))
def test_valid_example_passes(path):
    assert schema_check.check(schema_of(path), read(path)) == ()


@pytest.mark.parametrize("path", named(INVALID))
def test_invalid_example_fails_for_the_reason_in_its_name(path):
    found = schema_check.check(schema_of(path), read(path))
    assert [(violation.path, violation.keyword) for violation in found] == [BROKEN[path.stem]]


def test_every_schema_has_both_kinds_of_example():
    stems = {path.stem for path in OBJECTS + TYPES}
    assert {path.name.split(".")[0] for path in VALID} == stems
    assert {path.name.split(".")[0] for path in INVALID} == stems
    assert {path.stem for path in INVALID} == BROKEN.keys()


def test_examples_are_read_by_the_parsers_as_well():
    parsers = {
        "authority": parse_authority,
        "entry": parse_sequenced,
        "policy": parse_policy,
        "key-file": lambda value: parse_key_file(json.dumps(value).encode()),
        "presentation-file": lambda value: parse_presentation(value["vp_token"]["q"][0]),
        **{path.stem: parse_credential for path in TYPES},
    }
    read_by_code = [path for path in VALID if path.name.split(".")[0] in parsers]
    assert len(read_by_code) >= 17
    for path in read_by_code:
        assert parsers[path.name.split(".")[0]](read(path))


@pytest.mark.parametrize("path", named(TYPES))
def test_credential_type_is_a_class_of_the_context(path):
    described = read(path)["x-didsvc"]
    example = parse_credential(read(SCHEMAS / "examples" / "valid" / path.name))
    assert described["type"] == f"urn:didsvc:{path.stem}:1"
    assert described["class"] in example.types
    assert described["type"] in vocabulary.type_iris(example)


def claims(schema):
    """Names of all members that a subject may have, nested ones too."""
    if isinstance(schema, list):
        return set().union(*map(claims, schema)) if schema else set()
    if not isinstance(schema, dict):
        return set()
    own = set(schema.get("properties", ()))
    return own.union(*(claims(member) for member in schema.values()))


def test_context_defines_every_claim_and_no_other():
    terms = contexts.load(contexts.DIDSVC_1)["@context"]
    defined = {name for name in terms if name[0].islower()} - {"id", "type"}
    claimed = set().union(*(claims(read(path)["$defs"]["subject"]) for path in TYPES))
    assert claimed - {"id", "name"} == defined


@pytest.mark.parametrize("path", named(TYPES))
def test_every_claim_has_a_chinese_title_and_a_jurisdiction_stands_among_them(path):
    subject = read(path)["$defs"]["subject"]
    assert "jurisdiction" in subject["required"]
    for name, claim in subject["properties"].items():
        assert any("\u4e00" <= character <= "\u9fff" for character in claim["title"]), name


def test_wrong_check_character_of_a_credit_code_is_a_warning():
    path = SCHEMAS / "examples" / "valid" / "business-licence.json"
    schema, licence = schema_of(path), read(path)
    assert schema_check.warn(schema, licence) == ()
    licence["credentialSubject"]["creditCode"] = "91350100M000100Y44"
    assert schema_check.check(schema, licence) == ()
    (warning,) = schema_check.warn(schema, licence)
    assert (warning.path, warning.keyword) == ("/credentialSubject/creditCode", "format")
    assert "position 18 must be 3" in warning.message
