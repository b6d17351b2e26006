"""did:key for Ed25519 (W3C CCG did:key 0.9): the identifier is the key.

    did:key:z6Mk…            method id  did:key:z6Mk…#z6Mk…

Resolution is pure computation. Other kinds of keys are refused by name.
"""

from __future__ import annotations

from did_service.core.crypto import multikey
from did_service.core.did.document import (
    CONTEXT_MULTIKEY,
    CONTEXT_V1,
    DidDocument,
    parse_document,
)
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import MalformedError, UnsupportedError, quote

PREFIX = "did:key:"


def did_key_of(public: bytes) -> str:
    """Write a 32-byte Ed25519 public key as did:key."""
    return PREFIX + multikey.encode_ed25519(public)


def did_key_method(public: bytes) -> str:
    """Return the verification method id `did:key:z…#z…` of a 32-byte Ed25519 public key."""
    text = multikey.encode_ed25519(public)
    return f"{PREFIX}{text}#{text}"


def public_of_did_key(did: str) -> bytes:
    """Return the 32-byte Ed25519 key of a did:key.

    Raises:
        UnsupportedError: `did_method_unknown` or `key_type_unknown`.
        MalformedError: not a multikey.
    """
    if not did.startswith(PREFIX):
        raise UnsupportedError("did_method_unknown", f"not a did:key: {quote(did)}")
    return multikey.decode_ed25519(did.removeprefix(PREFIX))


def public_of_method_id(method_id: str) -> bytes:
    """Return the 32-byte Ed25519 key of `did:key:z…#z…`, whose halves must be equal.

    Raises:
        UnsupportedError, MalformedError: as `public_of_did_key`.
        MalformedError: `method_invalid`: the fragment names another key, or none.
    """
    did, _, fragment = method_id.partition("#")
    public = public_of_did_key(did)
    if fragment != did.removeprefix(PREFIX):
        raise MalformedError("method_invalid", f"halves differ in {quote(method_id)}")
    return public


def resolve_key(did: str) -> DidDocument:
    """Return the document of a did:key; errors as `public_of_did_key`."""
    method_id = did_key_method(public_of_did_key(did))
    method: JsonObject = {
        "id": method_id,
        "type": "Multikey",
        "controller": did,
        "publicKeyMultibase": did.removeprefix(PREFIX),
    }
    listed: list[JsonValue] = [method_id]
    return parse_document(
        {
            "@context": [CONTEXT_V1, CONTEXT_MULTIKEY],
            "id": did,
            "verificationMethod": [method],
            "authentication": listed,
            "assertionMethod": listed,
            "capabilityInvocation": listed,
            "capabilityDelegation": listed,
        },
        did,
    )
