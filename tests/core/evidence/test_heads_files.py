"""Heads files are unpacked once, and no further than true ones can be."""

import gzip
import random
from collections import Counter

import pytest

from did_service.core.anchor.snapshot import HeadRecord, HeadsSnapshot
from did_service.core.crypto.hashes import sha256
from did_service.core.errors import DidServiceError
from did_service.core.evidence import heads_files
from did_service.core.evidence.heads_files import HeadsFiles
from did_service.core.limits import MAX_HEADS_FILE_BYTES

MOST = MAX_HEADS_FILE_BYTES


def records_of(count, log=b"log"):
    """The records of a log of so many subjects."""
    made = (b"%s %d" % (log, number) for number in range(count))
    return HeadsSnapshot.of(
        HeadRecord(sha256(each), 1, number, 1_700_000_000, sha256(each + b"leaf"))
        for number, each in enumerate(made)
    )


TRUE = records_of(40)
OTHERS = records_of(40, b"another")
PACKED = gzip.compress(TRUE.data)
NONE = {
    "gzip_invalid": b"AAAA",
    "length_wrong": gzip.compress(TRUE.data[:-1]),
    "heads_not_sorted": gzip.compress(TRUE.data[84:] + TRUE.data[:84]),
    "digest_wrong": gzip.compress(OTHERS.data),
    "too_large": gzip.compress(bytes(84 * 40)),
}


@pytest.fixture
def unpacked(monkeypatch):
    """How often each file was unpacked."""
    counts, plain = Counter(), heads_files.gunzip

    def counted(data, most):
        counts[data] += 1
        return plain(data, most)

    monkeypatch.setattr(heads_files, "gunzip", counted)
    return counts


def code_of(files, file, root=TRUE.root, most=MOST):
    with pytest.raises(DidServiceError) as caught:
        files.read(root, file, most)
    return caught.value.code


@pytest.mark.parametrize("count", [0, 1, 2, 3, 10, 300, 5_000])
@pytest.mark.parametrize("level", [0, 1, 6, 9])
def test_every_true_file_is_read_however_it_is_packed(count, level):
    snapshot = records_of(count)
    file = gzip.compress(snapshot.data, level)
    assert HeadsFiles().read(snapshot.root, file, 84 * count) == snapshot


def test_true_file_is_unpacked_once_and_kept_without_its_leaves(unpacked):
    files = HeadsFiles()
    first = files.read(TRUE.root, PACKED, MOST)
    assert files.read(TRUE.root, PACKED, MOST) is first
    assert vars(first) == {"data": TRUE.data}
    assert unpacked == {PACKED: 1}


@pytest.mark.parametrize("code", NONE)
def test_file_that_is_none_is_unpacked_once_and_not_kept(unpacked, code):
    files = HeadsFiles()
    assert [code_of(files, NONE[code]) for _ in range(3)] == [code] * 3
    assert unpacked == {NONE[code]: 1}
    assert (files.true, files.size) == ({}, 0)


def test_what_is_none_under_one_root_is_judged_anew_under_another():
    files = HeadsFiles()
    assert code_of(files, PACKED, OTHERS.root) == "digest_wrong"
    assert code_of(files, PACKED, most=len(TRUE.data) - 1) == "too_large"
    assert files.read(TRUE.root, PACKED, MOST) == TRUE
    assert code_of(files, PACKED, OTHERS.root) == "digest_wrong"


def test_no_more_is_unpacked_than_twice_what_came(monkeypatch):
    """A kilobyte of deflate holds a megabyte, but no record has fewer than two hashes."""
    most, plain = [], heads_files.gunzip
    monkeypatch.setattr(
        heads_files, "gunzip", lambda data, room: most.append(room) or plain(data, room)
    )
    noise = gzip.compress(random.Random(7).randbytes(840))
    for file in (gzip.compress(bytes(8_400_000)), PACKED + b"\0", noise):
        code_of(HeadsFiles(), file)
        assert most.pop() == 2 * len(file)


def test_what_is_remembered_is_bounded(unpacked, monkeypatch):
    monkeypatch.setattr(heads_files, "MAX_HEADS_REFUSED", 2)
    monkeypatch.setattr(heads_files, "MAX_HEADS_KEPT_BYTES", 2 * len(TRUE.data))
    files, logs = HeadsFiles(), [records_of(40, b"%d" % number) for number in range(3)]
    true = [(each.root, gzip.compress(each.data)) for each in logs]
    for _ in range(2):
        assert [files.read(*each, MOST) for each in true] == logs
        assert {code_of(files, b"%d" % number) for number in range(3)} == {"gzip_invalid"}
    assert (len(files.true), files.size, len(files.refused)) == (2, 2 * len(TRUE.data), 2)
    assert sorted(unpacked.values()) == [1, 1, 1, 1, 2, 2]
