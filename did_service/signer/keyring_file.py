"""The file of a keyring: read, checked for who else might read it, named in errors."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from did_service.core.crypto.keyring import KEYRING, SealedKeys, parse_keyring
from did_service.core.errors import (
    DecryptionError,
    LimitError,
    MalformedError,
    NotFoundError,
    UnavailableError,
)
from did_service.core.limits import MAX_KEYRING_BYTES
from did_service.program.files import read_file, read_own_file, whole

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_keyring(path: Path) -> SealedKeys:
    """Read what stands in clear, and check who else might read it; errors as `open_keyring`."""
    data = read_own_file(path, MAX_KEYRING_BYTES)
    if data is None:
        raise NotFoundError("keyring_missing", whole(path))
    check_private(path.parent)
    check_private(path)
    with naming(path):
        return parse_keyring(data, KEYRING)


def read_backup(path: Path) -> bytes:
    """Read a backup file.

    Raises:
        NotFoundError: `file_missing`.
    """
    data = read_file(path, MAX_KEYRING_BYTES)
    if data is None:
        raise NotFoundError("file_missing", whole(path))
    return data


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let what is wrong inside a file name the file; the code stays."""
    try:
        yield
    except (MalformedError, LimitError, DecryptionError) as error:
        raise type(error)(error.code, f"{whole(path)}: {error.message}") from error


def check_private(path: Path) -> None:
    """Check that nobody but its owner reads a file, or enters a folder.

    Raises:
        UnavailableError: `keyring_open_to_others`.
    """
    if path.stat().st_mode & _OTHERS:
        raise UnavailableError("keyring_open_to_others", f"{whole(path)}: chmod go= it")
