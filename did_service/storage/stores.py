"""What a service keeps things in: its own database and its own blobs, opened by the caller."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from did_service.storage.blobs import BlobStore


@dataclass(frozen=True, slots=True)
class ServiceStores:
    """The two doors of one service; no other service uses either.

    Attributes:
        engine: The database.
        blobs: What it serves as files.
    """

    engine: Engine
    blobs: BlobStore
