"""Whole logs: versions by name and time, invalid tails, witnesses, and what a replay means."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from did_service.core.did.webvh import write
from did_service.core.did.webvh.history import verify_history
from did_service.core.did.webvh.state import accept
from did_service.core.did.webvh.witness import check_witness_proofs, parse_witness_file
from did_service.core.errors import (
    DidServiceError,
    LimitError,
    MalformedError,
    NotFoundError,
    ProofError,
    RuleError,
)
from tests.support.dids import (
    NOW,
    Author,
    Controller,
    hash_of,
    key,
    multikey_of,
    rule_of,
    steps,
    template,
)

LATER = NOW + timedelta(days=1)


def verify(made, *, did=None, witness_file=None, log=None):
    log = made.log if log is None else log
    return verify_history(log, witness_file=witness_file, did=did, now=LATER)


def three_versions():
    made = Controller.create()
    made.update(document=made.state.version.document.raw | {"alsoKnownAs": ["did:example:2"]})
    made.update()
    return made


def test_versions_are_found_by_id_number_and_time():
    made = three_versions()
    history = verify(made, did=made.did)
    one, two, three = (state.version for state in history.states)
    assert history.latest.version == history.resolve() == three == made.state.version
    assert history.resolve(version_id=one.version_id) == one
    assert history.resolve(version_number=2) == two
    assert history.resolve(version_time=two.time) == two
    assert history.resolve(version_time=three.time - timedelta(seconds=1)) == two
    assert history.resolve(version_time=LATER) == three
    assert history.resolve(version_id=two.version_id, version_number=2) == two
    assert two.document.also_known_as == ("did:example:2",)


@pytest.mark.parametrize(
    "query",
    [
        {"version_id": "1-Qm"},
        {"version_number": 4},
        {"version_number": 0},
        {"version_time": NOW - timedelta(seconds=1)},
        {"version_time": LATER, "version_number": 1},
    ],
)
def test_a_version_that_is_not_there_is_not_found(query):
    with pytest.raises(NotFoundError) as missing:
        verify(three_versions()).resolve(**query)
    assert missing.value.code == "version_not_found"


def test_an_invalid_tail_hides_the_newest_but_not_the_versions_before():
    made = three_versions()
    lines = made.log.splitlines()
    history = verify(made, log=b"\n".join([*lines[:2], b'{"versionId":1}']))
    assert len(history.states) == 2
    assert history.resolve(version_number=2).number == 2
    assert history.resolve(version_time=NOW).number == 1
    for query in ({}, {"version_time": LATER}):
        with pytest.raises(MalformedError):
            history.resolve(**query)
    with pytest.raises(MalformedError):
        _ = history.latest


def test_a_log_of_another_did_is_refused():
    made, other = Controller.create(), Controller.create(location="hn.example")
    with pytest.raises(ProofError) as refused:
        verify(made, did=other.did)
    assert refused.value.code == "did_mismatch"


def test_a_log_reaches_every_version_it_has_and_no_other():
    made = three_versions()
    history, before = verify(made), verify(made, log=made.log.splitlines()[0])
    for entry in made.entries:
        history.check_reaches(entry["versionId"])
    for version_id in ("1-Qm", made.entries[1]["versionId"]):
        with pytest.raises(ProofError) as refused:
            before.check_reaches(version_id)
        assert refused.value.code == "did_rolled_back"


@pytest.mark.parametrize("log", [b"", b"\n", b"{}\n", b"\xff", b"[]"])
def test_a_log_without_a_first_entry_is_refused(log):
    with pytest.raises(MalformedError):
        verify_history(log, witness_file=None, did=None, now=LATER)


@pytest.mark.parametrize("log", [b"{" * 5_242_881, b"{}\n" * 4_097])
def test_an_oversized_log_is_refused_unread(log):
    with pytest.raises(LimitError):
        verify_history(log, witness_file=None, did=None, now=LATER)


def test_entries_cannot_be_dropped_swapped_or_repeated():
    lines = three_versions().log.splitlines()
    for order in ([0, 2], [0, 2, 1], [0, 1, 1], [1, 2], [0, 0]):
        with pytest.raises(DidServiceError):
            _ = verify(None, log=b"\n".join(lines[i] for i in order)).latest


def test_a_moved_did_is_found_by_both_its_names():
    made = Controller.create(portable=True, location="gd.example:a")
    former = made.did
    made.update(document=made.state.version.document.raw | {"x": [1, True, former + "#key-1"]})
    made.add(write.migrate(made.state, key("update"), "hn.example%3A8443", now=made.tick()))
    assert made.did == f"did:webvh:{made.state.scid}:hn.example%3A8443"
    document = made.state.version.document
    assert document.also_known_as == (former,)
    assert document.methods[0].id == f"{made.did}#key-1"
    assert document.raw["x"] == [1, True, f"{made.did}#key-1"]
    for did in (former, made.did):
        assert verify(made, did=did).latest.dids == (former, made.did)
    made.add(write.migrate(made.state, key("update"), "gd.example:a", now=made.tick()))
    assert made.state.version.document.also_known_as == (made.state.dids[1],)
    assert made.state.dids == (former, f"did:webvh:{made.state.scid}:hn.example%3A8443")


def test_moving_back_and_forth_needs_portable():
    made = Controller.create()
    with pytest.raises(RuleError) as refused:
        write.migrate(made.state, key("update"), "hn.example", now=made.tick())
    assert refused.value.code == "not_portable"


# --- witnesses -----------------------------------------------------------------------------


def witnessed(threshold=2, names=("w1", "w2", "w3")):
    return Controller.create(witness=rule_of(threshold, *names).encode())


def test_a_witnessed_log_needs_its_witnesses():
    made = witnessed()
    for names in ((), ("w1",), ("w1", "w1"), ("w1", "stranger")):
        made.witness(*names)
        for witness_file in (None, made.witness_file):
            with pytest.raises(ProofError) as refused:
                verify(made, witness_file=witness_file)
            assert refused.value.code == "witness_threshold"
    made.witness("w1", "w3")
    assert verify(made, witness_file=made.witness_file).latest == made.state


def test_an_approval_reaches_back_but_not_forward():
    made = witnessed()
    made.update()
    made.witness("w1", "w2")
    made.update()
    history = verify(made, witness_file=made.witness_file)
    assert [state.version.number for state in history.states] == [1, 2]
    assert history.fault.code == "witness_threshold"
    made.witness("w2", "w3")
    assert verify(made, witness_file=made.witness_file).latest.version.number == 3


def test_the_order_of_a_witness_file_means_nothing():
    made = witnessed()
    made.witness("w1", "w2")
    made.update()
    made.witness("w1", "w2")
    backwards = dict(reversed(made.proofs.items()))
    assert verify(made, witness_file=write.encode_witness_file(backwards)).fault is None


def test_the_list_before_approves_its_replacement_and_its_end():
    made = witnessed(1, ["old"])
    made.witness("old")
    made.update(witness=rule_of(1, "new").encode())
    assert made.state.witness_rule == rule_of(1, "old")
    made.witness("new")
    assert verify(made, witness_file=made.witness_file).fault is not None
    made.witness("old")
    assert verify(made, witness_file=made.witness_file).latest == made.state
    made.update(witness={})
    assert made.state.witness_rule == rule_of(1, "new")
    made.witness("new")
    made.update()
    assert made.state.witness_rule is None
    assert verify(made, witness_file=made.witness_file).latest == made.state


def test_a_first_list_counts_at_once():
    made = Controller.create()
    made.update(witness=rule_of(1, "w").encode())
    assert made.state.witness_rule == rule_of(1, "w")
    assert verify(made).fault.code == "witness_threshold"
    made.witness("w")
    assert verify(made, witness_file=made.witness_file).latest == made.state


def test_proofs_of_unpublished_versions_are_ignored():
    made = witnessed(1, ["w"])
    shown = made.log
    made.update()
    made.witness("w")
    with pytest.raises(ProofError):
        verify(made, log=shown, witness_file=made.witness_file)
    assert verify(made, witness_file=made.witness_file).latest.version.number == 2


def test_proofs_that_come_with_an_entry_are_judged_alone():
    made = witnessed()
    made.witness("w1", "w2")
    (proofs,) = made.proofs.values()
    check_witness_proofs(made.state, proofs)
    wrong = [proofs[0] | {"proofValue": proofs[1]["proofValue"]}, None, {}, "x"]
    for few in ((), proofs[:1], proofs[:1] * 2, [proofs[0], *wrong]):
        with pytest.raises(ProofError) as refused:
            check_witness_proofs(made.state, few)
        assert refused.value.code == "witness_threshold"
    check_witness_proofs(made.state, [*wrong, *proofs])
    check_witness_proofs(Controller.create().state, [])
    made.update()
    with pytest.raises(ProofError):
        check_witness_proofs(made.state, proofs)


def test_a_witness_file_is_an_array_and_bounded():
    assert parse_witness_file(b'[{"versionId":"1-Qm"},{},{"proof":[1]}]')[0].proof is None
    for data in (b"{}", b"[1]", b"x"):
        with pytest.raises(MalformedError):
            verify(witnessed(), witness_file=data)
    with pytest.raises(LimitError):
        parse_witness_file(b'[{"versionId":"1","proof":[' + b"1," * 16_384 + b"1]}]")


def test_a_witness_file_that_nobody_asked_for_is_not_read():
    made = Controller.create()
    assert verify(made, witness_file=b"rubbish").latest == made.state


# --- writing -------------------------------------------------------------------------------


def test_rotation_reveals_what_was_committed_to():
    made = Controller.create(nextKeyHashes=[hash_of("k1")])
    for i in range(1, 4):
        entry = write.rotate(made.state, key(f"k{i}"), [hash_of(f"k{i + 1}")], now=made.tick())
        made.add(entry)
        assert entry["parameters"] == {
            "updateKeys": [multikey_of(f"k{i}")],
            "nextKeyHashes": [hash_of(f"k{i + 1}")],
        }
    with pytest.raises(RuleError) as refused:
        write.rotate(made.state, key("thief"), [hash_of("thief")], now=made.tick())
    assert refused.value.code == "key_not_committed"
    made.add(write.deactivate(made.state, key("k4"), now=made.tick()))
    assert made.state.deactivated
    assert made.state.version.parameters.next_key_hashes == ()


def test_a_second_update_in_the_same_second_is_dated_a_second_later():
    made = Controller.create()
    for number in (2, 3):
        entry = write.update(made.state, key("update"), now=NOW)
        made.state = accept(made.state, entry, now=NOW)
        assert made.state.version.time == NOW + timedelta(seconds=number - 1)


def test_what_cannot_be_accepted_is_not_written():
    for location in ("gd", "127.0.0.1", "GD.example", "gd.example:.."):
        with pytest.raises(MalformedError):
            write.create(template(location), {}, key("update"), now=NOW)
    with pytest.raises(ProofError):
        write.create(template(), {"updateKeys": [multikey_of("a")]}, key("b"), now=NOW)
    with pytest.raises(ProofError):
        write.update(Controller.create().state, key("thief"), now=LATER)


def test_the_scid_may_stand_in_the_path_as_well():
    made = Controller.create(location="gd.example:{SCID}")
    assert made.did == f"did:webvh:{made.state.scid}:gd.example:{made.state.scid}"


# --- properties ----------------------------------------------------------------------------


@given(steps())
@settings(max_examples=30)
def test_replaying_a_log_leads_to_the_state_that_accept_led_to(steps):
    author = Author()
    for step in steps:
        author.do(step)
    made = author.made
    history = verify(made, did=made.did, witness_file=made.witness_file)
    assert history.latest == made.state
    assert [state.version.entry for state in history.states] == made.entries
    assert len(history.states) == len(steps) + 1


@given(st.data())
@settings(max_examples=120)
def test_no_changed_byte_leaves_the_log_its_newest_version(data):
    at = data.draw(st.integers(0, len(LOG) - 1))
    bit = data.draw(st.integers(0, 7))
    changed = bytearray(LOG)
    changed[at] ^= 1 << bit
    try:
        latest = verify(None, log=bytes(changed)).latest
    except DidServiceError:
        return
    assert latest.version.version_id != NEWEST


LOG = three_versions().log
NEWEST = three_versions().state.version.version_id


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: LOG[:-40] + tail))
def test_every_file_is_a_history_or_refused_by_name(log):
    for read in (verify, lambda _, log: parse_witness_file(log)):
        try:
            read(None, log=log)
        except DidServiceError:
            continue
