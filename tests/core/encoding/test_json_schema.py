"""JSON Schemas are bounded before they are compiled; what one instance costs is counted."""

import random

import pytest

from did_service.core.encoding import jcs, json_patterns, json_schema, strict_json
from did_service.core.errors import LimitError, MalformedError
from did_service.core.limits import (
    MAX_PATTERN_STATES,
    MAX_SCHEMA_CHAIN,
    MAX_SCHEMA_STEPS,
    MAX_SCHEMA_WIDTH,
)
from tests.support.refusals import refused
from tests.support.schemas import COSTLY, DRAFT, UNBOUNDED, doubled, in_a_row, random_document


def bounded(content):
    """As it is read from a file: no part of it is shared."""
    data = jcs.encode({**DRAFT, **content})
    return json_schema.bounded(
        strict_json.load_object(data, numbers=strict_json.Numbers.FINITE)
    )


def steps(content, instance):
    return bounded(content).steps(instance, MAX_SCHEMA_STEPS)


@pytest.mark.parametrize("name", UNBOUNDED)
def test_schema_without_bounds_is_refused(name):
    content, code = UNBOUNDED[name]
    with refused(code, MalformedError):
        bounded(content)


@pytest.mark.parametrize(
    "content",
    [
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"type": "object"}}},
        {"$id": "urn:didsvc:schema:a:1", "items": {"$ref": "#"}},
        {"properties": {"next": {"$ref": "#"}, "other": {"items": {"$ref": "#"}}}},
        {"additionalProperties": {"$ref": "#"}, "prefixItems": [{"$ref": "#"}]},
        {"$defs": {"居住证": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/b"}}}
        | {"$defs": {"b": True}},
        doubled(9),
        {"$ref": "#/definitions/a", "definitions": {"a": {"type": "object"}}},
    ],
)
def test_schema_that_ends_is_taken(content):
    bounded(content)


@pytest.mark.parametrize("keyword", ["const", "default", "x-own", "title"])
def test_reference_in_plain_data_is_data(keyword):
    value = {"$ref": "https://evil.example/s", "$dynamicRef": 5, "patternProperties": {"(": 1}}
    bounded({keyword: value, "enum": [value], "examples": [value]})


def test_keyword_of_the_wrong_shape_is_left_to_the_engine():
    bounded({"properties": [{"$ref": "urn:x"}], "allOf": {"$ref": "urn:x"}, "not": [5]})


def test_bounds_are_exact():
    bounded(in_a_row(MAX_SCHEMA_CHAIN // 2 - 1))  # two parts a step, and the two ends
    with refused("too_large", LimitError):
        bounded(in_a_row(MAX_SCHEMA_CHAIN // 2))
    lane = {"allOf": [True] * 62}  # with the part that refers to it, a value meets 64
    wide = {"anyOf": [{"$ref": "#/$defs/a"}] * 64, "$defs": {"a": lane}}  # 1 + 64 * 64
    with refused("too_large", LimitError):
        bounded(wide)
    bounded({**wide, "anyOf": [*wide["anyOf"][1:], True]})
    assert MAX_SCHEMA_WIDTH == 64 * 64


@pytest.mark.parametrize("name", COSTLY)
def test_instance_that_costs_too_much_is_refused(name):
    content, instance = COSTLY[name]
    with refused("too_large", LimitError):
        steps(content, instance())
    with refused("too_large", LimitError):
        bounded(content).check_steps(instance(), MAX_SCHEMA_STEPS)


@pytest.mark.parametrize(
    ("content", "instance", "cost"),
    [
        ({}, 1, 2),  # a look, and the keyword `$schema`
        ({"type": "string"}, 1, 3),
        ({"enum": [1, [2, 3]]}, 1, 7),
        ({"properties": {"a": {}, "b": {}}}, {"a": 1, "c": 1}, 5),
        ({"items": {"type": "string"}}, [1, 2, 3], 8),
        ({"items": True, "prefixItems": [{}]}, [1, 2, 3], 5),
        ({"contains": {}, "additionalProperties": {}}, [1, 2], 4),
        ({"additionalProperties": {}, "properties": {"a": {}}}, {"a": 1, "b": 1}, 5),
        ({"propertyNames": {}}, {"a": 1, "b": 1}, 4),
        ({"allOf": [{}, {}]}, 1, 4),
        ({"if": {}, "then": {}, "else": {}}, 1, 5),
        ({"dependentSchemas": {"a": {}}}, 1, 3),
        ({"$ref": "#/$defs/a", "$defs": {"a": {}}}, 1, 4),
        ({"minLength": 1}, "a" * 5_120, 13),
        ({"uniqueItems": True}, [1] * 16, 20),
    ],
)
def test_steps_count_what_an_engine_looks_at(content, instance, cost):
    assert steps(content, instance) == cost


INSTANCES = (
    1,
    "a" * 600,
    [1, [2, "b"], {"a": 1}] * 9,
    {"a": {"a": 1, "b": "x" * 700}, "b": [1, {"a": 1}], "c": "y", "\ud800": 1},
)


@pytest.mark.parametrize("instance", INSTANCES, ids=["number", "text", "list", "object"])
def test_what_passes_by_the_ceiling_costs_no_more_when_it_is_counted(instance):
    """Whatever is let through unseen would have been let through."""
    passed = 0
    for seed in range(600):
        try:
            schema = bounded(random_document(random.Random(seed)))
        except MalformedError:
            continue
        exact = schema.steps(instance, 10**9)
        schema.check_steps(instance, exact)
        with refused("too_large", LimitError):
            schema.check_steps(instance, exact - 1)
        passed += 1
    assert passed > 50


def test_portrait_beside_patterns_is_taken():
    portrait = {"type": "string", "pattern": "^[A-Za-z0-9+/]*={0,2}$", "maxLength": 262_144}
    content = {"properties": {"portrait": portrait, "n": {"pattern": "^[0-9A-Z]{18}$"}}}
    assert steps(content, {"portrait": "A" * 200_000, "n": "0" * 18}) <= MAX_SCHEMA_STEPS


def test_any_schema_is_bounded_or_refused():
    """No schema makes the law itself fall over."""
    refusals = set()
    for seed in range(2_000):
        try:
            bounded(random_document(random.Random(seed)))
        except MalformedError as error:
            refusals.add(error.code)
    assert refusals == {"schema_unsupported", "schema_invalid"}


# --- patterns ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "states"),
    [
        ("", 1),
        ("a", 5),
        ("^ab$", 11),
        ("a|b", 10),
        ("(a)", 7),
        ("(?:a)", 7),
        ("a*", 6),
        ("a+?", 6),
        ("a{3}", 18),
        ("a{3,}", 18),
        ("a{0,3}", 18),
        ("(a{3}){2}", 59),
        ("a{3}{2}", 53),
        (".", 21),
        ("\\d", 5),
        ("\\D", 25),
        ("[a-z]", 5),
        ("[a-中]", 37),
        ("\\.", 5),
        ("[^\\]]", 37),
    ],
)
def test_states_of_a_pattern_are_counted(pattern, states):
    assert json_patterns.states(pattern) == states


@pytest.mark.parametrize("pattern", ["\\p{L}", "\\P{Han}", "[\\p{L}]", "\\pL"])
def test_property_of_unicode_weighs_much(pattern):
    assert json_patterns.states(pattern) > 512


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "(?=a)",
            "(?!a)",
            "(?<=a)",
            "(?<n>a)",
            "(?i)a",
            "(?P<n>a)",
            "\\1",
            "\\k<n>",
            "\\b",
            "\\B",
        ),
        *(
            "[[a]]",
            "[a&&b]",
            "[a--b]",
            "[a~~b]",
            "[]",
            "[^]",
            "{",
            "a{",
            "}",
            "]",
            "\\",
            "\\cA",
        ),
    ],
)
def test_pattern_that_engines_read_differently_is_not_taken(pattern):
    with refused("schema_unsupported"):
        json_patterns.states(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "a{9999}",
        "((a{100}){100})",
        "a{20}{20}{20}",
        "\\p{L}{40}",
        "(" * 3 + "a{30}" + "){30}" * 3,
    ],
)
def test_pattern_with_too_many_states_is_refused(pattern):
    with refused("too_large", LimitError):
        json_patterns.states(pattern)


def test_long_pattern_is_counted_in_one_pass():
    assert json_patterns.states("(a|" * 1_000 + "b" + ")" * 1_000) <= MAX_PATTERN_STATES
