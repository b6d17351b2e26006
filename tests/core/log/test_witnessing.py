from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.errors import DidServiceError, LimitError, MalformedError, ProofError
from did_service.core.limits import MAX_NOTE_BYTES
from did_service.core.log import merkle
from did_service.core.log.checkpoint import Checkpoint, sign_checkpoint
from did_service.core.log.note import NoteSigner, SignatureLine, parse_note
from did_service.core.log.witnessing import (
    SIZE_CONTENT_TYPE,
    CosignOutcome,
    Decision,
    HeldCheckpoint,
    UnverifiedAddCheckpoint,
    UnverifiedHttpAnswer,
    WitnessAnswer,
    WitnessStatus,
    decide,
    parse_add_checkpoint,
    read_answer,
)
from tests.support.cosigners import NOON, ORIGIN, cosigner, signer

LEAVES = [merkle.leaf_hash(b"%d" % i) for i in range(9)]
FORKED = [*LEAVES[:4], *(merkle.leaf_hash(b"other %d" % i) for i in range(5))]
KEY = signer().verifier_key
HELD = HeldCheckpoint(5, merkle.tree_root(LEAVES[:5]))


def request(old, size, leaves=LEAVES, log=None, proof=None):
    root = merkle.tree_root(leaves[:size])
    note = sign_checkpoint(Checkpoint(ORIGIN, size, root), log or signer())
    if proof is None:
        proof = merkle.consistency_proof(leaves[:size], old) if old <= size else []
    return UnverifiedAddCheckpoint(old, tuple(proof), parse_note(note))


def test_a_request_is_lines_of_text():
    body = request(5, 9).encode()
    assert body.startswith(b"old 5\n")
    assert body.split(b"\n\n", 1)[1] == request(5, 9).note.encode()
    assert parse_add_checkpoint(body) == request(5, 9)


@pytest.mark.parametrize("old", [0, 3, 4, 8, 9])
def test_requests_come_back_from_their_text(old):
    assert parse_add_checkpoint(request(old, 9).encode()) == request(old, 9)


TABLE = {
    "the next head": (request(5, 9), HELD, WitnessStatus.COSIGNED, ""),
    "the first head": (request(0, 9), None, WitnessStatus.COSIGNED, ""),
    "the empty tree": (request(0, 0), None, WitnessStatus.COSIGNED, ""),
    "the same head again": (request(5, 5), HELD, WitnessStatus.COSIGNED, ""),
    "old above new": (request(9, 5), HELD, WitnessStatus.MALFORMED, "old_size_too_large"),
    "a stale size": (request(4, 9), HELD, WitnessStatus.SIZE_CONFLICT, "size_conflict"),
    "a size from the future": (
        request(6, 9),
        HELD,
        WitnessStatus.SIZE_CONFLICT,
        "size_conflict",
    ),
    "asking for the size": (request(0, 9), HELD, WitnessStatus.SIZE_CONFLICT, "size_conflict"),
    "a smaller tree": (request(4, 4), HELD, WitnessStatus.SIZE_CONFLICT, "size_conflict"),
    "same size, other root": (
        request(5, 5, FORKED),
        HELD,
        WitnessStatus.INCONSISTENT,
        "consistency_invalid",
    ),
    "a forked tree": (
        request(5, 9, FORKED),
        HELD,
        WitnessStatus.INCONSISTENT,
        "consistency_invalid",
    ),
    "a proof cut short": (
        request(5, 9, proof=[]),
        HELD,
        WitnessStatus.INCONSISTENT,
        "path_length_wrong",
    ),
    "a proof from nothing": (
        request(0, 9, proof=[LEAVES[0]]),
        None,
        WitnessStatus.INCONSISTENT,
        "path_length_wrong",
    ),
    "a proof for the same size": (
        request(5, 5, proof=[LEAVES[0]]),
        HELD,
        WitnessStatus.INCONSISTENT,
        "path_length_wrong",
    ),
}


@pytest.mark.parametrize(("asked", "held", "status", "reason"), TABLE.values(), ids=TABLE)
def test_the_status_table_of_tlog_witness(asked, held, status, reason):
    decision = decide(asked, held, KEY)
    assert (decision.status, decision.reason) == (status, reason)
    assert decision.held_size == (held.size if held else 0)
    assert decision.checkpoint == (asked.checkpoint if status == 200 else None)


def test_an_empty_tree_has_one_root():
    note = sign_checkpoint(Checkpoint(ORIGIN, 0, bytes(32)), signer())
    asked = UnverifiedAddCheckpoint(0, (), parse_note(note))
    assert decide(asked, None, KEY).status == WitnessStatus.INCONSISTENT


def test_an_unknown_origin_is_not_found():
    for key in (None, signer("sh.example/reg").verifier_key):
        assert decide(request(5, 9), HELD, key).status == WitnessStatus.ORIGIN_UNKNOWN


def test_a_known_origin_without_a_trusted_signature_is_forbidden():
    stranger = NoteSigner(ORIGIN, signer("stranger").key)
    assert decide(request(5, 9, log=stranger), HELD, KEY).reason == "log_signature_missing"
    asked = request(5, 9)
    forged = asked.note.with_lines([SignatureLine(ORIGIN, KEY.key_id, bytes(64))])
    decision = decide(UnverifiedAddCheckpoint(5, asked.proof, forged), HELD, KEY)
    assert (decision.status, decision.reason) == (WitnessStatus.NOT_SIGNED, "signature_invalid")


def test_the_signature_is_judged_before_any_size_is_told():
    stranger = NoteSigner(ORIGIN, signer("stranger").key)
    assert decide(request(0, 9, log=stranger), HELD, KEY).status == WitnessStatus.NOT_SIGNED


def test_a_conflict_names_the_size_held():
    assert decide(request(0, 9), HELD, KEY).size_body == b"5\n"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"old 5", b"old 05", "decimal_invalid"),
        (b"old 5", b"new 5", "request_invalid"),
        (b"old 5", b"old  5", "decimal_invalid"),
        (b"old 5", "old ٥".encode(), "request_invalid"),
        (b"old 5\n", b"old 5\nAAAA\n", "length_wrong"),
        (b"old 5\n", b"old 5\n" + (b"A" * 43 + b"=\n") * 64, "too_many_hashes"),
        (b"old 5\n", b"old 5\n\n", "checkpoint_invalid"),
        (b"old 5", b"old 5" + b"x" * MAX_NOTE_BYTES, "request_too_large"),
        (b"reg\n9\n", b"reg\n9\n9\n", "checkpoint_invalid"),
    ],
)
def test_malformed_requests_are_refused(old, new, code):
    with pytest.raises(MalformedError) as caught:
        parse_add_checkpoint(request(5, 9).encode().replace(old, new))
    assert caught.value.code == code


def test_a_request_without_a_note_is_refused():
    with pytest.raises(MalformedError) as caught:
        parse_add_checkpoint(b"old 5\n")
    assert caught.value.code == "request_invalid"
    with pytest.raises(LimitError):
        parse_add_checkpoint(b"x" * (MAX_NOTE_BYTES + 1))
    with pytest.raises(MalformedError) as caught:
        parse_add_checkpoint(b"x" * MAX_NOTE_BYTES)
    assert caught.value.code == "request_invalid"


@given(st.data())
def test_any_bytes_are_a_request_or_an_error(data):
    body = request(5, 9).encode()
    at, cut = data.draw(st.integers(0, len(body))), data.draw(st.integers(0, 50))
    mutated = body[:at] + data.draw(st.binary(max_size=8)) + body[at + cut :]
    with suppress(DidServiceError):
        assert parse_add_checkpoint(mutated).encode() == mutated


# --- the log's side ---------------------------------------------------------------------------


def answer(status, content_type="", body=b""):
    keys = [cosigner(0).verifier_key]
    return read_answer(request(5, 9), UnverifiedHttpAnswer(status, content_type, body), keys)


def test_cosignatures_are_verified_before_they_are_taken():
    text = request(5, 9).note.text
    lines = [cosigner(i).cosign(text, NOON) for i in range(2)]
    body = b"".join(line.encode() for line in lines)
    assert answer(200, body=body) == WitnessAnswer(CosignOutcome.COSIGNED, (lines[0],))
    with pytest.raises(ProofError):
        answer(200, body=cosigner(0).cosign(b"other\n", NOON).encode())
    with pytest.raises(ProofError) as caught:
        answer(200, body=lines[1].encode())
    assert caught.value.code == "cosignature_missing"
    with pytest.raises(MalformedError):
        answer(200, body=b"thanks")


@pytest.mark.parametrize("content_type", [SIZE_CONTENT_TYPE, "Text/X.tlog.size; charset=utf-8"])
def test_a_conflict_with_a_size_is_a_hint(content_type):
    assert answer(409, content_type, b"7\n") == WitnessAnswer(CosignOutcome.OTHER_SIZE, (), 7)


@pytest.mark.parametrize("body", [b"", b"7", b"70", b"07\n", b"7\n\n", b"-1\n", "٧\n".encode()])
def test_a_conflict_with_a_malformed_size_is_refused(body):
    with pytest.raises(MalformedError):
        answer(409, SIZE_CONTENT_TYPE, body)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (409, CosignOutcome.FORK_ALARM),
        (422, CosignOutcome.FORK_ALARM),
        (400, CosignOutcome.REFUSED),
        (403, CosignOutcome.NOT_ONBOARDED),
        (404, CosignOutcome.NOT_ONBOARDED),
        (429, CosignOutcome.TRY_LATER),
        (500, CosignOutcome.TRY_LATER),
        (301, CosignOutcome.TRY_LATER),
    ],
)
def test_what_other_answers_mean(status, outcome):
    assert answer(status, "text/plain", b"7\n") == WitnessAnswer(outcome)


@pytest.mark.parametrize(
    ("status", "outcome"), [(422, CosignOutcome.FORK_ALARM), (500, CosignOutcome.TRY_LATER)]
)
def test_only_a_conflict_can_be_a_hint(status, outcome):
    assert answer(status, SIZE_CONTENT_TYPE, b"7\n") == WitnessAnswer(outcome)


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.booleans())
def test_a_witness_never_goes_back_and_never_leaves_its_history(held, old, size, fork):
    """Whatever is asked, a cosigned tree extends the one held."""
    asked = request(old, size, FORKED if fork else LEAVES)
    root = merkle.tree_root(LEAVES[:held])
    decision: Decision = decide(asked, HeldCheckpoint(held, root), KEY)
    honest = not fork or size <= 4 or held <= 4
    assert (decision.status == WitnessStatus.COSIGNED) == (
        old == held and held <= size and honest
    )
