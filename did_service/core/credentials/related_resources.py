"""Digests of related resources that we know (VCDM 2.0 §5.3).

An issuer should not sign a wrong digest of a published context. Digests are those of the
published files, not of our copies, which may be laid out differently; a resource that is not
in the table is nobody's claim here and stays unjudged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from did_service.core.credentials import contexts, members
from did_service.core.encoding import b64
from did_service.core.encoding.multiformats import SHA2_256, multibase_decode
from did_service.core.encoding.strict_json import JsonObject, as_text
from did_service.core.errors import MalformedError, ProofError, quote

# URL → digest by algorithm name, as `digestSRI` names it.
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
_SRI = re.compile(r"(sha256|sha384|sha512)-([A-Za-z0-9+/]+={0,2})")


def check(credential: JsonObject) -> None:
    """Check each related resource's digests as far as they are known.

    Raises:
        ProofError: `related_resource_digest`: not the digest of the published file.
        MalformedError: a digest that is no digest.
    """
    for resource in members.objects(credential, "relatedResource"):
        known = _PUBLISHED.get(members.url(resource.get("id"), "relatedResource.id"), {})
        if "digestSRI" in resource:
            algorithm, digest = _sri(as_text(resource["digestSRI"], "digestSRI"))
            _compare(known.get(algorithm), digest)
        if "digestMultibase" in resource:
            text = as_text(resource["digestMultibase"], "digestMultibase")
            _compare(known.get("sha256"), _bare(multibase_decode(text)))


def _sri(text: str) -> tuple[str, bytes]:
    match = _SRI.fullmatch(text)
    if match is None:
        raise MalformedError("member_invalid", f"digestSRI {quote(text)} is no digest")
    return match[1], b64.decode_std(match[2])


def _bare(data: bytes) -> bytes:
    """Take the multihash header of SHA-256 away, where there is one."""
    return data[2:] if len(data) == 34 and data.startswith(SHA2_256) else data


def _compare(known: bytes | None, digest: bytes) -> None:
    if known is not None and known != digest:
        raise ProofError("related_resource_digest", "a related resource has another digest")
