"""Logs as the bundler reads them: piece by piece, with the paths of every size."""

import pytest

from did_service.bundler.copies import LeafTree, read_data
from did_service.client.registry import LogReader
from did_service.core.anchor.entry import compose, parse_entry
from did_service.core.crypto.hashes import sha256
from did_service.core.errors import ProofError
from did_service.core.log.checkpoint import Checkpoint
from did_service.core.log.merkle import CompactRange, check_inclusion, tree_root
from tests.support.refusals import refused

EV = "gd.example/ev/2026"
COUNT = 17_000  # more than one piece


class Stored(LogReader):
    """A log whose files are at hand; says which pieces were asked for."""

    def __init__(self, stored):
        super().__init__(None, "")
        self.stored, self.asked = stored, []

    def entries(self, start, stop, size):
        self.asked.append(stop - start)
        return self.stored[start:stop]


@pytest.fixture(scope="module")
def stored():
    """Entries of three subjects in turn."""
    subjects = [compose("schema", f"urn:x:{number}", {}) for number in range(3)]
    return [subjects[at % 3].sequenced(at).encode() for at in range(COUNT)]


@pytest.fixture(scope="module")
def head(stored):
    tree = CompactRange()
    tree.extend([parse_entry(data).leaf() for data in stored])
    return Checkpoint(EV, COUNT, tree.root())


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 65_536, 65_537, 66_000])
def test_a_tree_gives_root_and_paths_of_each_size_it_has_had(size):
    leaves = [sha256(b"%d" % number) for number in range(66_000)]
    tree, root = LeafTree(leaves), tree_root(leaves[:size])
    assert len(tree) == len(leaves)
    assert tree.root(size) == root
    for index in {0, size // 2, size - 1}:
        check_inclusion(leaves[index], index, size, tree.path(index, size), root)


def test_of_a_data_log_the_newest_of_each_subject_is_kept(stored, head):
    reader = Stored(stored)
    copy = read_data(reader, head, COUNT - 1)
    assert sorted(each.index for each in copy.newest.values()) == [*range(COUNT - 4, COUNT - 1)]
    assert all(each.entry.object is None for each in copy.newest.values())
    assert len(reader.asked) > 1
    assert sum(reader.asked) == COUNT


def test_an_entry_that_another_host_put_in_makes_no_bundle(stored, head):
    other = compose("schema", "urn:x:other", {}).sequenced(1).encode()
    with refused("root_mismatch", ProofError):
        read_data(Stored([*stored[:-1], other]), head, COUNT)
