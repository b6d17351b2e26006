"""did:jwk: the identifier is base64url of the JSON Web Key, the only method id is `#0`.

A key of another kind than Ed25519 resolves as well, for other people's tools; our own checks
then answer `key_type_unknown`.
"""

from __future__ import annotations

from did_service.core.crypto import jwk
from did_service.core.did.document import (
    CONTEXT_V1,
    DidDocument,
    Relationship,
    parse_document,
)
from did_service.core.encoding import b64, jcs
from did_service.core.encoding.strict_json import JsonObject, JsonValue, load_object
from did_service.core.errors import UnsupportedError, quote
from did_service.core.limits import MAX_DID_CHARACTERS

PREFIX = "did:jwk:"
CONTEXT_JWS_2020 = "https://w3id.org/security/suites/jws-2020/v1"


def did_jwk_of(public: bytes) -> str:
    """Write a 32-byte Ed25519 public key as did:jwk."""
    return PREFIX + b64.encode_url(jcs.encode(jwk.encode_ed25519(public)))


def jwk_of_did_jwk(did: str) -> JsonObject:
    """Return the public JWK inside a did:jwk.

    Raises:
        UnsupportedError: `did_method_unknown`.
        MalformedError: not base64url of a JSON object, or `secret_key_published`.
    """
    if not did.startswith(PREFIX):
        raise UnsupportedError("did_method_unknown", f"not a did:jwk: {quote(did)}")
    data = b64.decode_url(did.removeprefix(PREFIX))
    members = load_object(data, max_bytes=MAX_DID_CHARACTERS)
    jwk.check_public(members)
    return members


def resolve_jwk(did: str) -> DidDocument:
    """Return the document of a did:jwk; errors as `jwk_of_did_jwk`."""
    members = jwk_of_did_jwk(did)
    method_id = f"{did}#0"
    method: JsonObject = {
        "id": method_id,
        "type": "JsonWebKey2020",
        "controller": did,
        "publicKeyJwk": members,
    }
    document: JsonObject = {
        "@context": [CONTEXT_V1, CONTEXT_JWS_2020],
        "id": did,
        "verificationMethod": [method],
    }
    for relationship in _relationships(members.get("use")):
        document[relationship.value] = [method_id]
    return parse_document(document, did)


def _relationships(use: JsonValue) -> tuple[Relationship, ...]:
    match use:
        case "sig":
            return tuple(r for r in Relationship if r is not Relationship.KEY_AGREEMENT)
        case "enc":
            return (Relationship.KEY_AGREEMENT,)
        case _:
            return tuple(Relationship)
