"""JSON Schemas that hang or crash what runs them, and a generator of small odd ones."""

import random

from did_service.core.encoding.json_schema import DIALECT

DRAFT = {"$schema": DIALECT}


def doubled(levels: int, keyword: str = "allOf", last: object = None) -> dict:
    """Each level applies the next one twice to the same value: 2^levels in a few kilobytes."""
    steps = {f"d{i}": {keyword: [_to(i + 1), _to(i + 1)]} for i in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": {**steps, f"d{levels}": last or {"type": "object"}}}


def in_a_row(length: int) -> dict:
    """Each part leads to the next one, at the same value."""
    steps = {f"d{i}": {"not": _to(i + 1)} for i in range(length)}
    return {"$ref": "#/$defs/d0", "$defs": {**steps, f"d{length}": True}}


def _to(number: int) -> dict:
    return {"$ref": f"#/$defs/d{number}"}


# What neither a counter runs nor a log takes, with the code of the refusal.
UNBOUNDED = {
    "itself": ({"$ref": "#"}, "schema_unsupported"),
    "not_itself": ({"not": {"$ref": "#"}}, "schema_unsupported"),
    "all_of_itself": ({"allOf": [{"$ref": "#"}]}, "schema_unsupported"),
    "if_itself": ({"if": {"$ref": "#"}, "then": False}, "schema_unsupported"),
    "dependent_itself": ({"dependentSchemas": {"a": {"$ref": "#"}}}, "schema_unsupported"),
    "each_other": (
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "type": "object"},
        "schema_unsupported",
    ),
    "doubled": (doubled(40), "too_large"),
    "doubled_any": (doubled(16, "anyOf", {"required": ["nope"]}), "too_large"),
    "doubled_one": (doubled(16, "oneOf", {"required": ["nope"]}), "too_large"),
    "in_a_row": (in_a_row(200), "too_large"),
    "many_references": (
        {"allOf": [{"$ref": "#/$defs/a"}] * 300, "$defs": {"a": {}}},
        "too_large",
    ),
    "many_parts": ({"$defs": {f"d{i}": {} for i in range(1_100)}}, "too_large"),
    "dynamic": ({"$dynamicAnchor": "x", "$dynamicRef": "#x"}, "schema_unsupported"),
    "anchor": ({"$anchor": "x", "items": {"$ref": "#x"}}, "schema_unsupported"),
    "named_inside": (
        {
            "$ref": "#/%24defs/d0",
            "$defs": {
                "d0": {"$id": "x:y", "allOf": [{"$ref": "#/$defs/z"}], "$defs": {"z": {}}}
            },
        },
        "schema_unsupported",
    ),
    "other_dialect_inside": ({"not": {"$schema": "urn:other"}}, "schema_unsupported"),
    "elsewhere": ({"items": {"$ref": "https://evil.example/s"}}, "schema_unsupported"),
    "encoded_reference": ({"$ref": "#/%24defs/a", "$defs": {"a": {}}}, "schema_unsupported"),
    "into_data": (
        {"items": {"$ref": "#/const"}, "const": {"type": "object"}},
        "schema_invalid",
    ),
    "to_nothing": ({"$ref": "#/$defs/none"}, "schema_invalid"),
    "unevaluated_properties": ({"unevaluatedProperties": False}, "schema_unsupported"),
    "unevaluated_items": ({"unevaluatedItems": False}, "schema_unsupported"),
    "names_by_pattern": ({"patternProperties": {"(a+)+$": {}}}, "schema_unsupported"),
    "dependencies": ({"dependencies": {"a": {"$ref": "#"}}}, "schema_unsupported"),
    "pattern_too_long": ({"pattern": "(a{1000}){1000}"}, "too_large"),
    "patterns_too_many": ({"allOf": [{"pattern": "^.{300}$"}] * 4}, "too_large"),
    "pattern_looks_ahead": ({"pattern": "(?=a)"}, "schema_unsupported"),
    "pattern_refers_back": ({"pattern": "(a)\\1"}, "schema_unsupported"),
}

# What is bounded as a schema, with an instance that would cost too much.
COSTLY = {
    "two_ways_down_each_level": (
        {"allOf": [{"items": {"$ref": "#"}}, {"items": {"$ref": "#"}}]},
        lambda: _nested(28),
    ),
    "doubled_down": (
        {
            "$ref": "#/$defs/d0",
            "$defs": {
                **{
                    f"d{i}": {"allOf": [{"items": _to(i + 1)}, {"items": _to(i + 1)}]}
                    for i in range(28)
                },
                "d28": {},
            },
        },
        lambda: _nested(28),
    ),
    "slow_pattern": (
        {"pattern": "^(a|b)*a(a|b){900}$"},
        lambda: "ab" * 100_000,
    ),
    "unique_items": ({"uniqueItems": True}, lambda: [{"a": i} for i in range(5_000)]),
    "compared_with_all": (
        {"items": {"enum": [f"{i}" for i in range(4_000)]}},
        lambda: ["x"] * 100,
    ),
    "names": ({"propertyNames": {"maxLength": 3}}, lambda: {f"{i}": i for i in range(40_000)}),
}


def _nested(depth: int) -> list:
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


# --- generated --------------------------------------------------------------------------------

_NAMES = ("a", "b", "c", "$ref", "0")
_REFERENCES = (
    "#",
    "#/$defs/a",
    "#/$defs/b",
    "#/properties/a",
    "#/items",
    "#/const",
    "#/$defs/z",
)
_PATTERNS = (
    "^a*$",
    "(a|b)+",
    "[0-9]{2}",
    "\\p{L}+",
    "[^a]",
    "(",
    "(a*)*$",
    "\\d|中",
    "a{3,1}",
    "",
)
_TYPES = ("string", "integer", "number", "object", "array", "null", "boolean", "nothing")


def random_value(rng: random.Random, depth: int = 3) -> object:
    """A small JSON value."""
    kind = rng.randrange(9 if depth else 6)
    if kind < 6:
        numbers = (0, 1, -1, 2.5, 1e15, 2**53 - 1, 3)
        return rng.choice((None, True, False, *numbers, "", "a", "ab", "中", "12"))
    if kind == 6:
        return [random_value(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {rng.choice(_NAMES): random_value(rng, depth - 1) for _ in range(rng.randrange(4))}


def random_schema(rng: random.Random, depth: int = 4) -> object:
    """A schema that is often usable: some six keywords, each mostly of its right shape."""
    if depth == 0 or rng.random() < 0.08:
        return rng.choice((True, False, {}))
    schema: dict = {}
    for keyword in rng.sample(sorted(_KEYWORDS), rng.randrange(1, 5)):
        schema[keyword] = _KEYWORDS[keyword](rng, depth - 1)
    if rng.random() < 0.02:
        schema[rng.choice(sorted(_KEYWORDS))] = random_value(rng)
    return schema


def random_document(rng: random.Random) -> dict:
    """A whole schema of our dialect."""
    schema = random_schema(rng)
    definitions = {name: random_schema(rng, 3) for name in ("a", "b")}
    body = schema if isinstance(schema, dict) else {"not": schema}
    return {**body, "$defs": definitions, **DRAFT}


def _one(rng: random.Random, depth: int) -> object:
    return random_schema(rng, depth)


def _several(rng: random.Random, depth: int) -> object:
    return [random_schema(rng, depth) for _ in range(rng.randrange(1, 4))]


def _named(rng: random.Random, depth: int) -> object:
    return {rng.choice(_NAMES): random_schema(rng, depth) for _ in range(rng.randrange(1, 4))}


def _number(rng: random.Random, _: int) -> object:
    return rng.choice((0, 1, 2, 3))


_KEYWORDS = {
    **dict.fromkeys(("not", "if", "then", "else", "items", "contains"), _one),
    **dict.fromkeys(("additionalProperties", "propertyNames"), _one),
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), _several),
    **dict.fromkeys(("properties", "dependentSchemas"), _named),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), _number),
    **dict.fromkeys(("minContains", "maxContains", "minimum", "maximum"), _number),
    **dict.fromkeys(("minProperties", "maxProperties"), _number),
    "multipleOf": lambda rng, _: rng.choice((1, 2, 3, 7)),
    "$ref": lambda rng, _: rng.choice(_REFERENCES),
    "const": lambda rng, _: random_value(rng),
    "enum": lambda rng, _: [random_value(rng) for _ in range(rng.randrange(1, 4))],
    "type": lambda rng, _: rng.choice(_TYPES),
    "required": lambda rng, _: rng.sample(_NAMES, 2),
    "dependentRequired": lambda rng, _: {rng.choice(_NAMES): [rng.choice(_NAMES)]},
    "uniqueItems": lambda rng, _: rng.random() < 0.8,
    "pattern": lambda rng, _: rng.choice(_PATTERNS),
    "format": lambda rng, _: rng.choice(("date", "email", "did", "regex", "own")),
    "default": lambda rng, _: random_value(rng),
    "unevaluatedProperties": _one,
    "x-own": lambda rng, _: random_value(rng),
}
