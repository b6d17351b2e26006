"""DID documents (W3C DID 1.1 §4, §5; DID 1.0 alike).

A document is read for one question: which key may this DID use for which purpose? Everything
else, known or not, stays in `raw` as received. One that could answer in two ways (a method id
that stands twice) is refused. What it says of somebody else, a method under another DID or with
another controller, is kept and lends no key; of whoever issues no such document is taken:
`check_self_controlled`, threat rule 16.
"""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from did_service.core.crypto import jwk, multikey
from did_service.core.encoding.strict_json import (
    JsonObject,
    JsonValue,
    as_array,
    as_object,
    as_text,
)
from did_service.core.errors import (
    LimitError,
    MalformedError,
    ProofError,
    UnsupportedError,
    quote,
)
from did_service.core.limits import MAX_DOCUMENT_METHODS, MAX_DOCUMENT_SERVICES

CONTEXT_V1 = "https://www.w3.org/ns/did/v1"
CONTEXT_V1_1 = "https://www.w3.org/ns/did/v1.1"
CONTEXT_CID_V1 = "https://www.w3.org/ns/cid/v1"
CONTEXT_MULTIKEY = "https://w3id.org/security/multikey/v1"
_SECRET_MEMBERS = frozenset(
    {"privateKeyMultibase", "secretKeyMultibase", "privateKeyJwk", "secretKeyJwk"}
)
_END_MEMBERS = frozenset({"expires", "revoked"})


class Relationship(Enum):
    """What a key may be used for (DID 1.1 §5.3)."""

    AUTHENTICATION = "authentication"
    ASSERTION_METHOD = "assertionMethod"
    KEY_AGREEMENT = "keyAgreement"
    CAPABILITY_INVOCATION = "capabilityInvocation"
    CAPABILITY_DELEGATION = "capabilityDelegation"


_RELATIONSHIPS = tuple((each, each.value) for each in Relationship)


class VerificationMethod(NamedTuple):
    """One method.

    Attributes:
        id: Absolute.
        type: As received.
        public: The 32-byte Ed25519 key, None for a kind that we cannot use.
        foreign: Whether it stands under another DID, or another DID controls it.
        raw: As received.
    """

    id: str
    type: str
    public: bytes | None
    foreign: bool
    raw: JsonObject

    @property
    def dated(self) -> bool:
        """Whether it says when it ends (Controlled Identifiers 1.0 §2.2).

        Such a method signs nothing here, past its date or not: keys end by the next version of
        their document, whose place in the log no clock can shift.
        """
        return not _END_MEMBERS.isdisjoint(self.raw)


class Service(NamedTuple):
    """One service; its id is absolute, its endpoint as received."""

    id: str
    types: tuple[str, ...]
    endpoint: JsonValue
    raw: JsonObject


class DidDocument(NamedTuple):
    """A checked DID document. All ids are absolute; `raw` is what was received."""

    id: str
    methods: tuple[VerificationMethod, ...]
    relationships: Mapping[Relationship, tuple[str, ...]]
    services: tuple[Service, ...]
    also_known_as: tuple[str, ...]
    raw: JsonObject

    def public_key(self, method_id: str, relationship: Relationship) -> bytes:
        """Return the 32-byte Ed25519 key of a method that is listed for a purpose.

        Raises:
            ProofError: `key_not_listed`: the method is not listed under the relationship, is
                somebody else's, or says of itself when it ends.
            UnsupportedError: `key_type_unknown`: it is, but is not an Ed25519 key.
        """
        found = next((m for m in self.methods if m.id == method_id), None)
        listed = method_id in self.relationships[relationship]
        if found is None or found.foreign or found.dated or not listed:
            where = f"{relationship.value} of {quote(self.id)}"
            raise ProofError("key_not_listed", f"{quote(method_id)} is not in {where}")
        if found.public is None:
            raise UnsupportedError("key_type_unknown", f"{quote(method_id)} is not Ed25519")
        return found.public

    def check_self_controlled(self) -> None:
        """Demand that the document speaks for its own DID alone (threat rule 16).

        Raises:
            MalformedError: `controller_foreign`, `method_foreign`.
        """
        for controller in _controllers(self.raw, self.id):
            if controller != self.id:
                raise MalformedError(
                    "controller_foreign", f"{self.id} is controlled by {quote(controller)}"
                )
        foreign = next((method.id for method in self.methods if method.foreign), None)
        if foreign is not None:
            raise MalformedError("method_foreign", f"method {quote(foreign)} in {self.id}")


def parse_document(value: JsonValue, expected_id: str) -> DidDocument:
    """Parse a DID document.

    Args:
        value: The document, from strict JSON.
        expected_id: The DID that the document must be about.

    Raises:
        MalformedError: `document_id_wrong`, `context_unknown`, `method_duplicate`,
            `service_duplicate`, `secret_key_published`, `method_invalid`, or a member's own
            code.
        LimitError: more than 64 methods or services.
    """
    raw = as_object(value, "document")
    if raw.get("id") != expected_id:
        found = quote(raw.get("id"))
        raise MalformedError("document_id_wrong", f"document of {found}, not {expected_id}")
    _check_context(raw)
    _controllers(raw, expected_id)
    methods, relationships = _methods(raw, expected_id)
    return DidDocument(
        id=expected_id,
        methods=methods,
        relationships=relationships,
        services=_services(raw, expected_id),
        also_known_as=_texts(raw.get("alsoKnownAs", []), "alsoKnownAs"),
        raw=raw,
    )


def document_with_keys(did: str, keys: Mapping[str, bytes]) -> JsonObject:
    """Write a document whose Ed25519 keys authenticate and assert.

    Args:
        did: The DID, or a did:webvh template with `{SCID}`.
        keys: Fragment without `#` to 32-byte public key.
    """
    ids: list[JsonValue] = [f"{did}#{fragment}" for fragment in keys]
    methods: list[JsonValue] = [
        {
            "id": f"{did}#{fragment}",
            "type": "Multikey",
            "controller": did,
            "publicKeyMultibase": multikey.encode_ed25519(public),
        }
        for fragment, public in keys.items()
    ]
    return {
        "@context": [CONTEXT_V1, CONTEXT_MULTIKEY],
        "id": did,
        "verificationMethod": methods,
        "authentication": ids,
        "assertionMethod": list(ids),
    }


def _check_context(raw: JsonObject) -> None:
    """A plain JSON document may go without contexts; else the first one says what it is."""
    contexts = raw.get("@context", [])
    first = next(iter(contexts), CONTEXT_V1) if isinstance(contexts, list) else contexts
    if first not in (CONTEXT_V1, CONTEXT_V1_1, CONTEXT_CID_V1):
        raise MalformedError("context_unknown", f"first context is {quote(first)}")


def _controllers(raw: JsonObject, did: str) -> tuple[str, ...]:
    """Return the controllers of a document or method; none named means the DID itself."""
    named = raw.get("controller", did)
    return _texts(named if isinstance(named, list) else [named], "controller")


def _methods(
    raw: JsonObject, did: str
) -> tuple[tuple[VerificationMethod, ...], dict[Relationship, tuple[str, ...]]]:
    listed = as_array(raw.get("verificationMethod", []), "verificationMethod")
    methods = [_method(item, did) for item in listed]
    relationships: dict[Relationship, tuple[str, ...]] = {}
    for relationship, name in _RELATIONSHIPS:
        ids: list[str] = []
        for item in as_array(raw.get(name, []), name):
            if isinstance(item, str):
                ids.append(_absolute(item, did))
            else:
                embedded = _method(item, did)
                methods.append(embedded)
                ids.append(embedded.id)
        relationships[relationship] = tuple(ids)
    if len(methods) > MAX_DOCUMENT_METHODS:
        raise LimitError("too_large", f"more than {MAX_DOCUMENT_METHODS} verification methods")
    _refuse_twice([method.id for method in methods], "method_duplicate")
    return tuple(methods), relationships


def _method(value: JsonValue, did: str) -> VerificationMethod:
    raw = as_object(value, "verificationMethod")
    identifier = _absolute(as_text(raw.get("id"), "verificationMethod.id"), did)
    owner, _, fragment = identifier.partition("#")
    if not fragment:
        raise MalformedError("method_invalid", f"method {quote(identifier)} has no fragment")
    foreign = owner != did or any(each != did for each in _controllers(raw, did))
    kind = as_text(raw.get("type"), "verificationMethod.type")
    public = _public_key(raw, kind, identifier)
    return VerificationMethod(identifier, kind, public, foreign, raw)


def _public_key(raw: JsonObject, kind: str, identifier: str) -> bytes | None:
    if _SECRET_MEMBERS & raw.keys():
        raise MalformedError("secret_key_published", f"{quote(identifier)} shows a secret key")
    if "publicKeyMultibase" in raw and "publicKeyJwk" in raw:
        raise MalformedError("method_invalid", f"{quote(identifier)} has its key twice")
    try:
        match kind:
            case "Multikey" | "Ed25519VerificationKey2020":
                text = as_text(raw.get("publicKeyMultibase"), "publicKeyMultibase")
                return multikey.decode_ed25519(text)
            case "JsonWebKey" | "JsonWebKey2020":
                return jwk.decode_ed25519(as_object(raw.get("publicKeyJwk"), "publicKeyJwk"))
            case _:
                return None
    except (UnsupportedError, LimitError):  # another kind of key, or one of thousands of bits
        return None


def _services(raw: JsonObject, did: str) -> tuple[Service, ...]:
    items = as_array(raw.get("service", []), "service")
    if len(items) > MAX_DOCUMENT_SERVICES:
        raise LimitError("too_large", f"more than {MAX_DOCUMENT_SERVICES} services")
    services = tuple(_service(as_object(item, "service"), did) for item in items)
    _refuse_twice([service.id for service in services], "service_duplicate")
    return services


def _service(raw: JsonObject, did: str) -> Service:
    kinds = raw.get("type")
    endpoint = raw.get("serviceEndpoint")
    if not isinstance(endpoint, str | dict | list):
        raise MalformedError("member_invalid", "serviceEndpoint must be a URI, object or array")
    return Service(
        id=_absolute(as_text(raw.get("id"), "service.id"), did),
        types=_texts(kinds if isinstance(kinds, list) else [kinds], "service.type"),
        endpoint=endpoint,
        raw=raw,
    )


def _absolute(identifier: str, did: str) -> str:
    return did + identifier if identifier.startswith("#") else identifier


def _texts(value: JsonValue, where: str) -> tuple[str, ...]:
    return tuple(as_text(item, where) for item in as_array(value, where))


def _refuse_twice(ids: list[str], code: str) -> None:
    twice = next((found for found in ids if ids.count(found) > 1), None)
    if twice is not None:
        raise MalformedError(code, f"{quote(twice)} stands twice in the document")
