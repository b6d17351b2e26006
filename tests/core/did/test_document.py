"""DID documents: which key may do what, and which documents are refused."""

import pytest
from hypothesis import given

from did_service.core.crypto import jwk
from did_service.core.did.document import (
    CONTEXT_CID_V1,
    CONTEXT_V1,
    CONTEXT_V1_1,
    Relationship,
    document_with_keys,
    parse_document,
)
from did_service.core.encoding.multiformats import ED25519_PUBLIC, multibase_encode
from did_service.core.errors import (
    DidServiceError,
    LimitError,
    MalformedError,
    ProofError,
    UnsupportedError,
)
from tests.support import json_values
from tests.support.dids import key, multikey_of

DID = "did:example:1"
ALICE = key("alice").public
SHORT = multibase_encode(ED25519_PUBLIC + ALICE[:31])


def method(fragment="k", **changes):
    made = {
        "id": f"{DID}#{fragment}",
        "type": "Multikey",
        "controller": DID,
        "publicKeyMultibase": multikey_of("alice"),
    }
    return {name: value for name, value in (made | changes).items() if value is not None}


def document(**members):
    return {"@context": [CONTEXT_V1], "id": DID} | members


def refused(**members):
    with pytest.raises(MalformedError) as caught:
        parse_document(document(**members), DID)
    return caught.value.code


def test_a_written_document_lists_its_keys_for_authentication_and_assertion():
    parsed = parse_document(document_with_keys(DID, {"key-1": ALICE}), DID)
    assert parsed.public_key(f"{DID}#key-1", Relationship.AUTHENTICATION) == ALICE
    assert parsed.public_key(f"{DID}#key-1", Relationship.ASSERTION_METHOD) == ALICE
    with pytest.raises(ProofError) as missing:
        parsed.public_key(f"{DID}#key-1", Relationship.KEY_AGREEMENT)
    assert missing.value.code == "key_not_listed"


@pytest.mark.parametrize(
    "key_members",
    [
        {"type": "Multikey"},
        {"type": "Ed25519VerificationKey2020"},
        {"type": "JsonWebKey", "publicKeyMultibase": None, "publicKeyJwk": True},
        {"type": "JsonWebKey2020", "publicKeyMultibase": None, "publicKeyJwk": True},
    ],
)
def test_ed25519_is_read_in_every_usual_dress(key_members):
    if "publicKeyJwk" in key_members:
        key_members = key_members | {"publicKeyJwk": jwk.encode_ed25519(ALICE)}
    made = document(verificationMethod=[method(**key_members)], authentication=["#k"])
    parsed = parse_document(made, DID)
    assert parsed.public_key(f"{DID}#k", Relationship.AUTHENTICATION) == ALICE


@pytest.mark.parametrize(
    "key_members",
    [
        {"publicKeyMultibase": "zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169"},
        {
            "type": "JsonWebKey",
            "publicKeyMultibase": None,
            "publicKeyJwk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        },
        {"type": "BabyJubJubKey2021"},
    ],
)
def test_a_key_of_another_kind_is_carried_but_cannot_be_used(key_members):
    made = document(authentication=[method(**key_members)])
    parsed = parse_document(made, DID)
    with pytest.raises(UnsupportedError) as unknown:
        parsed.public_key(f"{DID}#k", Relationship.AUTHENTICATION)
    assert unknown.value.code == "key_type_unknown"


def test_an_embedded_method_counts_for_its_relationship_alone():
    parsed = parse_document(document(assertionMethod=[method()]), DID)
    assert parsed.public_key(f"{DID}#k", Relationship.ASSERTION_METHOD) == ALICE
    with pytest.raises(ProofError):
        parsed.public_key(f"{DID}#k", Relationship.AUTHENTICATION)


def test_relative_ids_mean_the_document():
    made = document(
        verificationMethod=[method(id="#k")],
        assertionMethod=["#k"],
        service=[{"id": "#s", "type": ["A", "B"], "serviceEndpoint": "https://example.com/"}],
    )
    parsed = parse_document(made, DID)
    assert parsed.public_key(f"{DID}#k", Relationship.ASSERTION_METHOD) == ALICE
    assert parsed.services[0].id == f"{DID}#s"
    assert parsed.services[0].types == ("A", "B")


def test_unknown_members_are_kept():
    made = document(
        alsoKnownAs=["https://example.com/"], profile_version="swiss 1.0", x={"y": 1}
    )
    parsed = parse_document(made, DID)
    assert parsed.raw is made
    assert parsed.also_known_as == ("https://example.com/",)


@pytest.mark.parametrize(
    "contexts", [[CONTEXT_V1_1], CONTEXT_V1, [CONTEXT_V1, {"a": "b"}], [], CONTEXT_CID_V1]
)
def test_contexts_of_did_documents_and_none_are_taken(contexts):
    assert parse_document(document(**{"@context": contexts}), DID).id == DID


def test_plain_json_without_context_is_taken():
    assert parse_document({"id": DID}, DID).methods == ()


@pytest.mark.parametrize(
    "contexts", ["https://example.com/", None, "", [None], [{"a": "b"}, CONTEXT_V1]]
)
def test_a_document_whose_first_context_is_not_did_is_refused(contexts):
    assert refused(**{"@context": contexts}) == "context_unknown"


@pytest.mark.parametrize("found", ["did:example:2", None, [DID]])
def test_a_document_about_somebody_else_is_refused(found):
    assert refused(id=found) == "document_id_wrong"


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"controller": 2}, "member_invalid"),
        ({"verificationMethod": [method(controller=[None])]}, "member_invalid"),
        ({"verificationMethod": [method(id=f"{DID}#")]}, "method_invalid"),
        ({"verificationMethod": [method(id=DID)]}, "method_invalid"),
        ({"verificationMethod": [method(), method()]}, "method_duplicate"),
        ({"verificationMethod": [method(), method(id="#k")]}, "method_duplicate"),
        ({"verificationMethod": [method()], "authentication": [method()]}, "method_duplicate"),
        ({"verificationMethod": [method(publicKeyJwk={})]}, "method_invalid"),
        ({"verificationMethod": [method(privateKeyMultibase="z")]}, "secret_key_published"),
        (
            {"verificationMethod": [method(type="JsonWebKey", publicKeyMultibase=None,
                                           publicKeyJwk={"kty": "OKP", "d": "AA"})]},
            "secret_key_published",
        ),
        ({"verificationMethod": [method(publicKeyMultibase=SHORT)]}, "length_wrong"),
        ({"verificationMethod": [method(publicKeyMultibase="z0")]}, "base58_invalid"),
        ({"verificationMethod": [method(type=None)]}, "member_invalid"),
        ({"verificationMethod": {}}, "member_invalid"),
        ({"authentication": "#k"}, "member_invalid"),
        ({"alsoKnownAs": [1]}, "member_invalid"),
        ({"service": [{"id": "#s", "type": "A"}]}, "member_invalid"),
        (
            {"service": [{"id": i, "type": "A", "serviceEndpoint": "x:"}
                         for i in ("#s", f"{DID}#s")]},
            "service_duplicate",
        ),
    ],
)  # fmt: skip
def test_a_document_with_a_second_meaning_is_refused(members, code):
    assert refused(**members) == code


FOREIGN = {
    "document": ({"controller": "did:example:2"}, "controller_foreign"),
    "document, one of two": ({"controller": [DID, "did:example:2"]}, "controller_foreign"),
    "controller": (
        {"verificationMethod": [method(controller="did:example:2")]},
        "method_foreign",
    ),
    "embedded": ({"authentication": [method(controller=["did:example:2"])]}, "method_foreign"),
    "id": ({"verificationMethod": [method(id="did:example:2#k")]}, "method_foreign"),
    "a version": (
        {"verificationMethod": [method(id=f"{DID}?versionId=1#k")]},
        "method_foreign",
    ),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_what_is_somebody_elses_is_kept_and_refused_of_whoever_issues(what):
    members, code = FOREIGN[what]
    parsed = parse_document(document(**members), DID)
    assert parsed.raw == document(**members)
    with pytest.raises(MalformedError) as refusal:
        parsed.check_self_controlled()
    assert refusal.value.code == code


@pytest.mark.parametrize("foreign", [{"id": "did:example:2#k"}, {"controller": "did:x:2"}])
def test_what_is_somebody_elses_lends_no_key(foreign):
    lent = method(**foreign)
    parsed = parse_document(
        document(verificationMethod=[lent], authentication=[lent["id"]]), DID
    )
    named = next(iter(parsed.methods)).id
    with pytest.raises(ProofError) as refusal:
        parsed.public_key(named, Relationship.AUTHENTICATION)
    assert refusal.value.code == "key_not_listed"


def test_the_documents_own_controller_does_not_take_its_keys_away():
    parsed = parse_document(
        document(
            controller="did:example:2", verificationMethod=[method()], authentication=["#k"]
        ),
        DID,
    )
    assert parsed.public_key(f"{DID}#k", Relationship.AUTHENTICATION)


def test_a_crowded_document_is_refused():
    with pytest.raises(LimitError):
        parse_document(document(verificationMethod=[method(f"k{i}") for i in range(65)]), DID)
    with pytest.raises(LimitError):
        parse_document(document(service=[{}] * 65), DID)


@given(json_values.values)
def test_every_value_is_a_document_or_refused_by_name(value):
    candidate = document(**value) | {"id": DID} if isinstance(value, dict) else value
    try:
        assert parse_document(candidate, DID).raw == candidate
    except DidServiceError:
        return


@given(json_values.values, json_values.values)
def test_every_member_value_is_taken_or_refused_by_name(one, other):
    made = document(verificationMethod=[one, {"id": "#k", "type": other}], service=other)
    try:
        parse_document(made, DID)
    except DidServiceError:
        return


@pytest.mark.parametrize(
    "end", [{"expires": "2099-01-01T00:00:00Z"}, {"revoked": "2026-01-01T00:00:00Z"}]
)
def test_a_method_that_says_when_it_ends_signs_nothing(end):
    """No clock is asked: keys end by the next version of their document."""
    made = document(verificationMethod=[method(**end)], assertionMethod=["#k"])
    parsed = parse_document(made, DID)
    with pytest.raises(ProofError) as refused:
        parsed.public_key(f"{DID}#k", Relationship.ASSERTION_METHOD)
    assert refused.value.code == "key_not_listed"
