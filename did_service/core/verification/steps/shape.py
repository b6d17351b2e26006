"""Step 1: what is presented can be read; nothing in it is believed."""

from __future__ import annotations

from did_service.core.errors import DidServiceError, LimitError, UnsupportedError
from did_service.core.verification.presented import PresentedFile, parse_presented
from did_service.core.verification.report import Check


def check(presented: bytes) -> tuple[PresentedFile, Check]:
    """Read a file; what cannot be read shows nothing."""
    try:
        return parse_presented(presented), Check("shape_valid")
    except DidServiceError as error:
        detail = f"{error.code}: {error.message}"
        return PresentedFile(()), Check(_code(error), detail=detail)


def _code(error: DidServiceError) -> str:
    if isinstance(error, UnsupportedError):
        return "unsupported"
    return "too_large" if isinstance(error, LimitError) else "malformed"
