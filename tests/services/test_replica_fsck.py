"""Whatever is changed in a replica, `examine` names it and `repair` mends it."""

import shutil
import sqlite3

import pytest

from did_service.core.anchor.entry import LoggedEntry
from did_service.core.errors import ConflictError
from did_service.core.log.checkpoint import Checkpoint
from did_service.core.log.tiles import ENTRIES, TileId
from did_service.replica.files import grow_files
from did_service.replica.fsck import Finding, examine
from did_service.replica.repair import repair
from tests.support.refusals import refused
from tests.support.replicas import Mirror, small_world

pytestmark = pytest.mark.usefixtures("each_engine")

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
        grow_files(replica, start, stop)
    replica.tree.publish(fed.notes[REG], fed.now)
    assert found(mirror, REG) == []
    flip(mirror.served(REG) / "tile/1/000.p/1", 5)
    assert found(mirror, REG) == [("tile_wrong", "tile/1/000.p/1")]
    with mirror.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE replica_node SET hash = zeroblob(32)")
    assert ("row_wrong", "nodes of tile/1/000.p/1") in found(mirror, REG)


def test_a_changed_tile_is_named(copy):
    folder = copy.served(REG)
    tile = only(folder, "tile/0/000.p/*")
    flip(tile)
    assert found(copy, REG) == [("tile_wrong", str(tile.relative_to(folder)))]
    tile.unlink()
    assert found(copy, REG) == [("tile_wrong", str(tile.relative_to(folder)))]


def test_a_changed_entry_is_named_and_so_is_what_follows_from_it(copy):
    folder = copy.served(REG)
    bundle = only(folder, "tile/entries/000.p/*")
    bundle.write_bytes(bundle.read_bytes().replace(b'"a":1', b'"a":2', 1))
    codes = [code for code, _ in found(copy, REG)]
    assert codes[:2] == ["tile_wrong", "row_wrong"]
    assert "root_wrong" in codes


@pytest.mark.parametrize("spoil", [lambda data: data[:-1], lambda data: b"", lambda data: None])
def test_a_damaged_bundle_is_named(copy, spoil):
    folder = copy.served(REG)
    bundle = only(folder, "tile/entries/000.p/*")
    left = spoil(bundle.read_bytes())
    bundle.unlink()
    if left is not None:
        bundle.write_bytes(left)
    assert found(copy, REG) == [("bundle_damaged", str(bundle.relative_to(folder)))]


def test_a_missing_checkpoint_is_named(copy):
    (copy.served(REG) / "checkpoint").unlink()
    assert found(copy, REG) == [("checkpoint_missing", "checkpoint")]


def test_changed_contents_and_heads_are_named(copy):
    folder = copy.served(EV)
    content = only(folder, "content/*")
    flip(content)
    assert found(copy, EV) == [("content_wrong", f"content/{content.name}")]
    content.unlink()
    assert found(copy, EV) == [("content_missing", f"content/{content.name}")]
    heads = sorted((copy.served(REG) / "heads").iterdir())
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
    content = only(copy.served(EV), "content/*")
    with sqlite3.connect(copy.folder / "witness.sqlite") as database:
        database.execute("UPDATE replica_content SET data = x'00' WHERE log = ?", (EV,))
    database.close()
    assert ("row_wrong", f"content {content.name}") in found(copy, EV)


@pytest.mark.parametrize("name", ["checkpoint", "epoch"])
def test_a_checkpoint_of_another_log_or_none_at_all_is_named(copy, name):
    folder = copy.served(REG)
    path = folder / name if name == "checkpoint" else next((folder / name).iterdir())
    where = str(path.relative_to(folder))
    for spoilt in (copy.fed.notes[EV], path.read_bytes()[:-9]):
        path.write_bytes(spoilt)
        assert found(copy, REG) == [("checkpoint_wrong", where)]


def test_an_epoch_that_is_not_of_this_tree_is_named(copy):
    folder = copy.served(REG)
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


# --- beyond what was published ----------------------------------------------------------------


def head_of(mirror, origin):
    store = mirror.replica(origin).store
    return Checkpoint(origin, store.size(), store.root(store.size()))


def spoil_rows(mirror, *statements):
    with sqlite3.connect(mirror.folder / "witness.sqlite") as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_the_signed_row_and_the_rows_behind_it_are_compared_with_the_files(copy):
    head, replica = head_of(copy, REG), copy.replica(REG)
    assert examine(replica, head) == []
    less = Checkpoint(REG, 2, replica.store.root(2))
    named = {(each.code, each.where) for each in examine(replica, less)}
    assert ("signed_behind", "checkpoint") in named
    other = Checkpoint(REG, head.size, b"o" * 32)
    assert [(e.code, e.where) for e in examine(replica, other)] == [
        ("root_wrong", "signed row")
    ]


def test_a_signed_tree_that_was_never_published_is_examined(copy):
    head, replica = head_of(copy, REG), copy.replica(REG)
    replica.tree.blobs.delete(["checkpoint", *replica.tree.blobs.names("epoch/")])
    assert examine(replica, head) == []
    bundle = TileId(ENTRIES, 0, head.size).path()
    replica.tree.blobs.delete([bundle])
    assert examine(replica, head) == [Finding("bundle_damaged", bundle)]


def test_a_file_of_a_larger_tree_than_is_known_is_named(copy):
    """So it is after yesterday's database was put back: the files know better."""
    replica = copy.replica(EV)
    replica.tree.blobs.add({"tile/0/000.p/200": b"x", "tile/0/x001/000": b"x"})
    expected = [("rows_behind", name) for name in ("tile/0/000.p/200", "tile/0/x001/000")]
    assert [each for each in found(copy, EV) if each[0] == "rows_behind"] == expected


@pytest.mark.parametrize("change", ["data = x'7b7d'", "leaf = zeroblob(32)", "at = 7"])
def test_a_row_that_no_tree_has_yet_is_examined_as_well(copy, change):
    replica = copy.replica(REG)
    size = replica.store.size()
    entry = copy.fed.compose(REG, "schema", "urn:x:new", {"kind": "x"}).sequenced(copy.fed.now)
    head = head_of(copy, REG)
    replica.store.append([LoggedEntry(entry, size, entry.leaf())], {})
    assert examine(replica, head) == []
    spoil_rows(copy, f'UPDATE replica_entry SET {change} WHERE "index" = {size}')
    assert [(e.code, e.where) for e in examine(replica, head)] == [
        ("row_wrong", f"entry {size}")
    ]


# --- repair -----------------------------------------------------------------------------------


def lose(*kinds):
    def spoil(mirror, origin):
        blobs = mirror.replica(origin).tree.blobs
        blobs.delete([name for kind in kinds for name in blobs.names(f"{kind}/")])

    return spoil


def change_files(*kinds):
    def spoil(mirror, origin):
        blobs = mirror.replica(origin).tree.blobs
        for name in [name for kind in kinds for name in blobs.names(f"{kind}/")]:
            data = bytearray(blobs.get(name))
            data[len(data) // 2] ^= 1
            blobs.replace(name, bytes(data))

    return spoil


def change_rows(*statements):
    return lambda mirror, origin: spoil_rows(
        mirror, *(each.replace("LOG", f"'{origin}'") for each in statements)
    )


def both(*spoils):
    def spoil(mirror, origin):
        for each in spoils:
            each(mirror, origin)

    return spoil


ROWS_LOST = [
    f"DELETE FROM replica_{table} WHERE log = LOG"
    for table in ("entry", "node", "subject", "content")
]
DAMAGE = {
    "tiles lost": lose("tile/0"),
    "bundles lost": lose("tile/entries"),
    "all files lost": lose("tile", "content", "heads"),
    "tiles changed": change_files("tile/0"),
    "bundles changed": change_files("tile/entries"),
    "contents and heads changed": change_files("content", "heads"),
    "everything in files changed": change_files("tile", "content", "heads"),
    "rows lost": change_rows(*ROWS_LOST),
    "some rows lost": change_rows('DELETE FROM replica_entry WHERE log = LOG AND "index" > 0'),
    "a row's bytes": change_rows(
        "UPDATE replica_entry SET data = x'7b7d' WHERE log = LOG AND \"index\" = 1"
    ),
    "a leaf": change_rows(
        'UPDATE replica_entry SET leaf = zeroblob(32) WHERE log = LOG AND "index" = 1'
    ),
    "a key": change_rows(
        'UPDATE replica_entry SET key = zeroblob(32) WHERE log = LOG AND "index" = 1'
    ),
    "a sum": change_rows('UPDATE replica_entry SET total = 9 WHERE log = LOG AND "index" = 0'),
    "a second": change_rows(
        'UPDATE replica_entry SET at = at + 1 WHERE log = LOG AND "index" = 1'
    ),
    "the newest": change_rows("DELETE FROM replica_subject WHERE log = LOG"),
    "contents in the database": change_rows(
        "UPDATE replica_content SET data = x'00' WHERE log = LOG"
    ),
    "rows, and the contents beside them": both(
        change_rows(*ROWS_LOST), change_files("heads", "tile/0")
    ),
}


DAMAGES = [(damage, origin) for damage in DAMAGE for origin in (REG, EV)]
DAMAGES.remove(("contents in the database", REG))  # it has none


@pytest.mark.parametrize(("damage", "origin"), DAMAGES)
def test_each_damage_is_found_and_repaired(copy, damage, origin):
    head, replica = head_of(copy, origin), copy.replica(origin)
    heads = [replica.store.snapshot(head.size)]
    whole = {name: replica.tree.blobs.get(name) for name in replica.tree.blobs.names("tile/")}
    rows = replica.store.rows(0, 10**6)
    DAMAGE[damage](copy, origin)
    assert examine(replica, head)
    repair(replica, head, head.size, heads)
    assert examine(replica, head) == []
    assert {
        name: replica.tree.blobs.get(name) for name in replica.tree.blobs.names("tile/")
    } == whole
    assert replica.store.rows(0, 10**6) == rows


def test_rows_in_one_block_and_the_bundle_of_another_are_repaired_together(tmp_path):
    """Neither the rows nor the files alone lead to what was signed."""
    fed = small_world()
    for number in range(300):
        entry = fed.compose(REG, "schema", f"urn:x:{number}", {"kind": "x"})
        fed.logs[REG].force(entry.sequenced(fed.now))
    mirror = Mirror(fed, tmp_path)
    replica, size = mirror.replica(REG), fed.logs[REG].size()
    replica.store.append(fed.logs[REG].entries, {})
    grow_files(replica, 0, size)
    head = head_of(mirror, REG)
    change_rows("UPDATE replica_entry SET data = x'7b7d' WHERE log = LOG AND \"index\" = 7")(
        mirror, REG
    )
    change_rows("UPDATE replica_node SET hash = zeroblob(32)")(mirror, REG)
    replica.tree.blobs.delete([TileId(ENTRIES, 1, size - 256).path()])
    repair(replica, head, size)
    assert examine(replica, head) == []
    assert replica.store.root(size) == head.root


@pytest.mark.parametrize("files", [lose("tile/entries"), change_files("tile/entries")])
def test_what_neither_rows_nor_files_have_is_left_as_it_is(copy, files):
    head, replica = head_of(copy, REG), copy.replica(REG)
    both(files, change_rows(DAMAGED_ROW))(copy, REG)
    before = (replica.store.rows(0, 99), replica.tree.blobs.names("tile/"))
    with refused("log_not_repaired", ConflictError):
        repair(replica, head, head.size)
    assert (replica.store.rows(0, 99), replica.tree.blobs.names("tile/")) == before


DAMAGED_ROW = "UPDATE replica_entry SET data = x'7b7d' WHERE log = LOG AND \"index\" = 1"


def test_rows_that_no_tree_has_yet_survive_a_repair(copy):
    replica, head = copy.replica(REG), head_of(copy, REG)
    entry = copy.fed.compose(REG, "schema", "urn:x:new", {"kind": "x"}).sequenced(copy.fed.now)
    placed = LoggedEntry(entry, head.size, entry.leaf())
    replica.store.append([placed], {})
    change_rows("DELETE FROM replica_subject WHERE log = LOG")(copy, REG)
    repair(replica, head, head.size)
    assert replica.store.placed(head.size).leaf == placed.leaf
    assert examine(replica, head) == []


def test_rows_that_are_all_of_another_history_give_way_to_files_that_were_signed(copy):
    """Yesterday's database went on by itself; the files have what was published."""
    replica, head = copy.replica(REG), head_of(copy, REG)
    entries = [placed.entry for placed in copy.fed.logs[REG].entries]
    entries[-1] = copy.fed.compose(REG, "schema", "urn:x:other", {"kind": "x"}).sequenced(
        entries[-1].at
    )
    placed = [LoggedEntry(each, at, each.leaf()) for at, each in enumerate(entries)]
    replica.store.rewrite([(placed, {})])
    assert replica.store.root(head.size) != head.root
    repair(replica, head, head.size)
    assert replica.store.root(head.size) == head.root
    assert examine(replica, head) == []
