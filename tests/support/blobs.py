"""A blob store in memory: what stands above the door runs on it as on a folder."""

from collections.abc import Iterable, Mapping

from did_service.core.errors import ConflictError
from did_service.storage.blobs import BlobStore


class MemoryBlobs:
    """See `BlobStore`; the oldest blob is the one that was put first."""

    read_by_others = False

    def __init__(self, blobs: dict[str, bytes] | None = None, prefix: str = "") -> None:
        self._blobs = {} if blobs is None else blobs
        self._prefix = prefix

    def get(self, name: str) -> bytes | None:
        return self._blobs.get(self._prefix + name)

    def add(self, blobs: Mapping[str, bytes]) -> None:
        for name, data in blobs.items():
            if self._blobs.setdefault(self._prefix + name, data) != data:
                raise ConflictError("tile_differs", f"another {name} is there")

    def swap(self, name: str, former: bytes | None, data: bytes) -> None:
        held = self.get(name)
        if held == data:
            return
        if held != former:
            raise ConflictError("blob_moved", f"another {name} is there")
        self.replace(name, data)

    def replace(self, name: str, data: bytes) -> None:
        self._blobs.pop(self._prefix + name, None)
        self._blobs[self._prefix + name] = data

    def names(self, prefix: str) -> list[str]:
        wanted = self._prefix + prefix
        found = [name for name in self._blobs if name.startswith(wanted)]
        return [name.removeprefix(self._prefix) for name in found]

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            self._blobs.pop(self._prefix + name, None)

    def below(self, prefix: str) -> BlobStore:
        return MemoryBlobs(self._blobs, f"{self._prefix}{prefix}/")
