"""The guard of a key: what it signed, durable before the next signature, one history."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from did_service.core.errors import ConflictError, DidServiceError, UnavailableError
from did_service.core.log.checkpoint import Checkpoint
from did_service.core.log.merkle import CompactRange, leaf_hash
from did_service.core.log.tiles import consistency_proof
from did_service.core.log.witnessing import HeldCheckpoint
from did_service.signer.last_signed import LastSigned
from tests.support.refusals import refused

ORIGIN = "gd.example/reg"


class Tree:
    """Entries `0` to `size`, some of them other ones."""

    def __init__(self, size: int, mark: str = "") -> None:
        self.leaves = [leaf_hash(f"{mark if at else ''}{at}".encode()) for at in range(size)]

    def head(self, size: int | None = None) -> Checkpoint:
        edge = CompactRange()
        edge.extend(self.leaves[: len(self.leaves) if size is None else size])
        return Checkpoint(ORIGIN, edge.size, edge.root())

    def prove(self, old: int):
        return consistency_proof(self.hashes, old, len(self.leaves))

    def hashes(self, tile):
        assert tile.level == 0
        return b"".join(self.leaves[: tile.width])


def advance(guard: LastSigned, tree: Tree) -> None:
    guard.advance(tree.head(), tree.prove)


@pytest.fixture
def syncs(monkeypatch):
    """What was synced, by the kind of file; `fail` names what fails once."""
    real, seen, failing = os.fsync, [], []

    def fsync(descriptor):
        kind = "folder" if Path(f"/proc/self/fd/{descriptor}").is_dir() else "file"
        seen.append(kind)
        if kind in failing:
            failing.remove(kind)
            raise OSError(5, "Input/output error")
        real(descriptor)

    monkeypatch.setattr("did_service.program.files.os.fsync", fsync)
    return seen, failing


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_guard_whose_sync_failed_is_written_again_before_anything_is_signed(
    tmp_path, syncs, kind
):
    """After the failed sync of a folder the file reads as if it were there."""
    seen, failing = syncs
    guard, tree = LastSigned(tmp_path / "last-signed"), Tree(3)
    failing.append(kind)
    with refused("file_not_written", UnavailableError):
        advance(guard, tree)
    seen.clear()
    advance(guard, tree)
    assert seen == ["file", "folder"]
    seen.clear()
    advance(guard, tree)
    assert seen == []


def test_what_another_process_wrote_is_synced_once_in_the_life_of_this_one(tmp_path, syncs):
    """It may have been killed between the write and the sync."""
    seen, _ = syncs
    advance(LastSigned(tmp_path / "last-signed"), Tree(3))
    seen.clear()
    guard = LastSigned(tmp_path / "last-signed")
    for _ in range(3):
        advance(guard, Tree(3))
    assert seen == ["file", "folder"]


def test_of_two_histories_that_race_one_is_signed_whoever_asks(tmp_path):
    """Each guard object stands for a process: it reads, compares and writes in one step."""
    trees = [Tree(5, mark) for mark in "abcdefgh"]
    advance(LastSigned(tmp_path / "last-signed"), Tree(1))

    def sign(tree: Tree) -> str:
        try:
            advance(LastSigned(tmp_path / "last-signed"), tree)
        except DidServiceError as error:
            return error.code
        return "signed"

    with ThreadPoolExecutor(len(trees)) as pool:
        answers = list(pool.map(sign, trees))
    assert sorted(answers) == ["signed", *["signed_other_before"] * (len(trees) - 1)]


def test_between_reading_and_writing_nobody_else_comes(tmp_path, monkeypatch):
    """The race of the test above, forced: the other one asks while this one is proving."""
    first, second = (LastSigned(tmp_path / "last-signed") for _ in range(2))
    one, other = Tree(5, "a"), Tree(5, "b")
    advance(first, Tree(1))
    with ThreadPoolExecutor(1) as pool:
        asked = []

        def prove(old: int):
            asked.append(pool.submit(advance, second, other))
            return one.prove(old)

        first.advance(one.head(), prove)
        with refused("signed_other_before", ConflictError):
            asked[0].result()
    assert first.held(ORIGIN) == HeldCheckpoint(5, one.head().root)


def test_a_guard_that_is_begun_again_keeps_what_it_knows(tmp_path):
    guard, head = LastSigned(tmp_path / "last-signed"), Tree(4).head()
    advance(guard, Tree(4))
    smaller = HeldCheckpoint(2, Tree(2).head().root)
    guard.begin({ORIGIN: smaller, "hn.example/reg": smaller})
    assert guard.held(ORIGIN) == HeldCheckpoint(4, head.root)
    assert guard.held("hn.example/reg") == smaller
    (tmp_path / "last-signed").write_text("{")
    with refused("guard_damaged", UnavailableError):
        guard.begin({ORIGIN: smaller})


KEYS = ("gd.example/reg+former", "gd.example/reg+new")


def test_a_key_extends_what_it_has_signed_itself_wherever_its_log_goes_on(tmp_path):
    guard, lost, here = LastSigned(tmp_path / "last-signed"), Tree(8, "lost"), Tree(5, "here")
    former, new = KEYS
    guard.advance(Tree(1).head(), Tree(1).prove, former)
    guard.advance(lost.head(), lost.prove, former)
    with refused("signed_more_before", ConflictError):  # a new key alone changes nothing
        guard.advance(here.head(), here.prove, new)
    published = HeldCheckpoint(1, Tree(1).head().root)
    assert guard.retire(ORIGIN, new, [former], published).size == len(lost.leaves)
    assert guard.held(ORIGIN) == published
    guard.advance(here.head(), here.prove, new)
    larger = Tree(9, "here")
    for tree, code in ((here, "signed_more_before"), (larger, "signed_other_before")):
        with refused(code, ConflictError):
            guard.advance(tree.head(), tree.prove, former)
    guard.advance(larger.head(), larger.prove, new)
    assert guard.keys(ORIGIN) == {*KEYS}
    assert guard.keys("gd.example/re") == set()


def test_no_key_that_has_signed_is_taken_for_a_new_one(tmp_path):
    guard, lost = LastSigned(tmp_path / "last-signed"), Tree(8)
    guard.advance(lost.head(), lost.prove, KEYS[1])
    with refused("log_key_not_new", ConflictError):
        guard.retire(ORIGIN, KEYS[1], [KEYS[0]], HeldCheckpoint(5, lost.head(5).root))
    assert guard.held(ORIGIN) == HeldCheckpoint(8, lost.head().root)


def test_keys_that_a_former_release_has_not_named_are_bound_to_its_last_head(tmp_path):
    guard, lost, here = LastSigned(tmp_path / "last-signed"), Tree(8, "lost"), Tree(9, "here")
    advance(guard, lost)
    assert guard.keys(ORIGIN) == set()
    guard.retire(ORIGIN, KEYS[1], [KEYS[0]], HeldCheckpoint(1, Tree(1).head().root))
    with refused("signed_other_before", ConflictError):
        guard.advance(here.head(), here.prove, KEYS[0])
    guard.advance(here.head(), here.prove, KEYS[1])
