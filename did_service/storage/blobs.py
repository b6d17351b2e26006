"""The blob door: named bytes that everybody may read, most of them made once and never changed.

    get ── add: put if absent ── swap: only in the place of what was read
        ── replace: whole or not at all ── names ── delete

A name is a path of letters, digits, points and hyphens below the store: `tile/0/x001/234`. Who
stands above knows no folder and no bucket. What `add`, `swap` and `replace` have returned from
is durable; where a disk says that it is not, nothing more may be built on the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

NOT_SYNCED = "tree_not_synced"
"""After a sync that failed nobody knows what the disk holds, and a second one that succeeds
says nothing about it: then nothing more may be built on these blobs before they were examined.
"""

MOVED = "blob_moved"
"""Somebody else has replaced the blob since it was read: read it again."""


@dataclass(frozen=True, slots=True)
class BlobHeaders:
    """What whoever serves a blob over HTTP says of it."""

    cache_control: str
    content_type: str


HeadersOf: TypeAlias = Callable[[str], BlobHeaders]
"""Gives the headers of a blob by its name."""


class BlobStore(Protocol):
    """Blobs by name. Anybody reads, also while others write.

    Several processes may write the same blobs: of two that `add` one name, one makes it and the
    other finds it there; of two that `swap`, one succeeds.

    Every method raises UnavailableError: `tree_not_read` or `tree_not_written` where the store
    does not answer; those that write also `NOT_SYNCED`.

    Attributes:
        read_by_others: Whether anybody reads the blobs past us, with nothing but their names:
            what such a reader may be about to ask for stays until it would not miss it.
    """

    read_by_others: bool

    def get(self, name: str) -> bytes | None:
        """Return a blob, None where there is none of that name."""

    def add(self, blobs: Mapping[str, bytes]) -> None:
        """Put blobs that are absent; one that is there with the same content stays.

        Each is there completely or not at all, whoever is killed on the way; of several, some
        may be.

        Raises:
            ConflictError: `tile_differs`: a blob of that name has other content.
        """

    def swap(self, name: str, former: bytes | None, data: bytes) -> None:
        """Put a blob in the place of the one that was read, so that there is always one.

        Args:
            name: Its name.
            former: What `get` has returned.
            data: Its new content; where that is there already, all is well.

        Raises:
            ConflictError: `MOVED`: something else is there by now, and stays.
        """

    def replace(self, name: str, data: bytes) -> None:
        """Put a blob in the place of another, whatever that is; for repairs."""

    def names(self, prefix: str) -> list[str]:
        """Return the names below a prefix that ends with a slash, the oldest blob first.

        How old a blob is the store's own clock says, which may count whole seconds alone.
        """

    def delete(self, names: Iterable[str]) -> None:
        """Remove blobs; those that are not there are none of its business."""

    def below(self, prefix: str) -> BlobStore:
        """Return the part of this store whose names begin with a prefix, without it."""
