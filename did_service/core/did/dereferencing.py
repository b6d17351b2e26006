"""What a DID URL names (W3C DID Resolution 1.0, 2026 draft, §5; did:webvh 1.0 §3.8).

    did#key-1                              a method or service of the document
    did?service=files&relativeRef=/a.pdf   a URL: the service's endpoint, and the path under it
    did:webvh:…/a.pdf, …/whois             the same, by the implicit services of did:webvh

A relative reference is only ever appended under its endpoint: it cannot name another host or
climb out of the folder, whatever RFC 3986 reference resolution would make of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from did_service.core.did.document import DidDocument
from did_service.core.did.location import percent_decode
from did_service.core.did.syntax import DidUrl, parse_webvh
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import MalformedError, NotFoundError, UnsupportedError, quote

CONTEXT_LINKED_VP = "https://identity.foundation/linked-vp/contexts/v1"
_ENDPOINT = re.compile(r"https?://[!-~]+")
_REFERENCE = re.compile(
    r"/?(?P<path>(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-F]{2})*)(?:[?#][!-~]*)?"
)


@dataclass(frozen=True, slots=True)
class ServiceUrl:
    """A resource elsewhere: an absolute http or https URL, for a redirect."""

    url: str


def dereference(url: DidUrl, document: DidDocument) -> JsonObject | ServiceUrl:
    """Return what a DID URL names in the document that its DID resolved to.

    Raises:
        NotFoundError: `fragment_not_found` or `service_not_found`.
        MalformedError: `did_url_invalid`: the reference leaves its endpoint.
        UnsupportedError: `endpoint_unsupported`: not one http or https URL.
    """
    named = _service_and_reference(url)
    if named is None:
        return document.raw if url.fragment is None else _member(url.fragment, document)
    service, reference = named
    found = _append(_endpoint(service, document), reference)
    if url.fragment is not None and "#" not in found:
        found = f"{found}#{url.fragment}"
    return ServiceUrl(found)


def implicit_services(did: str) -> tuple[JsonObject, JsonObject]:
    """Return the `#files` and `#whois` services that every did:webvh has unless it says else.

    Raises:
        MalformedError: as `parse_webvh`.
    """
    base = parse_webvh(did).base_url
    files: JsonObject = {"id": "#files", "type": "relativeRef", "serviceEndpoint": base}
    whois: JsonObject = {
        "@context": CONTEXT_LINKED_VP,
        "id": "#whois",
        "type": "LinkedVerifiablePresentation",
        "serviceEndpoint": f"{base}whois.vp",
    }
    return files, whois


def _service_and_reference(url: DidUrl) -> tuple[str, str] | None:
    query = url.parameters
    if url.path and url.did.method != "webvh":
        raise NotFoundError("service_not_found", f"did:{url.did.method} gives paths no meaning")
    if url.path and "service" in query:
        raise MalformedError("did_url_invalid", "a DID URL has a path and a service")
    if url.path == "/whois":
        return "whois", ""
    if url.path:
        return "files", url.path
    if "service" in query:
        return query["service"], query.get("relativeRef", "")
    if "relativeRef" in query:
        raise MalformedError("did_url_invalid", "relativeRef without a service")
    return None


def _member(fragment: str, document: DidDocument) -> JsonObject:
    wanted = f"{document.id}#{fragment}"
    named = {method.id: method.raw for method in document.methods}
    named |= {service.id: service.raw for service in document.services}
    if wanted in named:
        return named[wanted]
    raise NotFoundError("fragment_not_found", f"{quote(wanted)} is not in the document")


def _endpoint(name: str, document: DidDocument) -> str:
    endpoint = None
    wanted = f"{document.id}#{name}"
    if document.id.startswith("did:webvh:"):
        implicit = {str(s["id"]): s["serviceEndpoint"] for s in implicit_services(document.id)}
        endpoint = implicit.get(f"#{name}")
    for service in document.services:
        if service.id == wanted:
            endpoint = service.endpoint
    if endpoint is None:
        raise NotFoundError("service_not_found", f"{quote(wanted)} is not in the document")
    if not isinstance(endpoint, str) or _ENDPOINT.fullmatch(endpoint) is None:
        raise UnsupportedError("endpoint_unsupported", f"endpoint of {quote(name)} is no URL")
    return endpoint


def _append(endpoint: str, reference: str) -> str:
    if not reference:
        return endpoint
    match = _REFERENCE.fullmatch(reference)
    if match is None or "?" in endpoint or "#" in endpoint:
        raise MalformedError("did_url_invalid", f"relative reference {quote(reference)}")
    for segment in match["path"].split("/"):
        shown = percent_decode(segment)
        if shown in {".", ".."} or any(c in "/\\%" or not c.isprintable() for c in shown):
            raise MalformedError("did_url_invalid", f"path segment {quote(segment)}")
    if match["path"].startswith("/"):
        raise MalformedError("did_url_invalid", f"relative reference {quote(reference)}")
    return endpoint.removesuffix("/") + "/" + reference.removeprefix("/")
