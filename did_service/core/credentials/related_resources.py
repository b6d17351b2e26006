"""Digests that bind a credential to resources it uses (VCDM 2.0 §5.3).

    any object of the credential: {"id": URL, "digestSRI" | "digestMultibase": …}
    URL of a context ──► digest of the published file     URL of a schema ──► bytes at hand

A context is judged by the digests of its published file, not of our copy, which may be laid out
differently. A resource that is neither at hand nor in the table is not used here, and what is
said of it stays unjudged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from did_service.core.credentials import contexts
from did_service.core.crypto.hashes import sha2
from did_service.core.encoding import b64
from did_service.core.encoding.multiformats import SHA2_256, multibase_decode
from did_service.core.encoding.strict_json import JsonObject, JsonValue, as_text
from did_service.core.errors import ProofError, UnsupportedError, quote
from did_service.core.limits import MAX_SCHEMAS_CACHED

_SRI = re.compile(r"(sha256|sha384|sha512)-([A-Za-z0-9+/]+={0,2})(?:\?[!-~]*)?")
_WEAKEST_FIRST = ("sha256", "sha384", "sha512")  # W3C Subresource Integrity §3.3.4
# Header of a multihash → the name that digestSRI has for the function.
_MULTIHASHES = {SHA2_256: "sha256", b"\x20\x30": "sha384", b"\x13\x40": "sha512"}
# URL → digest by algorithm name, of files that are published in another layout than ours.
_PUBLISHED: Mapping[str, Mapping[str, bytes]] = {
    contexts.CREDENTIALS_V2: {
        "sha256": bytes.fromhex(
            "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734"
        ),
        "sha384": b64.decode_std(
            "l/HrjlBCNWyAX91hr6LFV2Y3heB5Tcr6IeE4/Tje8YyzYBM8IhqjHWiWpr8+ZbYU"
        ),
    },
}


def check(credential: JsonObject, at_hand: Mapping[str, bytes]) -> None:
    """Check each digest of a resource that a credential uses.

    Its proofs bind nothing: anybody may add one.

    Args:
        credential: With or without its proofs.
        at_hand: Other resources in use, their bytes by URL: the schemas.

    Raises:
        ProofError: `related_resource_digest`: another digest than the resource has.
        UnsupportedError: `digest_unknown` or `multibase_unknown`: nobody here can compute it.
        MalformedError: a digest that is no digest.
    """
    named = credential.get("@context")
    entries = named if isinstance(named, list) else [named]
    used = {entry for entry in entries if isinstance(entry, str)}
    signed = {name: member for name, member in credential.items() if name != "proof"}
    for resource in _bound(signed):
        url = str(resource["id"])
        if url in at_hand or url in _PUBLISHED or url in used:
            _check_resource(url, resource, at_hand)


def _bound(value: JsonValue) -> Iterator[JsonObject]:
    """Yield every object that names a resource and its digest."""
    if isinstance(value, list):
        inside = value
    elif isinstance(value, dict):
        if isinstance(value.get("id"), str) and not value.keys().isdisjoint(
            ("digestSRI", "digestMultibase")
        ):
            yield value
        inside = [member for name, member in value.items() if name != "@context"]
    else:
        return
    for each in inside:
        if type(each) is not str:  # as most are
            yield from _bound(each)


def _check_resource(url: str, resource: JsonObject, at_hand: Mapping[str, bytes]) -> None:
    for name, read in (("digestSRI", _of_sri), ("digestMultibase", _of_multibase)):
        member = resource.get(name, [])
        texts = member if isinstance(member, list) else [member]
        for text in texts:
            algorithm, digests = read(as_text(text, name))
            if _digest(url, algorithm, at_hand) not in digests:
                raise ProofError(
                    "related_resource_digest", f"{quote(url)} has another {algorithm} digest"
                )


def _of_sri(text: str) -> tuple[str, list[bytes]]:
    """Return the strongest algorithm of digestSRI with its digests; one of them must fit."""
    found = [match for match in map(_SRI.fullmatch, text.split()) if match is not None]
    if not found:
        raise UnsupportedError("digest_unknown", f"digestSRI {quote(text)} is none we know")
    strongest = max((match[1] for match in found), key=_WEAKEST_FIRST.index)
    return strongest, [b64.decode_std(match[2]) for match in found if match[1] == strongest]


def _of_multibase(text: str) -> tuple[str, list[bytes]]:
    """Return algorithm and digest of digestMultibase: a multihash, or bare SHA-256."""
    data = multibase_decode(text)
    if len(data) == 32:
        return "sha256", [data]
    algorithm = _MULTIHASHES.get(data[:2])
    if algorithm is None or len(data) != data[1] + 2:
        raise UnsupportedError("digest_unknown", f"multihash {quote(text)} is none we know")
    return algorithm, [data[2:]]


def _digest(url: str, algorithm: str, at_hand: Mapping[str, bytes]) -> bytes:
    if url in at_hand:
        return _sha2(algorithm, at_hand[url])
    if url == contexts.DIDSVC_1:
        return _sha2(algorithm, contexts.published(url))
    known = _PUBLISHED.get(url, {}).get(algorithm)
    if known is None:
        raise UnsupportedError("digest_unknown", f"no {algorithm} digest of {quote(url)} known")
    return known


@lru_cache(maxsize=MAX_SCHEMAS_CACHED)
def _sha2(algorithm: str, data: bytes) -> bytes:
    """Return a digest; each once, though a credential may repeat it in every object."""
    return sha2(algorithm, data)
