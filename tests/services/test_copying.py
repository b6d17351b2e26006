"""A published log copied to a folder or a bucket: whole at any moment, whoever copies."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from did_service.core.anchor.snapshot import HeadRecord, HeadsSnapshot
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.crypto.hashes import sha256
from did_service.core.errors import ConflictError, MalformedError, UnavailableError
from did_service.core.limits import MAX_HEADS_FILES
from did_service.core.log import tiles
from did_service.core.log.checkpoint import Checkpoint, checkpoint_in, sign_checkpoint
from did_service.core.log.merkle import leaf_hash, tree_root
from did_service.core.log.note import NoteSigner
from did_service.core.log.tiles import ENTRIES, TileId
from did_service.replica.copying import Verdict, copy_published
from did_service.replica.tree import StaticTree, content_name, heads_name
from did_service.storage.folder import FolderBlobs
from tests.services.test_replica_files import (
    LIST,
    NOON,
    ORIGIN,
    SIGNER,
    grow,
    note,
    replica_over,
)
from tests.support.blobs import MemoryBlobs
from tests.support.refusals import refused

pytestmark = pytest.mark.clock


def nothing_told(_done, _total):
    """Hear how far a copy has come, and say nothing."""


@pytest.fixture
def source(tmp_path):
    return replica_over(tmp_path, MemoryBlobs())


@pytest.fixture(params=["folder", "bucket"])
def target(request, tmp_path, s3):
    if request.param == "folder":
        return StaticTree(FolderBlobs(tmp_path / "out"))
    return StaticTree(s3.bucket().blobs("gd"))


def published(source, size, at=NOON, **more):
    grow(source, size, **more)
    source.tree.publish(note(size), at)
    return source.tree


def copied(source, target, **more):
    return copy_published(source, target, nothing_told, **more)


def check_whole(blobs, size):
    """What a reader finds who has nothing but GET: the checkpoint, and all that it needs."""
    data = blobs.get("checkpoint")
    assert data is not None
    assert checkpoint_in(data).size == size
    for tile in tiles.files_between(0, size):
        assert blobs.get(tile.path()) is not None, tile.path()
    assert tiles.root(lambda tile: blobs.get(tile.path()), size) == checkpoint_in(data).root


def test_a_copy_is_whole_and_has_nothing_else(source, target):
    record = HeadRecord(bytes(32), 1, 1, 0, bytes(32))
    tree = published(source, 300, heads=[HeadsSnapshot.of([record])])
    told = []
    made = copy_published(tree, target, lambda done, total: told.append((done, total)))
    assert (made.size, made.verdict, made.there, made.differing) == (300, Verdict.SERVED, 0, [])
    check_whole(target.blobs, 300)
    for kind in ("tile/", "content/", "heads/", "epoch/"):
        names = sorted(tree.blobs.names(kind))
        assert sorted(target.blobs.names(kind)) == names
        assert [target.blobs.get(name) for name in names] == list(map(tree.blobs.get, names))
    assert target.content(sha256(LIST)) == LIST
    assert told[-1] == (made.made, made.made)


def test_a_heads_snapshot_that_the_source_keeps_stays_in_the_copy(source, target):
    """A log in which nothing is written keeps the same one while others get new ones."""
    tree = published(source, 5)
    idle = heads_name(bytes(32))
    for number in range(2 * MAX_HEADS_FILES + 4):
        snapshots = {idle: b"idle", heads_name(sha256(b"%d" % number)): b"new"}
        tree.blobs.add(snapshots)
        tree.keep_newest_heads(snapshots)
        copied(tree, target)
    assert target.blobs.get(idle) == b"idle"
    held = {*target.blobs.names("heads/")}
    assert held >= {*tree.blobs.names("heads/")}
    assert len(held) <= 2 * MAX_HEADS_FILES + 1  # a bucket orders those of one second anyhow


def test_a_second_copy_finds_all_there_and_compares_it(source, target):
    tree = published(source, 300)
    first = copied(tree, target)
    again = copied(tree, target)
    assert (again.made, again.there, again.verdict) == (0, first.made, Verdict.SERVED)


def test_nothing_is_copied_of_a_log_that_has_published_nothing(source, target):
    grow(source, 5)
    assert copied(source.tree, target).verdict is Verdict.NOTHING
    assert target.blobs.names("tile/") == []


def test_what_is_not_published_yet_is_not_copied(source, target):
    tree = published(source, 40)
    grow(source, 300)
    copied(tree, target)
    check_whole(target.blobs, 40)
    assert [*map(tiles.parse_tile_path, sorted(target.blobs.names("tile/")))] == [
        TileId(0, 0, 40),
        TileId(ENTRIES, 0, 40),
    ]


def as_readers_do(blobs):
    """A reader as C2SP tlog-tiles has it: the full tile where a partial one is gone."""

    def read(tile):
        full = TileId(tile.level, tile.index).path()
        data = blobs.get(tile.path()) or blobs.get(full) or b""
        return data[: 32 * tile.width]

    return read


def test_whoever_has_read_an_older_checkpoint_misses_no_file(source, target):
    seen = []
    for size in (100, 200, 256, 300, 600):
        copied(published(source, size), target)
        check_whole(target.blobs, size)
        seen.append(size)
        for former in seen:
            root = tiles.root(as_readers_do(target.blobs), former)
            assert root == checkpoint_in(note(former)).root
    partial = [name for name in target.blobs.names("tile/") if ".p/" in name]
    assert {name.rpartition("/")[0] for name in partial} == {
        "tile/0/002.p", "tile/entries/002.p", "tile/1/000.p"
    }  # fmt: skip


def test_bytes_that_differ_are_named_and_left_and_nothing_rests_on_them(source, target):
    tree = published(source, 100)
    copied(tree, target)
    bundle, content = TileId(ENTRIES, 0, 100).path(), content_name(sha256(LIST))
    target.blobs.replace(bundle, b"another bundle")
    target.blobs.replace(content, b"another list")
    published(source, 120)
    found = copied(tree, target)
    assert (found.verdict, found.differing) == (Verdict.WITHHELD, [content])
    assert target.checkpoint() == note(100)
    assert target.blobs.get(content) == b"another list"
    assert target.blobs.get(bundle) == b"another bundle"


def test_without_comparing_a_name_is_enough_and_the_tree_has_still_to_lead_to_its_root(
    source, target
):
    tree = published(source, 300)
    copied(tree, target)
    full = TileId(ENTRIES, 0).path()
    target.blobs.replace(full, b"another bundle")
    assert copied(tree, target, compare=False).verdict is Verdict.SERVED
    assert copied(tree, target).differing == [full]
    target.blobs.replace(TileId(1, 0, 1).path(), bytes(32))
    published(source, 310)
    with refused("tile_differs", ConflictError):
        copied(tree, target, compare=False)
    assert target.checkpoint() == note(300)


def test_a_content_that_is_damaged_here_is_not_handed_on(source, target):
    tree = published(source, 10)
    tree.blobs.replace(content_name(sha256(LIST)), b"damaged")
    with refused("file_damaged", MalformedError):
        copied(tree, target)
    assert target.checkpoint() is None


def test_the_checkpoint_at_the_target_never_falls(source, target, tmp_path):
    tree = published(source, 300)
    copied(tree, target)
    (tmp_path / "b").mkdir()
    behind = published(replica_over(tmp_path / "b", MemoryBlobs()), 200)
    found = copied(behind, target)
    assert (found.verdict, found.differing) == (Verdict.AHEAD, [])
    check_whole(target.blobs, 300)


@pytest.mark.parametrize("size", [50, 100, 150])
def test_a_place_that_has_a_copy_of_another_log_is_not_written_to(source, target, size):
    """Two regions that copy to one bucket, without a prefix each."""
    other = "hn.example/reg"
    signer = NoteSigner(other, SigningKey(bytes(32)))
    theirs = sign_checkpoint(Checkpoint(other, size, bytes(32)), signer)
    target.blobs.swap("checkpoint", None, theirs)
    tree = published(source, 100)
    with refused("place_of_another", ConflictError):
        copied(tree, target)
    assert target.blobs.names("tile/") == []
    target.add({name: tree.blobs.get(name) for name in tree.blobs.names("tile/")})
    with refused("place_of_another", ConflictError):
        target.show(note(100))  # as a region does that lives on the bucket
    assert target.blobs.get("checkpoint") == theirs


@pytest.mark.parametrize("size", [5, 100, 150])
@pytest.mark.parametrize("compare", [True, False])
def test_a_copy_of_another_history_is_not_gone_on_with(source, target, tmp_path, size, compare):
    """No name of a file tells them apart: partial tiles of other sizes have other names."""
    data = [b"another %d" % number for number in range(size)]
    made = tiles.extend({}.__getitem__, 0, [leaf_hash(each) for each in data])
    target.add({tile.path(): held for tile, held in made.items()})
    theirs = sign_checkpoint(Checkpoint(ORIGIN, size, tree_root(map(leaf_hash, data))), SIGNER)
    target.show(theirs)
    tree = published(source, 100)
    found = copied(tree, target, compare=compare)
    assert (found.verdict, found.made) == (Verdict.WITHHELD, 0)
    assert found.differing == ["checkpoint"]
    assert target.blobs.get("checkpoint") == theirs


def test_another_tree_of_the_same_size_is_not_put_in_its_place(source, target):
    tree = published(source, 5)
    target.blobs.add({TileId(ENTRIES, 0, 5).path(): b"x"})
    assert copied(tree, target).verdict is Verdict.WITHHELD
    assert target.checkpoint() is None


class Listed:
    """Blobs as they were listed a moment ago; others have made and removed some since."""

    def __init__(self, blobs, *names):
        self._blobs, self._names = blobs, names

    def __getattr__(self, name):
        return getattr(self._blobs, name)

    def names(self, prefix):
        return [name for name in self._names if name.startswith(prefix)]


def test_however_many_files_differ_that_another_has_just_made_nothing_rests_on_them(
    source, target
):
    tree = published(source, 5)
    contents = {content_name(sha256(b"%d" % number)): b"%d" % number for number in range(170)}
    tree.blobs.add(contents)
    target.blobs.add(dict.fromkeys(contents, b"another"))
    found = copied(tree, StaticTree(Listed(target.blobs)))
    assert found.verdict is Verdict.WITHHELD
    assert len(found.differing) == 100
    assert target.checkpoint() is None


def test_a_file_that_goes_from_the_target_meanwhile_is_put_again(source, target):
    tree = published(source, 5)
    content = content_name(sha256(LIST))
    found = copied(tree, StaticTree(Listed(target.blobs, content)))
    assert (found.verdict, found.there) == (Verdict.SERVED, 0)
    assert target.blobs.get(content) == LIST


# --- cut off, and together --------------------------------------------------------------------


class CutOff:
    """Blobs whose process is gone before its nth writing."""

    def __init__(self, blobs, at):
        self._blobs, self._left = blobs, count(at, -1)

    def __getattr__(self, name):
        call = getattr(self._blobs, name)
        if name not in ("add", "swap", "delete"):
            return call

        def writing(*given):
            if next(self._left) == 0:
                raise KeyboardInterrupt
            return call(*given)

        return writing


def test_killed_before_any_writing_the_copy_is_whole_and_goes_on(source, target):
    """Between an object and the checkpoint above all: readers never miss a file."""
    tree = published(source, 200)
    copied(tree, target)
    published(source, 520)
    for at in count():
        try:
            copied(tree, StaticTree(CutOff(target.blobs, at)))
        except KeyboardInterrupt:
            size = 520 if target.checkpoint() == note(520) else 200
            check_whole(target.blobs, size)
        else:
            break
    assert at > 2
    check_whole(target.blobs, 520)
    again = copied(tree, target)
    assert (again.made, again.verdict) == (0, Verdict.SERVED)


def test_two_who_copy_at_once_leave_the_larger_tree_and_no_gap(tmp_path, s3):
    """Each has its own copy of the log, as far as it has come; readers look all the while."""
    bucket, sizes = s3.bucket(), (90, 200, 280, 530)
    trees = []
    for number in range(2):
        place = tmp_path / str(number)
        place.mkdir()
        trees.append(replica_over(place, MemoryBlobs()))
    over, seen = threading.Event(), []

    def read():
        blobs = bucket.blobs()
        while not over.is_set():
            data = blobs.get("checkpoint")
            if data is None:
                continue
            seen.append(checkpoint_in(data).size)
            root = tiles.root(as_readers_do(blobs), seen[-1])
            assert root == checkpoint_in(data).root

    def copy_all(number):
        for size in sizes[number:]:
            source = published(trees[number], size)
            copied(source, StaticTree(bucket.blobs()))

    with ThreadPoolExecutor(3) as pool:
        reader = pool.submit(read)
        for one in [pool.submit(copy_all, number) for number in range(2)]:
            one.result()
        over.set()
        reader.result()
    check_whole(bucket.blobs(), 530)
    assert seen == sorted(seen)


def test_of_several_who_publish_at_once_the_largest_tree_stays(tmp_path, s3):
    bucket = s3.bucket()
    sizes = (90, 200, 280, 300)
    published(replica_over(tmp_path, bucket.blobs()), 300)
    bucket.blobs().delete(["checkpoint"])
    together = threading.Barrier(len(sizes))

    def publish(size):
        tree = StaticTree(bucket.blobs())
        together.wait()
        try:
            tree.publish(note(size), NOON)
        except ConflictError as error:
            return error.code
        return "done"

    with ThreadPoolExecutor(len(sizes)) as pool:
        found = [*pool.map(publish, sizes)]
    assert found[-1] == "done"
    assert {*found} <= {"done", "checkpoint_falls", "blob_moved"}
    assert StaticTree(bucket.blobs()).checkpoint() == note(300)


def test_many_smaller_trees_that_come_first_one_by_one_do_not_keep_the_largest_out(source):
    """Each time we have looked, another process is a moment faster."""
    blobs = published(source, 300).blobs
    blobs.delete(["checkpoint"])
    smaller = iter(range(281, 291))

    class Crowded(Listed):
        def swap(self, name, former, data):
            size = next(smaller, None) if name == "checkpoint" else None
            if size is not None:
                blobs.swap(name, former, note(size))
            blobs.swap(name, former, data)

    StaticTree(Crowded(blobs)).publish(note(300), NOON)
    assert blobs.get("checkpoint") == note(300)


def test_a_bucket_is_whole_for_its_readers_while_a_log_grows_and_finds_no_quorum(tmp_path, s3):
    """Files of a larger tree are made long before its checkpoint may be served."""
    blobs = s3.bucket().blobs("gd")
    replica = replica_over(tmp_path, blobs)
    published(replica, 100)
    for size in (200, 300, 600):
        grow(replica, size)
        assert blobs.get("checkpoint") == note(100)
        root = tiles.root(as_readers_do(blobs), 100)
        assert root == checkpoint_in(note(100)).root
    assert blobs.get(TileId(0, 0, 100).path()) is None  # the full one is there


def test_a_target_that_does_not_answer_ends_the_copy_and_the_next_goes_on(source, target):
    tree = published(source, 300)

    class Away(CutOff):
        def __getattr__(self, name):
            try:
                return super().__getattr__(name)
            finally:
                if name == "swap":
                    raise UnavailableError("tree_not_written", "away")

    with refused("tree_not_written", UnavailableError):
        copied(tree, StaticTree(Away(target.blobs, 10**6)))
    assert target.checkpoint() is None
    again = copied(tree, target)
    assert (again.made, again.verdict) == (0, Verdict.SERVED)
