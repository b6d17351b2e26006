"""Where services keep things in folders: the one place that opens databases and blob stores.

    FOLDER/registry.sqlite  reg/  ev/YEAR/  last-signed     registry.lock     a region's logs
    FOLDER/witness.sqlite   mirror/HEX/     last-cosigned   witness.lock      its witness
    FOLDER/issuer.sqlite                                    issuer.lock       an agency
    FOLDER/monitor.sqlite   mirror/HEX/                     monitor.lock      a monitor

With `storage.database` the rows of each are a schema of that name in a server's database.
Each service has a lock of its own: registry and witness of a region share no file, and may be
two processes, or lie in two folders on two hosts. Layout: docs/formats.md §8.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from did_service.core.errors import UsageError, quote
from did_service.node.setting_kinds import IN_FOLDER
from did_service.node.storage_setup import StorageSetup
from did_service.signer.last_signed import LastSigned
from did_service.storage.database import check_server_url, claimed, leadership_of, open_database
from did_service.storage.leading import ALONE, Leadership
from did_service.storage.lease import Lease, Use
from did_service.storage.stores import ServiceStores

if TYPE_CHECKING:
    from did_service.issuer.store import IssuerStore


@dataclass(frozen=True, slots=True)
class OpenedStores:
    """The stores of a service that signs tree heads, its guard, and whether it may write."""

    stores: ServiceStores
    guard: LastSigned
    leadership: Leadership = ALONE


@contextmanager
def registry_stores(storage: StorageSetup, origin: str) -> Iterator[OpenedStores]:
    """Open the stores of a region's registry, and close them.

    Args:
        storage: Where they are; the folder is made, with its parents, where it is missing.
        origin: Of the region's control log: whose folder it is.

    Raises:
        ConflictError: `folder_in_use`, `folder_of_another`; of a server `database_in_use`.
        UsageError: of a server `database_of_another`.
        UnavailableError: `file_not_written`, or what the database says.
    """
    folder = storage.folder
    with Lease(folder, "registry", origin), _stores(storage, "registry", "", origin) as stores:
        yield OpenedStores(stores, LastSigned(folder / "last-signed"))


@contextmanager
def led_registry_stores(storage: StorageSetup, origin: str) -> Iterator[OpenedStores]:
    """Do the same for one of several processes, where a server's database has the rows.

    They share the folder, with guard and files. Which of them writes, the database decides.

    Raises:
        ConflictError: `folder_in_use`: by one that is alone; `folder_of_another`.
        UsageError, UnavailableError: as `registry_stores`.
    """
    if storage.is_in_folder:
        with registry_stores(storage, origin) as opened:
            yield opened
        return
    folder = storage.folder
    with (
        Lease(folder, "registry", origin, Use.SHARED),
        _unclaimed(storage, "registry", "") as stores,
    ):
        guard = LastSigned(folder / "last-signed")
        yield OpenedStores(stores, guard, leadership_of(stores.engine, origin))


@contextmanager
def witness_stores(storage: StorageSetup, name: str) -> Iterator[OpenedStores]:
    """Do the same for a witness; the folder may be that of its region's registry.

    Args:
        storage: Where they are.
        name: Of its cosigning key.
    """
    folder = storage.folder
    guard = LastSigned(folder / "last-cosigned")
    with Lease(folder, "witness", name):
        if not (storage.has_database("witness") or (folder / "mirror").exists()):
            guard.begin({})  # from now on a guard that is not there is a guard that was lost
        with _stores(storage, "witness", "mirror", name) as stores:
            yield OpenedStores(stores, guard)


@contextmanager
def reading_stores(storage: StorageSetup, name: str, blobs: str) -> Iterator[ServiceStores]:
    """Open stores that are only read, of a database that is there; no lock is taken.

    Raises:
        NotFoundError: `database_missing`.
        UnavailableError: what the database says.
    """
    url = storage.database_url(name)
    engine = open_database(url, make=False, connections=storage.connections)
    try:
        yield ServiceStores(engine, storage.blob_store(blobs))
    finally:
        engine.dispose()


@contextmanager
def issuer_store(storage: StorageSetup, did: str) -> Iterator[IssuerStore]:
    """Do the same for an agency, whose folder is known by its DID.

    Where a server's database has its rows, it may be several processes: all of them write.
    """
    from did_service.issuer.store import IssuerStore  # noqa: PLC0415 - a region has none

    use = Use.ALONE if storage.is_in_folder else Use.SHARED
    with (
        Lease(storage.folder, "issuer", did, use),
        _stores(storage, "issuer", "", did, use) as stores,
    ):
        yield IssuerStore(stores.engine)


def storage_of_monitor(folder: Path, database: str) -> StorageSetup:
    """Return where a monitor keeps what it has seen.

    Args:
        folder: Its own folder.
        database: `sqlite:`, or the URL of a server's database for its rows.

    Raises:
        UsageError: `database_url_wrong`; `memory_in_folder`: the heads that it remembers lie in
            the folder, and a database without them would forget them.
    """
    storage = StorageSetup(folder)
    if database == IN_FOLDER:
        return storage
    check_server_url(database)
    if storage.has_database("monitor"):
        raise UsageError("memory_in_folder", f"monitor.sqlite lies in {quote(folder.name)}")
    return StorageSetup(folder, database)


@contextmanager
def monitor_stores(storage: StorageSetup, federation: str) -> Iterator[ServiceStores]:
    """Do the same for a monitor, whose folder is known by the federation that it watches."""
    folder = storage.folder
    with (
        Lease(folder, "monitor", federation),
        _stores(storage, "monitor", "mirror", federation) as stores,
    ):
        yield stores


@contextmanager
def _stores(
    storage: StorageSetup, name: str, blobs: str, owner: str, use: Use = Use.ALONE
) -> Iterator[ServiceStores]:
    with _unclaimed(storage, name, blobs) as stores, claimed(stores.engine, owner, use):
        yield stores


@contextmanager
def _unclaimed(storage: StorageSetup, name: str, blobs: str) -> Iterator[ServiceStores]:
    engine = open_database(storage.database_url(name), connections=storage.connections)
    try:
        yield ServiceStores(engine, storage.blob_store(blobs))
    finally:
        engine.dispose()
