"""A log as static files, as they are served to everybody (c2sp.org/tlog-tiles).

    checkpoint                     the newest one published; the only file that changes
    tile/…  tile/entries/…         hashes and entries
    heads/HEX  content/HEX         heads snapshots by root, contents by SHA-256
    epoch/HOUR                     the first checkpoint published in that hour since 1970
    staged/SIZE-ROOT/              files of a tree that was not signed yet

    stage ─► (the log signs, compare-and-swap) ─► install ─► (cosigners) ─► publish ─► discard

Nothing reaches its final name before the tree it belongs to has won: two writers, or the late
write of an earlier attempt, can therefore not spoil a tile. Files are made once, durably, and a
second one of the same name must have the same content. After a kill at any point, `staged`
finds what is complete and the rest is made again.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from did_service.core.anchor.snapshot import HeadsSnapshot
from did_service.core.crypto.hashes import HASH_BYTES
from did_service.core.errors import ConflictError, NotFoundError, quote
from did_service.core.limits import MAX_HEADS_FILES, MAX_NOTE_BYTES, TILE_WIDTH
from did_service.core.log import tiles
from did_service.core.log.checkpoint import checkpoint_in
from did_service.core.log.merkle import leaf_hash
from did_service.core.log.tiles import ENTRIES, TileId
from did_service.program.files import read_file, replace_public_file
from did_service.replica.files import disk, link, sync, write_folder

EPOCH_SECONDS = 3_600
_EPOCHS_KEPT = 2
_STAGED = re.compile("([0-9]+)-([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Staged:
    """The files of a tree that grew to `size`, complete on disk, not yet under their names."""

    size: int
    root: bytes
    folder: Path


class StaticTree:
    """The files of one log in a folder. One process writes; anybody reads.

    Args:
        folder: Made, with its parents, where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._staging = folder / "staged"
        with disk(folder):
            self._staging.mkdir(parents=True, exist_ok=True)

    # --- reading ----------------------------------------------------------------------------

    def tile(self, tile: TileId) -> bytes:
        """Return a tile or an entry bundle.

        A partial one whose file is gone is cut from the full one.

        Raises:
            NotFoundError: `tile_unknown`.
        """
        with suppress(FileNotFoundError):
            return (self.folder / tile.path()).read_bytes()
        full = self.folder / TileId(tile.level, tile.index).path()
        try:
            data = full.read_bytes()
        except FileNotFoundError as error:
            raise NotFoundError("tile_unknown", f"no {tile.path()}") from error
        if tile.level != ENTRIES:
            return data[: tile.width * HASH_BYTES]
        return tiles.encode_bundle(tiles.parse_bundle(data, TILE_WIDTH)[: tile.width])

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
        """Return the newest published checkpoint note, None before the first."""
        return read_file(self.folder / "checkpoint", MAX_NOTE_BYTES)

    def epoch(self) -> bytes | None:
        """Return the newest hourly checkpoint note, the same for everybody who asks."""
        hours = self._epochs()
        return (
            read_file(self.folder / "epoch" / str(hours[-1]), MAX_NOTE_BYTES) if hours else None
        )

    def content(self, digest: bytes) -> bytes | None:
        """Return the content behind a digest, None where it is not here."""
        with suppress(FileNotFoundError):
            return (self.folder / "content" / digest.hex()).read_bytes()
        return None

    # --- growing ----------------------------------------------------------------------------

    def stage(
        self,
        size: int,
        entries: Sequence[bytes],
        *,
        contents: Mapping[bytes, bytes],
        heads: Sequence[HeadsSnapshot] = (),
    ) -> Staged:
        """Write the files that more entries make, under a name of their own.

        Args:
            size: Entries so far, all of them installed.
            entries: The ones that follow.
            contents: By SHA-256.
            heads: Snapshots that heads entries among them name.

        Returns:
            The tree with all of them; its root is what the log is to sign.

        Raises:
            UnavailableError: `tree_not_written`.
        """
        leaves = [leaf_hash(entry) for entry in entries]
        edge = tiles.right_edge(self.tile, size)
        edge.extend(leaves)
        made = tiles.extend(self.tile, size, leaves) | self._bundles(size, entries)
        files = {tile.path(): data for tile, data in made.items()}
        files |= {f"content/{digest.hex()}": data for digest, data in contents.items()}
        files |= {f"heads/{each.root.hex()}": each.encode() for each in heads}
        name = f"{edge.size}-{edge.root().hex()}"
        with disk(self._staging):
            write_folder(self._staging / name, files)
        return Staged(edge.size, edge.root(), self._staging / name)

    def staged(self) -> list[Staged]:
        """Return what is staged, smallest tree first; half-written folders are removed."""
        found = []
        with disk(self._staging):
            for folder in self._staging.iterdir():
                if folder.suffix == ".tmp":
                    shutil.rmtree(folder)
                    continue
                if match := _STAGED.fullmatch(folder.name):
                    found.append(Staged(int(match[1]), bytes.fromhex(match[2]), folder))
        return sorted(found, key=lambda staged: staged.size)

    def install(self, staged: Staged) -> None:
        """Give staged files their final names; may be repeated.

        Raises:
            ConflictError: `tile_differs`: a file of that name has other content.
            UnavailableError: `tree_not_written`.
        """
        with disk(self.folder):
            names = [path.name.replace("_", "/") for path in sorted(staged.folder.iterdir())]
            for name in names:
                link(staged.folder / name.replace("/", "_"), self.folder / name)
            for folder in {(self.folder / name).parent for name in names}:
                sync(folder)
            self._drop_partials(names)
            self._keep_newest_heads()

    def publish(self, note: bytes, at: int) -> None:
        """Serve a checkpoint from now on.

        Args:
            note: Its signatures are the caller's business.
            at: POSIX seconds now; the first note of each hour is that hour's epoch checkpoint.

        Raises:
            ConflictError: `checkpoint_falls`, or `tile_differs` when the files do not lead to
                its root.
            NotFoundError: `tile_unknown`: files of it are missing.
            MalformedError: not a checkpoint.
            UnavailableError: `file_not_written`.
        """
        head = checkpoint_in(note)
        held = self.checkpoint()
        if held is not None and checkpoint_in(held).size > head.size:
            raise ConflictError("checkpoint_falls", f"a larger tree than {head.size} is served")
        if tiles.root(self.tile, head.size) != head.root:
            raise ConflictError(
                "tile_differs", f"the files do not lead to {quote(head.origin)}"
            )
        replace_public_file(self.folder / "checkpoint", note)
        self._keep_epoch(note, at // EPOCH_SECONDS)

    def discard(self, staged: Staged) -> None:
        """Remove staged files, after their tree was published or lost."""
        with disk(self._staging):
            shutil.rmtree(staged.folder)

    # --- details ----------------------------------------------------------------------------

    def _bundles(self, size: int, entries: Sequence[bytes]) -> dict[TileId, bytes]:
        start = size - size % TILE_WIDTH
        every = [*self.entries(start, size), *entries]
        made = {}
        for tile in tiles.bundles_between(size, size + len(entries)):
            first = tile.index * TILE_WIDTH - start
            made[tile] = tiles.encode_bundle(every[first : first + tile.width])
        return made

    def _drop_partials(self, names: Sequence[str]) -> None:
        """Remove the partial tiles of those that are full by now; `tile` does without."""
        for name in names:
            if name.startswith("tile/") and ".p/" not in name:
                shutil.rmtree(self.folder / f"{name}.p", ignore_errors=True)

    def _keep_newest_heads(self) -> None:
        files = [(path.stat().st_mtime_ns, path) for path in self.folder.glob("heads/*")]
        for _, path in sorted(files)[:-MAX_HEADS_FILES]:
            path.unlink(missing_ok=True)

    def _epochs(self) -> list[int]:
        return sorted(
            int(path.name) for path in self.folder.glob("epoch/*") if path.name.isdigit()
        )

    def _keep_epoch(self, note: bytes, hour: int) -> None:
        hours = self._epochs()
        if hours and hours[-1] >= hour:
            return
        with disk(self.folder):
            (self.folder / "epoch").mkdir(exist_ok=True)
        replace_public_file(self.folder / "epoch" / str(hour), note)
        for former in hours[: 1 - _EPOCHS_KEPT]:
            (self.folder / "epoch" / str(former)).unlink(missing_ok=True)
