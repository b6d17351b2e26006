"""Whatever is changed in a replica, `examine` names it."""

import shutil
import sqlite3

import pytest

from did_service.replica.fsck import examine
from tests.support.replicas import Mirror, small_world

REG, EV = "gd.example/reg", "gd.example/ev/2026"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    mirror = Mirror(small_world(), tmp_path_factory.mktemp("original"))
    mirror.follow()
    mirror.engine.dispose()
    return mirror


@pytest.fixture
def copy(original, tmp_path):
    """A copy of the replicas that a test may spoil."""
    folder = tmp_path / "copy"
    shutil.copytree(original.folder, folder)
    copy = Mirror(original.fed, folder)
    yield copy
    copy.engine.dispose()


def found(mirror, origin):
    return [(each.code, each.where) for each in examine(mirror.replica(origin))]


def only(folder, pattern):
    """The file, or the widest of partial tiles: the one that the checkpoint needs."""
    return max(folder.glob(pattern), key=lambda path: (len(path.name), path.name))


def flip(path, at=40):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_a_sound_replica_has_nothing_to_say(copy):
    assert [found(copy, origin) for origin in copy.fed.logs] == [[]] * len(copy.fed.logs)


def test_a_large_replica_is_recomputed_through_all_its_levels(tmp_path):
    fed = small_world()
    for number in range(300):
        fed.logs[REG].force(
            fed.compose(REG, "schema", f"urn:x:{number}", {"kind": "x"}).sequenced(fed.now)
        )
    fed.cosign(REG)
    mirror = Mirror(fed, tmp_path)
    replica, log = mirror.replica(REG), fed.logs[REG]
    for start, stop in ((0, 200), (200, log.size())):
        replica.store.append(log.entries[start:stop], {})
        data = [placed.entry.encode() for placed in log.entries[start:stop]]
        replica.tree.install(replica.tree.stage(start, data, contents={}))
    replica.tree.publish(fed.notes[REG], fed.now)
    assert found(mirror, REG) == []
    flip(replica.tree.folder / "tile/1/000.p/1", 5)
    assert found(mirror, REG) == [("tile_wrong", "tile/1/000.p/1")]
    with mirror.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE replica_node SET hash = zeroblob(32)")
    assert ("row_wrong", "nodes of tile/1/000.p/1") in found(mirror, REG)


def test_a_changed_tile_is_named(copy):
    folder = copy.replica(REG).tree.folder
    tile = only(folder, "tile/0/000.p/*")
    flip(tile)
    assert found(copy, REG) == [("tile_wrong", str(tile.relative_to(folder)))]
    tile.unlink()
    assert found(copy, REG) == [("tile_wrong", str(tile.relative_to(folder)))]


def test_a_changed_entry_is_named_and_so_is_what_follows_from_it(copy):
    folder = copy.replica(REG).tree.folder
    bundle = only(folder, "tile/entries/000.p/*")
    bundle.write_bytes(bundle.read_bytes().replace(b'"a":1', b'"a":2', 1))
    codes = [code for code, _ in found(copy, REG)]
    assert codes[:2] == ["tile_wrong", "row_wrong"]
    assert "root_wrong" in codes


@pytest.mark.parametrize("spoil", [lambda data: data[:-1], lambda data: b"", lambda data: None])
def test_a_damaged_bundle_is_named(copy, spoil):
    folder = copy.replica(REG).tree.folder
    bundle = only(folder, "tile/entries/000.p/*")
    left = spoil(bundle.read_bytes())
    bundle.unlink()
    if left is not None:
        bundle.write_bytes(left)
    assert found(copy, REG) == [("bundle_damaged", str(bundle.relative_to(folder)))]


def test_a_missing_checkpoint_is_named(copy):
    (copy.replica(REG).tree.folder / "checkpoint").unlink()
    assert found(copy, REG) == [("checkpoint_missing", "checkpoint")]


def test_changed_contents_and_heads_are_named(copy):
    folder = copy.replica(EV).tree.folder
    content = only(folder, "content/*")
    flip(content)
    assert found(copy, EV) == [("content_wrong", f"content/{content.name}")]
    content.unlink()
    assert found(copy, EV) == [("content_missing", f"content/{content.name}")]
    heads = sorted((copy.replica(REG).tree.folder / "heads").iterdir())
    flip(heads[0])
    heads[1].write_bytes(b"short")
    expected = [("heads_wrong", f"heads/{path.name}") for path in heads[:2]]
    assert found(copy, REG) == expected


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE replica_entry SET data = x'7b7d' WHERE log = ? AND \"index\" = 2", "entry 2"),
        (
            'UPDATE replica_entry SET leaf = zeroblob(32) WHERE log = ? AND "index" = 1',
            "entry 1",
        ),
        ('UPDATE replica_entry SET number = 77 WHERE log = ? AND "index" = 3', "entry 3"),
        ('UPDATE replica_entry SET at = at + 1 WHERE log = ? AND "index" = 4', "entry 4"),
        ('UPDATE replica_entry SET total = 9 WHERE log = ? AND "index" = 0', "entry 0"),
        (
            'UPDATE replica_entry SET key = zeroblob(32) WHERE log = ? AND "index" = 5',
            "entry 5",
        ),
        ("DELETE FROM replica_subject WHERE log = ?", "subjects"),
    ],
)
def test_a_changed_row_is_named(copy, statement, expected):
    with sqlite3.connect(copy.folder / "witness.sqlite") as database:
        database.execute(statement, (REG,))
    database.close()
    assert expected in [where for _, where in found(copy, REG)]


def test_a_grant_that_nobody_would_find_is_named(copy):
    with sqlite3.connect(copy.folder / "witness.sqlite") as database:
        database.execute("UPDATE replica_subject SET grantee = 'x' WHERE log = ?", (REG,))
    database.close()
    grant = copy.fed.logs[REG].statements_about(copy.fed.actors["gz.gd.example"].did)[0]
    assert ("newest_wrong", f"grantee of {grant.entry.subject}") in found(copy, REG)


def test_a_content_that_the_database_lost_is_named(copy):
    content = only(copy.replica(EV).tree.folder, "content/*")
    with sqlite3.connect(copy.folder / "witness.sqlite") as database:
        database.execute("UPDATE replica_content SET data = x'00' WHERE log = ?", (EV,))
    database.close()
    assert ("row_wrong", f"content {content.name}") in found(copy, EV)


@pytest.mark.parametrize("name", ["checkpoint", "epoch"])
def test_a_checkpoint_of_another_log_or_none_at_all_is_named(copy, name):
    folder = copy.replica(REG).tree.folder
    path = folder / name if name == "checkpoint" else next((folder / name).iterdir())
    where = str(path.relative_to(folder))
    for spoilt in (copy.fed.notes[EV], path.read_bytes()[:-9]):
        path.write_bytes(spoilt)
        assert found(copy, REG) == [("checkpoint_wrong", where)]


def test_an_epoch_that_is_not_of_this_tree_is_named(copy):
    folder = copy.replica(REG).tree.folder
    path = next((folder / "epoch").iterdir())
    lines = path.read_bytes().split(b"\n")
    for size, root in ((b"1", lines[2]), (b"99999", lines[2])):
        path.write_bytes(b"\n".join([lines[0], size, root, *lines[3:]]))
        assert found(copy, REG) == [("root_wrong", str(path.relative_to(folder)))]


def test_missing_rows_are_named(copy):
    with sqlite3.connect(copy.folder / "witness.sqlite") as database:
        database.execute('DELETE FROM replica_entry WHERE log = ? AND "index" > 2', (REG,))
    database.close()
    codes = [code for code, _ in found(copy, REG)]
    assert "rows_missing" in codes
