"""What the types of a credential mean: absolute IRIs, never the short names.

Authority is granted for a type IRI, so a short name that an inline context bends to another
meaning must not be believed. Documents under the two contexts of ours need no JSON-LD
processor, since those define each type name once and protect it; all others take the general
path, and a test holds both to each other. A context inside a credential may only add names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import cast

from did_service.core.credentials import contexts
from did_service.core.credentials.contexts import OF_OURS, ContextLoader
from did_service.core.credentials.members import is_url
from did_service.core.credentials.model import Credential, Presentation
from did_service.core.encoding import jcs, strict_json
from did_service.core.encoding.strict_json import JsonObject, JsonValue, Numbers
from did_service.core.errors import DidServiceError, MalformedError, UnsupportedError, quote
from did_service.core.limits import (
    MAX_INLINE_TERMS,
    MAX_PRESENTED_BYTES,
    MAX_PROCESSED_CACHED,
)

_CREDENTIALS = "https://www.w3.org/2018/credentials#"
_NAME = re.compile(r"[\w.-]+")
_PREFIX_ENDS = frozenset(":/?#[]@")  # JSON-LD 1.1 API §4.2.2: such an IRI would be a prefix
_STATUS = "https://www.w3.org/ns/credentials/status#"
# The class names of credentials/v2 that a whole document can have.
_V2_CLASSES: Mapping[str, str] = {
    "VerifiableCredential": f"{_CREDENTIALS}VerifiableCredential",
    "VerifiablePresentation": f"{_CREDENTIALS}VerifiablePresentation",
    "BitstringStatusListCredential": f"{_STATUS}BitstringStatusListCredential",
}


def type_iris(document: Credential | Presentation) -> tuple[str, ...]:
    """Return the IRI of every type, in the document's order.

    Raises:
        MalformedError: `term_undefined` for a type that no context defines, or what JSON-LD
            processing refuses.
    """
    urls = tuple(entry for entry in document.context if isinstance(entry, str))
    if urls in (OF_OURS[:1], OF_OURS):
        try:
            inline = _inline_terms(document.context[len(urls) :])
        except UnsupportedError:
            return _known_type_iris(document)
        return tuple(inline.get(name) or _table_iri(name, urls) for name in document.types)
    return _known_type_iris(document)


def _known_type_iris(document: Credential | Presentation) -> tuple[str, ...]:
    """Expand the types alone, once for each way to define them, also where that is refused."""
    outcome = _outcome(jcs.encode({"@context": [*document.context], "type": [*document.types]}))
    if isinstance(outcome, DidServiceError):
        outcome.__traceback__ = None  # or it would grow with each asking
        raise outcome
    return outcome


@lru_cache(maxsize=MAX_PROCESSED_CACHED)
def _outcome(document: bytes) -> tuple[str, ...] | DidServiceError:
    try:
        members = strict_json.load_object(
            document, max_bytes=MAX_PRESENTED_BYTES, numbers=Numbers.FINITE
        )
        return expanded_type_iris(members)
    except DidServiceError as error:
        return error


def expanded_type_iris(
    document: JsonObject, load: ContextLoader = contexts.load
) -> tuple[str, ...]:
    """Return the type IRIs by general JSON-LD processing; errors as `check_terms`."""
    types = _expand(document, load)["@type"]
    return tuple(cast("list[str]", types))


def check_terms(document: JsonObject, load: ContextLoader = contexts.load) -> None:
    """Check that contexts define every type and property, and that nothing would be dropped.

    An issuer asks this before signing, whatever the cryptosuite.

    Raises:
        MalformedError: as `jsonld.expand`.
    """
    from did_service.core.credentials import term_tables  # noqa: PLC0415 - not always needed

    try:
        term_tables.to_quads(document, load)
    except UnsupportedError:
        _expand(document, load)


def check_contexts(document: JsonObject) -> None:
    """Check that the contexts inside a document only add names, and few.

    Readers here know the names of our contexts, whatever a document's own context makes of
    them. So it may define others: each a plain name for an absolute IRI, at the top, and none
    that could begin a shortened IRI. A presentation has nothing to name and defines none.

    Raises:
        UnsupportedError: `names_not_plain`.
    """
    types = document.get("type")
    names = types if isinstance(types, list) else [types]
    own = document.get("@context")
    entries = own if isinstance(own, list) else [own]
    inline = tuple(entry for entry in entries if not isinstance(entry, str))
    below = (
        member
        for name, member in document.items()
        if name not in {"@context", "proof", "verifiableCredential"}
    )
    if any(map(_has_context, below)):
        raise UnsupportedError("names_not_plain", "a context below the top")
    if inline and "VerifiablePresentation" in names:
        raise UnsupportedError("names_not_plain", "a context inside a presentation")
    _inline_terms(inline)


def _inline_terms(entries: tuple[JsonValue, ...]) -> Mapping[str, str]:
    """Return the names that contexts inside a credential add, with their IRIs."""
    terms: dict[str, str] = {}
    for entry in entries:
        if not isinstance(entry, dict) or len(entry) + len(terms) > MAX_INLINE_TERMS:
            raise UnsupportedError("names_not_plain", "a context that defines too much")
        for name, iri in entry.items():
            taken = terms.keys() | _our_names()
            if not _NAME.fullmatch(name) or not is_url(iri) or name in taken:
                raise UnsupportedError("names_not_plain", f"{quote(name)} is no added name")
            terms[name] = str(iri)
    if any(iri[-1] in _PREFIX_ENDS for iri in terms.values()):
        raise UnsupportedError("names_not_plain", "an IRI that shortens others")
    return terms


def _has_context(value: JsonValue) -> bool:
    if isinstance(value, dict):
        if "@context" in value:
            return True
        items: Iterable[JsonValue] = value.values()
    elif isinstance(value, list):
        items = value
    else:
        return False
    # Most are strings, and those need no look.
    return any(_has_context(item) for item in items if type(item) is not str)


@cache
def _our_names() -> frozenset[str]:
    """Return every name that a context of ours defines, also within another definition."""

    def names(context: JsonValue) -> Iterator[str]:
        for name, definition in context.items() if isinstance(context, dict) else ():
            yield name
            if isinstance(definition, dict):
                yield from names(definition.get("@context"))

    return frozenset(name for url in OF_OURS for name in names(contexts.load(url)["@context"]))


def _expand(document: JsonObject, load: ContextLoader) -> JsonObject:
    # PyLD takes 0.4 s to import, and documents under our contexts alone do not need it.
    from did_service.core.credentials import jsonld  # noqa: PLC0415 - PyLD is slow to load

    nodes = jsonld.expand(document, load)
    if len(nodes) != 1:
        raise MalformedError("jsonld_invalid", f"{len(nodes)} things in one document")
    return nodes[0]


def _table_iri(name: str, context: tuple[object, ...]) -> str:
    if is_url(name):
        return name
    classes = _our_classes() if contexts.DIDSVC_1 in context else {}
    iri = _V2_CLASSES.get(name) or classes.get(name)
    if iri is None:
        raise MalformedError("term_undefined", f"no context defines the type {quote(name)}")
    return iri


@cache
def _our_classes() -> Mapping[str, str]:
    terms = cast("JsonObject", contexts.load(contexts.DIDSVC_1)["@context"])
    return {
        name: iri for name, iri in terms.items() if name[0].isupper() and isinstance(iri, str)
    }
