"""JSON Schema (draft 2020-12), bounded before any engine runs it.

A schema is a program of somebody else. What is taken refers to itself alone, and what it costs
is counted before it is compiled, and again for each instance.

    schema ──► parts, linked by $ref ──► no circle at one value, at most 4,096 parts for it
    schema + instance ──► steps

A circle that goes down a level of the instance (a tree, a list) ends with the instance. The log
and the counter ask the same law here, so a schema that no counter would run is not logged.
`$ref` is a keyword where a schema stands; in `const`, `enum`, `default` it is data (core
§4.3.3, §8.2.3).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from did_service.core.encoding import schema_parts
from did_service.core.encoding.schema_ceiling import Ceiling, ceiling_of
from did_service.core.encoding.schema_parts import Part
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import LimitError, MalformedError, UnsupportedError, quote
from did_service.core.limits import (
    MAX_PATTERN_STATES,
    MAX_SCHEMA_CHAIN,
    MAX_SCHEMA_PARTS,
    MAX_SCHEMA_REFERENCES,
    MAX_SCHEMA_WIDTH,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"

# Names given to schemas, which engines read differently; keywords whose cost is not counted.
_REFUSED = frozenset(
    {
        *("$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveAnchor", "$recursiveRef"),
        *("$vocabulary", "dependencies", "patternProperties"),
        *("unevaluatedItems", "unevaluatedProperties"),
    }
)
_REFUSED_INSIDE = _REFUSED | {"$id", "$schema"}
_REFERENCE = re.compile(r"#(?:/[A-Za-z0-9._~$-]+)*", re.ASCII)  # a JSON Pointer, not encoded


@dataclass(frozen=True, slots=True, eq=False)
class BoundedSchema:
    """A schema whose parts were counted; `raw` is shared, so nobody may change it."""

    raw: JsonObject
    _root: Part
    _ceiling: Ceiling | None

    def check_steps(self, instance: JsonValue, most: int) -> None:
        """Check that an engine may judge an instance.

        Raises:
            LimitError: `too_large`: it looks at more than `most`.
        """
        if self._ceiling is None or not self._ceiling.is_within(instance, most):
            self.steps(instance, most)

    def steps(self, instance: JsonValue, most: int) -> int:
        """Count what an engine looks at, at most, when it judges an instance.

        Raises:
            LimitError: `too_large` above `most`.
        """
        return schema_parts.steps(self._root, instance, most)


def bounded(schema: JsonObject) -> BoundedSchema:
    """Check that a schema refers to itself alone and that its work is bounded.

    Keywords of the wrong shape are left to the engine, which holds the schema against the
    dialect's own schema before it runs it.

    Raises:
        UnsupportedError: `schema_unsupported`: another dialect, or a keyword, a reference or a
            pattern that is not taken.
        MalformedError: `schema_invalid`: a reference leads to no schema.
        LimitError: `too_large`.
    """
    if schema.get("$schema") != DIALECT:
        raise UnsupportedError("schema_unsupported", f"$schema is not {DIALECT}")
    parts = schema_parts.read_parts(schema)
    for pointer, part in parts.items():
        if isinstance(part.raw, dict):
            _check_keywords(part.raw, _REFUSED if pointer == "#" else _REFUSED_INSIDE)
            _check_reference(part.raw, parts)
    _check_sums(parts)
    schema_parts.link(parts)
    widths = _Widths()
    for part in parts.values():
        widths.measure(part)
    return BoundedSchema(schema, parts["#"], ceiling_of(parts["#"]))


def _check_keywords(raw: JsonObject, refused: frozenset[str]) -> None:
    for keyword in raw:
        if keyword in refused:
            raise UnsupportedError("schema_unsupported", f"{keyword} is not taken here")


def _check_reference(raw: JsonObject, parts: Mapping[str, Part]) -> None:
    if "$ref" not in raw:
        return
    reference = raw["$ref"]
    if not isinstance(reference, str) or not _REFERENCE.fullmatch(reference):
        raise UnsupportedError("schema_unsupported", f"$ref is {quote(reference)}")
    if reference not in parts:
        raise MalformedError("schema_invalid", f"{quote(reference)} leads to no schema")


def _check_sums(parts: Mapping[str, Part]) -> None:
    if len(parts) > MAX_SCHEMA_PARTS:
        raise LimitError("too_large", f"{len(parts)} schemas; {MAX_SCHEMA_PARTS} are taken")
    references = sum(
        isinstance(part.raw, dict) and "$ref" in part.raw for part in parts.values()
    )
    if references > MAX_SCHEMA_REFERENCES:
        raise LimitError(
            "too_large", f"{references} references; {MAX_SCHEMA_REFERENCES} are taken"
        )
    states = sum(part.states - 1 for part in parts.values())
    if states > MAX_PATTERN_STATES:
        raise LimitError(
            "too_large", f"{states} states of patterns; {MAX_PATTERN_STATES} are taken"
        )


class _Widths:
    """How many parts of a schema one value meets, and how many stand in a row about it."""

    def __init__(self) -> None:
        self._known: dict[Part, tuple[int, int]] = {}
        self._open: list[Part] = []

    def measure(self, part: Part) -> tuple[int, int]:
        """Return width and height of a part, itself counted.

        Raises:
            UnsupportedError: `schema_unsupported`: it comes back to itself at the same value.
            LimitError: `too_large`.
        """
        if part in self._known:
            return self._known[part]
        if part in self._open:
            raise UnsupportedError("schema_unsupported", "a reference leads back to itself")
        if len(self._open) >= MAX_SCHEMA_CHAIN:
            raise LimitError("too_large", f"more than {MAX_SCHEMA_CHAIN} schemas in a row")
        self._open.append(part)
        measured = [self.measure(each) for each in part.here]
        self._open.pop()
        width = 1 + sum(width for width, _ in measured)
        height = 1 + max((height for _, height in measured), default=0)
        if width > MAX_SCHEMA_WIDTH or height > MAX_SCHEMA_CHAIN:
            raise LimitError("too_large", f"{width} schemas for one value, {height} in a row")
        self._known[part] = width, height
        return width, height
