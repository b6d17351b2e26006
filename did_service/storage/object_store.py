"""Blobs as the objects of an S3-compatible bucket, written under conditions.

    add      PUT, If-None-Match: *      one of two writers makes it, the other compares
    swap     PUT, If-Match: its ETag    of two writers one succeeds, the other is told
    replace  PUT

An object that a PUT has answered for is durable, and complete or not there: that is the store's
own promise. A store that does not know the conditions is found out before anything is written.
Every call ends in time: a store that hangs, or answers 5xx, is told like a disk that does not
answer. Its own words are never repeated: they may name keys. Design: adr 86, 87.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

import obstore
from obstore import exceptions
from obstore.store import S3Store

from did_service.core.errors import ConflictError, UnavailableError, quote
from did_service.core.limits import MAX_BLOB_BYTES
from did_service.storage.blobs import MOVED, HeadersOf
from did_service.storage.bucket_access import BucketPlace
from did_service.storage.bucket_failures import told_of_store

if TYPE_CHECKING:  # its types are not there when it runs
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Credential

_AT_ONCE = 16  # requests; an answer takes milliseconds, most of them waiting
_RACES = 3  # for an object that others make and remove meanwhile
_CONDITIONS = "conditions"  # the object by which a store shows that it knows them
_NO_ETAG = '"00000000000000000000000000000000"'


@dataclass(frozen=True, slots=True)
class BucketWaits:
    """How long a bucket is waited for, in seconds; the last bounds all tries of a request."""

    connect: float = 5.0
    answer: float = 20.0
    tries: float = 40.0


class ObjectBlobs:
    """A `BlobStore` in a bucket.

    Args:
        bucket: The bucket, which several stores may share.
        prefix: Of all names in this one, ending with a slash, or empty.
    """

    read_by_others = True

    def __init__(self, bucket: Bucket, prefix: str = "") -> None:
        self._bucket = bucket
        self._prefix = prefix

    def get(self, name: str) -> bytes | None:
        """Return the content of an object; see `BlobStore.get`."""
        held = self._bucket.get(self._prefix + name)
        return None if held is None else held.data

    def add(self, blobs: Mapping[str, bytes]) -> None:
        """Make objects, several at once; see `BlobStore.add`."""
        self._bucket.prove_conditions()
        pool = ThreadPoolExecutor(min(_AT_ONCE, max(1, len(blobs))))
        try:
            for _ in pool.map(self._add, blobs.items()):
                pass
        finally:
            pool.shutdown(cancel_futures=True)  # after a failure what has begun is waited for

    def swap(self, name: str, former: bytes | None, data: bytes) -> None:
        """Replace an object if it is the one that was read; see `BlobStore.swap`."""
        self._bucket.prove_conditions()
        path = self._prefix + name
        held = self._bucket.get(path)
        if (None if held is None else held.data) == former and former != data:
            if self._bucket.put(path, data, None if held is None else held.etag):
                return
            held = self._bucket.get(path)
        if held is None or held.data != data:  # else an answer was lost, or both had the same
            raise ConflictError(MOVED, f"another {quote(name)} is there by now")

    def replace(self, name: str, data: bytes) -> None:
        """Put an object in the place of another; see `BlobStore.replace`."""
        self._bucket.overwrite(self._prefix + name, data)

    def names(self, prefix: str) -> list[str]:
        """Return the objects below a prefix; see `BlobStore.names`."""
        found = sorted(self._bucket.listed(self._prefix + prefix))
        return [path.removeprefix(self._prefix) for _, path in found]

    def delete(self, names: Iterable[str]) -> None:
        """Remove objects; see `BlobStore.delete`."""
        self._bucket.delete([self._prefix + name for name in names])

    def below(self, prefix: str) -> ObjectBlobs:
        """Return a part of the bucket as a store of its own."""
        return ObjectBlobs(self._bucket, f"{self._prefix}{prefix}/" if prefix else self._prefix)

    def _add(self, blob: tuple[str, bytes]) -> None:
        name, data = blob
        path = self._prefix + name
        for _ in range(_RACES):
            if self._bucket.put(path, data, None):
                return
            held = self._bucket.get(path)
            if held is not None and held.data == data:
                return
            if held is not None:
                raise ConflictError("tile_differs", f"another {quote(name)} is there")
        raise UnavailableError("tree_not_written", f"{quote(name)}: others remove it again")


@dataclass(frozen=True, slots=True)
class _Held:
    """An object as it was read."""

    data: bytes
    etag: str


class Bucket:
    """A bucket, by paths; made once for all the stores in it.

    Args:
        place: Where it is.
        headers_of: What it shall say of each object.
        waits: How long it may take.
    """

    def __init__(
        self, place: BucketPlace, headers_of: HeadersOf, waits: BucketWaits | None = None
    ) -> None:
        self._store = _opened(place, waits or BucketWaits())
        self._headers_of = headers_of
        self._conditions = f"{place.prefix}{_CONDITIONS}"
        self._proving = Lock()
        self._is_proven = False

    def get(self, path: str) -> _Held | None:
        """Return an object, None where there is none."""
        try:
            with _telling("tree_not_read", path):
                found = obstore.get(self._store, path)
                if found.meta["size"] > MAX_BLOB_BYTES:
                    what = f"{quote(path)} has more than {MAX_BLOB_BYTES} bytes"
                    raise UnavailableError("tree_not_read", what)
                return _Held(bytes(found.bytes()), found.meta["e_tag"] or "")
        except FileNotFoundError:
            return None

    def put(self, path: str, data: bytes, etag: str | None) -> bool:
        """Put an object in the place of the one with an ETag, or of none.

        Returns:
            Whether it was put: something else is there if not.
        """
        try:
            with _telling("tree_not_written", path):
                mode = "create" if etag is None else {"e_tag": etag}
                obstore.put(
                    self._store,
                    path,
                    data,
                    mode=mode,  # type: ignore[arg-type] # its types ask for a `version` as well
                    attributes=self._attributes(path),
                    use_multipart=False,  # a part knows no condition
                )
        except (exceptions.AlreadyExistsError, exceptions.PreconditionError):
            return False
        return True

    def overwrite(self, path: str, data: bytes) -> None:
        """Put an object, whatever is there."""
        with _telling("tree_not_written", path):
            attributes = self._attributes(path)
            obstore.put(self._store, path, data, attributes=attributes, use_multipart=False)

    def listed(self, prefix: str) -> Iterator[tuple[datetime, str]]:
        """Yield when each object below a prefix was put, and its path."""
        with _telling("tree_not_read", prefix):
            for page in obstore.list(self._store, prefix=prefix.rstrip("/")):
                yield from ((each["last_modified"], each["path"]) for each in page)

    def delete(self, paths: list[str]) -> None:
        """Remove objects that may be there."""
        if paths:
            with _telling("tree_not_written", paths[0]):
                obstore.delete(self._store, paths)

    def prove_conditions(self) -> None:
        """See once that this store refuses what a condition forbids.

        Raises:
            UnavailableError: `bucket_unconditional`: two writers would spoil what both write.
        """
        with self._proving:
            if self._is_proven:
                return
            self.put(self._conditions, b"", None)
            if any(self.put(self._conditions, b"", etag) for etag in (None, _NO_ETAG)):
                raise UnavailableError("bucket_unconditional", "it has put what it must not")
            self._is_proven = True

    def _attributes(self, path: str) -> dict[str, str]:
        headers = self._headers_of(path)
        return {"Cache-Control": headers.cache_control, "Content-Type": headers.content_type}


def _opened(place: BucketPlace, waits: BucketWaits) -> S3Store:
    """Open a bucket with what was checked.

    What is not said here the store takes from the environment by itself, so all is said by
    which it would ask another service, or in another name.
    """
    config: S3Config = {
        "endpoint": place.endpoint,
        "aws_endpoint_url_s3": place.endpoint,  # goes before the other
        "region": place.region,
        "skip_signature": False,
        "unsigned_payload": False,  # what is put is what was signed
        "s3_express": False,
        "conditional_put": "etag",
        "virtual_hosted_style_request": False,
        "disable_bulk_delete": True,  # not every store knows it
    }
    client: ClientConfig = {
        "allow_http": place.is_plain,
        "connect_timeout": timedelta(seconds=waits.connect),
        "timeout": timedelta(seconds=waits.answer),
    }
    if (
        place.is_plain
    ):  # HTTP_PROXY would take it to another machine; a proxy of our own is none
        client |= {"proxy_url": place.endpoint, "proxy_excludes": "127.0.0.0/8,::1,localhost"}
    retry: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=waits.tries)}
    with _telling("tree_not_read", place.bucket):
        return S3Store(
            place.bucket,
            config=config,
            client_options=client,
            retry_config=retry,
            credential_provider=lambda: _key_of(place),
        )


def _key_of(place: BucketPlace) -> S3Credential:
    """Return the key as a store asks for it, which then looks for no other."""
    return {
        "access_key_id": place.key_id,
        "secret_access_key": place.secret,
        "token": place.token or None,
        "expires_at": None,
    }


@contextmanager
def _telling(code: str, path: str) -> Iterator[None]:
    """Make an error of ours of what a request says, but for what a condition may say.

    Raises:
        UnavailableError: the code; `bucket_refused`, `bucket_unknown`.
        FileNotFoundError, AlreadyExistsError, PreconditionError: as they came.
    """
    try:
        yield
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError):
        raise UnavailableError("bucket_refused", quote(path)) from None
    except FileNotFoundError as error:
        if "NoSuchBucket" in str(error) or code == "tree_not_written":
            raise UnavailableError("bucket_unknown", quote(path)) from None
        raise
    except (exceptions.AlreadyExistsError, exceptions.PreconditionError):
        raise
    except exceptions.BaseError as error:
        raise told_of_store(str(error), code, path) from None
