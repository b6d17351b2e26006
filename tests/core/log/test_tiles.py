from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.errors import DidServiceError, LimitError, MalformedError
from did_service.core.log import merkle, tiles
from did_service.core.log.tiles import ENTRIES, TileId

LEAVES = [merkle.leaf_hash(b"%d" % i) for i in range(2_000)]


def tiles_of(size):
    """Every hash tile of a tree, as the specification counts them (C2SP tlog-tiles)."""
    level = 0
    while size:
        full, rest = divmod(size, 256)
        yield from (TileId(level, index) for index in range(full))
        if rest:
            yield TileId(level, full, rest)
        level, size = level + 1, full


def new_tiles(old, size):
    before = {*tiles_of(old)}
    return [tile for tile in tiles_of(size) if tile not in before]


def grown(sizes):
    """Tiles of a log that published each of these sizes."""
    store, old = {}, 0
    for size in sizes:
        made = tiles.extend(store.__getitem__, old, LEAVES[old:size])
        assert list(made) == new_tiles(old, size)
        store |= made
        old = size
    return store


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (TileId(0, 0), "tile/0/000"),
        (TileId(0, 999), "tile/0/999"),
        (TileId(0, 1000), "tile/0/x001/000"),
        (TileId(3, 1_234_067), "tile/3/x001/x234/067"),
        (TileId(63, 5, 17), "tile/63/005.p/17"),
        (TileId(ENTRIES, 1_234_067, 1), "tile/entries/x001/x234/067.p/1"),
        (TileId(ENTRIES, 7, 255), "tile/entries/007.p/255"),
    ],
)
def test_paths_of_tlog_tiles(tile, path):
    assert tile.path() == path
    assert tiles.parse_tile_path(path) == tile


@given(st.integers(-1, 63), st.integers(0, 2**48 - 1), st.integers(1, 256))
def test_every_tile_has_one_path(level, index, width):
    tile = TileId(level, index, width)
    assert tiles.parse_tile_path(tile.path()) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/00/000",
        "tile/64/000",
        "tile/0/0",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/000.p/256",
        "tile/0/000.p/0",
        "tile/0/000.p/017",
        "tile/8/0/000",
        "tile/-1/000",
        "tile/0/../000",
        "tile/0/000\n",
        "tile/0/٠٠٠",
        "/tile/0/000",
        "tile/0/" + "x999/" * 30 + "999",
    ],
)
def test_other_spellings_of_a_path_are_refused(path):
    with pytest.raises(MalformedError) as caught:
        tiles.parse_tile_path(path)
    assert caught.value.code in {"tile_path_invalid", "tile_invalid"}


@given(st.text(alphabet="tile/nrsx0123456789.p", max_size=40))
def test_any_text_is_a_path_or_an_error(text):
    with suppress(DidServiceError):
        assert tiles.parse_tile_path(text).path() == text


def test_tiles_of_seventy_thousand_leaves():
    made = list(tiles.extend({}.__getitem__, 0, [bytes(32)] * 70_000))
    assert [t.width for t in made if t.level == 0] == [256] * 273 + [112]
    assert [t.width for t in made if t.level == 1] == [256, 17]
    assert [(t.index, t.width) for t in made if t.level == 2] == [(0, 1)]
    assert len(made) == 274 + 2 + 1


def test_a_tile_that_fills_up_appears_in_the_level_above():
    def appended(old, size):
        return list(tiles.extend(grown([old]).__getitem__, old, LEAVES[old:size]))

    assert appended(0, 256) == [TileId(0, 0), TileId(1, 0, 1)]
    assert appended(255, 257) == [TileId(0, 0), TileId(0, 1, 1), TileId(1, 0, 1)]
    assert appended(257, 257) == []
    bundles = [TileId(ENTRIES, 0), TileId(ENTRIES, 1, 1)]
    assert tiles.bundles_between(255, 257) == bundles


@given(st.sets(st.integers(0, 2_000), max_size=6), st.data())
def test_tiles_give_the_proofs_of_the_tree_in_memory(sizes, data):
    sizes = sorted(sizes)
    store = grown(sizes)
    read = store.__getitem__
    for size in sizes:
        leaves = LEAVES[:size]
        assert tiles.root(read, size) == merkle.tree_root(leaves)
        assert tiles.right_edge(read, size).root() == merkle.tree_root(leaves)
        old = data.draw(st.integers(0, size))
        proof = merkle.consistency_proof(leaves, old)
        assert tiles.consistency_proof(read, old, size) == proof
        if size:
            index = data.draw(st.integers(0, size - 1))
            path = merkle.inclusion_path(leaves, index)
            assert tiles.inclusion_path(read, index, size) == path


def test_three_levels_of_tiles():
    leaves = [merkle.leaf_hash(b"%d" % i) for i in range(70_000)]
    store = tiles.extend(lambda tile: pytest.fail(tile.path()), 0, leaves[:65_535])
    store |= tiles.extend(store.__getitem__, 65_535, leaves[65_535:])
    assert len(store[TileId(0, 255)]) == 8_192
    assert tiles.root(store.__getitem__, 70_000) == merkle.tree_root(leaves)
    for index in (0, 65_535, 65_536, 69_999):
        path = tiles.inclusion_path(store.__getitem__, index, 70_000)
        root = merkle.root_of_path(leaves[index], index, 70_000, path)
        assert root == merkle.tree_root(leaves)


def test_one_tile_is_read_once_for_a_proof():
    store, reads = grown([2_000]), []

    def read(tile):
        reads.append(tile)
        return store[tile]

    tiles.inclusion_path(read, 1_999, 2_000)
    tiles.inclusion_path(read, 0, 2_000)
    assert len(reads) <= 2 * 3


def test_a_reader_that_returns_another_length_is_refused():
    with pytest.raises(MalformedError) as caught:
        tiles.root(lambda _: b"\0" * 33, 1)
    assert caught.value.code == "tile_length_wrong"


@pytest.mark.parametrize("values", [(-2, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)])
def test_tiles_outside_the_format_cannot_be_named(values):
    with pytest.raises(MalformedError) as caught:
        TileId(*values)
    assert caught.value.code == "tile_invalid"


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_bundles_come_back_as_their_entries(entries):
    assert tiles.parse_bundle(tiles.encode_bundle(entries), len(entries)) == entries


@given(st.binary(max_size=40), st.integers(0, 5))
def test_any_bytes_are_a_bundle_or_an_error(data, count):
    with suppress(MalformedError):
        assert tiles.encode_bundle(tiles.parse_bundle(data, count)) == data


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (b"\0", 1),
        (b"\0\1", 1),
        (b"\0\2x", 1),
        (b"\0\1x\0", 1),
        (b"", 1),
        (b"\0\0", 0),
        (b"\0\1x", 2),
    ],
)
def test_cut_or_miscounted_bundles_are_refused(data, count):
    with pytest.raises(MalformedError) as caught:
        tiles.parse_bundle(data, count)
    assert caught.value.code == "bundle_invalid"


def test_an_entry_fits_its_length_prefix():
    assert len(tiles.encode_bundle([b"x" * 65_535])) == 65_537
    with pytest.raises(LimitError) as caught:
        tiles.encode_bundle([b"x" * 65_536])
    assert caught.value.code == "entry_too_large"
