"""The closed list of JSON-LD contexts: every one pinned by SHA-256, none ever fetched.

Contexts decide what a signed term means, so they count as code. Those that our documents name
are package data under `schemas/contexts/`; the rest come with PyLD. A context that is not here
is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pkgutil import get_data
from typing import TypeAlias

from did_service.core.crypto.hashes import sha256
from did_service.core.encoding.strict_json import JsonObject, Numbers, load_object
from did_service.core.errors import ConflictError, ProofError, UnsupportedError, quote

CREDENTIALS_V1 = "https://www.w3.org/2018/credentials/v1"
CREDENTIALS_V2 = "https://www.w3.org/ns/credentials/v2"
DIDSVC_1 = "urn:didsvc:context:1"
OF_OURS = (CREDENTIALS_V2, DIDSVC_1)  # what our own documents name, the second where needed

ContextLoader: TypeAlias = Callable[[str], JsonObject]

# URL → hexadecimal SHA-256 of the file that PyLD 3.3 carries.
_BUNDLED: Mapping[str, str] = {
    CREDENTIALS_V1: "00d7dd6d3ad8b920e3e550dd3a3d9090bffcac84cdbf943da6924b3e0a5c8bb8",
    "https://www.w3.org/ns/did/v1": (
        "62c1054bf404d6dd3a4b26b64f830fd72095f6a26edc4469908c94351352ce5f"
    ),
    "https://w3id.org/security/v1": (
        "e2d146cd556f6fa5f14996c6f1749667d5a14073fa30f0643990068e2c0b1bac"
    ),
    "https://w3id.org/security/v2": (
        "4cb186bc29c08af6e40c58178c22dd84d542f2871a063afed6e648b47abc3cf6"
    ),
    "https://w3id.org/security/suites/ed25519-2020/v1": (
        "b9e1ab971fd8bf2c7553e0c4a9438e0b9450afde1ea1ca5b2492368b9f549588"
    ),
    "https://w3id.org/security/suites/jws-2020/v1": (
        "00ee65bb7307f9a01c3170b823083b0d4de68223520834b2c5eb7a09bae5dea6"
    ),
}

# URL → file under schemas/contexts and its hexadecimal SHA-256.
_OURS: Mapping[str, tuple[str, str]] = {
    CREDENTIALS_V2: (
        "credentials-v2.jsonld",
        "8a9f494a89ecc51db093e90e84713e07e84d6d9204364a9b3c7868b21751236f",
    ),
    DIDSVC_1: (
        "didsvc-1.jsonld",
        "f9dc5901d1c514b868eb59d8db2b65a18e2428d85b5dc02036a83efa19ce3e94",
    ),
    "https://w3id.org/security/data-integrity/v2": (
        "data-integrity-v2.jsonld",
        "b7178cef5474ef8a0d4bc107ef20b300b6595912483bd879ad1b4678187579f8",
    ),
    "https://w3id.org/security/multikey/v1": (
        "multikey-v1.jsonld",
        "4c20bbe834583b11b1f7d2f2916375a4a75a5aa247b2bd32e97909bcec9adda1",
    ),
}


def check_known(url: str) -> None:
    """Refuse a context that is not on the list.

    Raises:
        UnsupportedError: `context_unknown`.
    """
    if url not in _BUNDLED and url not in _OURS:
        raise UnsupportedError("context_unknown", f"context {quote(url)} is not known here")


@cache
def load(url: str) -> JsonObject:
    """Return a pinned context document; it is shared, so nobody may change it.

    Raises:
        UnsupportedError: `context_unknown`.
        ProofError: `context_altered` when the installed file is not the pinned one.
    """
    check_known(url)
    data, digest = _ours(url) if url in _OURS else _bundled(url)
    if sha256(data).hex() != digest:
        raise ProofError("context_altered", f"the file for context {url} was altered")
    return load_object(data, numbers=Numbers.FINITE)  # "@version": 1.1


def beside(documents: Mapping[str, JsonObject]) -> ContextLoader:
    """Return a loader for the contexts here and a caller's own beside them, by URL.

    For programs that sign or verify types of their own: `model.parse_credential`,
    `vocabulary.check_terms` and `eddsa_rdfc_2022.WithContexts` take it. What counters accept
    stays closed, since everybody has to read a term alike.

    Raises:
        ConflictError: `context_taken`: one of ours would mean something else.
    """
    for url in documents:
        if url in _BUNDLED or url in _OURS:
            raise ConflictError("context_taken", f"context {url} is pinned here")

    def load_either(url: str) -> JsonObject:
        return documents[url] if url in documents else load(url)

    return load_either


def published(url: str) -> bytes:
    """Return the bytes of a context that we publish ourselves."""
    return _ours(url)[0]


@cache
def _ours(url: str) -> tuple[bytes, str]:
    name, digest = _OURS[url]
    # importlib.resources does the same and takes a twentieth of a start to load.
    return get_data("did_service", f"schemas/contexts/{name}") or b"", digest


def _bundled(url: str) -> tuple[bytes, str]:
    # PyLD takes 0.4 s to import, and only documents with JSON-LD proofs need it.
    from pyld import BUNDLED_CONTEXTS  # noqa: PLC0415 - slow to load, not always needed

    return BUNDLED_CONTEXTS[url].read_bytes(), _BUNDLED[url]
