"""The parts of a JSON Schema, linked, and what an engine looks at when it runs them.

Each position at which a schema stands is one part. `steps` walks a schema and an instance
together as an engine does that stops nowhere early, so no engine does more: keywords looked at,
values they compare with, and characters times the states of patterns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from did_service.core.encoding import json_patterns
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import LimitError
from did_service.core.limits import PATTERN_WORK_PER_STEP, UNIQUE_WORK_PER_STEP

# Keywords that hold schemas (JSON Schema 2020-12 core §10.2, §10.3, §8.2.4; validation §8.5).
_ONE = frozenset(
    {
        *("not", "if", "then", "else", "additionalProperties", "propertyNames"),
        *("items", "contains", "contentSchema"),
    }
)
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_BY_NAME = frozenset({"properties", "dependentSchemas", "$defs", "definitions"})
_HERE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")


@dataclass(slots=True, eq=False)
class Part:
    """One schema of a document, linked to those it applies.

    Attributes:
        raw: What stands there.
        weight: What one look costs: its keywords, and the values that they list.
        states: States of its pattern; 1 without.
        here: Applied to the same value: in-place applicators, and where `$ref` leads.
        properties: Applied to members by their names.
        others: Applied to all other members.
        names: Applied to the names of members.
        leading: Applied to the first items, in their order.
        items: Applied to the items after those.
        contains: Applied to all items.
    """

    raw: JsonValue
    weight: int = 1
    states: int = 1
    here: tuple[Part, ...] = ()
    properties: Mapping[str, Part] = field(default_factory=dict)
    others: Part | None = None
    names: Part | None = None
    leading: tuple[Part, ...] = ()
    items: Part | None = None
    contains: Part | None = None

    @property
    def has_unique_items(self) -> bool:
        """Whether the engine compares all items with each other."""
        return isinstance(self.raw, dict) and self.raw.get("uniqueItems") is True


def read_parts(schema: JsonObject) -> dict[str, Part]:
    """Return the parts of a schema by the JSON Pointer that leads there, `#` first; not linked.

    Keywords of the wrong shape hold no schemas.

    Raises:
        UnsupportedError: `schema_unsupported`: a pattern is not taken.
        LimitError: `too_large`: the states of one pattern.
    """
    return {pointer: _read(raw) for pointer, raw in _positions("#", schema)}


def link(parts: Mapping[str, Part]) -> None:
    """Link parts to each other; each `$ref` must lead to one of them."""
    for pointer, part in parts.items():
        if not isinstance(part.raw, dict):
            continue
        held: dict[str, dict[str, Part]] = {}
        for keyword, value in part.raw.items():
            found = _held(keyword, value)
            held[keyword] = {name: parts[f"{pointer}/{keyword}{at}"] for at, name, _ in found}
        part.here = tuple(each for name in _HERE for each in held.get(name, {}).values())
        if "$ref" in part.raw:
            part.here += (parts[str(part.raw["$ref"])],)
        part.properties = held.get("properties", {})
        part.leading = tuple(held.get("prefixItems", {}).values())
        part.others = held.get("additionalProperties", {}).get("")
        part.names = held.get("propertyNames", {}).get("")
        part.items = held.get("items", {}).get("")
        part.contains = held.get("contains", {}).get("")


def steps(root: Part, instance: JsonValue, most: int) -> int:
    """Count what an engine looks at, at most, when it judges an instance.

    Args:
        root: A linked part without a circle at one value.
        instance: What is judged.
        most: Steps that are taken.

    Raises:
        LimitError: `too_large` above `most`.
    """
    count = 0
    waiting: list[tuple[Part, JsonValue]] = [(root, instance)]
    while waiting:
        part, value = waiting.pop()
        count += part.weight
        if part.here:
            waiting += [(each, value) for each in part.here]
        if isinstance(value, str):
            count += len(value) * part.states // PATTERN_WORK_PER_STEP
            continue
        if isinstance(value, dict):
            count += _to_members(part, value, waiting)
        elif isinstance(value, list):
            if part.has_unique_items:
                count += len(value) * _count(value) // UNIQUE_WORK_PER_STEP  # pairs, at worst
            _to_items(part, value, waiting)
        if count + len(waiting) > most:
            break
    if count > most or waiting:
        raise LimitError("too_large", f"more than {most} steps for one instance")
    return count


def _to_members(part: Part, value: JsonObject, waiting: list[tuple[Part, JsonValue]]) -> int:
    """Go on to the members; those that are texts and lead nowhere else are counted at once."""
    count = 0
    properties, others, names = part.properties, part.others, part.names
    for name, each in properties.items():
        if name in value:
            member = value[name]
            if isinstance(member, str) and not each.here:
                count += each.weight + len(member) * each.states // PATTERN_WORK_PER_STEP
            else:
                waiting.append((each, member))
    if others is not None:
        waiting += [(others, value[name]) for name in value if name not in properties]
    if names is not None:
        waiting += [(names, name) for name in value]
    return count


def _to_items(
    part: Part, value: list[JsonValue], waiting: list[tuple[Part, JsonValue]]
) -> None:
    waiting += zip(part.leading, value, strict=False)
    if part.items is not None:
        waiting += [(part.items, item) for item in value[len(part.leading) :]]
    if part.contains is not None:
        waiting += [(part.contains, item) for item in value]


def _positions(pointer: str, schema: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    """Yield each schema in a document with its JSON Pointer."""
    yield pointer, schema
    if isinstance(schema, dict):
        for keyword, value in schema.items():
            for at, _, raw in _held(keyword, value):
                yield from _positions(f"{pointer}/{keyword}{at}", raw)


def _held(keyword: str, value: JsonValue) -> Iterator[tuple[str, str, JsonValue]]:
    """Yield the schemas of a keyword: rest of the pointer, name or index, schema."""
    if keyword in _BY_NAME and isinstance(value, dict):
        for name, raw in value.items():
            yield f"/{name.replace('~', '~0').replace('/', '~1')}", name, raw
    elif keyword in _LISTS and isinstance(value, list):
        for index, raw in enumerate(value):
            yield f"/{index}", str(index), raw
    elif keyword in _ONE and isinstance(value, dict | bool):
        yield "", "", value


def _read(raw: JsonValue) -> Part:
    if not isinstance(raw, dict):
        return Part(raw)
    named, pattern = raw.get("properties"), raw.get("pattern")
    own = sum(_count(value) for keyword, value in raw.items() if not _holds(keyword))
    listed = len(named) if isinstance(named, dict) else 0
    states = json_patterns.states(pattern) if isinstance(pattern, str) else 1
    return Part(raw, 1 + own + listed, states)


def _holds(keyword: str) -> bool:
    return keyword in _ONE or keyword in _LISTS or keyword in _BY_NAME


def _count(value: JsonValue) -> int:
    """Count the values in a value, itself too."""
    if isinstance(value, dict):
        return 1 + sum(map(_count, value.values()))
    return 1 + sum(map(_count, value)) if isinstance(value, list) else 1
