"""What every table of refusals needs."""

from contextlib import contextmanager

import pytest

from did_service.core.errors import DidServiceError


@contextmanager
def refused(code: str, kind: type[DidServiceError] = DidServiceError):
    """Expect a refusal with a code."""
    with pytest.raises(kind) as caught:
        yield
    assert caught.value.code == code, caught.value
