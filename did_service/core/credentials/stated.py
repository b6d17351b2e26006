"""Documents whose proofs cover statements (eddsa-rdfc-2022), before any statement is read.

    list ──► a set: `in_order` gives every reader the same one
    document, its proofs ──► work, counted before it is done

Light, since every document passes here and few have such a proof; in which JSON it may be
written is `spelling`.
"""

from __future__ import annotations

from did_service.core.credentials.contexts import OF_OURS
from did_service.core.encoding import jcs
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import UnsupportedError
from did_service.core.limits import JSON_VALUES_PER_STATED, MAX_STATED_VALUES

SUITE = "eddsa-rdfc-2022"
DOCUMENT_TYPES = frozenset({"VerifiableCredential", "VerifiablePresentation"})
# Members of a document that have proofs of their own, or are the proofs.
APART = frozenset({"@context", "proof", "verifiableCredential"})


def in_order(document: JsonObject) -> JsonObject:
    """Return a document with each list that is a set in the one order that readers know.

    A document's base type comes first; all else is in the order of its canonical JSON.
    """
    types = document.get("type")
    members: JsonObject = {
        name: value if name in APART else _ordered(value) for name, value in document.items()
    }
    if isinstance(types, list):
        members["type"] = sorted(types, key=lambda n: (not _is_base_type(n), jcs.encode(n)))
    return members


def _is_base_type(value: JsonValue) -> bool:
    """Say whether a value is a document's base type; what is no text may stand there too."""
    return isinstance(value, str) and value in DOCUMENT_TYPES


def keeps_no_order(document: JsonObject) -> bool:
    """Say whether all proofs of a document cover statements, in which a list is a set."""
    found = document.get("proof")
    proofs = found if isinstance(found, list) else [found]
    suites = [each.get("cryptosuite") if isinstance(each, dict) else None for each in proofs]
    return bool(suites) and all(suite == SUITE for suite in suites)


def check_work(*documents: JsonObject) -> None:
    """Refuse documents that take too long to verify, before any of it is done.

    Counted are values, once for each proof over statements. Other proofs are over JSON, which
    is so much quicker; there only types are read as JSON-LD, under contexts that are not ours.

    Raises:
        UnsupportedError: `too_large`.
    """
    if sum(map(_work, documents)) > MAX_STATED_VALUES:
        raise UnsupportedError("too_large", "too many statements under proofs")


def _work(document: JsonObject) -> int:
    found = document.get("proof")
    proofs = found if isinstance(found, list) else [found]
    suites = [each.get("cryptosuite") for each in proofs if isinstance(each, dict)]
    context, values, over = document.get("@context"), _values(document), suites.count(SUITE)
    types = 0 if over or context in ([*OF_OURS[:1]], [*OF_OURS]) else _values(context)
    return types + over * values + (len(proofs) - over) * values // JSON_VALUES_PER_STATED


def _values(value: JsonValue) -> int:
    """Count the values in a value, itself too."""
    count, level = 1, [value]
    while level:
        below: list[JsonValue] = []
        for holder in level:
            if isinstance(holder, dict | list):
                count += len(holder)
                items = holder.values() if isinstance(holder, dict) else holder
                below += [item for item in items if type(item) is not str]
        level = below
    return count


def _ordered(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {name: _ordered(member) for name, member in value.items()}
    if isinstance(value, list):
        return sorted(map(_ordered, value), key=jcs.encode)
    return value
