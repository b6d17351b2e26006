"""The obvious way to make and check both proofs, without code of ours: the peer in Python.

It does what the specifications ask and nothing more. `pyld` reads the same pinned contexts from
memory; everything is parsed and canonicalized anew each time, as its documentation shows it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import base58
import rfc8785
from nacl.signing import SigningKey, VerifyKey
from pyld import jsonld

from bench.fixtures import ISSUER, METHOD
from did_service.core.credentials import contexts

Document = dict[str, Any]

_SEED = SigningKey(ISSUER.seed)


@dataclass(frozen=True, slots=True)
class PlainPath:
    """One cryptosuite: `hash_data` takes the document and the proof without its value."""

    name: str
    suite: str
    copies_context: bool
    hash_data: Callable[[Document, Document], bytes]

    def issue(self, document: Document) -> bytes:
        """Sign a document and return canonical bytes."""
        proof: Document = {
            "type": "DataIntegrityProof",
            "cryptosuite": self.suite,
            "created": "2026-11-21T02:00:00Z",
            "verificationMethod": METHOD,
            "proofPurpose": "assertionMethod",
        }
        if self.copies_context:
            proof["@context"] = document["@context"]
        signature = _SEED.sign(self.hash_data(document, proof)).signature
        proof["proofValue"] = "z" + base58.b58encode(signature).decode()
        return rfc8785.dumps({**document, "proof": proof})

    def verify(self, secured: bytes) -> None:
        """Check a signed document; raises BadSignatureError."""
        document: Document = json.loads(secured)
        proof = document.pop("proof")
        signature = base58.b58decode(proof.pop("proofValue")[1:])
        did, _, _ = proof["verificationMethod"].partition("#")
        key = base58.b58decode(did.removeprefix("did:key:z"))
        VerifyKey(key[2:]).verify(self.hash_data(document, proof), signature)


def jcs_path() -> PlainPath:
    """Return eddsa-jcs-2022 with `json`, `rfc8785` and `base58`."""

    def hash_data(document: Document, proof: Document) -> bytes:
        return _digest(rfc8785.dumps(proof)) + _digest(rfc8785.dumps(document))

    return PlainPath("plain-python", "eddsa-jcs-2022", copies_context=True, hash_data=hash_data)


def rdfc_path() -> PlainPath:
    """Return eddsa-rdfc-2022 with PyLD."""

    def hash_data(document: Document, proof: Document) -> bytes:
        options = {**proof, "@context": document["@context"]}
        return _digest(_normalize(options)) + _digest(_normalize(document))

    return PlainPath("pyld", "eddsa-rdfc-2022", copies_context=False, hash_data=hash_data)


def _normalize(document: Document) -> bytes:
    asked = {
        "algorithm": "URDNA2015",
        "format": "application/n-quads",
        "documentLoader": _load,
    }
    text: str = jsonld.normalize(document, asked)
    return text.encode()


def _load(url: str, _: object) -> Document:
    return {
        "contentType": "application/ld+json",
        "contextUrl": None,
        "documentUrl": url,
        "document": contexts.load(url),
    }


def _digest(data: bytes) -> bytes:
    return sha256(data).digest()
