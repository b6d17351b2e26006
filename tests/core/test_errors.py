"""Errors: a stable code, a sentence that is safe to show, both languages."""

import pytest

from did_service.core import errors
from did_service.core.errors import DidServiceError, LimitError, MalformedError

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


@pytest.mark.parametrize("foreign", ["", "\x1b[2J", "a b", "A", "x" * 65, "通过", "a\n", "a-b"])
def test_what_others_wrote_is_no_code(foreign):
    """The type itself refuses it, so that no screen or log line can show it as one."""
    with pytest.raises(DidServiceError) as caught:
        LimitError(foreign, "x")
    assert caught.value.code == "internal_fault"
