"""Durable files: complete or not there, made once, never changed.

A file counts as written when its bytes and then the name in its folder have reached the disk.
After a sync that failed nobody knows what the disk holds, and a second one that succeeds says
nothing about it: then nothing more may be built on these files before they were examined.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from did_service.core.errors import ConflictError, UnavailableError, quote

NOT_SYNCED = "tree_not_synced"


@contextmanager
def disk(where: Path) -> Iterator[None]:
    """Report what the operating system says.

    Raises:
        UnavailableError: `tree_not_written`; `NOT_SYNCED` goes through.
    """
    try:
        yield
    except OSError as error:
        raise UnavailableError(
            "tree_not_written", f"{quote(where.name)}: {error.strerror}"
        ) from error


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make a folder with flat files that is there completely or not at all."""
    if folder.exists():
        return
    temporary = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    for name, data in files.items():
        with (temporary / name.replace("/", "_")).open("xb") as file:
            file.write(data)
            file.flush()
            _sync(file.fileno(), folder.name)
    sync(temporary)
    temporary.rename(folder)
    sync(folder.parent)


def link(source: Path, target: Path) -> None:
    """Give a file its final name unless one with the same content has it.

    Raises:
        ConflictError: `tile_differs`.
    """
    _make_folder(target.parent)
    try:
        os.link(source, target)
    except FileExistsError as error:
        if target.read_bytes() != source.read_bytes():
            raise ConflictError(
                "tile_differs", f"another {quote(target.name)} is there"
            ) from error


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync(folder.parent)


def sync(folder: Path) -> None:
    """Make the names in a folder durable.

    Raises:
        UnavailableError: `NOT_SYNCED`.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _sync(descriptor, folder.name)
    finally:
        os.close(descriptor)


def _sync(descriptor: int, name: str) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise UnavailableError(NOT_SYNCED, f"{quote(name)}: {error.strerror}") from error
