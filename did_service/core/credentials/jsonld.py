"""JSON-LD 1.1 to RDF by PyLD, without its forgiveness.

    document ──expand──► absolute names everywhere ──to_quads──► statements

PyLD drops what it cannot place (a property or type that no context defines, a null, an empty
list, an index), guesses a base for relative names and writes numbers its own way. Whatever
leaves no statement is not signed, so all of it is refused. Importing this module costs 0.4 s:
only `eddsa_rdfc_2022` and `vocabulary` do so, when they need it.

PyLD has no bounds either, and most of what it reads is signed by nobody. So work is counted:
values, contexts and pairs of values before it begins, definitions of terms as it makes them.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import NoReturn, cast

from pyld.jsonld import JsonLdError, JsonLdProcessor

from did_service.core.credentials import nquads
from did_service.core.credentials.contexts import ContextLoader
from did_service.core.credentials.members import is_url
from did_service.core.credentials.nquads import Quad
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import LimitError, MalformedError, UnsupportedError, quote
from did_service.core.limits import (
    MAX_CONTEXTS_NAMED,
    MAX_JSONLD_VALUES,
    MAX_SAFE_INTEGER,
    MAX_SET_PAIRS,
    MAX_TERM_DEFINITIONS,
)

_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
_DIRECTION = "i18n-datatype"
# What PyLD raises on documents that JSON-LD forbids, besides its own error.
_FAULTS = (JsonLdError, KeyError, TypeError, ValueError, AttributeError, RecursionError)


def expand(document: JsonObject, load: ContextLoader) -> list[JsonObject]:
    """Return the expanded form, in which every name is absolute and nothing was dropped.

    Args:
        document: A JSON-LD document; its contexts are all on `load`'s list.
        load: Returns a context document by URL.

    Raises:
        MalformedError: `context_unknown`, `term_undefined`, `value_not_signed`, `iri_invalid`,
            `language_invalid` or `jsonld_invalid`.
        UnsupportedError: `number_refused`.
        LimitError: `too_large` for more work than any honest document makes.
    """
    _check_size(document)
    _check_contexts(document, load)
    processor = _StrictProcessor(on_property_dropped=_refuse_property)
    try:
        expanded = processor.expand(_normalized(document), _options(load))
    except _FAULTS as error:
        raise MalformedError(
            "jsonld_invalid", f"not JSON-LD: {quote(_reason(error))}"
        ) from error
    nodes = cast("list[JsonObject]", expanded)
    for node in nodes:
        _check(node)
    return nodes


def to_quads(expanded: list[JsonObject]) -> list[Quad]:
    """Return the statements of a document that `expand` returned.

    Raises:
        MalformedError: `jsonld_invalid`.
        LimitError: `too_large` for more than 4,096 statements, or too many values of one thing.
    """
    _check_sets(expanded)
    try:
        dataset = JsonLdProcessor().to_rdf(expanded, _options(_no_context))
    except _FAULTS as error:
        raise MalformedError("jsonld_invalid", f"no RDF: {quote(_reason(error))}") from error
    nquads.check_count(sum(map(len, dataset.values())))
    return [
        (
            _term(triple["subject"]),
            _term(triple["predicate"]),
            _term(triple["object"]),
            _name("" if graph == "@default" else graph),
        )
        for graph, triples in dataset.items()
        for triple in triples
    ]


# PyLD has no types.
class _StrictProcessor(JsonLdProcessor):  # type: ignore[misc]
    """Refuses what expansion would drop without a word, and counts the terms it defines."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)
        self._definitions = count(1)

    def _create_term_definition(self, *args: object, **options: object) -> object:
        if next(self._definitions) > MAX_TERM_DEFINITIONS:
            raise LimitError("too_large", f"more than {MAX_TERM_DEFINITIONS} terms to define")
        return super()._create_term_definition(*args, **options)

    def _expand(self, *args: object, **options: object) -> object:
        expanded: object = super()._expand(*args, **options)
        if expanded is None:
            raise MalformedError("value_not_signed", "a value would be dropped by JSON-LD")
        return expanded


def _options(load: ContextLoader) -> dict[str, object]:
    def loader(url: str, _: object) -> dict[str, object]:
        return {
            "contentType": "application/ld+json",
            "contextUrl": None,
            "documentUrl": url,
            "document": load(url),
        }

    return {"base": None, "documentLoader": loader, "rdfDirection": _DIRECTION}


def _no_context(url: str) -> NoReturn:
    raise MalformedError("context_unknown", f"context {quote(url)} in an expanded document")


def _refuse_property(name: str | None) -> NoReturn:
    raise MalformedError("term_undefined", f"no context defines a property ({quote(name)})")


def _reason(error: BaseException) -> str:
    """Find the innermost cause: PyLD wraps the telling sentence several times."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error.args[0] if error.args else error).partition("\n")[0]


def _check_size(document: JsonObject) -> None:
    """Count values, and the pairs of values that PyLD compares to find repeats in a list."""
    values = pairs = 0
    waiting: list[JsonValue] = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list):
            values += len(value)
            pairs += len(value) ** 2 // 2 if isinstance(value, list) else 0
            if values > MAX_JSONLD_VALUES or pairs > MAX_SET_PAIRS:
                raise LimitError("too_large", "a document of too many values")
            waiting.extend(value.values() if isinstance(value, dict) else value)


def _check_sets(expanded: list[JsonObject]) -> None:
    """Count the pairs within what is said of one thing by one name, wherever it is said."""
    sizes: Counter[tuple[JsonValue, str]] = Counter()
    waiting: list[JsonValue] = [*expanded]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
            sizes.update(
                {
                    (value["@id"], name): len(member)
                    for name, member in value.items()
                    if "@id" in value and isinstance(member, list)
                }
            )
    if sum(size**2 // 2 for size in sizes.values()) > MAX_SET_PAIRS:
        raise LimitError("too_large", "too many values of one thing")


def _check_contexts(document: JsonObject, load: ContextLoader) -> None:
    """Ask `load` for every context that the document names; each mention costs work."""
    named = list(_named(document))
    if len(named) > MAX_CONTEXTS_NAMED:
        raise LimitError("too_large", f"{len(named)} contexts in one document")
    for url in dict.fromkeys(entry for entry in named if isinstance(entry, str)):
        load(url)


def _named(value: JsonValue) -> Iterator[JsonValue]:
    """Yield each context that a document names or holds, also inside inline contexts."""
    if isinstance(value, list):
        for item in value:
            yield from _named(item)
    elif isinstance(value, dict):
        for name, member in value.items():
            if name in {"@context", "@import"}:
                yield from member if isinstance(member, list) else [member]
            yield from _named(member)


def _normalized(value: JsonValue) -> JsonValue:
    """Write whole numbers as integers, as JSON-LD 1.1 §8.2.2 reads them; refuse the unsafe."""
    if isinstance(value, dict):
        return {name: _normalized(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_normalized(item) for item in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if not math.isfinite(value) or (value == int(value) and abs(value) > MAX_SAFE_INTEGER):
        raise UnsupportedError("number_refused", "a number is not finite, or beyond 2^53")
    return int(value) if value == int(value) else value


def _check(node: JsonValue) -> None:
    """Check an expanded element: absolute names, at least one value each, no index."""
    if isinstance(node, list):
        for item in node:
            _check(item)
    elif isinstance(node, dict) and "@value" in node:
        _check_literal(node)
    elif isinstance(node, dict):
        for name, member in node.items():
            _check_member(name, member)


def _check_member(name: str, member: JsonValue) -> None:
    if name in {"@id", "@type"}:
        for item in member if isinstance(member, list) else [member]:
            _check_iri(item)
        return
    if name == "@index":
        raise MalformedError("value_not_signed", "an index would not be signed")
    if not name.startswith("@"):
        if not is_url(name):
            raise MalformedError("iri_invalid", f"property {quote(name)} is not absolute")
        if member == []:
            raise MalformedError("value_not_signed", f"{quote(name)} is an empty list")
    _check(member)


def _check_literal(literal: JsonObject) -> None:
    if "@index" in literal:
        raise MalformedError("value_not_signed", "an index would not be signed")
    datatype, language = literal.get("@type"), literal.get("@language")
    if datatype not in (None, "@json") and not is_url(datatype):
        raise MalformedError("iri_invalid", f"datatype {quote(datatype)} is not absolute")
    if language is not None and not _LANGUAGE.fullmatch(str(language)):
        raise MalformedError("language_invalid", f"no language tag: {quote(language)}")


def _check_iri(value: JsonValue) -> None:
    blank = isinstance(value, str) and nquads.BLANK.fullmatch(value) is not None
    if not blank and not is_url(value):
        raise MalformedError("iri_invalid", f"{quote(value)} is not an absolute IRI")


def _term(term: dict[str, str]) -> str:
    if term["type"] == "literal":
        return nquads.literal(term["value"], term["datatype"], term.get("language"))
    return _name(term["value"])


def _name(value: str) -> str:
    return value if not value or value.startswith("_:") else f"<{value}>"
