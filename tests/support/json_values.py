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
