"""Files that the disk has to keep: what it says of them, and when it has them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from did_service.core.errors import UnavailableError, quote


@contextmanager
def disk(path: Path) -> Iterator[None]:
    """Tell what the disk says of a file by its name."""
    try:
        yield
    except OSError as error:
        what = f"{quote(path.name)}: {error.strerror}"
        raise UnavailableError("file_not_written", what) from error


def sync(path: Path) -> None:
    """Have the disk keep a file, or a folder, as it is."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
