"""Errors: a stable code, a sentence that is safe to show, both languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core import errors
from did_service.core.errors import DidServiceError, LimitError, MalformedError, quote
from did_service.core.limits import MAX_QUOTED_CHARACTERS

CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, DidServiceError)
]


@pytest.mark.parametrize("error", CLASSES)
def test_every_class_speaks_both_languages(error):
    for sentence in (error.meaning, error.next_step):
        assert not sentence.zh.isascii()
        assert sentence.en.isascii()
        assert not sentence.en.endswith(".")


@pytest.mark.parametrize("error", [e for e in CLASSES if e is not DidServiceError])
def test_every_class_says_what_it_means_itself(error):
    assert "meaning" in vars(error)
    assert error.meaning != error.__base__.meaning


def test_an_error_carries_code_message_and_evidence():
    error = LimitError("too_large", "9 bytes", size=9)
    assert (error.code, error.message, error.details) == ("too_large", "9 bytes", {"size": 9})
    assert str(error) == "9 bytes"
    assert isinstance(error, MalformedError)


@given(st.text(st.characters(categories=None)))
def test_quoted_text_is_one_printable_line_of_bounded_length(text):
    quoted = quote(text)
    assert quoted.isprintable()
    assert quoted[0] == quoted[-1] == '"'
    assert '"' not in quoted[1:-1]
    assert len(quoted) <= 10 * MAX_QUOTED_CHARACTERS


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("plain 广州", '"plain 广州"'),
        ("\x1b[2J", '"\\u001b[2J"'),
        ("\u202egnp.exe", '"\\u202egnp.exe"'),
        ("a\nb", '"a\\u000ab"'),
        ('say "x"', '"say \\u0022x\\u0022"'),
        (7, '"7"'),
        ("a" * 81, '"' + "a" * 80 + '…"'),
    ],
)
def test_foreign_text_is_escaped_and_cut(foreign, shown):
    assert quote(foreign) == shown
