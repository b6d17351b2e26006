"""Hypothesis strategies for JSON: values, and texts that spell them in many ways."""

import json

from hypothesis import strategies as st

SAFE = 2**53 - 1

safe_integers = st.integers(-SAFE, SAFE)
finite_numbers = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | safe_integers | st.text()


def nested(leaves):
    """Arrays and objects of the leaves, a few levels deep."""
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
        ),
        max_leaves=12,
    )


values = nested(scalars)
values_with_fractions = nested(scalars | finite_numbers)


@st.composite
def spellings(draw, of=values_with_fractions):
    """A JSON text for a value: compact or not, escaped or not, perhaps with a byte changed."""
    text = json.dumps(
        draw(of),
        ensure_ascii=draw(st.booleans()),
        indent=draw(st.sampled_from([None, 2])),
        separators=draw(st.sampled_from([(",", ":"), (", ", ": "), (",", ": ")])),
    ).encode()
    if draw(st.booleans()):
        at = draw(st.integers(0, len(text)))
        dropped = draw(st.integers(0, 3))
        text = text[:at] + draw(st.binary(max_size=3)) + text[at + dropped :]
    return text


@st.composite
def changed_value(draw, value):
    """The JSON value with one member, at any depth, put in, left out or replaced."""
    if not isinstance(value, dict | list) or not value or draw(st.integers(0, 3)) == 0:
        return draw(values)
    if isinstance(value, list):
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], draw(changed_value(value[at])), *value[at + 1 :]]
    name = draw(st.sampled_from(sorted(value)))
    match draw(st.integers(0, 7)):
        case 0:
            return {key: member for key, member in value.items() if key != name}
        case 1:
            return {**value, draw(st.text()): draw(values)}
        case _:
            return {**value, name: draw(changed_value(value[name]))}
