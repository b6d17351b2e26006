"""Copying what a region publishes to a folder or a bucket, from which anybody may serve it.

    PLACE/reg/…    PLACE/ev/YEAR/…     as the region's own files lie: https://HOST/reg/checkpoint

Files alone are read, no database, so the registry may run or rest meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import UsageError, quote
from did_service.node.configuration import Configuration
from did_service.node.pinned_policy import read_policy, region_in
from did_service.node.storage_setup import StorageSetup, storage_of
from did_service.replica.copying import CopiedLog, Verdict, copy_published
from did_service.replica.serving import headers_of
from did_service.replica.tree import StaticTree
from did_service.storage.blob_places import BlobPlace, open_blobs
from did_service.storage.bucket_access import ENDPOINT

LogsTold = Callable[[str, int, int], None]
"""Is called with a log, how many of its files are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class CopyOrder:
    """What is copied to where.

    Attributes:
        to: The place, which holds copies of this region's logs alone.
        compare: Whether files that are there already are read and compared.
    """

    to: BlobPlace
    compare: bool = True


@dataclass(frozen=True, slots=True)
class CopiedRegion:
    """What copying a region came to, by log."""

    to: str
    logs: Mapping[str, CopiedLog]

    @property
    def is_sound(self) -> bool:
        """Whether nothing at the place differs from what was published."""
        return all(log.verdict is not Verdict.WITHHELD for log in self.logs.values())

    def encode(self) -> JsonObject:
        """Return it for machines."""
        return {
            "to": self.to,
            "logs": {origin: log.encode() for origin, log in self.logs.items()},
        }


def copy_region(
    configuration: Configuration,
    order: CopyOrder,
    environment: Mapping[str, str],
    progress: LogsTold,
) -> CopiedRegion:
    """Copy the published trees of a region.

    Args:
        configuration: Of a region, or of a registry alone.
        order: What to copy to where.
        environment: Has the access key of a bucket, or names its file.
        progress: Told how far each log has come.

    Raises:
        UsageError: `place_is_source`, and as `open_blobs`.
        NotFoundError, PolicyError, MalformedError: as `read_policy` and `copy_published`.
        ConflictError, UnavailableError: as `copy_published` and `open_blobs`.
    """
    storage = storage_of(configuration)
    if _overlap(order.to, storage, environment.get(ENDPOINT, "")):
        raise UsageError("place_is_source", quote(order.to.place))
    region = region_in(read_policy(configuration.path("service.policy")), configuration)
    source = storage.blob_store("")
    target = open_blobs(order.to, headers_of, environment)
    found: dict[str, CopiedLog] = {}
    for origin in region.logs:
        ours, theirs = (
            StaticTree(blobs.below(origin.partition("/")[2])) for blobs in (source, target)
        )
        told = partial(progress, origin)
        found[origin] = copy_published(ours, theirs, told, compare=order.compare)
    return CopiedRegion(order.to.place, found)


def _overlap(to: BlobPlace, storage: StorageSetup, usual: str) -> bool:
    """Say whether one of two places lies in the other: a copy there would spoil the data.

    Args:
        to: Where the copy shall lie.
        storage: Where the data lie.
        usual: Endpoint of a bucket that says none.
    """
    if to.is_bucket:
        if (to.endpoint or usual).rstrip("/") != (storage.endpoint or usual).rstrip("/"):
            return False  # a bucket of another service may have the same name
        place, held = (PurePosixPath(each) for each in (to.place, storage.blobs))
        return place.is_relative_to(held) or held.is_relative_to(place)
    there, folder = Path(to.place).resolve(), storage.folder.resolve()
    return there.is_relative_to(folder) or folder.is_relative_to(there)
