"""N-Quads (W3C RDF 1.1 N-Quads), read in full and written canonically (RDFC-1.0, appendix A).

A term is its canonical text: `<iri>`, `_:label`, `"literal"`, `"literal"@en`,
`"literal"^^<iri>`. A quad is four terms; the default graph is the empty text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from did_service.core.errors import LimitError, MalformedError, quote
from did_service.core.limits import MAX_RDF_QUADS

Quad: TypeAlias = tuple[str, str, str, str]
"""Subject, predicate, object, graph name."""

XSD_STRING = "http://www.w3.org/2001/XMLSchema#string"

_PLAIN = r"[^\x00-\x20<>\"{}|^`\\]*"
_IRI = rf"<{_PLAIN}(?:\\(?:u[0-9A-Fa-f]{{4}}|U[0-9A-Fa-f]{{8}}){_PLAIN})*>"
_BLANK = r"_:[\w\u00b7\u203f\u2040:-]+(?:\.+[\w\u00b7\u203f\u2040:-]+)*"
_LITERAL = r'"(?:[^"\\\n\r]|\\.)*"(?:@[A-Za-z]+(?:-[A-Za-z0-9]+)*|\^\^' + _IRI + ")?"
_LINE = re.compile(
    rf"[ \t]*({_IRI}|{_BLANK})[ \t]*({_IRI})[ \t]*({_IRI}|{_BLANK}|{_LITERAL})"
    rf"[ \t]*({_IRI}|{_BLANK})?[ \t]*\.[ \t]*(?:#[^\n\r]*)?"
)
BLANK = re.compile(_BLANK)
_NOTHING = re.compile(r"[ \t]*(?:#[^\n\r]*)?")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_SHORT = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_WRITTEN = {
    **{chr(code): f"\\u{code:04X}" for code in (*range(0x20), 0x7F)},
    **{value: f"\\{letter}" for letter, value in _SHORT.items() if letter != "'"},
}
_TO_WRITE = str.maketrans(_WRITTEN)
_AS_THEY_ARE: Mapping[str, str] = MappingProxyType({})


def parse(text: str) -> list[Quad]:
    """Parse an N-Quads document; a repeated statement is kept once.

    Raises:
        MalformedError: `nquads_invalid` naming the line.
        LimitError: `too_large` for more than 4,096 quads.
    """
    quads: dict[Quad, None] = {}
    for number, line in enumerate(re.split(r"[\n\r]+", text), start=1):
        if _NOTHING.fullmatch(line):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise MalformedError(
                "nquads_invalid", f"line {number} is no statement: {quote(line)}"
            )
        subject, predicate, value, graph = (_canonical(term or "") for term in match.groups())
        quads[subject, predicate, value, graph] = None
        check_count(len(quads))
    return list(quads)


def check_count(count: int) -> None:
    """Refuse a dataset of more than 4,096 quads."""
    if count > MAX_RDF_QUADS:
        raise LimitError("too_large", f"more than {MAX_RDF_QUADS} statements")


def lines(quads: Iterable[Quad], names: Mapping[str, str] = _AS_THEY_ARE) -> list[str]:
    """Write statements as their canonical lines, in this order.

    Args:
        quads: The statements.
        names: Other names for blank nodes. Only these are looked up: most terms are long and
            new, and to hash one costs more than its first letter tells.
    """
    written = []
    for subject, predicate, value, graph in quads:
        who = names.get(subject, subject) if subject[0] == "_" else subject
        what = names.get(value, value) if value[0] == "_" else value
        in_graph = f" {names.get(graph, graph)}" if graph else ""
        written.append(f"{who} {predicate} {what}{in_graph} .\n")
    return written


def quoted(value: str) -> str:
    """Return a text in quotation marks, escaped canonically."""
    if value.isprintable() and '"' not in value and "\\" not in value:
        return f'"{value}"'
    return f'"{value.translate(_TO_WRITE)}"'


def literal(value: str, datatype: str = XSD_STRING, language: str | None = None) -> str:
    """Return the canonical text of a literal."""
    text = quoted(value)
    if language is not None:
        return f"{text}@{language}"
    return text if datatype == XSD_STRING else f"{text}^^<{datatype}>"


def _canonical(term: str) -> str:
    if term.startswith("<"):
        return _unescape(term)
    if not term.startswith('"'):
        return term
    end = term.rindex('"')
    value, rest = _unescape(term[1:end]), term[end + 1 :]
    if rest.startswith("@"):
        return literal(value, language=rest[1:])
    return literal(value, _unescape(rest[3:-1])) if rest else literal(value)


def _unescape(text: str) -> str:
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    try:
        character = chr(int(code, 16)) if code else _SHORT[match[3]]
        character.encode()
    except (KeyError, ValueError, OverflowError) as error:
        raise MalformedError("nquads_invalid", f"no such escape: {quote(match[0])}") from error
    return character
