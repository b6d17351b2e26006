import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.errors import DidServiceError, LimitError, MalformedError, ProofError
from did_service.core.limits import MAX_LOG_PROOF_BYTES
from did_service.core.log import merkle
from did_service.core.log.proof import UnverifiedTlogProof, parse_tlog_proof
from tests.support.cosigners import NOON, WitnessPool

COSIGNERS = WitnessPool(count=4, k=3)
LEAVES = [merkle.leaf_hash(b"%d" % i) for i in range(7)]
NOTE = COSIGNERS.note(7, merkle.tree_root(LEAVES), {0: NOON, 1: NOON + 1, 2: NOON + 2})
PROOF = UnverifiedTlogProof(4, tuple(merkle.inclusion_path(LEAVES, 4)), NOTE)


def test_a_proof_carries_a_leaf_to_a_cosigned_root():
    verified = PROOF.verify(COSIGNERS.policy, LEAVES[4])
    assert (verified.checkpoint.size, verified.fresh_at) == (7, NOON)


def test_a_proof_is_lines_of_text():
    hashes = [base64.b64encode(each).decode() for each in PROOF.path]
    lines = ["c2sp.org/tlog-proof@v1", "index 4", *hashes, "", ""]
    assert PROOF.encode() == "\n".join(lines).encode() + NOTE


@pytest.mark.parametrize("extra", [None, b"\0\1\2"])
@pytest.mark.parametrize("size", [1, 7])
def test_proofs_come_back_from_their_text(extra, size):
    path = tuple(merkle.inclusion_path(LEAVES[:size], 0))
    proof = UnverifiedTlogProof(0, path, NOTE, extra)
    assert parse_tlog_proof(proof.encode()) == proof


@pytest.mark.parametrize("leaf", [LEAVES[3], LEAVES[5], merkle.leaf_hash(b"another")])
def test_a_proof_is_about_one_leaf(leaf):
    with pytest.raises(ProofError) as caught:
        PROOF.verify(COSIGNERS.policy, leaf)
    assert caught.value.code == "inclusion_invalid"


def test_a_proof_needs_the_quorum_of_the_policy():
    with pytest.raises(ProofError) as caught:
        PROOF.verify(WitnessPool(count=4, k=4).policy, LEAVES[4])
    assert caught.value.code == "quorum_not_met"


@pytest.mark.parametrize("mask", [1, 4, 0x80])
def test_any_changed_byte_of_a_proof_is_noticed(mask):
    data = PROOF.encode()
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]
        with pytest.raises((MalformedError, ProofError)):
            parse_tlog_proof(changed).verify(COSIGNERS.policy, LEAVES[4])


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"@v1", b"@v2", "proof_invalid"),
        (b"index 4", b"index 04", "decimal_invalid"),
        (b"index 4\n", b"", "proof_invalid"),
        (b"index 4", b"extra AAEC\nextra AAEC\nindex 4", "proof_invalid"),
        (b"index 4", b"extra \nindex 4", "proof_invalid"),
        (b"index 4", b"extra AAE\nindex 4", "base64_invalid"),
        (b"index 4", "index ٤".encode(), "proof_invalid"),
        (b"index 4\n", b"index 4\nAAAA\n", "length_wrong"),
        (b"index 4\n", b"index 4\n" + b"A" * 43 + b"=\n" * 1, None),
        (b"index 4\n", b"index 4\n" + (b"A" * 43 + b"=\n") * 64, "too_many_hashes"),
        (b"\n\n", b"\n", "note_invalid"),
        (b"index 4", b"extra " + b"A" * MAX_LOG_PROOF_BYTES + b"\nindex 4", "proof_too_large"),
    ],
)
def test_other_forms_of_a_proof_are_refused(old, new, code):
    data = PROOF.encode().replace(old, new)
    if code is None:  # well-formed, but with one hash too many
        with pytest.raises(ProofError) as caught:
            parse_tlog_proof(data).verify(COSIGNERS.policy, LEAVES[4])
        assert caught.value.code == "path_length_wrong"
        return
    with pytest.raises(MalformedError) as caught:
        parse_tlog_proof(data)
    assert caught.value.code in {code, "proof_invalid"}


def test_bytes_without_an_empty_line_are_no_proof():
    with pytest.raises(MalformedError) as caught:
        parse_tlog_proof(b"c2sp.org/tlog-proof@v1\nindex 0\n")
    assert caught.value.code == "proof_invalid"


def test_a_huge_proof_is_refused_before_it_is_read():
    with pytest.raises(LimitError) as caught:
        parse_tlog_proof(b"x" * (MAX_LOG_PROOF_BYTES + 1))
    assert caught.value.code == "proof_too_large"


@given(st.data())
def test_any_bytes_are_a_proof_or_an_error(data):
    text = PROOF.encode()
    at, cut = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 50))
    mutated = text[:at] + data.draw(st.binary(max_size=8)) + text[at + cut :]
    with suppress(DidServiceError):
        assert parse_tlog_proof(mutated).encode() == mutated
