"""Group `publish`: a region's round, from sequenced entries to files that everybody may read.

`publish.folder` puts them into a folder, `publish.bucket` into a bucket of an S3 service, a
process of its own on this machine. Beside each stands the bare put of the very files that the
round has put: `bare-files`, written and synced; `bare-objects`, by the library alone, as many
at once. The round signs, asks the witnesses and makes the files besides.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeAlias

from bench.harness import Operation, Session
from bench.region import REG, Province, Witnesses, setup
from did_service.node.storage_setup import StorageSetup
from did_service.node.stores import registry_stores
from did_service.registry.registry import Registry
from did_service.registry.sequencer import QueuedEntry
from did_service.storage.blobs import BlobStore

if TYPE_CHECKING:
    from tests.support.buckets import TestBucket

_ENTRIES = 256  # between two rounds
_AT_ONCE = 16  # as storage/object_store does
Files: TypeAlias = dict[str, bytes]


def run(session: Session) -> None:
    """Measure the group."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        _measure(session, "folder", StorageSetup(folder / "a"), _bare_files(folder / "bare"))
        if find_spec("moto") is None or find_spec("obstore") is None:
            session.skip("publish.bucket", "bare-objects", "moto or obstore is not installed")
            return
        from tests.support.buckets import s3_service  # noqa: PLC0415 - brings obstore

        with s3_service() as service:
            bucket = service.bucket()
            place = StorageSetup(
                folder / "b", blobs=f"{bucket.url}/gd", environment=bucket.environment
            )
            _measure(session, "bucket", place, _bare_objects(bucket))


class Recorded:
    """A store that notes what was put since the last `clear`; else the one behind it."""

    def __init__(self, behind: BlobStore, put: Files | None = None, prefix: str = "") -> None:
        self._behind = behind
        self._prefix = prefix
        self.put: Files = {} if put is None else put
        self.read_by_others = behind.read_by_others

    def get(self, name: str) -> bytes | None:
        """See `BlobStore.get`."""
        return self._behind.get(name)

    def add(self, blobs: Mapping[str, bytes]) -> None:
        """See `BlobStore.add`."""
        self.put.update({self._prefix + name: data for name, data in blobs.items()})
        self._behind.add(blobs)

    def swap(self, name: str, former: bytes | None, data: bytes) -> None:
        """See `BlobStore.swap`."""
        self.put[self._prefix + name] = data
        self._behind.swap(name, former, data)

    def replace(self, name: str, data: bytes) -> None:
        """See `BlobStore.replace`."""
        self.put[self._prefix + name] = data
        self._behind.replace(name, data)

    def names(self, prefix: str) -> list[str]:
        """See `BlobStore.names`."""
        return self._behind.names(prefix)

    def delete(self, names: Iterable[str]) -> None:
        """See `BlobStore.delete`."""
        self._behind.delete(names)

    def below(self, prefix: str) -> Recorded:
        """See `BlobStore.below`."""
        return Recorded(self._behind.below(prefix), self.put, f"{self._prefix}{prefix}/")


class Published:
    """A registry whose rounds are timed, each of so many new DIDs."""

    def __init__(self, place: StorageSetup) -> None:
        self._province = Province()
        given = setup(self._province.fed.policy, Witnesses(), place.folder)
        self._open = ExitStack()
        opened = self._open.enter_context(registry_stores(place, REG))
        self._recorded = Recorded(opened.stores.blobs)
        stores = replace(opened.stores, blobs=self._recorded)
        settings = given.registry(replace(opened, stores=stores), {})
        self._registry = self._open.enter_context(closing(Registry(settings)))

    @property
    def files(self) -> Files:
        """What the last round has put."""
        return {**self._recorded.put}

    def run(self, times: int) -> float:
        """Publish so often; sequencing what is published is not counted."""
        return sum(self._round() for _ in range(times))

    def _round(self) -> float:
        entries = [QueuedEntry(each, {}) for each in self._province.did_entries(_ENTRIES)]
        self._registry.sequencer.append(REG, entries)
        self._recorded.put.clear()
        begun = time.perf_counter()
        self._registry.publish_now()
        seconds = time.perf_counter() - begun
        assert any(name.endswith("checkpoint") for name in self._recorded.put)
        return seconds

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()


def _measure(
    session: Session, kind: str, place: StorageSetup, put: Callable[[str, Files], object]
) -> None:
    numbers, peer = count(), "bare-files" if kind == "folder" else "bare-objects"
    with Published(place) as published:

        def bare(times: int) -> float:
            files, begun = published.files, time.perf_counter()
            for _ in range(times):
                put(f"{next(numbers)}", files)
            return time.perf_counter() - begun

        published.run(2)  # by the second round heads are stated of every log
        operations = [Operation("round", published.run), Operation(peer, bare)]
        samples = session.measure(operations)
    session.compare(f"publish.{kind}", samples, "round", peer)


def _bare_files(folder: Path) -> Callable[[str, Files], object]:
    """Return what writes and syncs files, and nothing else."""

    def put(round_: str, files: Files) -> None:
        for name, data in files.items():
            path = folder / round_ / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())

    return put


def _bare_objects(bucket: TestBucket) -> Callable[[str, Files], object]:
    """Return what puts objects by the library, as many at once as the product does."""
    import obstore  # noqa: PLC0415 - an extra of the product
    from obstore.store import S3Store  # noqa: PLC0415 - likewise

    store = S3Store(
        bucket.name,
        endpoint=bucket.endpoint,
        access_key_id=bucket.environment["AWS_ACCESS_KEY_ID"],
        secret_access_key=bucket.environment["AWS_SECRET_ACCESS_KEY"],
        client_options={"allow_http": True},
    )
    pool = ThreadPoolExecutor(_AT_ONCE)

    def put(round_: str, files: Files) -> None:
        rows = [(f"bare/{round_}/{name}", data) for name, data in files.items()]
        assert all(pool.map(lambda row: obstore.put(store, *row), rows))

    return put
