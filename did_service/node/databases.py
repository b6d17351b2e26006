"""The databases of a service as their keeper sees them: where they lie, upgrade, and copy."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from did_service.core.errors import NotFoundError, UsageError, quote
from did_service.issuer import tables as issuer
from did_service.monitor import tables as monitor
from did_service.node.configuration import FILE, read_configuration
from did_service.node.setting_kinds import IN_FOLDER
from did_service.node.storage_setup import StorageSetup, storage_of
from did_service.registry import tables as registry
from did_service.replica import tables as replica
from did_service.resolver import tables as resolver
from did_service.storage.copying import CopiedTable, copy_whole
from did_service.storage.database import check_server_url, file_url, is_server_url
from did_service.storage.lease import Lease, owner_of
from did_service.storage.revisions import DatabaseStatus, status_of
from did_service.witness import tables as witness

HISTORIES = tuple(
    room.HISTORY for room in (replica, registry, resolver, witness, issuer, monitor)
)
SERVICES = ("registry", "witness", "issuer", "monitor")  # docs/formats.md 8
Told = Callable[[str, int, int], None]
"""Is called with what is being worked on, how much is done, and how much there is."""


@dataclass(frozen=True, slots=True)
class CopiedDatabase:
    """The database of one service, and where its rows are now as well.

    Attributes:
        service: Which.
        name: Of the new one.
        tables: What it has.
    """

    service: str
    name: str
    tables: tuple[CopiedTable, ...]


def database_status(place: str) -> list[DatabaseStatus]:
    """Return what the databases at a place hold; nothing is changed.

    Args:
        place: A folder of a service, a file, or a URL.

    Raises:
        NotFoundError: `database_missing`: there is none, or none with tables of ours.
        UsageError: `database_url_wrong`, `configuration_invalid`.
        UnavailableError: as `storage.database.reading`.
    """
    return [status_of(url, HISTORIES) for url in _urls(place)]


def upgrade_databases(place: str) -> list[tuple[DatabaseStatus, DatabaseStatus]]:
    """Bring the databases at a place to the revisions of this release.

    One transaction a database: whoever is killed leaves it as it was, and repeats the command.

    Returns:
        Each database before and after.

    Raises:
        ConflictError: `database_newer`: a later release has changed it; it stays as it is.
        NotFoundError, UsageError, UnavailableError: as `database_status`.
    """
    from did_service.storage.migrations.upgrade import upgrade  # noqa: PLC0415 - brings alembic

    return [upgrade(url, HISTORIES) for url in _urls(place)]


def copy_databases(
    folder: Path, to: str, environment: dict[str, str], told: Told
) -> list[CopiedDatabase]:
    """Copy the rows of a service that does not run to where its configuration will name next.

    What is there is kept. Whoever is killed repeats the command: what was copied is compared.

    Args:
        folder: Of the service, with the configuration that says where its rows are now.
        to: `sqlite:` for files in its folder of data, or the URL of a database.
        environment: Of the process.
        told: Hears how far it is.

    Raises:
        ConflictError: `folder_in_use`, `database_in_use`: it runs, or a service of the target
            does; `database_not_empty`: the target has rows, and not these.
        NotFoundError: `configuration_missing`, `database_missing`.
        UsageError: `configuration_invalid`, `database_url_wrong`; `place_is_source`: the rows
            are there.
        UnavailableError: as `copy_whole`.
    """
    if to != IN_FOLDER:
        check_server_url(to)
    source = storage_of(read_configuration(folder / FILE, environment))
    target = StorageSetup(source.folder, to)
    services = [each for each in SERVICES if source.has_database(each)]
    if not services:
        raise NotFoundError("database_missing", f"no database of {quote(folder)}")
    return [copy_service(source, target, each, told) for each in services]


def copy_service(
    source: StorageSetup, target: StorageSetup, service: str, told: Told
) -> CopiedDatabase:
    """Copy the rows of one service; errors as `copy_databases`."""
    owner = owner_of(source.folder, service)
    alone = nullcontext() if owner is None else Lease(source.folder, service, owner)
    here, there = source.database_url(service), target.database_url(service)
    if here == there:
        raise UsageError("place_is_source", service)
    with alone:
        name, tables = copy_whole(here, there, owner, HISTORIES, lambda *n: told(service, *n))
    return CopiedDatabase(service, name, tuple(tables))


def _urls(place: str) -> list[str]:
    """Return the URLs of the databases at a place, at least one."""
    if "://" in place and not is_server_url(place):
        return [place]
    storage = _storage(place)
    if storage is None:
        found = [file_url(Path(place))] if Path(place).is_file() else []
    else:
        found = [storage.database_url(each) for each in SERVICES if storage.has_database(each)]
    if not found:
        raise NotFoundError("database_missing", f"no database at {quote(place)}")
    return found


def _storage(place: str) -> StorageSetup | None:
    """Return where the databases of a place are, None where it is no folder and no server."""
    if is_server_url(place):
        return StorageSetup(Path(), place)
    folder = Path(place)
    if (folder / FILE).is_file():
        return storage_of(read_configuration(folder / FILE, os.environ))
    return StorageSetup(folder) if folder.is_dir() else None
