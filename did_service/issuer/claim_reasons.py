"""Why claims do not fit, claim by claim, for whoever shows it: place, keyword, title.

    reasons   "/credentialSubject/citizenNumber pattern; /credentialSubject/familyName required"
    titles    "%E5%85%AC…; %E5%A7%93"     in the same order, percent-encoded UTF-8, or empty

Both are one line of ASCII, as members of a problem document are. No value is in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote as percent_encode

from did_service.core.credentials.schema_rules import Violation
from did_service.core.encoding.strict_json import JsonObject, JsonValue

SEPARATOR = "; "
_OF_NAMES = frozenset({"required", "additionalProperties"})
_MEMBER = re.compile(r"'([A-Za-z0-9]{1,64})'")  # as jsonschema names a member


def reasons_of(schema: JsonObject, violations: Sequence[Violation]) -> dict[str, str]:
    """Return the details of a refusal: `reasons` and `titles`."""
    found = [(place, each.keyword) for each in violations for place in _places(each)]
    titles = (percent_encode(_title(schema, place), safe="") for place, _ in found)
    return {
        "reasons": SEPARATOR.join(f"{place} {keyword}" for place, keyword in found),
        "titles": SEPARATOR.join(titles),
    }


def _places(violation: Violation) -> Iterator[str]:
    """Yield the paths of claims that do not fit, also of those that are missing."""
    names = _MEMBER.findall(violation.message) if violation.keyword in _OF_NAMES else []
    if violation.keyword == "required":  # one violation names one claim that is missing
        names = names[:1]
    yield from (f"{violation.path}/{name}" for name in names) if names else (violation.path,)


def _title(schema: JsonObject, pointer: str) -> str:
    """Return what a schema calls the value at a JSON Pointer; empty where it has no title."""
    place: JsonObject = schema
    for step in pointer.split("/")[1:]:
        place = _resolved(schema, place)
        properties = _object(place.get("properties"))
        place = (
            _object(properties.get(step)) if step in properties else _object(place.get("items"))
        )
    title = place.get("title", _resolved(schema, place).get("title"))
    return title if isinstance(title, str) else ""


def _resolved(schema: JsonObject, place: JsonObject) -> JsonObject:
    """Follow one reference into `$defs`, as all our schemas make them."""
    name = str(place.get("$ref", "")).removeprefix("#/$defs/")
    return _object(_object(schema.get("$defs")).get(name)) or place


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}
