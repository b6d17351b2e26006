"""The one JSON spelling of a document whose proof covers statements (docs/adr/0021).

eddsa-rdfc-2022 signs neither names nor nesting nor order, and JSON-LD has many ways to write
the same statements. Whoever reads names would see what a holder chose, so a document under this
suite is taken in one spelling alone: that of JSON-LD compaction (JSON-LD 1.1 API §6) under the
contexts of ours.

    names       terms of the two contexts; no keyword, alias, IRI, null or empty value
    one value   stands bare, but in a list where the context says @set, and a document's types
    an object   has its id for itself; what is only an identifier is written as text
    a literal   is a JSON text, number or truth; an object only for a language or direction

The order in a list is not signed either. It is not refused, since a set has none; it is never
read: `stated.in_order` gives every reader the same one.
"""

from __future__ import annotations

from collections.abc import Mapping

from did_service.core.credentials import contexts, term_tables
from did_service.core.credentials.contexts import OF_OURS, ContextLoader
from did_service.core.credentials.members import is_url
from did_service.core.credentials.plain_literals import check_literal, check_number, refuse
from did_service.core.credentials.stated import APART, DOCUMENT_TYPES
from did_service.core.credentials.term_tables import (
    NUMERIC,
    SUBJECT,
    Term,
    Terms,
)
from did_service.core.encoding import jcs
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import MalformedError, quote

_CREDENTIAL = "VerifiableCredential"


def check(document: JsonObject, load: ContextLoader = contexts.load) -> None:
    """Check that no other JSON makes the same statements under a context that is taken here.

    Credentials inside a presentation are left out: each has a proof of its own.

    Raises:
        UnsupportedError: `names_not_plain`, or `number_refused` for a number whose text not
            all implementations write alike.
        MalformedError: `term_undefined` or `value_not_signed`.
    """
    context = document.get("@context")
    if context not in ([*OF_OURS[:1]], [*OF_OURS]):
        refuse("another context could rename members")
    reader = _SpellingReader(len(context), load)
    reader.document(document)
    reader.check_links()


class _SpellingReader:
    """Reads one document object by object, and notes where identifiers stand."""

    def __init__(self, count: int, load: ContextLoader) -> None:
        self._terms = term_tables.terms_of(count, load)
        self._first = term_tables.terms_of(1, load)
        known = term_tables.terms_of(len(OF_OURS), load)
        self._iris = {term.iri for term in known.values() if term is not None}
        self._has_second = count > 1
        self._needs_second = False
        self._objects: list[JsonValue] = []
        self._links: set[JsonValue] = set()
        self._subjects: set[JsonValue] = set()

    def document(self, document: JsonObject) -> None:
        """Read the whole; a credential names no context that it does not use."""
        types = document.get("type")
        names = types if isinstance(types, list) else [types]
        if not all(isinstance(name, str) for name in names if name is not None):
            refuse("a type that is no name")
        is_document = not DOCUMENT_TYPES.isdisjoint(names)
        if types == _CREDENTIAL or (is_document and DOCUMENT_TYPES.issubset(names)):
            refuse("the types of a credential are a list, and it is no presentation")
        self._node(
            {name: value for name, value in document.items() if name not in APART},
            may_be_single=is_document,
        )
        if self._has_second and _CREDENTIAL in names and not self._needs_second:
            refuse("a context that is not used")

    def check_links(self) -> None:
        """Check that what an object says of its id could stand in no other place.

        What is said of a subject may be pointed at, for a subject is always an object.
        """
        objects = set(self._objects)
        if len(objects) < len(self._objects) or self._links & objects - self._subjects:
            refuse("an identifier that has several objects, or an object and a mention")

    def _node(self, node: JsonObject, *, may_be_single: bool = False) -> None:
        if not node:
            refuse("an object that says nothing")
        scope = self._kinds(node["type"], may_be_single=may_be_single) if "type" in node else {}
        if "id" in node:
            _check_identifier(node["id"])
            self._objects.append(node["id"])
        for name, member in node.items():
            if name not in {"id", "type"}:
                self._member(self._term(name, scope), name, member)

    def _kinds(self, types: JsonValue, *, may_be_single: bool) -> Terms:
        """Check the types of an object; return the terms that they bring along."""
        names = types if isinstance(types, list) else [types]
        single = isinstance(types, list) and len(names) == 1
        texts = [name for name in names if isinstance(name, str)]
        if len(set(texts)) < len(names) or (single and not may_be_single):
            refuse("a type that could be written otherwise")
        scope: dict[str, Term | None] = {}
        for name in texts:
            if f"<{name}>" in self._iris:
                refuse(f"{quote(name)} has a name")
            term = self._terms.get(name)
            scope |= term.scope if term is not None else {}
            self._needs_second |= name in self._terms and name not in self._first
        return scope

    def _term(self, name: str, scope: Mapping[str, Term | None]) -> Term:
        if name.startswith("@") or ":" in name:
            refuse(f"{quote(name)} is no plain name")
        if name not in scope and name not in self._terms:
            raise MalformedError("term_undefined", f"no context defines {quote(name)}")
        self._needs_second |= name not in scope and name not in self._first
        return scope.get(name, self._terms.get(name)) or refuse(
            f"{quote(name)} has values that can be written in several ways"
        )

    def _member(self, term: Term, name: str, member: JsonValue) -> None:
        if not isinstance(member, list):
            if term.is_set:
                refuse(f"the values of {quote(name)} stand in a list")
            self._value(term, member)
            return
        if not member:
            raise MalformedError("value_not_signed", f"{quote(name)} is an empty list")
        said = [jcs.encode(item) for item in member if not _is_node(item)]
        if (len(member) == 1 and not term.is_set) or len(set(said)) < len(said):
            refuse(f"the list of {quote(name)} could be shorter")
        for item in member:
            self._value(term, item)

    def _value(self, term: Term, value: JsonValue) -> None:
        if isinstance(value, str):
            self._text(term, value)
        elif isinstance(value, dict):
            self._object(term, value)
        elif value is None:
            raise MalformedError("value_not_signed", "a null would not be signed")
        elif isinstance(value, list):
            refuse("a list in a list")
        else:
            check_number(term, value)

    def _object(self, term: Term, value: JsonObject) -> None:
        if not _is_node(value):
            check_literal(term, value)
            return
        is_subject = term.iri == SUBJECT
        if term.scope or (value.keys() == {"id"} and term.coercion == "@id" and not is_subject):
            refuse("an object where a text would do")
        if is_subject and "id" in value:
            self._subjects.add(value["id"] if isinstance(value["id"], str) else None)
        self._node(value)

    def _text(self, term: Term, text: str) -> None:
        if term.coercion == "@id":
            _check_identifier(text)
            self._links.add(text)
        if (
            term.iri == SUBJECT
            or term.coercion in NUMERIC
            or (term.coercion == "@vocab" and text not in term.scope)
        ):
            refuse(f"{quote(text)} could be written otherwise")


def _is_node(value: JsonValue) -> bool:
    return isinstance(value, dict) and "@value" not in value


def _check_identifier(value: JsonValue) -> None:
    """Refuse the name of a blank node, which its object does not need; others are IRIs."""
    if not isinstance(value, str) or value.startswith("_:"):
        refuse(f"{quote(value)} identifies nothing")
    if not is_url(value):
        raise MalformedError("iri_invalid", f"{quote(value)} is not an absolute IRI")
