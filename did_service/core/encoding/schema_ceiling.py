"""The most that a schema can cost for an instance of a size: cheaper to know than the cost.

    parts, by every way that leads to them ──once a schema──► three sums
    instance ──► its text ──► values, characters ──► sums × size

A way through a schema meets a value at most once: each of its steps stays at the value or goes
down to one that the value is in. So no engine looks at more than each part, by each way to it,
at each value. Nearly all instances lie below the limit by this already, and those that do not
are counted exactly (`schema_parts.steps`). A schema that leads back to itself has no ceiling.
"""

from collections.abc import Iterator
from typing import NamedTuple

import orjson

from did_service.core.encoding.json_parser import separators
from did_service.core.encoding.schema_parts import Part
from did_service.core.encoding.strict_json import JsonValue
from did_service.core.limits import (
    MAX_SCHEMA_CHAIN,
    PATTERN_WORK_PER_STEP,
    UNIQUE_WORK_PER_STEP,
)


class Ceiling(NamedTuple):
    """Sums over all ways through a schema: weights, states of patterns, comparing of items."""

    weight: int
    states: int
    unique: int

    def is_within(self, instance: JsonValue, most: int) -> bool:
        """Say whether it is sure that no engine looks at more than `most` for this instance."""
        try:
            text = orjson.dumps(instance)
        except orjson.JSONEncodeError:  # no text of ours: whoever counts exactly will see
            return False
        values = 1 + separators(text)
        looked_at = values * self.weight  # a name as well, but it has its value
        matched = len(text) * self.states // PATTERN_WORK_PER_STEP
        compared = values * values * self.unique // UNIQUE_WORK_PER_STEP
        return looked_at + matched + compared <= most


def ceiling_of(root: Part) -> Ceiling | None:
    """Return the ceiling of a linked schema, or None where a way does not end, or goes far."""
    known: dict[Part, Ceiling | None] = {}
    return _ceiling(root, known, MAX_SCHEMA_CHAIN)


def _ceiling(part: Part, known: dict[Part, Ceiling | None], room: int) -> Ceiling | None:
    if part not in known:
        known[part] = None  # what leads back here while it is open has none either
        below = [_ceiling(each, known, room - 1) for each in _applied(part)] if room else [None]
        if None not in below:
            sums = [each for each in below if each is not None]
            known[part] = Ceiling(
                part.weight + sum(each.weight for each in sums),
                part.states + sum(each.states for each in sums),
                part.has_unique_items + sum(each.unique for each in sums),
            )
    return known[part]


def _applied(part: Part) -> Iterator[Part]:
    yield from part.here
    yield from part.properties.values()
    yield from part.leading
    others = (part.others, part.names, part.items, part.contains)
    yield from (each for each in others if each is not None)
