"""Files that a configuration names: what is wrong with one names it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from did_service.core.errors import DidServiceError, NotFoundError
from did_service.program.files import read_file, whole


def required(path: Path, most: int, missing: str) -> bytes:
    """Read a file that has to be there.

    Raises:
        NotFoundError: `missing` is its code.
        UnavailableError: `file_not_read`.
    """
    data = read_file(path, most)
    if data is None:
        raise NotFoundError(missing, whole(path))
    return data


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let what is wrong inside a file name the file; kind, code and details stay."""
    try:
        yield
    except DidServiceError as error:
        told = type(error)(error.code, f"{whole(path)}: {error.message}", **error.details)
        raise told from error
