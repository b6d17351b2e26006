"""What a log has published, copied to where others serve it: a folder, a bucket, a mirror.

    files of the checkpoint ─► put where absent ─► compared where there ─► the checkpoint, last

Whoever reads the copy with nothing but GET finds for its checkpoint every file, at any moment:
files come before the checkpoint that needs them, and a partial tile goes once the full one is
there, which readers take instead. A copy that was cut off goes on where it was. Several
processes may copy to one place: what is there already has to be the same bytes, and the largest
tree stays. Design: adr 87.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from did_service.core.crypto.hashes import sha256
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import ConflictError, MalformedError, NotFoundError, quote
from did_service.core.limits import TILE_HEIGHT, TILE_WIDTH
from did_service.core.log import tiles
from did_service.core.log.checkpoint import Checkpoint, checkpoint_in
from did_service.core.log.tiles import TileId
from did_service.replica.tree import StaticTree, check_same_log

FilesTold = Callable[[int, int], None]
"""Is called with how many files are done, and how many there are."""

_AT_ONCE = 64  # files that are put, or compared, before the next are read
_THREADS = 16
_NAMED = 100  # differing files that are named; one is enough to look


class Verdict(StrEnum):
    """What became of the checkpoint at the target."""

    SERVED = "served"  # it is the one that was copied
    AHEAD = "ahead"  # a larger tree is there: somebody else has copied it
    WITHHELD = "withheld"  # files differ, so nothing may rest on them
    NOTHING = "nothing"  # nothing was published yet


@dataclass(slots=True)
class CopiedLog:
    """What copying one log came to.

    Attributes:
        size: Of the tree that was copied.
        verdict: What became of its checkpoint.
        made: How many files were put.
        there: How many were there already; compared, unless told otherwise.
        differing: Names of those whose bytes are others, at most a hundred.
        removed: How many superfluous files were removed.
    """

    size: int = 0
    verdict: Verdict = Verdict.NOTHING
    made: int = 0
    there: int = 0
    differing: list[str] = field(default_factory=list)
    removed: int = 0

    def encode(self) -> JsonObject:
        """Return it for machines."""
        return {
            "size": self.size,
            "verdict": self.verdict.value,
            "made": self.made,
            "there": self.there,
            "differing": [*self.differing],
            "removed": self.removed,
        }


def copy_published(
    source: StaticTree, target: StaticTree, progress: FilesTold, *, compare: bool = True
) -> CopiedLog:
    """Copy the published tree of a log.

    Args:
        source: Its publisher may go on meanwhile.
        target: Empty, or a former copy of the same log.
        progress: Told of files.
        compare: Whether to read what is there already; otherwise its name is enough.

    Raises:
        NotFoundError: `tile_unknown`: the source lacks a file of its checkpoint.
        MalformedError: `file_damaged`: a content of the source is not what its name says.
        ConflictError: `tile_differs`: the files do not lead to the checkpoint's root;
            `place_of_another`: the target has a copy of another log.
        UnavailableError: the source or the target does not answer; the next call goes on.
    """
    note = source.checkpoint()
    if note is None:
        return CopiedLog()
    head = checkpoint_in(note)
    copied = CopiedLog(head.size)
    if not _is_one_history(source, target, head):
        copied.verdict, copied.differing = Verdict.WITHHELD, ["checkpoint"]
        return copied
    _CopyPass(source, target, copied).files(head, progress, compare=compare)
    if copied.differing:
        copied.verdict = Verdict.WITHHELD
        return copied
    copied.verdict = _show(target, note)
    _copy_epochs(source, target)
    if copied.verdict is Verdict.SERVED:
        copied.removed = _remove_superfluous(source, target, head)
    return copied


def _is_one_history(source: StaticTree, target: StaticTree, head: Checkpoint) -> bool:
    """Say whether what the target serves and what is to be copied are one tree as it grows.

    Files do not tell by their names: partial tiles of two sizes stand beside each other. The
    smaller of the two trees has to be the beginning of the larger one.
    """
    there = target.head()
    check_same_log(there, head.origin)
    if there is None:
        return True
    smaller, larger = (there, source) if there.size <= head.size else (head, target)
    with suppress(NotFoundError):  # a file of it was lost, and is put again
        return tiles.root(larger.tile, smaller.size) == smaller.root
    return True


class _CopyPass:
    """One pass over the files of a checkpoint."""

    def __init__(self, source: StaticTree, target: StaticTree, copied: CopiedLog) -> None:
        self._source, self._target, self._copied = source, target, copied

    def files(self, head: Checkpoint, progress: FilesTold, *, compare: bool) -> None:
        held = {name for kind in _KINDS for name in self._target.blobs.names(kind)}
        wanted = [*self._wanted(head)]
        missing = [name for name in wanted if name not in held]
        there = [name for name in wanted if name in held]
        done = 0
        for some in _pieces(missing):
            self._put(some)
            done += len(some)
            progress(done, len(wanted))
        if not compare:
            self._copied.there += len(there)
            return
        for some in _pieces(there):
            self._compare(some)
            done += len(some)
            progress(done, len(wanted))

    def _wanted(self, head: Checkpoint) -> Iterator[str]:
        yield from self._source.blobs.names("content/")
        yield from self._source.blobs.names("heads/")
        yield from (tile.path() for tile in tiles.files_between(0, head.size))

    def _put(self, names: list[str]) -> None:
        found = {name: data for name in names if (data := self._read(name)) is not None}
        try:
            self._target.add(found)
        except ConflictError:  # of one of them; another process may have made it just now
            self._compare(names)
        else:
            self._copied.made += len(found)

    def _compare(self, names: list[str]) -> None:
        """Count what is the same on both sides, name what differs, put what has gone."""
        with ThreadPoolExecutor(_THREADS) as pool:
            found = dict(zip(names, pool.map(self._both, names), strict=True))
        gone, other = {}, []
        for name, (ours, theirs) in found.items():
            if ours is not None and theirs is None:
                gone[name] = ours
            elif ours not in (None, theirs):
                other.append(name)
        if gone:
            self._target.add(gone)
        self._copied.made += len(gone)
        self._copied.there += len(names) - len(gone) - len(other)
        self._copied.differing += other[: _NAMED - len(self._copied.differing)]

    def _both(self, name: str) -> tuple[bytes | None, bytes | None]:
        """Return a file of the source, which may have let it go by now, and of the target."""
        return self._read(name), self._target.blobs.get(name)

    def _read(self, name: str) -> bytes | None:
        """Return a file of the source, which cuts a partial tile from a wider one."""
        if name.startswith("tile/"):
            return self._source.tile(tiles.parse_tile_path(name))
        data = self._source.blobs.get(name)
        digest = name.removeprefix("content/")
        if data is not None and digest != name and sha256(data).hex() != digest:
            raise MalformedError("file_damaged", f"{quote(name)} is not what its name says")
        return data


_KINDS = ("content/", "heads/", "tile/")


def _show(target: StaticTree, note: bytes) -> Verdict:
    try:
        target.show(note)
    except ConflictError as error:
        if error.code != "checkpoint_falls":
            raise
        return Verdict.AHEAD
    return Verdict.SERVED


def _copy_epochs(source: StaticTree, target: StaticTree) -> None:
    """Copy the hourly checkpoints; the first that was published of an hour stays."""
    for name in source.blobs.names("epoch/"):
        note = source.blobs.get(name)
        if note is not None:
            with suppress(ConflictError):
                target.blobs.swap(name, None, note)
    target.keep_newest_epochs()


def _remove_superfluous(source: StaticTree, target: StaticTree, head: Checkpoint) -> int:
    """Remove old heads snapshots, and partial tiles where this checkpoint has full ones.

    Whoever has read an earlier checkpoint takes the full tile instead (C2SP tlog-tiles, Partial
    Tiles); those at the edge stay for it, and so do those of a larger tree, which another
    process is about to publish. A heads snapshot that the source keeps is asked for, however
    long ago it was copied.
    """
    old = []
    for name in target.blobs.names("tile/"):
        with suppress(MalformedError):  # something that is none of ours
            tile = tiles.parse_tile_path(name)
            if tile.width < TILE_WIDTH and _is_full(tile, head.size):
                old.append(name)
    target.blobs.delete(old)
    target.keep_newest_heads({*source.blobs.names("heads/")})
    return len(old)


def _is_full(tile: TileId, size: int) -> bool:
    """Say whether a tree of a size has the full tile in the place of this one."""
    return (tile.index + 1) * TILE_WIDTH <= size >> TILE_HEIGHT * max(tile.level, 0)


def _pieces(names: list[str]) -> Iterator[list[str]]:
    return (names[at : at + _AT_ONCE] for at in range(0, len(names), _AT_ONCE))
