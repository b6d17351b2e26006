"""JSON Schema: bounded, local, linear, and explained without personal data."""

import json

import pytest
from hypothesis import given

from did_service.core.credentials import schema_check, schema_reasons
from did_service.core.credentials.schema_rules import UNEXPLAINED
from did_service.core.encoding.json_schema import DIALECT
from did_service.core.errors import DidServiceError, UnsupportedError
from tests.support import json_values

DRAFT = {"$schema": DIALECT}
PERSON = {
    **DRAFT,
    "type": "object",
    "required": ["number"],
    "properties": {
        "number": {"type": "string", "format": "citizen-number"},
        "born": {"format": "date"},
        "at": {"format": "date-time"},
        "home": {"format": "uri"},
        "did": {"format": "did"},
        "region": {"type": "string", "pattern": "^[0-9]{6}$"},
        "grade": {"enum": [1, 2]},
        "a/b~c": {"type": "integer"},
        "mail": {"format": "email"},
    },
    "additionalProperties": False,
}
NUMBER = "11010519491231002X"


def broken(**members):
    found = schema_check.check_to_issue(PERSON, {"number": NUMBER, **members})
    return [(violation.path, violation.keyword) for violation in found]


def test_fitting_instance_has_no_violations():
    assert (
        broken(born="2026-02-28", at="2026-02-28T00:00:00Z", home="urn:a", did="did:a:b") == []
    )


@pytest.mark.parametrize(
    ("members", "where"),
    [
        ({"number": NUMBER[:-1] + "1"}, ("/number", "format")),
        ({"born": "2026-02-30"}, ("/born", "format")),
        ({"born": "2026-02-28T00:00:00Z"}, ("/born", "format")),
        ({"at": "2026-02-28"}, ("/at", "format")),
        ({"home": "a b"}, ("/home", "format")),
        ({"did": "did:a:b#c"}, ("/did", "format")),
        ({"region": "440100\n"}, ("/region", "pattern")),
        ({"region": "४४०१००"}, ("/region", "pattern")),
        ({"grade": 3}, ("/grade", "enum")),
        ({"grade": True}, ("/grade", "enum")),
        ({"a/b~c": "x"}, ("/a~1b~0c", "type")),
        ({"extra": 1}, ("", "additionalProperties")),
    ],
)
def test_violation_names_place_and_rule(members, where):
    assert broken(**members) == [where]


def test_formats_judge_text_alone():
    assert broken(born=5) == []


def test_reasons_name_members_and_rules_but_never_values():
    person = {"number": "110105194912310021", "born": "1949-13-31"}
    found = schema_check.check_to_issue(PERSON, person)
    reasons = " ".join(violation.message for violation in found)
    assert "position 18 must be X" in reasons
    assert "1949" not in reasons
    (missing,) = schema_check.check(PERSON, {})
    assert "number" in missing.message


def test_format_is_an_annotation_to_whoever_verifies():
    person = {"number": "no number", "born": "2026-02-30", "mail": "no address"}
    assert schema_check.check(PERSON, person) == ()


def test_format_that_is_not_ours_is_an_annotation_to_the_issuer_too():
    assert broken(mail="no address") == []


def test_refusal_that_jsonschema_cannot_explain_is_still_a_refusal(monkeypatch):
    def falls_over(*_):
        raise RecursionError

    monkeypatch.setattr(schema_reasons, "_validator", falls_over)
    assert schema_check.check(PERSON, {}) == (UNEXPLAINED,)
    monkeypatch.setattr(schema_reasons, "_validator", lambda *_: _Approves())
    assert schema_check.check(PERSON, {}) == (UNEXPLAINED,)
    assert schema_check.check_to_issue(PERSON, {}) == (UNEXPLAINED,)


class _Approves:
    def iter_errors(self, _):
        return iter(())


def test_credential_is_not_issued_where_an_engine_falls_over(monkeypatch):
    def falls_over(*_):
        raise RecursionError

    monkeypatch.setattr(schema_reasons, "_validator", falls_over)
    with pytest.raises(UnsupportedError) as refused:
        schema_check.check_to_issue(PERSON, {"number": NUMBER})
    assert refused.value.code == "schema_fault"


def test_reasons_are_few():
    schema = {**DRAFT, "items": {"type": "string"}}
    assert len(schema_check.check_to_issue(schema, list(range(1_000)))) == 20


def test_costly_refusal_names_no_member():
    schema = {**DRAFT, "items": {"type": "string"}}
    assert schema_check.check(schema, list(range(1_000))) == (UNEXPLAINED,)


@pytest.mark.parametrize(
    ("schema", "code"),
    [
        ({}, "schema_unsupported"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "schema_unsupported"),
        ({**DRAFT, "$ref": "https://evil.example/s"}, "schema_unsupported"),
        ({**DRAFT, "items": {"$ref": "urn:x"}}, "schema_unsupported"),
        ({**DRAFT, "items": [{"$ref": "urn:x"}]}, "schema_invalid"),
        ({**DRAFT, "patternProperties": {"(a+)+$": {}}}, "schema_unsupported"),
        ({**DRAFT, "type": "nothing"}, "schema_invalid"),
        ({**DRAFT, "pattern": "("}, "schema_invalid"),
        ({**DRAFT, "pattern": "(?=a)"}, "schema_unsupported"),
        ({**DRAFT, "$ref": "#/$defs/none"}, "schema_invalid"),
        ({**DRAFT, "title": "x" * 50_000}, "too_large"),
    ],
)
def test_schema_is_refused(schema, code):
    with pytest.raises(DidServiceError) as refused:
        schema_check.check_schema(schema)
    assert refused.value.code == code


def test_local_references_work():
    schema = {**DRAFT, "$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}}
    assert schema_check.check(schema, 1) == ()
    assert schema_check.check(schema, "1")


@given(json_values.values)
def test_both_engines_agree_on_any_instance(value):
    explain = schema_reasons._validator(PERSON, {})
    assert (schema_check.check(PERSON, value) == ()) == explain.is_valid(value)


def test_schema_is_read_from_its_text_once():
    text = json.dumps(PERSON)
    assert schema_check.parse_schema(text) is schema_check.parse_schema(text)
    assert schema_check.parse_schema(text).raw == PERSON
