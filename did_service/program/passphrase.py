"""Where a program of an office takes a passphrase from: a file, a descriptor, a credential.

    file:PATH              first line of a file that nobody but its owner may read
    fd:NUMBER              a descriptor that was handed over: read to its end, and closed
    credential:NAME        systemd's LoadCredential: a file in $CREDENTIALS_DIRECTORY

It is never an argument and never a variable: those are shown to other users, and inherited.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from did_service.core.errors import NotFoundError, UnavailableError, UsageError, quote
from did_service.core.limits import MAX_PASSPHRASE_BYTES, MAX_SENTENCE_COLUMNS
from did_service.program.files import whole

CREDENTIALS = "CREDENTIALS_DIRECTORY"  # systemd.exec(5)
PLACES = ("file:PATH", "fd:NUMBER", "credential:NAME")
_CREDENTIAL = re.compile(r"[A-Za-z0-9._-]{1,255}")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_passphrase(place: str, environment: Mapping[str, str]) -> str:
    """Return the passphrase that stands at a place.

    Args:
        place: One of `PLACES`.
        environment: Has the folder of systemd's credentials.

    Raises:
        UsageError: `passphrase_place_invalid`, `passphrase_empty`.
        NotFoundError: `file_missing`, `credential_not_passed`.
        UnavailableError: `passphrase_open_to_others`, `file_not_read`.
    """
    kind, _, where = place.partition(":")
    if kind == "file" and where:
        return _line(_of_file(Path(where), private=True), place)
    if kind == "fd" and where.isascii() and where.isdigit():
        return _line(_of_descriptor(int(where)), place)
    if kind == "credential" and _CREDENTIAL.fullmatch(where) and where.strip("."):
        folder = environment.get(CREDENTIALS)
        if not folder:
            what = f"{quote(place)}: {CREDENTIALS} is not set"
            raise NotFoundError("credential_not_passed", what)
        return _line(_of_file(Path(folder) / where, private=False), place)
    raise UsageError(
        "passphrase_place_invalid", f"{quote(place)} is none of {', '.join(PLACES)}"
    )


def read_token(path: Path) -> str:
    """Return an officer's token: the first line of a file that only its owner may read.

    Raises:
        NotFoundError: `file_missing`.
        UsageError: `token_file_empty`.
        UnavailableError: `token_open_to_others`, `file_not_read`.
    """
    try:
        return read_passphrase(f"file:{path}", {})
    except UnavailableError as error:
        if error.code != "passphrase_open_to_others":
            raise
        raise UnavailableError("token_open_to_others", whole(path)) from error
    except UsageError as error:
        raise UsageError("token_file_empty", whole(path)) from error


def is_place(text: str) -> bool:
    """Say whether a text names a place where a passphrase may stand."""
    kind, _, where = text.partition(":")
    return bool(where) and any(each.startswith(f"{kind}:") for each in PLACES)


def _of_file(path: Path, *, private: bool) -> bytes:
    """Read a file; a credential's rights are systemd's business, which may use access lists."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise NotFoundError("file_missing", whole(path)) from error
    except OSError as error:
        raise UnavailableError("file_not_read", f"{whole(path)}: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise UnavailableError("file_not_read", f"{whole(path)} is no regular file")
        if private and mode & _OTHERS:
            raise UnavailableError("passphrase_open_to_others", whole(path))
        return file.read(MAX_PASSPHRASE_BYTES + 1)


def _of_descriptor(number: int) -> bytes:
    try:
        with os.fdopen(number, "rb") as stream:
            return stream.read(MAX_PASSPHRASE_BYTES + 1)
    except OSError as error:
        raise UnavailableError(
            "file_not_read", f"descriptor {number}: {error.strerror}"
        ) from error


def _line(data: bytes, place: str) -> str:
    """Return the first line; of a longer file only so many bytes are looked at."""
    line = data.split(b"\n", 1)[0].removesuffix(b"\r")
    shown = quote(place, MAX_SENTENCE_COLUMNS)
    if not line:
        raise UsageError("passphrase_empty", f"{shown}: the first line is empty")
    if len(line) > MAX_PASSPHRASE_BYTES:
        raise UsageError("passphrase_place_invalid", f"{shown}: the line is too long")
    return line.decode("utf-8", "surrogateescape")
