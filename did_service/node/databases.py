"""The databases of a service as their keeper sees them: where they lie, and their upgrade."""

from __future__ import annotations

import os
from pathlib import Path

from did_service.core.errors import NotFoundError, quote
from did_service.issuer import tables as issuer
from did_service.monitor import tables as monitor
from did_service.node.configuration import FILE, read_configuration
from did_service.registry import tables as registry
from did_service.replica import tables as replica
from did_service.resolver import tables as resolver
from did_service.storage.database import file_url
from did_service.storage.revisions import DatabaseStatus, status_of
from did_service.witness import tables as witness

HISTORIES = tuple(
    room.HISTORY for room in (replica, registry, resolver, witness, issuer, monitor)
)
_FILES = (
    "registry.sqlite",
    "witness.sqlite",
    "issuer.sqlite",
    "monitor.sqlite",
)  # docs/formats.md 8


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


def _data_of(folder: Path) -> Path:
    """Return where a service keeps its data, as its configuration says; else the folder."""
    file = folder / FILE
    if not file.is_file():
        return folder
    return read_configuration(file, os.environ).path("storage.folder")


def _urls(place: str) -> list[str]:
    if "://" in place:
        return [place]
    path = _data_of(Path(place))
    files = [path / name for name in _FILES] if path.is_dir() else [path]
    found = [file_url(file) for file in files if file.is_file()]
    if not found:
        raise NotFoundError("database_missing", f"no database at {quote(place)}")
    return found
