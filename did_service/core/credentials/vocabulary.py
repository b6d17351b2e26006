"""What the types of a credential mean: absolute IRIs, never the short names.

Authority is granted for a type IRI, so a short name that an inline context bends to another
meaning must not be believed. Documents under the two contexts of ours need no JSON-LD
processor, since those define each type name once and protect it; all others take the general
path, and a test holds both to each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import cast

from did_service.core.credentials import contexts
from did_service.core.credentials.contexts import OF_OURS, ContextLoader
from did_service.core.credentials.members import is_url
from did_service.core.credentials.model import Credential, Presentation
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import MalformedError, UnsupportedError, quote

_CREDENTIALS = "https://www.w3.org/2018/credentials#"
_OF_LITERALS = frozenset({"@value", "@language", "@direction"})
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
    if document.context in (OF_OURS[:1], OF_OURS):
        return tuple(_table_iri(name, document.context) for name in document.types)
    return expanded_type_iris(document.raw)


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


def check_plain(document: JsonObject) -> None:
    """Check that whoever reads a document as plain JSON sees what JSON-LD makes of it.

    A proof over statements holds for every way to write them: a holder could rename, nest or
    spell out a member and so hide it from all who read names. Only the terms of our two
    contexts, none of which is another's synonym, leave one way.

    Raises:
        UnsupportedError: `names_not_plain`: another context, a keyword, or an IRI for a name.
    """
    context = document.get("@context")
    if context not in (OF_OURS[0], [*OF_OURS[:1]], [*OF_OURS]):
        raise UnsupportedError("names_not_plain", "another context could rename members")
    _check_names({name: value for name, value in document.items() if name != "@context"})


def _check_names(value: JsonValue) -> None:
    if isinstance(value, list):
        for item in value:
            _check_names(item)
    elif isinstance(value, dict):
        for name, member in value.items():
            if ":" in name or (name.startswith("@") and name not in _OF_LITERALS):
                raise UnsupportedError("names_not_plain", f"{quote(name)} is no plain name")
            _check_names(member)


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
