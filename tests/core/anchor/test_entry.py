"""Log entries: one form, closed members, and what a proof in them covers."""

import contextlib
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.anchor import entry as entries
from did_service.core.anchor.entry import (
    compose,
    parse_entry,
    parse_sequenced,
    parse_submission,
)
from did_service.core.encoding import jcs
from did_service.core.errors import DidServiceError, LimitError, MalformedError
from tests.support.dids import NOW
from tests.support.federation import founded

FED = founded()
EVERY = [placed.entry for log in FED.logs.values() for placed in log.entries]
SEQUENCED = EVERY[0]


def changed(**members):
    """The bytes of a good entry with other members; None takes one away."""
    merged = {**SEQUENCED.members, **members}
    return jcs.encode({name: value for name, value in merged.items() if value is not None})


@pytest.mark.parametrize("entry", EVERY, ids=lambda e: f"{e.type}-{e.subject[:12]}")
def test_parse_and_encode_are_inverse(entry):
    assert parse_entry(entry.encode()) == entry
    assert parse_sequenced(entry.members) == entry
    assert parse_submission(entry.submission().members).sequenced(entry.at) == entry


@pytest.mark.parametrize("at", [-1, 253_402_300_800])
def test_no_entry_is_sequenced_at_a_time_that_none_has(at):
    with pytest.raises(MalformedError) as caught:
        SEQUENCED.submission().sequenced(at)
    assert caught.value.code == "member_invalid"


def test_an_entry_that_is_too_large_with_its_second_is_refused():
    whole = compose("did", "s", {"x": ""})
    body = {"x": "x" * (60_000 - len(whole.encode()))}
    fitting = compose("did", "s", body)
    assert len(fitting.encode()) == 60_000
    with pytest.raises(LimitError):
        fitting.sequenced(1)


def test_an_entry_at_hand_holds_its_bytes_once_and_no_room_beside_them():
    """A replica keeps a thousand; with orjson's own bytes each took four times as much."""
    data = changed(b={"text": "x" * 20_000})
    tracemalloc.start()
    kept = [parse_entry(data) for _ in range(10)]
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 3 * len(kept) * len(data)  # once as bytes, once as what they say


@given(data=st.binary(max_size=200))
def test_any_bytes_are_refused_or_are_their_own_encoding(data):
    with contextlib.suppress(DidServiceError):
        assert parse_entry(data).encode() == data


@given(position=st.integers(0, len(SEQUENCED.encode()) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_is_refused_or_changes_the_leaf(position, byte):
    data = bytearray(SEQUENCED.encode())
    before, data[position] = data[position], byte
    try:
        entry = parse_entry(bytes(data))
    except DidServiceError:
        return
    assert (entry.leaf() == SEQUENCED.leaf()) == (byte == before)


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"v": 2}, "member_invalid"),
        ({"v": True}, "member_invalid"),
        ({"t": "asset"}, "entry_type_unknown"),
        ({"t": "join"}, "entry_type_unknown"),
        ({"s": ""}, "member_invalid"),
        ({"s": None}, "member_missing"),
        ({"n": 0}, "member_invalid"),
        ({"n": 2**32}, "member_invalid"),
        ({"n": 2}, "member_missing"),
        ({"p": "A" * 43}, "member_unknown"),
        ({"d": "A" * 43}, "member_unknown"),
        ({"a": None}, "entry_malformed"),
        ({"a": -1}, "member_invalid"),
        ({"b": []}, "member_invalid"),
        ({"b": {"proof": {}}}, "entry_malformed"),
        ({"extra": 1}, "member_unknown"),
        ({"b": {"text": "x" * 60_000}}, "too_large"),
    ],
)
def test_another_shape_is_refused(members, code):
    with pytest.raises(MalformedError) as refused:
        parse_entry(changed(**members))
    assert refused.value.code == code


def test_a_submission_of_more_than_60000_bytes_is_refused():
    def padded(count):
        return {**SEQUENCED.submission().members, "b": {"text": "x" * count}}

    room = 60_000 - len(jcs.encode(padded(0)))
    assert len(parse_submission(padded(room)).encode()) == 60_000
    with pytest.raises(LimitError) as refused:
        parse_submission(padded(room + 1))
    assert refused.value.code == "too_large"


def test_every_signer_adds_one_proof():
    entry = entries.compose("schema", "urn:x", {})
    signers = [FED.root(region) for region in ("gd", "hn", "zj")]
    for signer in signers:
        entry = entries.sign(entry, signer.key, signer.method, NOW)
    methods = [proof.verification_method for proof in entries.proofs(entry)]
    assert methods == [signer.method for signer in signers]


def test_only_the_canonical_form_is_an_entry():
    with pytest.raises(MalformedError) as refused:
        parse_entry(SEQUENCED.encode().replace(b'"v":1', b'"v": 1'))
    assert refused.value.code == "entry_not_canonical"


@pytest.mark.parametrize("parse", [parse_sequenced, parse_submission])
def test_only_the_log_sets_the_second(parse):
    wrong = SEQUENCED.submission() if parse is parse_sequenced else SEQUENCED
    with pytest.raises(MalformedError) as refused:
        parse(wrong.members)
    assert refused.value.code == "entry_malformed"


def test_a_signed_entry_keeps_every_proof_and_secures_the_same_bytes():
    root, other = FED.root("gd"), FED.root("hn")
    unsigned = entries.compose("schema", "urn:x", {"owner": root.did})
    once = FED.sign(unsigned, root)
    twice = FED.sign(once, other)
    assert [len(entries.proofs(each)) for each in (once, twice)] == [1, 2]
    assert entries.secured(unsigned) == entries.secured(once) == entries.secured(twice)
    assert entries.secured(twice.sequenced(5)) == entries.secured(unsigned)


def test_an_entry_without_proof_has_none_to_give():
    with pytest.raises(MalformedError) as refused:
        entries.proofs(entries.compose("schema", "urn:x", {}))
    assert refused.value.code == "proof_missing"


@pytest.mark.parametrize("at", [0, 7, 1_795_608_000])
@pytest.mark.parametrize("subject", ["urn:x", '"a":1', "政务", "\u007f\ue000😀"])
def test_an_entry_with_its_second_is_in_canonical_form_and_reads_as_any_other(subject, at):
    submission = compose("schema", subject, {"é": 1, "名": [True, None, -5]})
    entry = submission.sequenced(at)
    assert entry.encode() == jcs.encode({**submission.members, "a": at})
    read = parse_entry(entry.encode())
    assert read == entry
    assert read.members == entry.members


def test_a_second_that_no_log_can_have_makes_no_entry():
    with pytest.raises(MalformedError):
        compose("schema", "urn:x", {}).sequenced(-1)
