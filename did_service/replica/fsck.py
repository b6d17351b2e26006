"""Recompute a replica from its bytes and say what differs.

    entry bundles ─► leaf hashes ─► hash tiles of every level ─► root ─► checkpoint, signed row
          └────────► rows of the database, newest entries, contents, heads files

The entry bundles are where everything begins, up to the tree that the log has signed or the
copy holds, and the rows behind it: whatever does not follow from them is named, with the file
or row in which it stands. Signatures are left to whoever has the policy. Memory holds one
bundle, one hash for 256 entries, and a record for each subject.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from did_service.core.anchor.bodies.authority import grantee_in
from did_service.core.anchor.entry import LoggedEntry, parse_entry
from did_service.core.anchor.snapshot import HeadRecord, HeadsSnapshot, parse_snapshot
from did_service.core.anchor.types import TYPES
from did_service.core.crypto.hashes import sha256
from did_service.core.errors import MalformedError, NotFoundError
from did_service.core.limits import TILE_HEIGHT, TILE_WIDTH
from did_service.core.log.checkpoint import Checkpoint, checkpoint_in
from did_service.core.log.merkle import CompactRange, leaf_hash, tree_root
from did_service.core.log.tiles import ENTRIES, TileId, parse_bundle, parse_tile_path
from did_service.replica import rows
from did_service.replica.replica import Replica
from did_service.replica.rows import StoredRow
from did_service.replica.statements import ENTRY_COLUMNS
from did_service.replica.tree import content_name


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not follow from the entries.

    Attributes:
        code: `checkpoint_missing`, `checkpoint_wrong`, `bundle_damaged`, `tile_wrong`,
            `root_wrong`, `row_wrong`, `rows_missing`, `newest_wrong`, `content_missing`,
            `content_wrong`, `heads_wrong`, `signed_behind` where a larger tree was published
            than the signed row says, `rows_behind` for a file of a larger tree than is known.
        where: File below the replica's folder, or the row.
    """

    code: str
    where: str


def examine(replica: Replica, signed: Checkpoint | None = None) -> list[Finding]:
    """Recompute a replica up to all that should be there.

    Args:
        replica: Nobody writes it meanwhile.
        signed: What the log's own registry has signed, of size 0 for nothing; None for a copy
            at a witness, which has files for all its rows.

    Returns:
        What differs, in the order it was met; empty for a sound replica.
    """
    return list(_examine(replica, signed))


def _examine(replica: Replica, signed: Checkpoint | None) -> Iterator[Finding]:
    yield from examine_names(replica)
    read = {name: _checkpoint(replica, name) for name in ("checkpoint", *_epochs(replica))}
    heads = {name: head for name, head in read.items() if isinstance(head, Checkpoint)}
    yield from (finding for finding in read.values() if isinstance(finding, Finding))
    if read.pop("checkpoint") is None and read:  # it was published: there are epochs
        yield Finding("checkpoint_missing", "checkpoint")
    if signed is not None:
        if any(head.size > signed.size for head in heads.values()):
            yield Finding("signed_behind", "checkpoint")
        heads["signed row"] = signed
    held = replica.store.size() if signed is None else signed.size
    size = max(held, heads["checkpoint"].size if "checkpoint" in heads else 0)
    yield from (
        Finding("rows_behind", name)
        for name in _beyond(replica, max(size, replica.store.size()))
    )
    walk = _LogWalk(replica, size, {head.size for head in heads.values()})
    yield from walk.entries()
    if walk.edge.size != size:
        return  # a bundle is damaged, and nothing behind it can be recomputed
    for name, head in heads.items():
        if walk.roots.get(head.size) != head.root:
            yield Finding("root_wrong", name)
    yield from walk.upper_levels()
    yield from walk.chains()
    yield from walk.unsigned()


class _LogWalk:
    """One pass over the first `size` entries of a log; `roots` has those that are `wanted`."""

    def __init__(self, replica: Replica, size: int, wanted: set[int]) -> None:
        self._tree, self._store = replica.tree, replica.store
        self._size = size
        self._total = 0
        self._newest: dict[bytes, HeadRecord] = {}
        self._grantees: dict[str, str] = {}  # by subject of an authority chain
        self._full: list[bytes] = []  # roots of the full level-0 tiles
        self._wanted = wanted
        self.edge = CompactRange()
        self.roots = {0: self.edge.root()}

    def entries(self) -> Iterator[Finding]:
        """Examine bundles and level-0 tiles, and entry by entry rows and contents."""
        for first in range(0, self._size, TILE_WIDTH):
            width = min(TILE_WIDTH, self._size - first)
            bundle = TileId(ENTRIES, first // TILE_WIDTH, width)
            try:
                entries = parse_bundle(self._tree.tile(bundle), width)
                placed = [_place(first + at, data) for at, data in enumerate(entries)]
            except (NotFoundError, MalformedError):
                yield Finding("bundle_damaged", bundle.path())
                return
            leaves = [each.leaf for each in placed]
            yield from self._tile(TileId(0, bundle.index, width), leaves)
            held = {row["index"]: row for row in self._store.rows(first, first + width)}
            for each in placed:
                self._remember(each)
                yield from self._entry(each, held.get(each.index, {}))
                yield from self._content(each)
            if width == TILE_WIDTH:
                self._full.append(tree_root(leaves))

    def upper_levels(self) -> Iterator[Finding]:
        """Examine the hashes above level 0, as tiles and as rows."""
        level, hashes = 1, self._full
        while hashes:
            full = []
            for first in range(0, len(hashes), TILE_WIDTH):
                part = hashes[first : first + TILE_WIDTH]
                tile = TileId(level, first // TILE_WIDTH, len(part))
                yield from self._tile(tile, part)
                if self._store.hashes(tile) != b"".join(part):
                    yield Finding("row_wrong", f"nodes of {tile.path()}")
                if len(part) == TILE_WIDTH:
                    full.append(tree_root(part))
            level, hashes = level + 1, full

    def chains(self) -> Iterator[Finding]:
        """Examine what the database says of the newest entry of each chain."""
        if self._store.size() < self._size:
            yield Finding("rows_missing", f"{self._store.size()} of {self._size} entries")
            return
        if self._store.snapshot(self._size) != HeadsSnapshot.of(self._newest.values()):
            yield Finding("newest_wrong", "subjects")
        for subject, grantee in self._grantees.items():
            found = self._store.statements_about(grantee)
            if subject not in {placed.entry.subject for placed in found}:
                yield Finding("newest_wrong", f"grantee of {subject}")

    def unsigned(self) -> Iterator[Finding]:
        """Examine the rows that no tree has yet, each by itself."""
        for first in range(self._size, self._store.size(), TILE_WIDTH):
            for row in self._store.rows(first, first + TILE_WIDTH):
                index, data = row["index"], row["data"]
                try:
                    if isinstance(index, int) and isinstance(data, bytes):
                        yield from self._entry(_place(index, data), row)
                except MalformedError:
                    yield Finding("row_wrong", f"entry {index}")

    def _tile(self, tile: TileId, hashes: list[bytes]) -> Iterator[Finding]:
        try:
            held = self._tree.tile(tile)
        except NotFoundError:
            held = b""
        if held != b"".join(hashes):
            yield Finding("tile_wrong", tile.path())

    def _entry(self, placed: LoggedEntry, stored: StoredRow) -> Iterator[Finding]:
        """Compare a row with the one that storing the entry again would write."""
        contents: dict[bytes, bytes] = {}
        digest = placed.entry.digest if TYPES[placed.entry.type].has_content else None
        if digest is not None:
            contents[digest] = self._store.content(digest) or b""
            if sha256(contents[digest]) != digest:
                yield Finding("row_wrong", f"content {digest.hex()}")
        (row,) = rows.entries([placed], contents, self._total)
        if any(stored.get(name) != row[name] for name in ENTRY_COLUMNS):
            yield Finding("row_wrong", f"entry {placed.index}")
        total = stored.get("total")
        self._total = total if isinstance(total, int) else 0  # one wrong sum is named once

    def _content(self, placed: LoggedEntry) -> Iterator[Finding]:
        digest = placed.entry.digest if TYPES[placed.entry.type].has_content else None
        if digest is not None and self._tree.content(digest) is None:
            yield Finding("content_missing", content_name(digest))

    def _remember(self, placed: LoggedEntry) -> None:
        entry = placed.entry
        self.edge.append(placed.leaf)
        if self.edge.size in self._wanted:
            self.roots[self.edge.size] = self.edge.root()
        if entry.type != "heads":
            record = HeadRecord.of(placed)
            self._newest[record.key] = record
        if entry.type == "authority":
            self._grantees[entry.subject] = grantee_in(entry.body)


def _place(index: int, data: bytes) -> LoggedEntry:
    return LoggedEntry(parse_entry(data), index, leaf_hash(data))


def examine_names(replica: Replica) -> Iterator[Finding]:
    """Examine the files that are named by a hash of what they hold."""
    blobs = replica.tree.blobs
    for name in sorted(blobs.names("content/")):
        if f"content/{sha256(blobs.get(name) or b'').hex()}" != name:
            yield Finding("content_wrong", name)
    for name in sorted(blobs.names("heads/")):
        if f"heads/{_heads_root(blobs.get(name) or b'')}" != name:
            yield Finding("heads_wrong", name)


def _heads_root(data: bytes) -> str:
    try:
        return parse_snapshot(data).root.hex()
    except MalformedError:
        return ""


def _beyond(replica: Replica, size: int) -> Iterator[str]:
    """Yield the tiles and bundles of a larger tree: whoever made them knew of more entries."""
    for name in sorted(replica.tree.blobs.names("tile/")):
        with suppress(MalformedError):  # something that is none of ours
            tile = parse_tile_path(name)
            covered = (tile.index * TILE_WIDTH + tile.width) << TILE_HEIGHT * max(tile.level, 0)
            if covered > size:
                yield name


def _epochs(replica: Replica) -> list[str]:
    return sorted(replica.tree.blobs.names("epoch/"))


def _checkpoint(replica: Replica, name: str) -> Checkpoint | Finding | None:
    """Read one of the files that hold a checkpoint of this log; None where it is not there."""
    note = replica.tree.blobs.get(name)
    if note is None:
        return None
    try:
        head = checkpoint_in(note)
    except MalformedError:
        return Finding("checkpoint_wrong", name)
    return head if head.origin == replica.origin else Finding("checkpoint_wrong", name)
