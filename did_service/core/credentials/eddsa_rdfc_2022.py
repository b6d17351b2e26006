"""Cryptosuite eddsa-rdfc-2022 (W3C Data Integrity EdDSA Cryptosuites 1.0, §3.2).

    JSON-LD ──term_tables, else PyLD──► N-Quads ──rdfc──► canonical text ──SHA-256──► 32 bytes

JSON-LD processing forgives: it drops what no context defines and guesses a base for relative
names, and what was dropped is not signed. Here all of that is refused, so that every member
of the document is a statement under the signature.
"""

from __future__ import annotations

from did_service.core.credentials import contexts
from did_service.core.credentials.contexts import ContextLoader
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import UnsupportedError

NAME = "eddsa-rdfc-2022"


def prepare(document: JsonObject, options: JsonObject) -> JsonObject:
    """Return the options as they are: this suite writes no contexts into the proof."""
    del document
    return dict(options)


def hash_data(
    document: JsonObject, options: JsonObject, load: ContextLoader = contexts.load
) -> bytes:
    """Return SHA-256 of the canonical options, then of the canonical document: 64 bytes.

    The options are read under the document's contexts (§3.2.5 step 4).

    Raises:
        MalformedError: `context_unknown`, `term_undefined`, `iri_relative`,
            `value_not_signed`, `number_refused` or `jsonld_invalid`.
        LimitError: `graph_too_complex`.
    """
    configuration = {**options, "@context": document.get("@context", [])}
    return sha256(canonicalize(configuration, load)) + sha256(canonicalize(document, load))


def canonicalize(document: JsonObject, load: ContextLoader = contexts.load) -> bytes:
    """Return the canonical N-Quads of a JSON-LD document; errors as `hash_data`."""
    from did_service.core.credentials import rdfc, term_tables  # noqa: PLC0415 - slow to load

    try:
        quads = term_tables.to_quads(document, load)
    except UnsupportedError:
        # PyLD takes 0.4 s to import, and documents under our contexts alone rarely need it.
        from did_service.core.credentials import jsonld  # noqa: PLC0415 - PyLD is slow to load

        quads = jsonld.to_quads(jsonld.expand(document, load))
    return rdfc.canonicalize(quads).encode()
