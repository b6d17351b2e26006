"""The document of a DID with another signing key in it."""

from __future__ import annotations

from did_service.core.crypto import multikey
from did_service.core.encoding.strict_json import JsonObject, JsonValue, as_array, as_text

_RELATIONSHIPS = ("authentication", "assertionMethod")


def with_key(document: JsonObject, name: str, public: bytes, *, alone: bool) -> JsonObject:
    """Return a document that lists a new key for signing.

    Args:
        document: The one before.
        name: Fragment of the new method, without `#`.
        public: Its Ed25519 key, 32 bytes.
        alone: Whether the methods of before go.
    """
    did = as_text(document.get("id"), "document.id")
    method: JsonObject = {
        "id": f"{did}#{name}",
        "type": "Multikey",
        "controller": did,
        "publicKeyMultibase": multikey.encode_ed25519(public),
    }
    kept: JsonObject = dict(document)
    if alone:
        for relationship in ("capabilityInvocation", "capabilityDelegation", "keyAgreement"):
            kept.pop(relationship, None)
    kept["verificationMethod"] = [*_listed(document, "verificationMethod", alone=alone), method]
    for relationship in _RELATIONSHIPS:
        kept[relationship] = [*_listed(document, relationship, alone=alone), method["id"]]
    return kept


def _listed(document: JsonObject, name: str, *, alone: bool) -> list[JsonValue]:
    return [] if alone else as_array(document.get(name, []), f"document.{name}")
