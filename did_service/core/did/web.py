"""did:web: a document at a web address, without history and so with low assurance.

did:web:example.com             https://example.com/.well-known/did.json
did:web:example.com%3A8443:a    https://example.com:8443/a/did.json
"""

from __future__ import annotations

from did_service.core.did.document import DidDocument, parse_document
from did_service.core.did.location import WebLocation, parse_location
from did_service.core.did.syntax import parse_did
from did_service.core.encoding.strict_json import Numbers, load_object
from did_service.core.errors import UnsupportedError, quote


def location_of(did: str) -> WebLocation:
    """Return where a did:web lives.

    Raises:
        UnsupportedError: `did_method_unknown`.
        MalformedError: `did_invalid` or `did_not_canonical`.
    """
    parsed = parse_did(did)
    if parsed.method != "web":
        raise UnsupportedError("did_method_unknown", f"not a did:web: {quote(did)}")
    return parse_location(parsed.identifier)


def document_url(did: str) -> str:
    """Return the https URL of the document; errors as `location_of`."""
    return location_of(did).url("did.json")


def check_web_document(did: str, data: bytes) -> DidDocument:
    """Parse a fetched `did.json`, which must be about the DID that was asked for.

    Raises:
        MalformedError: as `parse_document`, or not strict JSON.
    """
    location_of(did)
    return parse_document(load_object(data, numbers=Numbers.FINITE), did)
