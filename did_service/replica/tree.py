"""A log as static blobs, as they are served to everybody (c2sp.org/tlog-tiles).

    checkpoint                     the newest one published; the only one that changes
    tile/…  tile/entries/…         hashes and entries
    heads/HEX  content/HEX         heads snapshots by root, contents by SHA-256
    epoch/HOUR                     the first checkpoint published in that hour since 1970

Blobs are made once, durably, and a second one of the same name must have the same content. They
follow from the rows of the log (`files`): nothing is made of a tree before the log has signed
it, and what is missing is made again. Of a tile or bundle that is not full the newest alone is
kept; narrower ones, which older checkpoints name, are cut out of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache

from did_service.core.crypto.hashes import HASH_BYTES
from did_service.core.errors import ConflictError, MalformedError, NotFoundError, quote
from did_service.core.limits import MAX_HEADS_FILES, MAX_NOTE_BYTES, TILE_WIDTH
from did_service.core.log import tiles
from did_service.core.log.checkpoint import Checkpoint, checkpoint_in
from did_service.core.log.tiles import ENTRIES, TileId
from did_service.storage.blobs import MOVED, BlobStore

EPOCH_SECONDS = 3_600
_EPOCHS_KEPT = 2
_HEADS_CACHED = 32  # of 128 KB at most, each of a log that is served here
_RIVALS = 32  # publishers that may each put a checkpoint before ours is put
_LOOKS = 3  # for a blob that goes, or is replaced, because the log grows meanwhile


class StaticTree:
    """The blobs of one log. Anybody reads; of several who publish, the largest tree stays.

    Args:
        blobs: Where they are.
    """

    def __init__(self, blobs: BlobStore) -> None:
        self.blobs = blobs

    # --- reading ----------------------------------------------------------------------------

    def tile(self, tile: TileId) -> bytes:
        """Return a tile or an entry bundle.

        A partial one that has no blob any more is cut from a wider one.

        Raises:
            NotFoundError: `tile_unknown`.
        """
        for _ in range(_LOOKS):
            for each in (tile, *self._wider(tile)):
                data = self.blobs.get(each.path())
                if data is not None:
                    return _cut(data, each, tile.width)
        raise NotFoundError("tile_unknown", f"no {tile.path()}")

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the entries `start` up to, not including, `stop`, bundle by bundle.

        Raises:
            NotFoundError, MalformedError: a bundle is missing or damaged.
        """
        for index in range(start // TILE_WIDTH, -(-stop // TILE_WIDTH)):
            first = index * TILE_WIDTH
            width = min(TILE_WIDTH, stop - first)
            bundle = tiles.parse_bundle(self.tile(TileId(ENTRIES, index, width)), width)
            yield from bundle[max(0, start - first) :]

    def checkpoint(self) -> bytes | None:
        """Return the newest published checkpoint note, None before the first.

        Raises:
            MalformedError: `file_damaged`: no note is that long.
        """
        return self._note("checkpoint")

    def head(self) -> Checkpoint | None:
        """Return the tree head that is served; None before the first, or if it is damaged."""
        note = self.blobs.get("checkpoint")
        return None if note is None else _head_of(note)

    def epoch(self) -> bytes | None:
        """Return the newest hourly checkpoint note, the same for everybody who asks.

        Raises:
            MalformedError: as `checkpoint`.
        """
        hours = self._epochs()
        return self._note(f"epoch/{hours[-1]}") if hours else None

    def content(self, digest: bytes) -> bytes | None:
        """Return the content behind a digest, None where it is not here."""
        return self.blobs.get(content_name(digest))

    def heads(self, root: bytes) -> bytes | None:
        """Return the heads snapshot with a root, None where it is not here."""
        return self.blobs.get(heads_name(root))

    def partials(self, tile: TileId) -> list[TileId]:
        """Return the partial tiles that have blobs beside a tile, the narrowest first."""
        full = TileId(tile.level, tile.index)
        found = []
        for name in self.blobs.names(f"{full.path()}.p/"):
            with suppress(MalformedError):  # something that is none of ours
                found.append(tiles.parse_tile_path(name))
        return sorted(found, key=lambda each: each.width)

    # --- growing ----------------------------------------------------------------------------

    def add(self, blobs: Mapping[str, bytes]) -> None:
        """Serve more blobs from now on; may be repeated.

        Raises:
            ConflictError: `tile_differs`: a blob of that name has other content.
            UnavailableError: `tree_not_written`.
        """
        self.blobs.add(blobs)

    def drop_narrower(self, tile: TileId) -> None:
        """Remove the partial tiles that can be cut from this one.

        Who reads the blobs past us cuts nothing, but takes the full tile in the place of a
        partial one (C2SP tlog-tiles, Partial Tiles): there they stay until that is there.
        """
        if self.blobs.read_by_others and tile.width < TILE_WIDTH:
            return
        narrower = [each for each in self.partials(tile) if each.width < tile.width]
        self.blobs.delete(each.path() for each in narrower)

    def keep_newest_heads(self, made: Collection[str] = ()) -> None:
        """Remove heads snapshots that nobody asks for any more.

        Args:
            made: Names of those that have just come: of these a store whose clock counts whole
                seconds does not know that they are the newest.
        """
        old = self.blobs.names("heads/")[:-MAX_HEADS_FILES]
        self.blobs.delete(name for name in old if name not in made)

    def keep_newest_epochs(self) -> None:
        """Remove hourly checkpoints that nobody asks for any more."""
        self.blobs.delete(f"epoch/{former}" for former in self._epochs()[:-_EPOCHS_KEPT])

    def publish(self, note: bytes, at: int) -> None:
        """Serve a checkpoint from now on.

        Args:
            note: Its signatures are the caller's business.
            at: POSIX seconds now; the first note of each hour is that hour's epoch checkpoint.

        Raises:
            ConflictError: `checkpoint_falls`; `place_of_another`; or `tile_differs` when the
                blobs do not lead to its root.
            NotFoundError: `tile_unknown`: blobs of it are missing.
            MalformedError: not a checkpoint.
            UnavailableError: `tree_not_written`, `file_not_written`.
        """
        self.show(note)
        self._keep_epoch(note, at // EPOCH_SECONDS)

    def show(self, note: bytes) -> None:
        """Serve a checkpoint that is nobody's epoch; as `publish`.

        Another process may do the same meanwhile: whoever comes second looks again, and the
        smaller tree gives way.
        """
        head = checkpoint_in(note)
        if tiles.root(self.tile, head.size) != head.root:
            raise ConflictError(
                "tile_differs", f"the files do not lead to {quote(head.origin)}"
            )
        for left in reversed(range(_RIVALS)):
            held = self.blobs.get("checkpoint")
            there = None if held is None else _head_of(held)
            check_same_log(there, head.origin)
            if there is not None and there.size > head.size:
                what = f"a larger tree than {head.size} is served"
                raise ConflictError("checkpoint_falls", what)
            try:
                self.blobs.swap("checkpoint", held, note)
            except ConflictError as error:
                if error.code != MOVED or not left:
                    raise
            else:
                return

    # --- details ----------------------------------------------------------------------------

    def _wider(self, tile: TileId) -> Iterator[TileId]:
        if tile.width < TILE_WIDTH:
            yield TileId(tile.level, tile.index)
            yield from (each for each in self.partials(tile) if each.width > tile.width)

    def _note(self, name: str) -> bytes | None:
        note = self.blobs.get(name)
        if note is not None and len(note) > MAX_NOTE_BYTES:
            raise MalformedError("file_damaged", f"{name} has {len(note)} bytes")
        return note

    def _epochs(self) -> list[int]:
        hours = (name.removeprefix("epoch/") for name in self.blobs.names("epoch/"))
        return sorted(int(hour) for hour in hours if hour.isdigit())

    def _keep_epoch(self, note: bytes, hour: int) -> None:
        hours = self._epochs()
        if hours and hours[-1] >= hour:
            return
        with suppress(ConflictError):  # another process has published this hour's first
            self.blobs.swap(f"epoch/{hour}", None, note)
        self.keep_newest_epochs()


def content_name(digest: bytes) -> str:
    """Return the name of the blob that holds a content."""
    return f"content/{digest.hex()}"


def heads_name(root: bytes) -> str:
    """Return the name of the blob that holds a heads snapshot."""
    return f"heads/{root.hex()}"


def check_same_log(there: Checkpoint | None, origin: str) -> None:
    """Check that what is served at a place is of a log, if anything is.

    Raises:
        ConflictError: `place_of_another`: no file of ours belongs beside those.
    """
    if there is not None and there.origin != origin:
        raise ConflictError("place_of_another", f"there is {quote(there.origin)}")


def _head_of(note: bytes) -> Checkpoint | None:
    """Return the head of a note that is served; None for a damaged one, which is replaced."""
    return _parsed_head(note) if len(note) <= MAX_NOTE_BYTES else None


@lru_cache(maxsize=_HEADS_CACHED)
def _parsed_head(note: bytes) -> Checkpoint | None:
    with suppress(MalformedError):
        return checkpoint_in(note)
    return None


def _cut(data: bytes, held: TileId, width: int) -> bytes:
    """Return the first hashes or entries of a tile."""
    if held.width == width:
        return data
    if held.level != ENTRIES:
        return data[: width * HASH_BYTES]
    return tiles.encode_bundle(tiles.parse_bundle(data, held.width)[:width])
