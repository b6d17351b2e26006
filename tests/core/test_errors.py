"""Errors: a stable code, and a message that is safe to show."""

import pytest

from did_service.core.errors import DidServiceError, LimitError, MalformedError


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
