"""Where blobs may lie, as a person writes it: the closed table of blob stores.

A path is a folder; `s3://BUCKET/PREFIX` is a bucket, by the extra `buckets`. A row more is a
module more, and nobody above it changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from did_service.core.errors import UsageError
from did_service.storage.blobs import BlobStore, HeadersOf
from did_service.storage.bucket_access import SCHEME, bucket_in
from did_service.storage.folder import FolderBlobs


@dataclass(frozen=True, slots=True)
class BlobPlace:
    """Where blobs lie.

    Attributes:
        place: A path, or the URL of a bucket.
        endpoint: URL of the bucket's service; empty for what the environment says, and else
            that of the region.
    """

    place: str
    endpoint: str = ""

    @property
    def is_bucket(self) -> bool:
        """Whether it is a bucket, or was meant to be one."""
        return self.place.startswith(SCHEME)


def open_blobs(
    place: BlobPlace, headers_of: HeadersOf, environment: Mapping[str, str]
) -> BlobStore:
    """Open the blobs of a place; nothing is asked of it yet.

    Args:
        place: Where they lie.
        headers_of: What a bucket shall say of each blob.
        environment: Has the access key, or names its file.

    Raises:
        UsageError: `extra_missing`, and as `bucket_in`.
        NotFoundError, UnavailableError: as `bucket_in`.
    """
    if not place.is_bucket:
        return FolderBlobs(Path(place.place))
    opened = bucket_in(place.place, place.endpoint, environment)
    try:
        from did_service.storage.object_store import (  # noqa: PLC0415 - an extra
            Bucket,
            ObjectBlobs,
        )
    except ModuleNotFoundError as error:
        if error.name != "obstore":
            raise
        needed = "a bucket needs the extra `buckets`"
        raise UsageError("extra_missing", needed, extra="buckets") from error
    return ObjectBlobs(Bucket(opened, headers_of), opened.prefix)
