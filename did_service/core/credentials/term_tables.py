"""Statements of documents under the contexts of ours, without a JSON-LD processor.

    @context of a document ──once──► terms: name ─► IRI, how its texts are read, its own terms
    members of the document ──terms──► quads

A JSON-LD processor spends nearly all its time on reading the same two contexts. Most documents
use little of the language: names, nested objects, lists, texts, integers. Their quads are
written here straight from tables (JSON-LD 1.1 API §5.1, §8.1). Whatever is more than that, be
it a keyword, a graph, a fraction or a name that no context defines, is left to `jsonld`, which
knows it or says what is wrong. A property test holds both to each other. On the way the writer
sees whether a document can have no second JSON spelling; where it is not sure, `spelling` asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn, TypeAlias

from did_service.core.credentials.contexts import OF_OURS, ContextLoader
from did_service.core.credentials.members import is_url
from did_service.core.credentials.nquads import XSD_STRING, Quad, check_count, literal, quoted
from did_service.core.credentials.stated import DOCUMENT_TYPES
from did_service.core.encoding.strict_json import JsonObject, JsonValue, as_object, as_text
from did_service.core.errors import UnsupportedError
from did_service.core.limits import MAX_SAFE_INTEGER

_XSD = XSD_STRING.removesuffix("string")
_RDF_TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
_READ = frozenset({"@id", "@type", "@context", "@container"})  # of a term's definition
# As credentials/v2 has them. A number and its digits as a text make the same statement there.
NUMERIC = frozenset(
    f"https://www.w3.org/2001/XMLSchema#{name}" for name in ("integer", "nonNegativeInteger")
)
SUBJECT = "<https://www.w3.org/2018/credentials#credentialSubject>"


@dataclass(frozen=True, slots=True)
class Term:
    """What a context says of a name.

    Attributes:
        iri: What it stands for, as N-Quads writes it.
        coercion: How its texts are read: as `@id`, as `@vocab`, or the datatype they have.
        scope: The terms of its own context. They are for the members of an object of this
            type, or for the value of this property, and reach no further (JSON-LD 1.1 §4.1.8).
        is_set: Whether its context has its values in an array always, also a single one.
        suffix: What stands behind a text in quotation marks; None where texts are no literals.
    """

    iri: str
    coercion: str
    scope: Terms
    is_set: bool
    suffix: str | None


Terms: TypeAlias = Mapping[str, Term | None]
"""Name to term; None where a definition needs more than is read here."""


@dataclass(frozen=True, slots=True)
class Statements:
    """What a document states; `is_plain` where no other JSON under its contexts does so too.

    Where `is_plain` is false nothing is said: `spelling.check` must look.
    """

    quads: list[Quad]
    is_plain: bool


def to_quads(document: JsonObject, load: ContextLoader) -> list[Quad]:
    """Return the statements of a document, which are those that `jsonld` finds.

    Args:
        document: A JSON-LD document.
        load: Returns a context document by URL.

    Raises:
        UnsupportedError: `jsonld_needed`; whether the document is good, `jsonld` must say.
        LimitError: `too_large` for more than 4,096 statements.
    """
    return read(document, load).quads


def read(document: JsonObject, load: ContextLoader) -> Statements:
    """Return the statements of a document and how it is spelled; errors as `to_quads`."""
    context = document.get("@context")
    urls = tuple(context) if isinstance(context, list) else (context,)
    if urls not in (OF_OURS[:1], OF_OURS):
        _leave()
    writer = _Writer(terms_of(len(urls), load))
    writer.add({name: value for name, value in document.items() if name != "@context"})
    is_plain = (
        writer.is_plain
        and isinstance(context, list)
        and writer.names_each_once()
        and _has_plain_type(document.get("type"), len(urls), load)
    )
    return Statements(writer.quads or _leave(), is_plain)


def _has_plain_type(types: JsonValue, count: int, load: ContextLoader) -> bool:
    """Look at a document's own types: a list for a credential or presentation, else one name.

    A credential whose types need the second context is surely under it for a reason.
    """
    if not isinstance(types, list):
        return types not in DOCUMENT_TYPES
    if DOCUMENT_TYPES.isdisjoint(types):
        return len(types) > 1
    first = terms_of(1, load)
    needed = count == 1 or any(name not in first for name in types)
    return needed or "VerifiablePresentation" in types


class _Writer:
    """Writes the statements of one document, object by object."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._blank = 0
        self._objects: list[str] = []
        self._links: list[str] = []
        self.quads: list[Quad] = []
        self.is_plain = True

    def add(self, node: JsonObject, *, nested: bool = False) -> str:
        """Write what an object says of its subject; return the subject."""
        subject = self._subject(node)
        scope: Terms = {}
        kinds = _items(node["type"]) if "type" in node else []
        for kind in kinds:
            term = (self._terms.get(kind) if isinstance(kind, str) else None) or _leave()
            if scope and term.scope:
                _leave()
            scope = scope or term.scope
            self.quads.append((subject, _RDF_TYPE, term.iri, ""))
        if kinds and isinstance(node["type"], list):
            self._note_list(kinds, may_be_single=not nested)
        for name, member in node.items():
            if name not in {"id", "type"}:
                term = (scope[name] if name in scope else self._terms.get(name)) or _leave()
                if isinstance(member, list):
                    self._note_list(member or _leave(), may_be_single=term.is_set)
                    for value in member:
                        self.quads.append((subject, term.iri, self._object(term, value), ""))
                    continue
                if term.is_set:
                    self.is_plain = False
                self.quads.append((subject, term.iri, self._object(term, member), ""))
        return subject

    def names_each_once(self) -> bool:
        """Say whether each identifier belongs to one object, to which nothing else points."""
        objects = set(self._objects)
        return len(objects) == len(self._objects) and objects.isdisjoint(self._links)

    def _subject(self, node: JsonObject) -> str:
        if "id" not in node:
            return self._blank_node(node)
        subject = _iri(node["id"])
        self._objects.append(subject)
        if len(node) == 1:
            self.is_plain = False
        return subject

    def _blank_node(self, node: JsonObject) -> str:
        if not node:
            _leave()
        self._blank += 1
        return f"_:b{self._blank}"

    def _note_list(self, values: list[JsonValue], *, may_be_single: bool) -> None:
        """Bound the work, and look for what a set of values would not keep."""
        check_count(len(self.quads) + len(values))
        scalars = [value for value in values if not isinstance(value, dict)]
        if (len(values) == 1 and not may_be_single) or (scalars and not _differ(scalars)):
            self.is_plain = False

    def _object(self, term: Term, value: JsonValue) -> str:
        if isinstance(value, str):
            return self._text(term, value)
        if isinstance(value, dict) and not term.scope:
            return self.add(value, nested=True)
        if term.coercion == XSD_STRING:
            if isinstance(value, bool):
                return literal("true" if value else "false", f"{_XSD}boolean")
            if isinstance(value, int) and abs(value) <= MAX_SAFE_INTEGER:
                return literal(str(value), f"{_XSD}integer")
        return _leave()

    def _text(self, term: Term, text: str) -> str:
        if term.suffix is not None:  # most are literals
            if term.coercion in NUMERIC:
                self.is_plain = False
            return quoted(text) + term.suffix
        if term.coercion == "@id":
            link = _iri(text)
            self._links.append(link)
            if term.iri == SUBJECT:
                self.is_plain = False
            return link
        if term.coercion == "@vocab":
            return (term.scope.get(text) or _leave()).iri
        return _leave()


def _differ(scalars: Sequence[JsonValue]) -> bool:
    """Say whether no value stands twice; true is not 1 here, and a list is never sure."""
    if any(isinstance(value, list) for value in scalars):
        return False
    return len({(type(value), value) for value in scalars}) == len(scalars)


def _iri(value: JsonValue) -> str:
    return f"<{value}>" if is_url(value) else _leave()


def _items(member: JsonValue) -> list[JsonValue]:
    """Return the values of a member; an empty list would leave no statement."""
    return (member or _leave()) if isinstance(member, list) else [member]


def _leave() -> NoReturn:
    raise UnsupportedError("jsonld_needed", "more of JSON-LD than terms, texts and integers")


@lru_cache(maxsize=2 * len(OF_OURS))
def terms_of(count: int, load: ContextLoader) -> Terms:
    """Return the terms of the first contexts of ours; none of them redefines another's."""
    terms: dict[str, Term | None] = {}
    for url in OF_OURS[:count]:
        terms |= _read(as_object(load(url)["@context"], url))
    return {name: None if _redefines(term, terms) else term for name, term in terms.items()}


def _redefines(term: Term | None, terms: Terms) -> bool:
    """Say whether the scope of a term gives a name another meaning than all have of it.

    A type may not do so to a protected name (JSON-LD 1.1 §4.1.11), only a property may.
    """
    scope = term.scope if term else {}
    return any(terms.get(name, own) != own for name, own in scope.items())


def _read(context: JsonObject) -> dict[str, Term | None]:
    return {name: _term(value) for name, value in context.items() if not name.startswith("@")}


def _term(value: JsonValue) -> Term | None:
    definition: JsonObject = {"@id": value} if isinstance(value, str) else as_object(value, "")
    iri, coercion = definition["@id"], definition.get("@type", XSD_STRING)
    scope = definition.get("@context", {})
    is_read = definition.keys() <= _READ and definition.get("@container", "@set") == "@set"
    if not is_read or not is_url(iri) or coercion == "@json" or not isinstance(scope, dict):
        return None
    is_set, kind = "@container" in definition, as_text(coercion, "@type")
    suffix = None if kind.startswith("@") else literal("", kind).removeprefix('""')
    return Term(f"<{iri}>", kind, _read(scope), is_set, suffix)
