"""Where a service keeps what it has: one value, from its configuration to its stores.

    StorageSetup(folder)                                     all of it in one folder
    StorageSetup(folder, "postgresql://db.gd.example/did")   its rows in a server's database
    StorageSetup(folder, blobs="s3://gd-tiles/a")            what it serves in a bucket

The folder is always there: it holds the guards, which no other machine may have, and the lock
of the process that writes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from did_service.core.errors import NotFoundError
from did_service.core.limits import DATABASE_CONNECTIONS
from did_service.node.configuration import Configuration
from did_service.node.setting_kinds import BLOBS_IN_FOLDER, IN_FOLDER
from did_service.node.setting_table import OF_REGION
from did_service.storage.blob_places import BlobPlace, open_blobs
from did_service.storage.blobs import BlobStore
from did_service.storage.folder import FolderBlobs


@dataclass(frozen=True, slots=True)
class StorageSetup:
    """Where the stores of one configuration are; none of them is opened by this.

    Attributes:
        folder: Of guards and locks, and of whatever no other place is given for.
        database: `sqlite:`, or the URL of a database, in which each service has a schema.
        connections: To a server's database, of each service's store, at most.
        blobs: `folder:`, or the URL of a bucket; the place of what is served as files.
        endpoint: URL of the bucket's service; empty where the environment says it.
        environment: Has the access key of the bucket, or names its file.
    """

    folder: Path
    database: str = IN_FOLDER
    blobs: str = BLOBS_IN_FOLDER
    endpoint: str = ""
    connections: int = DATABASE_CONNECTIONS
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    @property
    def is_in_folder(self) -> bool:
        """Whether the rows are files of the folder."""
        return self.database == IN_FOLDER

    def database_url(self, service: str) -> str:
        """Return the URL of the database of one service, such as `registry` or `witness`."""
        from did_service.storage.database import file_url, url_with_schema  # noqa: PLC0415 - SQL

        if self.is_in_folder:
            return file_url(self.folder / f"{service}.sqlite")
        return url_with_schema(self.database, service)

    def has_database(self, service: str) -> bool:
        """Say whether one service has ever kept rows here; errors as `open_database`."""
        if self.is_in_folder:
            return (self.folder / f"{service}.sqlite").exists()
        from did_service.storage.database import open_database  # noqa: PLC0415 - SQL

        try:
            open_database(self.database_url(service), make=False).dispose()
        except NotFoundError:
            return False
        return True

    def blob_store(self, name: str) -> BlobStore:
        """Return the store of what is served as files, or of the part below a name.

        Raises:
            UsageError, NotFoundError, UnavailableError: as `open_blobs`, of a bucket.
        """
        if self.blobs == BLOBS_IN_FOLDER:
            return FolderBlobs(self.folder / name)
        from did_service.replica.serving import headers_of  # noqa: PLC0415 - brings the frame

        place = BlobPlace(self.blobs, self.endpoint)
        store = open_blobs(place, headers_of, self.environment)
        return store.below(name) if name else store


def storage_of(configuration: Configuration) -> StorageSetup:
    """Return where a configuration has its service keep what it has."""
    is_of_region = configuration.kind in OF_REGION  # an agency serves no files of a log
    return StorageSetup(
        configuration.path("storage.folder"),
        configuration.text("storage.database"),
        configuration.text("storage.blobs") if is_of_region else BLOBS_IN_FOLDER,
        configuration.text("storage.endpoint") if is_of_region else "",
        configuration.whole("storage.connections"),
    )
