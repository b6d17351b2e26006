"""Heads snapshots: who is the latest, and who is not there at all."""

import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.anchor.entry import LoggedEntry, compose
from did_service.core.anchor.snapshot import (
    HeadRecord,
    HeadsSnapshot,
    check_record,
    parse_record,
    parse_snapshot,
    subject_key,
)
from did_service.core.errors import MalformedError, NotFoundError, ProofError
from did_service.core.log.merkle import EMPTY_ROOT, check_inclusion, leaf_hash, tree_root


def placed(subject, index=0, at=9):
    entry = compose("did", subject, {}).sequenced(at)
    return LoggedEntry(entry, index, entry.leaf())


def snapshot_of(subjects):
    entries = [placed(subject, index) for index, subject in enumerate(subjects)]
    return entries, HeadsSnapshot.of(HeadRecord.of(each) for each in entries)


SUBJECTS = st.sets(st.text(min_size=1, max_size=6), max_size=30).map(sorted)


@given(subjects=SUBJECTS)
def test_file_and_record_read_back_as_written(subjects):
    _, snapshot = snapshot_of(subjects)
    assert parse_snapshot(snapshot.encode()) == snapshot
    assert len(snapshot.encode()) == 84 * len(subjects)
    assert [parse_record(record.encode()) for record in snapshot.records] == list(
        snapshot.records
    )


@given(subjects=SUBJECTS, changed=SUBJECTS)
def test_records_take_the_place_of_their_subjects_former(subjects, changed):
    entries, snapshot = snapshot_of(subjects)
    newer = [HeadRecord.of(placed(each, 100 + n)) for n, each in enumerate(changed)]
    whole = {HeadRecord.of(each).key: HeadRecord.of(each) for each in entries}
    whole |= {each.key: each for each in newer}
    assert snapshot.with_records(newer) == HeadsSnapshot.of(whole.values())


@pytest.mark.parametrize("count", [1, 4_095, 4_096, 4_097, 9_000])
def test_the_root_is_of_all_records_however_many_are_hashed_at_once(count):
    data = b"".join(bytes(76) + each.to_bytes(8) for each in range(count))
    snapshot = HeadsSnapshot(data)
    assert snapshot.root == tree_root(snapshot.leaves)


LARGE = HeadsSnapshot(b"".join(bytes(76) + each.to_bytes(8) for each in range(40_000)))


def peak_of(work):
    tracemalloc.start()
    made = work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return made, peak


def test_the_root_of_a_large_snapshot_takes_a_part_of_its_memory():
    """A `heads` entry judges the snapshot of a whole region: 84 bytes for each subject."""
    root, peak = peak_of(lambda: HeadsSnapshot(LARGE.data).root)
    assert root == tree_root(LARGE.leaves)
    assert peak < len(LARGE.data) / 2


def test_new_records_take_the_memory_of_one_copy():
    made, peak = peak_of(lambda: LARGE.with_records([HeadRecord.of(placed("a", 9))]))
    assert len(made.records) == len(LARGE.records) + 1
    assert peak < 1.5 * len(made.data)


@given(subjects=SUBJECTS)
def test_presence_is_an_audit_path(subjects):
    entries, snapshot = snapshot_of(subjects)
    for each in entries:
        position = snapshot.find("did", each.entry.subject)
        path = snapshot.path(position)
        count = len(snapshot.records)
        check_record(HeadRecord.of(each), position, count, path, snapshot.root, each)


@given(subjects=SUBJECTS, absent=st.text(min_size=7, max_size=8))
def test_absence_is_two_neighbours(subjects, absent):
    _, snapshot = snapshot_of(subjects)
    with pytest.raises(NotFoundError) as missing:
        snapshot.find("did", absent)
    position = missing.value.details["position"]
    key, count = subject_key("did", absent), len(snapshot.records)
    for neighbour, side in ((position - 1, -1), (position, 1)):
        if 0 <= neighbour < count:
            record = snapshot.records[neighbour]
            leaf, path = leaf_hash(record.encode()), snapshot.path(neighbour)
            check_inclusion(leaf, neighbour, count, path, snapshot.root)
            assert (record.key > key) == (side > 0)


def test_an_empty_log_has_the_empty_root():
    assert HeadsSnapshot.of(()).root == EMPTY_ROOT
    assert parse_snapshot(b"") == HeadsSnapshot.of(())


def test_a_record_of_an_older_entry_is_not_the_latest():
    (older, *_), snapshot = snapshot_of(["x", "y", "z"])
    newer = replace(older, index=7)
    position = snapshot.find("did", "x")
    with pytest.raises(ProofError) as refused:
        check_record(
            snapshot.records[position],
            position,
            len(snapshot.records),
            snapshot.path(position),
            snapshot.root,
            newer,
        )
    assert refused.value.code == "head_names_another"


def test_a_record_of_another_tree_is_not_the_latest():
    entries, snapshot = snapshot_of(["x", "y", "z"])
    position = snapshot.find("did", "x")
    _, other = snapshot_of(["x", "y"])
    with pytest.raises(ProofError):
        check_record(
            snapshot.records[position],
            position,
            3,
            snapshot.path(position),
            other.root,
            entries[0],
        )


def test_the_84_bytes_name_key_number_index_time_and_leaf():
    each = placed("x", index=7, at=9)
    numbers = (1).to_bytes(4) + (7).to_bytes(8) + (9).to_bytes(8)
    assert HeadRecord.of(each).encode() == subject_key("did", "x") + numbers + each.leaf


@pytest.mark.parametrize("type_", ["authority", "status"])
def test_types_do_not_share_a_subject(type_):
    assert subject_key(type_, "x") != subject_key("did", "x")


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda data: data[:-1], "length_wrong"),
        (lambda data: data[84:] + data[:84], "heads_not_sorted"),
        (lambda data: data + data[-84:], "heads_not_sorted"),
    ],
)
def test_a_spoiled_file_is_refused(spoil, code):
    _, snapshot = snapshot_of(["x", "y", "z"])
    with pytest.raises(MalformedError) as refused:
        parse_snapshot(spoil(snapshot.encode()))
    assert refused.value.code == code


def test_a_record_has_84_bytes():
    with pytest.raises(MalformedError) as refused:
        parse_record(bytes(85))
    assert refused.value.code == "length_wrong"
