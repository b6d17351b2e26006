"""The rows of a backup, put where a restored configuration has its service keep them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from did_service.node.configuration import Configuration
from did_service.node.databases import Told, copy_service
from did_service.node.storage_setup import StorageSetup, storage_of
from did_service.program.files import make_private_directory

_APART = ".didsvc-restored-rows"  # an opened file is not the backup's any more, byte for byte


def move_rows(configuration: Configuration, services: Iterable[str], told: Told) -> None:
    """Move restored rows out of the folder into a server's database, where it names one.

    Whoever is killed restores again: what has arrived is compared with the backup.

    Raises:
        ConflictError: `database_not_empty`: it has rows of another history; they stay.
        UnavailableError: what the database says.
    """
    storage = storage_of(configuration)
    if storage.is_in_folder:
        return
    place = configuration.file.parent / _APART
    shutil.rmtree(place, ignore_errors=True)
    make_private_directory(place)
    try:
        for service in services:
            _move(storage, service, place, told)
    finally:
        shutil.rmtree(place)


def _move(storage: StorageSetup, service: str, place: Path, told: Told) -> None:
    restored = storage.folder / f"{service}.sqlite"
    if restored.exists():
        shutil.move(restored, place / restored.name)
        copy_service(StorageSetup(place), storage, service, told)
