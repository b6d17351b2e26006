"""The published schemas: valid themselves, and true to their examples.

An example under `valid/` or `invalid/` is named after its schema and, after a dot, after what
is special about it; an invalid one breaks one rule, which stands here.
"""

from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from did_service.core.anchor.bodies.authority import parse_authority
from did_service.core.anchor.bodies.policy import parse_policy
from did_service.core.anchor.entry import parse_entry, parse_submission
from did_service.core.credentials import contexts, schema_check, vocabulary
from did_service.core.credentials.model import parse_credential
from did_service.core.crypto.ed25519 import SEED_BYTES
from did_service.core.crypto.key_file import parse_key_file
from did_service.core.crypto.keyring import parse_keyring
from did_service.core.crypto.sealed import TAG_BYTES
from did_service.core.encoding import b64, jcs, strict_json
from did_service.core.errors import DidServiceError
from did_service.core.evidence.sets import parse_evidence
from did_service.core.limits import NONCE_LIFETIME_SECONDS
from did_service.core.openid.request_object import parse_request_object
from did_service.core.verification.presented import parse_presented
from did_service.node.federation.approvals import parse_approvals
from did_service.node.federation.draft import parse_draft_file
from did_service.node.federation.member import parse_member
from did_service.node.federation.region_folder import encode_member
from did_service.node.federation.signatures import merged, missing, parse_signatures
from did_service.node.federation.witness_part import parse_witness_part
from did_service.node.offices.grant import parse_grant
from did_service.node.offices.request import parse_request
from tests.support.json_values import changed_value

SCHEMAS = Path(str(resources.files("did_service"))) / "schemas"
TYPES = sorted((SCHEMAS / "credential-types").glob("*.json"))
OBJECTS = sorted(SCHEMAS.glob("*.json"))
VALID = sorted((SCHEMAS / "examples" / "valid").glob("*.json"))
INVALID = sorted((SCHEMAS / "examples" / "invalid").glob("*.json"))

SUBJECT = "/credentialSubject"
BROKEN = {
    "agency-grant.index-negative": ("/index", "minimum"),
    "agency-grant.mirrors-missing": ("", "required"),
    "agency-request.no-did": ("/did_log", "minItems"),
    "agency-request.territory-two-digits": ("/territory/0", "pattern"),
    "authority.no-roles": ("/roles", "minItems"),
    "authority.proof-missing": ("", "required"),
    "authority.role-unknown": ("/roles/0", "enum"),
    "authority.since-while-active": ("/since", "type"),
    "authority.territory-two-digits": ("/territory/0", "pattern"),
    "bench-output.row-without-value": ("/results/0", "oneOf"),
    "business-licence.capital-negative": (f"{SUBJECT}/registeredCapital/amount", "minimum"),
    "business-licence.credit-code-letter-o": (f"{SUBJECT}/creditCode", "pattern"),
    "business-licence.schema-without-id": ("/credentialSchema", "required"),
    "business-licence.type-missing": ("/type", "contains"),
    "demo-output.scene-without-outcome": ("/scenes/0", "required"),
    "disability-card.card-number-check-digit": (f"{SUBJECT}/cardNumber", "format"),
    "disability-card.card-number-short": (f"{SUBJECT}/cardNumber", "format"),
    "disability-card.grade-out-of-range": (f"{SUBJECT}/grade", "maximum"),
    "disability-card.status-without-type": ("/credentialStatus", "anyOf"),
    "education.date-not-in-calendar": (f"{SUBJECT}/graduatedOn", "format"),
    "education.issuer-null": ("/issuer", "type"),
    "education.level-unknown": (f"{SUBJECT}/educationLevel", "enum"),
    "entry.didweb-of-another-method": ("/s", "pattern"),
    "entry.digest-missing": ("", "required"),
    "entry.hash-not-canonical": ("/d", "pattern"),
    "entry.join-without-x": ("/b", "required"),
    "entry.member-unknown": ("", "additionalProperties"),
    "entry.previous-at-first": ("", "false"),
    "entry.previous-missing": ("", "required"),
    "entry.status-list-short": ("/b/bits", "minimum"),
    "entry.type-unknown": ("/t", "enum"),
    "entry.version-unknown": ("/v", "const"),
    "entry.void-without-reason": ("/b", "required"),
    "envelope.error-with-ok": ("", "oneOf"),
    "envelope.next-missing": ("/error", "anyOf"),
    "envelope.warning-without-code": ("/warnings/0", "required"),
    "evidence.log-name": ("/items/0/log", "pattern"),
    "evidence.path-hash-short": ("/items/0/path/0", "pattern"),
    "evidence.record-length": ("/items/0/head/record", "pattern"),
    "key-file.kdf-too-costly": ("/kdf/passes", "maximum"),
    "key-file.seed-in-clear": ("", "additionalProperties"),
    "keyring.role-unknown": ("/keys/0/role", "enum"),
    "keyring.seed-in-clear": ("/keys/0", "additionalProperties"),
    "member-file.key-not-ed25519": ("/native", "pattern"),
    "member-file.no-hosts": ("/hosts", "minItems"),
    "member-file.three-keys-of-a-log": ("/logs/gd.example~1reg", "maxItems"),
    "policy-draft.computed-regions": ("", "additionalProperties"),
    "policy-draft.two-members": ("/members", "minItems"),
    "witness-approvals.no-region": ("", "required"),
    "witness-file.key-not-ed25519": ("/native", "pattern"),
    "policy-signatures.digest-short": ("/policy", "pattern"),
    "policy-signatures.no-approvals": ("/signatures/0", "required"),
    "policy.expires-not-utc": ("/expires", "pattern"),
    "policy.format-unknown": ("/format", "const"),
    "policy.governance-key-not-ed25519": ("/governance/keys/0", "pattern"),
    "policy.previous-missing-in-second": ("/previous", "type"),
    "presentation-file.no-credential": ("/vp_token/q/0/verifiableCredential", "minItems"),
    "presentation-file.no-queries": ("/vp_token", "minProperties"),
    "presentation-file.staple-format": ("/staple/format", "const"),
    "presentation-file.state-empty": ("/state", "minLength"),
    "report.meaning-in-one-language": ("/verdict/meaning", "required"),
    "report.outcome-unknown": ("/outcome", "enum"),
    "report.step-out-of-range": ("/checks/0/step", "maximum"),
    "request-object.answer-elsewhere": ("", "false"),
    "request-object.both-queries": ("", "oneOf"),
    "request-object.mode-online": ("/response_mode", "const"),
    "request-object.name-promises-proof": ("/client_id", "not"),
    "request-object.nonce-short": ("/nonce", "pattern"),
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
    "residence-permit.name-empty": (f"{SUBJECT}/givenName", "minLength"),
    "residence-permit.newline-after-permit-number": (f"{SUBJECT}/permitNumber", "pattern"),
    "residence-permit.no-name": (SUBJECT, "anyOf"),
    "service-item.no-materials": ("/materials", "minItems"),
    "service-item.tier-unknown": ("/tier", "enum"),
    "social-insurance.months-as-text": (f"{SUBJECT}/insurances/0/months", "type"),
    "social-insurance.no-insurances": (f"{SUBJECT}/insurances", "minItems"),
    "social-insurance.proof-empty": ("/proof", "minItems"),
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
    schema_check.check_to_publish(schema)
    assert schema["$id"] == f"urn:didsvc:schema:{path.stem}:1"
    assert schema["title"]


@pytest.mark.parametrize("path", named(VALID))
def test_valid_example_passes(path):
    assert schema_check.check_to_issue(schema_of(path), read(path)) == ()


@pytest.mark.parametrize("path", named(INVALID))
def test_invalid_example_fails_for_the_reason_in_its_name(path):
    found = schema_check.check_to_issue(schema_of(path), read(path))
    assert [(violation.path, violation.keyword) for violation in found] == [BROKEN[path.stem]]


def test_every_schema_has_both_kinds_of_example():
    stems = {path.stem for path in OBJECTS + TYPES}
    assert {path.name.split(".")[0] for path in VALID} == stems
    assert {path.name.split(".")[0] for path in INVALID} == stems
    assert {path.stem for path in INVALID} == BROKEN.keys()


def parse_placed(value):
    """An entry as the log holds it, or as its submitter sends it."""
    return parse_entry(jcs.encode(value)) if "a" in value else parse_submission(value)


PARSERS = {
    "authority": parse_authority,
    "entry": parse_placed,
    "evidence": parse_evidence,
    "key-file": lambda value: parse_key_file(jcs.encode(value)),
    "keyring": lambda value: parse_keyring(jcs.encode(value), value["format"]),
    "policy": parse_policy,
    "presentation-file": lambda value: parse_presented(jcs.encode(value)),
    "request-object": lambda value: parse_request_object(jcs.encode(value)),
    **{path.stem: parse_credential for path in TYPES},
}
PARSED = [path for path in VALID if path.name.split(".")[0] in PARSERS]
# Files that people carry: their parsers check signatures, so that what fits is not all taken.
REQUESTED = datetime(2026, 12, 1, tzinfo=UTC)
CARRIED = {
    "agency-grant": lambda data: parse_grant(data).encode(),
    "agency-request": lambda data: parse_request(data, REQUESTED).encode(),
    "member-file": lambda data: encode_member(parse_member(strict_json.load_object(data))),
    "policy-draft": lambda data: parse_draft_file(data).encode(),
    "policy-signatures": lambda data: parse_signatures(data).encode(),
    "witness-approvals": lambda data: parse_approvals(data).encode(),
    "witness-file": lambda data: parse_witness_part(data).encode(),
}
# Schemas whose parts have schemas of their own, and where those parts stand.
PARTS = {
    "evidence": lambda value: (("entry", item["entry"]) for item in value["items"]),
    "presentation-file": lambda value: (
        ("residence-permit", credential)
        for presentation in value["vp_token"]["q"]
        for credential in presentation["verifiableCredential"]
    ),
}


def fits(name, value):
    """Whether a value fits its schema, and its parts theirs."""
    (path,) = (path for path in OBJECTS + TYPES if path.stem == name)
    if schema_check.check_to_issue(read(path), value):
        return False
    return all(fits(*part) for part in PARTS.get(name, lambda _: ())(value))


def in_order(name, value):
    """Whether an end follows its beginning, a name shows, all keys are there: no schema can."""
    if name == "request-object":
        lasts = value["exp"] - value["iat"]
        return 0 < lasts <= NONCE_LIFETIME_SECONDS and value["client_id"].isprintable()
    if name == "keyring":
        return (
            len(b64.decode_url(value["sealed"])) == len(value["keys"]) * SEED_BYTES + TAG_BYTES
        )
    return name != "authority" or value["from"] < value["until"]


@pytest.mark.parametrize("path", named(PARSED))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_a_schema_takes_the_parser_takes(path, data):
    name = path.name.split(".")[0]
    value = data.draw(changed_value(read(path)))
    if isinstance(value, dict) and fits(name, value) and in_order(name, value):
        PARSERS[name](value)


@pytest.mark.parametrize("path", named(PARSED))
def test_valid_example_is_read_by_the_parser(path):
    assert PARSERS[path.name.split(".")[0]](read(path))


@pytest.mark.parametrize("name", CARRIED)
def test_a_carried_example_is_read_and_written_as_it_was(name):
    value = read(SCHEMAS / "examples" / "valid" / f"{name}.json")
    assert CARRIED[name](jcs.encode(value)) == jcs.encode(value) + b"\n"


@pytest.mark.parametrize(
    "path", named(path for path in INVALID if path.name.split(".")[0] in CARRIED)
)
def test_a_carried_example_that_fits_no_schema_is_refused_by_its_parser(path):
    with pytest.raises(DidServiceError):
        CARRIED[path.name.split(".")[0]](jcs.encode(read(path)))


def test_the_carried_signatures_stand_below_the_carried_draft():
    draft, signed = (
        parse((SCHEMAS / "examples" / "valid" / f"{name}.json").read_bytes())
        for parse, name in (
            (parse_draft_file, "policy-draft"),
            (parse_signatures, "policy-signatures"),
        )
    )
    assert missing(draft, merged(draft, [signed])) == ("cn", "hn", "sc")
    assert draft.region("gd").members == read(SCHEMAS / "examples/valid/member-file.json")


def test_only_what_no_program_of_ours_reads_has_no_parser():
    unread = {"bench-output", "demo-output", "envelope", "report", "service-item"}
    assert {path.stem for path in OBJECTS + TYPES} - PARSERS.keys() - CARRIED.keys() == unread


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
