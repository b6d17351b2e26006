"""Cryptosuite eddsa-jcs-2022 (W3C Data Integrity EdDSA Cryptosuites 1.0, §3.3).

The document's `@context`, where it has one, is copied into the proof (§3.3.1 step 2); on
verification the document's contexts must begin with the proof's, and the proof's are the ones
that count (§3.3.2 step 4), so contexts may be added after signing but none changed.
"""

from __future__ import annotations

from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import jcs
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import ProofError

NAME = "eddsa-jcs-2022"


def prepare(document: JsonObject, options: JsonObject) -> JsonObject:
    """Return the options with the document's contexts."""
    if "@context" not in document:
        return dict(options)
    return {**options, "@context": document["@context"]}


class OfWritten:
    """The suite for one unsecured document whose canonical form is at hand.

    Args:
        written: The canonical form.
    """

    NAME = NAME
    prepare = staticmethod(prepare)

    def __init__(self, written: bytes) -> None:
        self._digest = sha256(written)

    def hash_data(self, document: JsonObject, options: JsonObject) -> bytes:
        """Do as the suite does."""
        if "@context" in options:  # they count instead of the document's
            return hash_data(document, options)
        return sha256(jcs.encode(options)) + self._digest


def hash_data(document: JsonObject, options: JsonObject) -> bytes:
    """Return SHA-256 of the canonical options, then of the canonical document: 64 bytes.

    Raises:
        ProofError: `context_mismatch`: the document's contexts do not begin with the proof's.
        MalformedError: a value that RFC 8785 cannot write.
    """
    if "@context" in options:
        claimed = _contexts(options["@context"])
        if _contexts(document.get("@context", []))[: len(claimed)] != claimed:
            raise ProofError("context_mismatch", "contexts do not begin with the proof's")
        document = {**document, "@context": options["@context"]}
    return sha256(jcs.encode(options)) + sha256(jcs.encode(document))


def _contexts(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else [value]
