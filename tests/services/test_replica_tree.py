"""Files of a log: the same bytes as in memory, whoever is killed on the way."""

import os
import shutil
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from did_service.core.anchor.snapshot import HeadRecord, HeadsSnapshot
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.crypto.hashes import sha256
from did_service.core.errors import (
    ConflictError,
    MalformedError,
    NotFoundError,
    UnavailableError,
)
from did_service.core.log import merkle, tiles
from did_service.core.log.checkpoint import Checkpoint, sign_checkpoint
from did_service.core.log.merkle import leaf_hash
from did_service.core.log.note import NoteSigner
from did_service.core.log.tiles import ENTRIES, TileId
from did_service.replica import files
from did_service.replica.tree import StaticTree

ORIGIN = "gd.example/reg"
SIGNER = NoteSigner(ORIGIN, SigningKey(sha256(b"log")))
NOON = 1_795_608_000


def data_of(start, stop):
    return [b"entry %d" % number for number in range(start, stop)]


def note(size, origin=ORIGIN):
    root = merkle.tree_root([leaf_hash(each) for each in data_of(0, size)])
    return sign_checkpoint(Checkpoint(origin, size, root), SIGNER)


def grow(tree, start, stop, **more):
    staged = tree.stage(start, data_of(start, stop), contents={}, **more)
    tree.install(staged)
    tree.discard(staged)
    return staged


def served(folder):
    """Every file that is served, by its path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "staged" not in path.parts
    }


@pytest.fixture
def tree(tmp_path):
    return StaticTree(tmp_path / "reg")


@given(steps=st.lists(st.integers(0, 300), min_size=1, max_size=5))
@settings(max_examples=15)
def test_tiles_and_bundles_are_those_of_a_log_in_memory(steps, tmp_path_factory):
    tree = StaticTree(tmp_path_factory.mktemp("tree"))
    size = 0
    for step in steps:
        staged = grow(tree, size, size + step)
        size += step
        leaves = [leaf_hash(each) for each in data_of(0, size)]
        assert (staged.size, staged.root) == (size, merkle.tree_root(leaves))
        expected = tiles.extend({}.__getitem__, 0, leaves)
        assert {tile: tree.tile(tile) for tile in expected} == expected
        for bundle in tiles.bundles_between(0, size):
            first = bundle.index * 256
            wanted = tiles.encode_bundle(data_of(first, first + bundle.width))
            assert tree.tile(bundle) == wanted
    assert list(tree.entries(0, size)) == data_of(0, size)
    assert list(tree.entries(size // 2, size)) == data_of(size // 2, size)


def test_partial_tiles_of_a_full_one_are_cut_from_it(tree):
    grow(tree, 0, 100)
    partial = {level: tree.tile(TileId(level, 0, 100)) for level in (0, ENTRIES)}
    grow(tree, 100, 300)
    assert not (tree.folder / "tile/0/000.p").exists()
    assert not (tree.folder / "tile/entries/000.p").exists()
    assert {level: tree.tile(TileId(level, 0, 100)) for level in (0, ENTRIES)} == partial
    assert tiles.root(tree.tile, 100) == merkle.tree_root(
        [leaf_hash(each) for each in data_of(0, 100)]
    )


def test_a_tile_beyond_the_log_is_not_found(tree):
    grow(tree, 0, 5)
    for tile in (TileId(0, 0, 6), TileId(0, 0), TileId(1, 0, 1), TileId(ENTRIES, 1, 1)):
        with pytest.raises(NotFoundError) as caught:
            tree.tile(tile)
        assert caught.value.code == "tile_unknown"


def test_contents_are_found_by_digest(tree):
    staged = tree.stage(0, data_of(0, 1), contents={sha256(b"list"): b"list"})
    assert tree.content(sha256(b"list")) is None
    tree.install(staged)
    assert tree.content(sha256(b"list")) == b"list"


# --- staging --------------------------------------------------------------------------------


def test_nothing_is_served_before_it_is_installed(tree):
    before = served(tree.folder)
    staged = tree.stage(0, data_of(0, 300), contents={sha256(b"x"): b"x"})
    assert served(tree.folder) == before
    assert StaticTree(tree.folder).staged() == [staged]


def test_installing_twice_changes_nothing(tree):
    staged = tree.stage(0, data_of(0, 300), contents={sha256(b"x"): b"x"})
    tree.install(staged)
    once = served(tree.folder)
    tree.install(staged)
    assert served(tree.folder) == once
    tree.discard(staged)
    assert tree.staged() == []


def test_a_lost_attempt_cannot_spoil_a_tile(tree):
    """Two writers staged different entries; the one that lost may not install its own."""
    grow(tree, 0, 5)
    won = tree.stage(5, data_of(5, 7), contents={})
    lost = tree.stage(5, [b"another", b"entry"], contents={})
    tree.install(won)
    once = served(tree.folder)
    with pytest.raises(ConflictError) as caught:
        tree.install(lost)
    assert caught.value.code == "tile_differs"
    assert served(tree.folder) == once


def steps_until_done(tree, monkeypatch, action, stop_at):
    """Run an action and pull the plug before the `stop_at`-th call that reaches the disk."""
    counter = count()

    def guarded(call):
        def run(*arguments, **options):
            if next(counter) == stop_at:
                raise KeyboardInterrupt
            return call(*arguments, **options)

        return run

    with monkeypatch.context() as patch:
        for name in ("fsync", "link"):
            patch.setattr(files.os, name, guarded(getattr(os, name)))
        try:
            action()
        except KeyboardInterrupt:
            return False
    return True


def test_killed_at_any_step_of_growing_a_log_loses_nothing(tmp_path, monkeypatch):
    reference = StaticTree(tmp_path / "reference")
    grow(reference, 0, 200)
    start = tmp_path / "start"
    shutil.copytree(reference.folder, start)
    grow(reference, 200, 300)
    reference.publish(note(300), NOON)

    def life(folder):
        """Start, apply again what is staged, make the rest, publish."""
        tree = StaticTree(folder)
        for staged in tree.staged():
            tree.install(staged)
        staged = tree.stage(200, data_of(200, 300), contents={})
        tree.install(staged)
        tree.publish(note(300), NOON)
        tree.discard(staged)

    for stop_at in count():
        folder = tmp_path / f"killed-{stop_at}"
        shutil.copytree(start, folder)
        done = steps_until_done(folder, monkeypatch, lambda: life(folder), stop_at)  # noqa: B023
        if done:
            break
        note_then = StaticTree(folder).checkpoint()
        assert note_then in (None, note(300))
        life(folder)
        assert served(folder) == served(reference.folder)
        shutil.rmtree(folder)
    assert stop_at > 8


def test_half_written_staging_is_removed_at_the_start(tree):
    half = tree.folder / "staged" / "5-00.tmp"
    half.mkdir()
    (half / "tile_0_000.p_5").write_bytes(b"half")
    (tree.folder / "staged" / "lost+found").mkdir()
    assert StaticTree(tree.folder).staged() == []
    assert not half.exists()


@pytest.mark.parametrize(
    ("call", "code"), [("mkdir", "tree_not_written"), ("fsync", "tree_not_synced")]
)
def test_a_full_disk_is_told(tree, monkeypatch, call, code):
    def fail(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, call, fail)
    with pytest.raises(UnavailableError) as caught:
        tree.stage(0, data_of(0, 1), contents={})
    assert caught.value.code == code


# --- checkpoints ----------------------------------------------------------------------------


def test_a_published_checkpoint_is_served(tree):
    assert (tree.checkpoint(), tree.epoch()) == (None, None)
    grow(tree, 0, 5)
    tree.publish(note(5), NOON)
    assert tree.checkpoint() == note(5)


def test_whatever_serves_the_files_may_read_all_of_them(tree):
    grow(tree, 0, 5)
    tree.publish(note(5), NOON)
    modes = {name: (tree.folder / name).stat().st_mode & 0o044 for name in served(tree.folder)}
    assert modes == dict.fromkeys(modes, 0o044)
    assert {"checkpoint", "tile/0/000.p/5", f"epoch/{NOON // 3_600}"} <= modes.keys()


def test_a_checkpoint_never_falls(tree):
    grow(tree, 0, 5)
    tree.publish(note(5), NOON)
    with pytest.raises(ConflictError) as caught:
        tree.publish(note(4), NOON)
    assert caught.value.code == "checkpoint_falls"
    assert tree.checkpoint() == note(5)


def test_a_checkpoint_without_its_files_is_not_published(tree):
    grow(tree, 0, 5)
    other = sign_checkpoint(Checkpoint(ORIGIN, 5, bytes(32)), SIGNER)
    with pytest.raises(ConflictError) as caught:
        tree.publish(other, NOON)
    assert caught.value.code == "tile_differs"
    with pytest.raises(NotFoundError) as caught:
        tree.publish(note(6), NOON)
    assert caught.value.code == "tile_unknown"
    with pytest.raises(MalformedError):
        tree.publish(b"not a note", NOON)
    assert tree.checkpoint() is None


def test_the_epoch_is_the_first_checkpoint_of_its_hour(tree):
    for size, at in ((1, NOON), (2, NOON + 3_599), (3, NOON + 3_600), (4, NOON + 7_000)):
        grow(tree, size - 1, size)
        tree.publish(note(size), at)
        assert tree.epoch() == note(1 if at < NOON + 3_600 else 3)
    grow(tree, 4, 5)
    tree.publish(note(5), NOON + 4 * 3_600)
    assert tree.epoch() == note(5)
    assert len(list((tree.folder / "epoch").iterdir())) == 2


def test_a_clock_set_back_does_not_move_the_epoch(tree):
    grow(tree, 0, 1)
    tree.publish(note(1), NOON)
    grow(tree, 1, 2)
    tree.publish(note(2), NOON - 7_200)
    assert tree.epoch() == note(1)


def test_the_newest_twelve_heads_files_are_kept(tree):
    roots = []
    for number in range(14):
        record = HeadRecord(bytes(32), number, number, 0, bytes(32))
        snapshot = HeadsSnapshot.of([record])
        grow(tree, number, number + 1, heads=[snapshot])
        path = tree.folder / "heads" / snapshot.root.hex()
        os.utime(path, ns=(number, number))
        roots.append(snapshot.root.hex())
    assert {path.name for path in (tree.folder / "heads").iterdir()} == set(roots[2:])
