"""Cryptosuite eddsa-rdfc-2022 (W3C Data Integrity EdDSA Cryptosuites 1.0, §3.2).

    JSON-LD ──term_tables, else PyLD──► N-Quads ──rdfc──► canonical text ──SHA-256──► 32 bytes

JSON-LD processing forgives: it drops what no context defines and guesses a base for relative
names, and what was dropped is not signed. Here all of that is refused, so that every member
of the document is a statement under the signature; and `spelling` refuses every second way to
write the same statements, so that whoever reads names reads what was signed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from did_service.core.credentials import contexts, stated
from did_service.core.credentials.contexts import OF_OURS, ContextLoader
from did_service.core.credentials.members import is_url
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import jcs
from did_service.core.encoding.strict_json import JsonObject, Numbers, load_object
from did_service.core.errors import UnsupportedError
from did_service.core.integrity.data_integrity import TYPE
from did_service.core.limits import MAX_PRESENTED_BYTES, MAX_PROCESSED_CACHED

if TYPE_CHECKING:
    from did_service.core.credentials.nquads import Quad

NAME = stated.SUITE
_USUAL = frozenset(
    {"@context", "type", "cryptosuite", "created", "verificationMethod", "proofPurpose"}
)
_PURPOSES = ("assertionMethod", "authentication")
_TIME, _METHOD = "TIME", "urn:METHOD"


def prepare(document: JsonObject, options: JsonObject) -> JsonObject:
    """Return the options as they are: this suite writes no contexts into the proof."""
    del document
    return dict(options)


def hash_data(
    document: JsonObject, options: JsonObject, load: ContextLoader | None = None
) -> bytes:
    """Return SHA-256 of the canonical options, then of the canonical document: 64 bytes.

    The options are read under the document's contexts (§3.2.5 step 4).

    Args:
        document: The document without the proof that is made or checked.
        options: The proof without its value.
        load: The contexts of somebody else's documents, which are then taken in any spelling;
            by default the contexts here, and the one spelling of `spelling`.

    Raises:
        UnsupportedError: `names_not_plain` or `number_refused`, as `spelling.check`.
        MalformedError: `context_unknown`, `term_undefined`, `iri_relative`,
            `value_not_signed`, `number_refused` or `jsonld_invalid`.
        LimitError: `too_large` or `graph_too_complex`.
    """
    configuration = {**options, "@context": document.get("@context", [])}
    if load is not None:
        return sha256(canonicalize(configuration, load)) + sha256(canonicalize(document, load))
    if "@context" in options:
        raise UnsupportedError("names_not_plain", "contexts in a proof would not be signed")
    return sha256(_canonical_options(configuration)) + sha256(_canonical(_plain(document)))


@dataclass(frozen=True, slots=True)
class WithContexts:
    """This suite under a caller's own contexts beside ours, for documents in any spelling.

    It goes where `proof_set.SUITES` would: `{NAME: WithContexts(contexts.beside(…)), …}`.
    """

    NAME: ClassVar[str] = NAME
    load: ContextLoader

    def prepare(self, document: JsonObject, options: JsonObject) -> JsonObject:
        """As the module's own."""
        return prepare(document, options)

    def hash_data(self, document: JsonObject, options: JsonObject) -> bytes:
        """As the module's own, with these contexts."""
        return hash_data(document, options, self.load)


def canonicalize(document: JsonObject, load: ContextLoader = contexts.load) -> bytes:
    """Return the canonical N-Quads of a JSON-LD document, however it is spelled.

    Raises:
        DidServiceError: as `hash_data`, but `names_not_plain`.
    """
    from did_service.core.credentials import term_tables  # noqa: PLC0415 - not always needed

    try:
        return _canonical(term_tables.to_quads(document, load))
    except UnsupportedError:
        return _canonical(_processed(document, load))


def _canonical_options(options: JsonObject) -> bytes:
    """Return the canonical N-Quads of a proof's options, under its document's contexts.

    Nearly all have the same five members, of which time and method alone differ: these two
    stand in a text that the general path wrote once. All other options go that path.
    """
    urls, purpose = options["@context"], options.get("proofPurpose")
    time, method = options.get("created"), options.get("verificationMethod")
    if (
        options.keys() == _USUAL
        and (options["type"], options["cryptosuite"]) == (TYPE, NAME)
        and urls in ([*OF_OURS[:1]], [*OF_OURS])
        and isinstance(time, str)
        and is_url(method)
        and isinstance(purpose, str)
        and purpose in _PURPOSES
    ):
        from did_service.core.credentials import nquads  # noqa: PLC0415 - not always needed

        before, between, after = _usual_options(len(urls), purpose)
        return f"{before}{nquads.quoted(time)}{between}<{method}>{after}".encode()
    return _canonical(_plain(options))


@lru_cache(maxsize=len(OF_OURS) * len(_PURPOSES))
def _usual_options(count: int, purpose: str) -> tuple[str, str, str]:
    """Return what canonical options say before, between and after their time and method."""
    text = _canonical(
        _plain(
            {
                "@context": [*OF_OURS[:count]],
                "type": TYPE,
                "cryptosuite": NAME,
                "created": _TIME,
                "verificationMethod": _METHOD,
                "proofPurpose": purpose,
            }
        )
    ).decode()
    before, _, rest = text.partition(f'"{_TIME}"')
    between, _, after = rest.partition(f"<{_METHOD}>")
    return before, between, after


def _plain(document: JsonObject) -> list[Quad]:
    """Return the statements of a document that can be written in no other way."""
    # A counter meets this suite rarely, and its tables take a twentieth of a start.
    from did_service.core.credentials import spelling, term_tables  # noqa: PLC0415 - rarely

    try:
        statements = term_tables.read(document, contexts.load)
    except UnsupportedError:
        spelling.check(document)
        return list(_processed_once(jcs.encode(document)))
    if not statements.is_plain:
        spelling.check(document)
    return statements.quads


@lru_cache(maxsize=MAX_PROCESSED_CACHED)
def _processed_once(document: bytes) -> tuple[Quad, ...]:
    """Return the statements of a document under our contexts, for all its proofs together."""
    members = load_object(document, max_bytes=MAX_PRESENTED_BYTES, numbers=Numbers.FINITE)
    return tuple(_processed(members, contexts.load))


def _processed(document: JsonObject, load: ContextLoader) -> list[Quad]:
    # PyLD takes 0.4 s to import, and documents under our contexts alone rarely need it.
    from did_service.core.credentials import jsonld  # noqa: PLC0415 - PyLD is slow to load

    return jsonld.to_quads(jsonld.expand(document, load))


def _canonical(quads: list[Quad]) -> bytes:
    from did_service.core.credentials import rdfc  # noqa: PLC0415 - not always needed

    return rdfc.canonicalize(quads).encode()
