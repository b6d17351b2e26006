"""did:key, did:jwk and did:web: methods without history."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.did import jwk, key, web
from did_service.core.did.document import Relationship
from did_service.core.encoding import b64
from did_service.core.errors import DidServiceError, MalformedError, UnsupportedError

# W3C CCG did:key test vectors (ed25519-x25519.json): seed 00…00 and its did:key.
KEY_DID = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
KEY_PUBLIC = bytes.fromhex("3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29")
# The example of the did:jwk specification, P-256 without `use`.
JWK_DID = (
    "did:jwk:eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6ImFjYklRaXVNczNpOF91c3pFakoydHBUdFJNNEVVM3"
    "l6OTFQSDZDZEgyVjAiLCJ5IjoiX0tjeUxqOXZXTXB0bm1LdG00NkdxRHo4d2Y3NEk1TEtncmwyR3pIM25TRSJ9"
)
publics = st.binary(min_size=32, max_size=32)


def test_did_key_is_the_published_spelling_of_a_public_key():
    assert key.did_key_of(KEY_PUBLIC) == KEY_DID
    assert key.public_of_did_key(KEY_DID) == KEY_PUBLIC
    assert key.did_key_method(KEY_PUBLIC) == f"{KEY_DID}#{KEY_DID[8:]}"


def test_did_key_resolves_to_a_document_that_signs_for_everything():
    document = key.resolve_key(KEY_DID)
    for relationship in set(Relationship) - {Relationship.KEY_AGREEMENT}:
        method_id = f"{KEY_DID}#{KEY_DID[8:]}"
        assert document.public_key(method_id, relationship) == KEY_PUBLIC


@pytest.mark.parametrize(
    ("did", "code"),
    [
        ("did:web:example.com", "did_method_unknown"),
        ("did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169", "key_type_unknown"),
        ("did:key:uAAAA", "multibase_unknown"),
        ("did:key:z6Mk0", "base58_invalid"),
        (key.did_key_of(KEY_PUBLIC[:31]), "length_wrong"),
        (KEY_DID + " ", "base58_invalid"),
    ],
)
def test_other_keys_and_spellings_are_refused(did, code):
    with pytest.raises(MalformedError) as refused:
        key.resolve_key(did)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "fragment", ["", "#", "#key-1", f"#{KEY_DID[8:]}#", f"#{KEY_DID[8:-1]}"]
)
def test_both_halves_of_a_did_key_method_are_equal(fragment):
    assert key.public_of_method_id(f"{KEY_DID}#{KEY_DID[8:]}") == KEY_PUBLIC
    with pytest.raises(MalformedError) as refused:
        key.public_of_method_id(KEY_DID + fragment)
    assert refused.value.code == "method_invalid"


@given(publics)
def test_did_key_and_did_jwk_carry_any_public_key(public):
    assert key.public_of_did_key(key.did_key_of(public)) == public
    did = jwk.did_jwk_of(public)
    document = jwk.resolve_jwk(did)
    assert document.public_key(f"{did}#0", Relationship.AUTHENTICATION) == public


@given(st.text(max_size=60))
def test_every_identifier_is_a_key_or_refused_by_name(text):
    for resolve, prefix in ((key.resolve_key, "did:key:"), (jwk.resolve_jwk, "did:jwk:")):
        try:
            resolve(prefix + text)
        except DidServiceError:
            continue


def test_the_specifications_did_jwk_resolves_with_every_relationship():
    document = jwk.resolve_jwk(JWK_DID)
    assert jwk.jwk_of_did_jwk(JWK_DID)["crv"] == "P-256"
    assert set(document.relationships.values()) == {(f"{JWK_DID}#0",)}
    with pytest.raises(UnsupportedError):
        document.public_key(f"{JWK_DID}#0", Relationship.AUTHENTICATION)


@pytest.mark.parametrize(
    ("use", "agrees", "signs"), [("sig", False, True), ("enc", True, False)]
)
def test_use_decides_what_a_did_jwk_may_do(use, agrees, signs):
    text = f'{{"kty":"OKP","crv":"Ed25519","x":"{b64.encode_url(KEY_PUBLIC)}","use":"{use}"}}'
    document = jwk.resolve_jwk("did:jwk:" + b64.encode_url(text.encode()))
    assert bool(document.relationships[Relationship.KEY_AGREEMENT]) is agrees
    assert bool(document.relationships[Relationship.ASSERTION_METHOD]) is signs


@pytest.mark.parametrize(
    ("did", "code"),
    [
        ("did:key:z", "did_method_unknown"),
        ("did:jwk:e30=", "base64_invalid"),
        ("did:jwk:" + b64.encode_url(b"[]"), "member_invalid"),
        ("did:jwk:" + b64.encode_url(b'{"d":"x"}'), "secret_key_published"),
        ("did:jwk:" + b64.encode_url(b'{"a":1,"a":2}'), "duplicate_member"),
    ],
)
def test_what_is_no_public_jwk_is_refused(did, code):
    with pytest.raises(MalformedError) as refused:
        jwk.resolve_jwk(did)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("did", "url"),
    [
        ("did:web:w3c-ccg.github.io", "https://w3c-ccg.github.io/.well-known/did.json"),
        (
            "did:web:w3c-ccg.github.io:user:alice",
            "https://w3c-ccg.github.io/user/alice/did.json",
        ),
        (
            "did:web:example.com%3A3000:user:alice",
            "https://example.com:3000/user/alice/did.json",
        ),
    ],
)
def test_did_web_says_where_its_document_is(did, url):
    assert web.document_url(did) == url
    assert str(web.location_of(did)) == did.removeprefix("did:web:")


def test_a_fetched_document_must_be_the_one_asked_for():
    did = "did:web:example.com"
    assert web.check_web_document(did, b'{"id":"did:web:example.com","x":0.5}').id == did
    with pytest.raises(MalformedError) as refused:
        web.check_web_document(did, b'{"id":"did:web:example.org"}')
    assert refused.value.code == "document_id_wrong"


@pytest.mark.parametrize("did", ["did:key:z", "did:web:127.0.0.1", "did:web:example.com:..:x"])
def test_what_is_no_did_web_is_refused(did):
    with pytest.raises(MalformedError):
        web.document_url(did)
