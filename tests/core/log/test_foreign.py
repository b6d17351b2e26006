"""Our bytes, judged by code that knows nothing of ours."""

import json
import subprocess

import pytest
from sigstore._internal import merkle as theirs
from sigstore._internal.rekor.checkpoint import SignedCheckpoint

from did_service.core.log import merkle
from did_service.core.log.checkpoint import Checkpoint
from did_service.core.log.note import parse_note
from tests.support.cosigners import NOON, ORIGIN, WitnessPool
from tests.support.optional import peers_python

pytestmark = pytest.mark.clock

ENTRIES = [b"%d" % i for i in range(33)]
LEAVES = [merkle.leaf_hash(entry) for entry in ENTRIES]


def test_sigstore_reads_our_checkpoint_and_cosignatures():
    head = Checkpoint(ORIGIN, 33, merkle.tree_root(LEAVES))
    note = WitnessPool(count=4, k=3).note(head.size, head.root, {0: NOON, 1: NOON})
    read = SignedCheckpoint.from_text(note.decode())
    assert read.checkpoint.origin == head.origin
    assert read.checkpoint.log_size == head.size
    assert read.checkpoint.log_hash == head.root.hex()
    assert read.checkpoint.other_content == []
    ours = [(line.name, line.key_id) for line in parse_note(note).signatures]
    assert [(s.name, s.sig_hash) for s in read.signed_note.signatures] == ours
    assert read.signed_note.note.encode() == head.encode()


def test_sigstore_folds_our_inclusion_paths():
    for size in range(1, len(LEAVES) + 1):
        for index in range(size):
            path = merkle.inclusion_path(LEAVES[:size], index)
            inner, border = theirs._decomp_inclusion_proof(index, size)
            assert len(path) == inner + border
            leaf = theirs._hash_leaf(ENTRIES[index])
            seed = theirs._chain_inner(leaf, path[:inner], index)
            root = theirs._chain_border_right(seed, path[inner:])
            assert root == merkle.tree_root(LEAVES[:size])


PYMERKLE = """
import json, sys
from pymerkle import InmemoryTree
entries = [bytes.fromhex(text) for text in json.load(sys.stdin)]
tree = InmemoryTree(algorithm="sha256")
for entry in entries:
    tree.append_entry(entry)
sizes = range(1, len(entries) + 1)
json.dump({
    "roots": [tree.get_state(size).hex() for size in sizes],
    "paths": [[[h.hex() for h in tree.prove_inclusion(index + 1, size).path]
               for index in range(size)] for size in sizes],
}, sys.stdout)
"""


@pytest.fixture(scope="module")
def pymerkle():
    given = json.dumps([entry.hex() for entry in ENTRIES])
    program = [peers_python(), "-c", PYMERKLE]
    done = subprocess.run(program, input=given, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def test_pymerkle_builds_the_same_roots(pymerkle):
    ours = [merkle.tree_root(LEAVES[:size]).hex() for size in range(1, len(LEAVES) + 1)]
    assert pymerkle["roots"] == ours


def test_pymerkle_builds_the_same_inclusion_paths(pymerkle):
    for size, paths in enumerate(pymerkle["paths"], start=1):
        for index, (leaf, *path) in enumerate(paths):
            assert leaf == LEAVES[index].hex()
            assert path == [h.hex() for h in merkle.inclusion_path(LEAVES[:size], index)]
