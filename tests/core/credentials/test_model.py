"""What the data model takes and refuses (VCDM 2.0)."""

import contextlib

import pytest
from hypothesis import given

from did_service.core.credentials import contexts, vocabulary
from did_service.core.credentials.contexts import CREDENTIALS_V2, DIDSVC_1
from did_service.core.credentials.model import parse_credential, parse_presentation
from did_service.core.errors import DidServiceError
from tests.support import json_values

CREDENTIAL = {
    "@context": [CREDENTIALS_V2, DIDSVC_1],
    "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
    "type": ["VerifiableCredential", "ResidencePermit"],
    "issuer": "did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2",
    "validFrom": "2026-01-01T00:00:00Z",
    "credentialSubject": {"id": "did:example:holder", "familyName": "王"},
}
PRESENTATION = {
    "@context": [CREDENTIALS_V2],
    "type": "VerifiablePresentation",
    "holder": "did:example:holder",
    "verifiableCredential": CREDENTIAL,
}
SCHEMA = {"id": "urn:didsvc:schema:residence-permit:1", "type": "JsonSchema"}
DIGEST = "sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

REFUSED = {
    "context missing": {"@context": None},
    "context not v2 first": {"@context": [DIDSVC_1, CREDENTIALS_V2]},
    "context a number": {"@context": [CREDENTIALS_V2, 5]},
    "context with a space": {"@context": [CREDENTIALS_V2, "https://a b"]},
    "context unknown": {"@context": [CREDENTIALS_V2, "https://evil.example/v1"]},
    "id null": {"id": None},
    "id a list": {"id": ["urn:a"]},
    "id with a space": {"id": "urn:a b"},
    "id with a newline": {"id": "urn:a\n"},
    "id relative": {"id": "a/b"},
    "type missing": {"type": None},
    "type empty": {"type": []},
    "type without VerifiableCredential": {"type": ["ResidencePermit"]},
    "type repeated": {"type": ["VerifiableCredential", "VerifiableCredential"]},
    "type a number": {"type": ["VerifiableCredential", 1]},
    "subject null": {"credentialSubject": None},
    "subject empty": {"credentialSubject": {}},
    "no subjects": {"credentialSubject": []},
    "one empty subject": {"credentialSubject": [{"id": "urn:a"}, {}]},
    "subject a string": {"credentialSubject": "did:example:holder"},
    "subject id a list": {"credentialSubject": {"id": ["urn:a"], "familyName": "王"}},
    "issuer null": {"issuer": None},
    "issuer not a URL": {"issuer": "police"},
    "issuer id null": {"issuer": {"id": None}},
    "issuer without id": {"issuer": {"name": "x"}},
    "issuer a list": {"issuer": ["did:example:a"]},
    "validFrom a date": {"validFrom": "2026-01-01"},
    "validFrom without seconds": {"validFrom": "2026-01-01T00:00Z"},
    "validFrom a number": {"validFrom": 1},
    "validUntil before validFrom": {"validUntil": "2025-12-31T23:59:59Z"},
    "status without type": {"credentialStatus": {"id": "urn:a"}},
    "status id with space": {"credentialStatus": {"id": "urn:a b", "type": "X"}},
    "status type a number": {"credentialStatus": {"type": 1}},
    "terms without type": {"termsOfUse": {"id": "urn:a"}},
    "evidence without type": {"evidence": [{"id": "urn:a"}]},
    "refresh without type": {"refreshService": {"id": "urn:a"}},
    "refresh a string": {"refreshService": "urn:a"},
    "schema without type": {"credentialSchema": {"id": "urn:a"}},
    "schema without id": {"credentialSchema": {"type": "JsonSchema"}},
    "name with extra key": {"name": {"@value": "x", "url": "urn:a"}},
    "name without value": {"name": {"@language": "zh"}},
    "description a number": {"description": 7},
    "language a number": {"description": {"@value": "x", "@language": 7}},
    "language not a tag": {"description": {"@value": "x", "@language": "zh_CN"}},
    "direction unknown": {"description": {"@value": "x", "@direction": "up"}},
    "issuer name with extra key": {"issuer": {"id": "urn:a", "name": {"value": "x"}}},
    "related resource a string": {"relatedResource": ["urn:a"]},
    "related resource without id": {"relatedResource": {"digestSRI": DIGEST}},
    "related resource without digest": {"relatedResource": {"id": "urn:a"}},
    "related resource twice": {"relatedResource": [{"id": "urn:a", "digestSRI": DIGEST}] * 2},
    "proof null": {"proof": None},
    "proof empty": {"proof": []},
    "proof id not a URL": {"proof": {"id": "first"}},
    "proof a string": {"proof": "z…"},
}

ACCEPTED = {
    "issuer object with language objects": {
        "issuer": {"id": "did:example:a", "name": [{"@value": "局", "@language": "zh"}]}
    },
    "names in two languages": {
        "name": [{"@value": "证", "@language": "zh"}, {"@value": "permit", "@direction": "ltr"}]
    },
    "many types": {"type": ["VerifiableCredential", "ResidencePermit", "https://a.example/T"]},
    "inline context": {"@context": [CREDENTIALS_V2, {"T": "urn:example:T"}]},
    "milliseconds and offset": {"validFrom": "2026-01-01T08:00:00.123+08:00"},
    "already expired": {"validUntil": "2026-01-01T00:00:00Z"},
    "no validity at all": {"validFrom": "2026-01-01T00:00:00Z"},
    "several subjects": {"credentialSubject": [{"familyName": "王"}, {"familyName": "李"}]},
    "unknown status type": {"credentialStatus": {"type": "MyStatus"}},
    "two statuses": {"credentialStatus": [{"type": "A"}, {"type": ["B", "C"]}]},
    "schema": {"credentialSchema": [SCHEMA]},
    "unknown terms": {"termsOfUse": {"type": "MyTerms", "x": [1]}},
    "related resource": {"relatedResource": {"id": "https://a.example/", "digestSRI": DIGEST}},
}


@pytest.mark.parametrize("change", [pytest.param(v, id=k) for k, v in REFUSED.items()])
def test_credential_is_refused(change):
    with pytest.raises(DidServiceError):
        parse_credential({**CREDENTIAL, **change})


@pytest.mark.parametrize("change", [pytest.param(v, id=k) for k, v in ACCEPTED.items()])
def test_credential_is_accepted_and_comes_back_unchanged(change):
    document = {**CREDENTIAL, **change}
    assert parse_credential(document).raw == document


@pytest.mark.parametrize("name", ["@context", "type", "issuer", "credentialSubject"])
def test_required_member_may_not_be_missing(name):
    with pytest.raises(DidServiceError):
        parse_credential({k: v for k, v in CREDENTIAL.items() if k != name})


@pytest.mark.parametrize("value", ["{}", [], 1, None])
def test_credential_is_an_object(value):
    with pytest.raises(DidServiceError):
        parse_credential(value)


def test_parsed_credential_names_what_others_ask_for():
    document = {**CREDENTIAL, "credentialSchema": SCHEMA, "credentialStatus": {"type": "A"}}
    credential = parse_credential(document)
    assert credential.issuer == CREDENTIAL["issuer"]
    assert credential.types == ("VerifiableCredential", "ResidencePermit")
    assert credential.schemas == (SCHEMA,)
    assert credential.statuses == ({"type": "A"},)
    assert str(credential.valid_from) == "2026-01-01T00:00:00Z"
    assert credential.valid_until is None


def test_issuer_object_gives_its_id():
    assert parse_credential({**CREDENTIAL, "issuer": {"id": "urn:a"}}).issuer == "urn:a"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"type": "VerifiableCredential"}, "member_invalid"),
        ({"holder": "me"}, "member_invalid"),
        ({"holder": None}, "member_invalid"),
        ({"verifiableCredential": "eyJ…"}, "credential_unsupported"),
        ({"verifiableCredential": [CREDENTIAL] * 17}, "too_large"),
        (
            {"verifiableCredential": {"type": "EnvelopedVerifiableCredential"}},
            "credential_enveloped",
        ),
        ({"verifiableCredential": {**CREDENTIAL, "issuer": None}}, "member_invalid"),
    ],
)
def test_presentation_is_refused(change, code):
    with pytest.raises(DidServiceError) as refused:
        parse_presentation({**PRESENTATION, **change})
    assert refused.value.code in {code, "json_type"}


@pytest.mark.parametrize("holder", ["did:example:holder", {"id": "did:example:holder"}])
def test_presentation_names_its_holder(holder):
    presentation = parse_presentation({**PRESENTATION, "holder": holder})
    assert presentation.holder == "did:example:holder"
    assert [c.raw for c in presentation.credentials] == [CREDENTIAL]


def test_presentation_without_holder_or_credentials_is_one():
    bare = {"@context": [CREDENTIALS_V2], "type": "VerifiablePresentation"}
    assert parse_presentation(bare).holder is None
    assert parse_presentation(bare).credentials == ()


def test_a_caller_s_own_context_is_taken_beside_ours_and_nowhere_else():
    url = "https://library.example/ns/v1"
    load = contexts.beside({url: {"@context": {"shelf": "https://library.example/ns#shelf"}}})
    own = {
        **CREDENTIAL,
        "@context": [*CREDENTIAL["@context"], url],
        "credentialSubject": {"shelf": "QA 76"},
    }
    vocabulary.check_terms(own, load)
    assert parse_credential(own, load).raw == own
    shown = {**PRESENTATION, "verifiableCredential": own}
    assert parse_presentation(shown, load).credentials[0].raw == own
    for refused in (
        lambda: parse_credential(own),
        lambda: parse_presentation(shown),
        lambda: parse_credential({**own, "@context": [CREDENTIALS_V2, f"{url}x"]}, load),
        lambda: vocabulary.check_terms(own),
    ):
        with pytest.raises(DidServiceError) as error:
            refused()
        assert error.value.code == "context_unknown"


@pytest.mark.parametrize("url", [CREDENTIALS_V2, DIDSVC_1, contexts.CREDENTIALS_V1])
def test_no_caller_gives_a_context_of_ours_another_meaning(url):
    with pytest.raises(DidServiceError) as refused:
        contexts.beside({url: {"@context": {}}})
    assert refused.value.code == "context_taken"


@given(json_values.values_with_fractions)
def test_any_value_is_a_document_or_refused(value):
    for parse in (parse_credential, parse_presentation):
        with pytest.raises(DidServiceError):
            parse(value)


@given(json_values.values_with_fractions)
def test_any_value_in_place_of_a_member_is_taken_or_refused(value):
    for name in (*CREDENTIAL, "proof", "credentialStatus", "name", "relatedResource"):
        with contextlib.suppress(DidServiceError):
            assert parse_credential({**CREDENTIAL, name: value}).raw[name] == value
