"""Files of a log follow from its rows: the same bytes in any store, whoever is killed."""

import os
import shutil
from functools import cache
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from did_service.core.anchor.entry import compose
from did_service.core.anchor.snapshot import HeadRecord, HeadsSnapshot
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.crypto.hashes import sha256
from did_service.core.errors import (
    ConflictError,
    DidServiceError,
    MalformedError,
    NotFoundError,
    UnavailableError,
)
from did_service.core.limits import MAX_NOTE_BYTES
from did_service.core.log import merkle, tiles
from did_service.core.log.checkpoint import Checkpoint, sign_checkpoint
from did_service.core.log.merkle import leaf_hash
from did_service.core.log.note import NoteSigner
from did_service.core.log.tiles import ENTRIES, TileId
from did_service.replica.files import complete_files, grow_files
from did_service.replica.replica import Replica
from did_service.replica.store import ReplicaStore, prepare
from did_service.replica.tree import StaticTree
from did_service.storage import database, folder
from did_service.storage.folder import FolderBlobs
from tests.support.blobs import MemoryBlobs
from tests.support.memory_log import MemoryLog
from tests.support.refusals import refused

ORIGIN = "gd.example/reg"
SIGNER = NoteSigner(ORIGIN, SigningKey(sha256(b"log")))
NOON = 1_795_608_000
LIST = b"a status list"


@cache
def whole_log() -> MemoryLog:
    """Entries whose form is right; entry 3 comes with a content."""
    log = MemoryLog(ORIGIN)
    for number in range(600):
        kind, digest = ("status", sha256(LIST)) if number == 3 else ("schema", None)
        entry = compose(kind, f"urn:x:{number}", {"kind": "x"}, digest=digest)
        log.force(entry.sequenced(1_000 + number))
    return log


def data_of(start, stop):
    return [placed.entry.encode() for placed in whole_log().entries[start:stop]]


def note(size, origin=ORIGIN):
    root = merkle.tree_root([leaf_hash(each) for each in data_of(0, size)])
    return sign_checkpoint(Checkpoint(origin, size, root), SIGNER)


def replica_over(place, blobs):
    engine = database.open_database(database.file_url(place / "log.sqlite"))
    prepare(engine)
    return Replica(ReplicaStore(engine, ORIGIN), StaticTree(blobs))


def append(replica, stop):
    """Put rows up to an index, and return where they began."""
    start = replica.store.size()
    if stop > start:
        contents = {sha256(LIST): LIST} if start <= 3 < stop else {}
        replica.store.append(whole_log().entries[start:stop], contents)
    return start


def grow(replica, stop, **more):
    grow_files(replica, append(replica, stop), stop, **more)


def blobs_of(replica):
    """Every blob, by its name."""
    blobs = replica.tree.blobs
    kinds = ("tile/", "content/", "heads/", "epoch/")
    names = [name for kind in kinds for name in blobs.names(kind)]
    found = {name: blobs.get(name) for name in (*names, "checkpoint")}
    return {name: data for name, data in found.items() if data is not None}


@pytest.fixture(params=["folder", "memory"])
def replica(request, tmp_path):
    blobs = MemoryBlobs() if request.param == "memory" else FolderBlobs(tmp_path / "reg")
    return replica_over(tmp_path, blobs)


@pytest.fixture
def on_disk(tmp_path):
    return replica_over(tmp_path, FolderBlobs(tmp_path / "reg"))


# --- what is served ---------------------------------------------------------------------------


@given(steps=st.lists(st.integers(0, 200), min_size=1, max_size=3))
@settings(max_examples=8)
def test_tiles_and_bundles_are_those_of_a_log_in_memory(steps, tmp_path_factory):
    replica = replica_over(tmp_path_factory.mktemp("tree"), MemoryBlobs())
    tree, size = replica.tree, 0
    for step in steps:
        grow(replica, size + step)
        size += step
        leaves = [leaf_hash(each) for each in data_of(0, size)]
        expected = tiles.extend({}.__getitem__, 0, leaves)
        assert {tile: tree.tile(tile) for tile in expected} == expected
        bundles = tiles.bundles_between(0, size)
        for bundle in bundles:
            first = bundle.index * 256
            wanted = tiles.encode_bundle(data_of(first, first + bundle.width))
            assert tree.tile(bundle) == wanted
        names = {tile.path() for tile in (*expected, *bundles)}
        assert names == set(tree.blobs.names("tile/"))  # these, and no narrower ones
    assert list(tree.entries(0, size)) == data_of(0, size)
    assert list(tree.entries(size // 2, size)) == data_of(size // 2, size)


@pytest.mark.parametrize("size", [100, 150, 255, 256, 300, 599])
def test_a_narrower_tile_or_bundle_goes_and_is_cut_from_the_newest(replica, size):
    grow(replica, 99)
    narrow = [TileId(level, 0, 99) for level in (0, ENTRIES)]
    before = [replica.tree.tile(each) for each in narrow]
    grow(replica, size)
    assert not {each.path() for each in narrow} & set(replica.tree.blobs.names("tile/"))
    assert [replica.tree.tile(each) for each in narrow] == before
    assert tiles.root(replica.tree.tile, 99) == merkle.tree_root(
        [leaf_hash(each) for each in data_of(0, 99)]
    )


def test_a_reader_is_served_while_the_tile_it_is_cut_from_is_replaced(replica, monkeypatch):
    """Between looking for a wider tile and reading it, the log grows and drops that one."""
    grow(replica, 10)
    before = replica.tree.tile(TileId(0, 0, 10))
    grow(replica, 20)
    look, sizes = StaticTree.partials, [30, 40]

    def meanwhile(self, tile):
        found = look(self, tile)
        if sizes:
            grow(replica, sizes.pop(0))
        return found

    monkeypatch.setattr(StaticTree, "partials", meanwhile)
    assert replica.tree.tile(TileId(0, 0, 10)) == before


def test_a_tile_beyond_the_log_is_not_found(replica):
    grow(replica, 5)
    replica.tree.blobs.replace("tile/0/000.p/odd", b"none of ours")
    for tile in (TileId(0, 0, 6), TileId(0, 0), TileId(1, 0, 1), TileId(ENTRIES, 1, 1)):
        with refused("tile_unknown", NotFoundError):
            replica.tree.tile(tile)


def test_nothing_is_served_before_the_files_are_made(replica):
    append(replica, 300)
    assert blobs_of(replica) == {}
    grow_files(replica, 0, 300)
    assert replica.tree.content(sha256(LIST)) == LIST
    once = blobs_of(replica)
    grow_files(replica, 0, 300)
    assert blobs_of(replica) == once


def test_content_of_an_entry_that_is_not_signed_yet_is_not_served(replica):
    append(replica, 10)
    complete_files(replica, 3)
    assert replica.tree.content(sha256(LIST)) is None
    complete_files(replica, 4)
    assert replica.tree.content(sha256(LIST)) == LIST


@pytest.mark.parametrize(
    "data", [b"", b"{}", b'{"v":1,"t":"other","v":1}', b'{,"t":"\xff","v":1}']
)
def test_a_damaged_row_is_told_by_name(replica, monkeypatch, data):
    """Whatever its type seems to be: a file is not made from a row that is none."""
    append(replica, 3)
    monkeypatch.setattr(ReplicaStore, "entries", lambda *_: [data])
    with pytest.raises(DidServiceError):
        grow_files(replica, 0, 3)


# --- what is lost is made again ---------------------------------------------------------------


def test_every_file_that_is_lost_is_made_again_from_the_rows(replica):
    record = HeadRecord(bytes(32), 1, 1, 0, bytes(32))
    snapshot = HeadsSnapshot.of([record])
    grow(replica, 600, heads=[snapshot])
    whole = blobs_of(replica)
    assert len(whole) == 9  # two full tiles and bundles, two partial ones, one of level 1, …
    for name in whole:
        replica.tree.blobs.delete([name])
        assert complete_files(replica, 600, [snapshot]) == [name]
        assert blobs_of(replica) == whole
    replica.tree.blobs.delete(whole)
    assert sorted(complete_files(replica, 600, [snapshot])) == sorted(whole)
    assert blobs_of(replica) == whole
    assert complete_files(replica, 600, [snapshot]) == []


def test_another_tree_cannot_spoil_a_tile(replica):
    grow(replica, 5)
    replica.tree.blobs.replace("tile/0/000.p/7", b"another tree")
    once = blobs_of(replica)
    with refused("tile_differs", ConflictError):
        grow(replica, 7)
    assert {name: blobs_of(replica)[name] for name in once} == once


def steps_until_done(monkeypatch, action, stop_at):
    """Run an action and pull the plug before the `stop_at`-th call that reaches the disk."""
    counter = count()

    def guarded(call):
        def run(*arguments, **options):
            if next(counter) == stop_at:
                raise KeyboardInterrupt
            return call(*arguments, **options)

        return run

    with monkeypatch.context() as patch:
        for name in ("fsync", "link", "unlink"):
            patch.setattr(folder.os, name, guarded(getattr(os, name)))
        patch.setattr(
            folder.shutil, "rmtree", lambda *a, **k: None
        )  # no tidying up when killed
        try:
            action()
        except KeyboardInterrupt:
            return False
    return True


def test_killed_at_any_step_of_growing_a_log_loses_nothing(tmp_path, monkeypatch):
    reference = replica_over(tmp_path, FolderBlobs(tmp_path / "reference"))
    grow(reference, 200)
    shutil.copytree(tmp_path / "reference", tmp_path / "start")
    grow(reference, 300)
    reference.tree.publish(note(300), NOON)

    def life(place):
        """The files of a signed tree, then its checkpoint; the rows are there already."""
        one = Replica(reference.store, StaticTree(FolderBlobs(place)))
        complete_files(one, 200)
        grow_files(one, 200, 300)
        one.tree.publish(note(300), NOON)
        return one

    for stop_at in count():
        place = tmp_path / f"killed-{stop_at}"
        shutil.copytree(tmp_path / "start", place)
        if steps_until_done(monkeypatch, lambda: life(place), stop_at):  # noqa: B023
            break
        assert StaticTree(FolderBlobs(place)).checkpoint() in (None, note(300))
        assert blobs_of(life(place)) == blobs_of(reference)
        assert list((place / "staged").iterdir()) == []
        shutil.rmtree(place)
    assert stop_at > 20


@pytest.mark.parametrize(
    ("call", "code"),
    [("mkdir", "tree_not_written"), ("fsync", "tree_not_synced"), ("link", "tree_not_written")],
)
def test_a_full_disk_is_told(on_disk, monkeypatch, call, code):
    def fail(*_arguments, **_named):
        raise OSError(28, "No space left on device")

    append(on_disk, 1)
    with monkeypatch.context() as patch:
        patch.setattr(folder.os, call, fail)
        with refused(code, UnavailableError):
            grow_files(on_disk, 0, 1)
    grow_files(on_disk, 0, 1)


@pytest.mark.parametrize("ask", [lambda t: t.checkpoint(), lambda t: t.tile(TileId(0, 0, 9))])
def test_a_disk_that_cannot_be_read_is_told(on_disk, monkeypatch, ask):
    grow(on_disk, 10)

    def fail(*_arguments, **_named):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(folder.Path, "read_bytes", fail)
    monkeypatch.setattr(folder.Path, "iterdir", fail)
    with refused("tree_not_read", UnavailableError):
        ask(on_disk.tree)


# --- checkpoints ------------------------------------------------------------------------------


def test_a_published_checkpoint_is_served(replica):
    assert (replica.tree.checkpoint(), replica.tree.epoch()) == (None, None)
    grow(replica, 5)
    replica.tree.publish(note(5), NOON)
    assert replica.tree.checkpoint() == note(5)


def test_what_is_longer_than_a_note_is_damaged(replica):
    replica.tree.blobs.replace("checkpoint", b"x" * (MAX_NOTE_BYTES + 1))
    with refused("file_damaged", MalformedError):
        replica.tree.checkpoint()


def test_whatever_serves_the_files_may_read_all_of_them(on_disk, tmp_path):
    grow(on_disk, 5)
    on_disk.tree.publish(note(5), NOON)
    place = tmp_path / "reg"
    modes = {name: (place / name).stat().st_mode & 0o044 for name in blobs_of(on_disk)}
    assert modes == dict.fromkeys(modes, 0o044)
    assert {"checkpoint", "tile/0/000.p/5", f"epoch/{NOON // 3_600}"} <= modes.keys()


def test_a_checkpoint_never_falls(replica):
    grow(replica, 5)
    replica.tree.publish(note(5), NOON)
    with refused("checkpoint_falls", ConflictError):
        replica.tree.publish(note(4), NOON)
    assert replica.tree.checkpoint() == note(5)


def test_a_checkpoint_without_its_files_is_not_published(replica):
    grow(replica, 5)
    other = sign_checkpoint(Checkpoint(ORIGIN, 5, bytes(32)), SIGNER)
    with refused("tile_differs", ConflictError):
        replica.tree.publish(other, NOON)
    with refused("tile_unknown", NotFoundError):
        replica.tree.publish(note(6), NOON)
    with pytest.raises(MalformedError):
        replica.tree.publish(b"not a note", NOON)
    assert replica.tree.checkpoint() is None


def test_the_epoch_is_the_first_checkpoint_of_its_hour(replica):
    for size, at in ((1, NOON), (2, NOON + 3_599), (3, NOON + 3_600), (4, NOON + 7_000)):
        grow(replica, size)
        replica.tree.publish(note(size), at)
        assert replica.tree.epoch() == note(1 if at < NOON + 3_600 else 3)
    grow(replica, 5)
    replica.tree.publish(note(5), NOON + 4 * 3_600)
    assert replica.tree.epoch() == note(5)
    assert len(replica.tree.blobs.names("epoch/")) == 2


def test_a_clock_set_back_does_not_move_the_epoch(replica):
    grow(replica, 1)
    replica.tree.publish(note(1), NOON)
    grow(replica, 2)
    replica.tree.publish(note(2), NOON - 7_200)
    assert replica.tree.epoch() == note(1)


def test_the_newest_twelve_heads_files_are_kept(replica, tmp_path):
    names = []
    for number in range(14):
        record = HeadRecord(bytes(32), number, number, 0, bytes(32))
        snapshot = HeadsSnapshot.of([record])
        grow(replica, number + 1, heads=[snapshot])
        names.append(f"heads/{snapshot.root.hex()}")
        path = tmp_path / "reg" / names[-1]
        if path.exists():
            os.utime(path, ns=(number, number))
    assert replica.tree.blobs.names("heads/") == names[2:]
