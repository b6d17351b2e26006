from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.crypto.hashes import sha256
from did_service.core.errors import (
    DidServiceError,
    MalformedError,
    ProofError,
    UnsupportedError,
)
from did_service.core.limits import MAX_NOTE_BYTES
from did_service.core.log.checkpoint import (
    Checkpoint,
    parse_checkpoint,
    parse_number,
    sign_checkpoint,
)
from did_service.core.log.cosignature import cosigned_at, valid_lines, verify_cosignature
from did_service.core.log.note import (
    KeyType,
    SignatureLine,
    VerifierKey,
    parse_note,
    parse_signature_lines,
    parse_verifier_key,
    sign_note,
    verify_note,
)
from tests.support.cosigners import NOON, ORIGIN, cosigned, cosigner, signer

HEAD = Checkpoint(ORIGIN, 5_131, bytes(range(32)))
NOTE = cosigned(sign_checkpoint(HEAD, signer()), {0: NOON, 1: NOON + 1})


# --- keys --------------------------------------------------------------------------------


def test_the_published_key_of_the_go_checksum_database_has_its_id():
    text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    key = parse_verifier_key(text)
    assert (key.name, key.type, key.key_id.hex()) == (
        "sum.golang.org",
        KeyType.ED25519,
        "033de0ae",
    )
    assert key.encode() == text


@given(st.sampled_from(KeyType), st.binary(min_size=32, max_size=32))
def test_keys_come_back_from_their_text(kind, public):
    key = VerifierKey("transparency.dev/DEV:witness-ü", kind, public)
    assert parse_verifier_key(key.encode()) == key


def test_one_public_key_has_another_id_in_another_role():
    log, witness = signer().verifier_key, cosigner(0).verifier_key
    assert log.key_id != VerifierKey(log.name, witness.type, log.public).key_id


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "vkey_invalid"),
        ("name", "vkey_invalid"),
        ("name+033de0a+Ac4=", "vkey_invalid"),
        ("name+033DE0AE+Ac4z", "vkey_invalid"),
        ("name+033de0ae+", "key_type_unknown"),
        ("name+033de0ae+!", "base64_invalid"),
        ("name+033de0ae+Ac4z", "length_wrong"),
        ("name+033de0ae+Bs4z", "key_type_unknown"),
        ("+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", "key_name_invalid"),
        ("sum+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", "key_id_wrong"),
    ],
)
def test_malformed_keys_are_refused(text, code):
    with pytest.raises(MalformedError) as caught:
        parse_verifier_key(text)
    assert caught.value.code == code


def test_a_key_type_from_the_future_is_called_unsupported():
    with pytest.raises(UnsupportedError):
        parse_verifier_key("w+033de0ae+" + "Bg==")


@pytest.mark.parametrize(
    "name", ["", "a b", "a+b", "a\n", "a\u00a0b", "\x1f", "\ud800", "é" * 128]
)
def test_names_that_cannot_stand_in_a_note_are_refused(name):
    with pytest.raises(MalformedError) as caught:
        VerifierKey(name, KeyType.ED25519, bytes(32))
    assert caught.value.code == "key_name_invalid"


@given(st.text(max_size=80))
def test_any_text_is_a_key_or_an_error(text):
    with suppress(DidServiceError):
        assert parse_verifier_key(text).encode() == text


# --- notes --------------------------------------------------------------------------------


def test_a_note_ends_at_its_last_empty_line():
    text = "first\n\nsecond\n\n\nthird — ✓\n".encode()
    note = parse_note(sign_note(text, signer()))
    assert note.text == text
    verify_note(note, signer().verifier_key)


@given(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=60))
def test_notes_come_back_byte_for_byte(text):
    data = sign_note(f"{text}\n".encode(), signer())
    assert parse_note(data).encode() == data


@given(st.data())
def test_any_bytes_are_a_note_or_an_error(data):
    at = data.draw(st.integers(0, len(NOTE)))
    cut = data.draw(st.integers(0, 4))
    mutated = NOTE[:at] + data.draw(st.binary(max_size=4)) + NOTE[at + cut :]
    with suppress(DidServiceError):
        assert parse_note(mutated).encode() == mutated


@given(st.data())
def test_any_bytes_are_signature_lines_or_an_error(data):
    lines = NOTE[NOTE.index("—".encode()) :]
    at = data.draw(st.integers(0, len(lines)))
    mutated = lines[:at] + data.draw(st.binary(max_size=4)) + lines[at:]
    with suppress(DidServiceError):
        assert b"".join(line.encode() for line in parse_signature_lines(mutated)) == mutated


@given(st.binary(max_size=60))
def test_foreign_bytes_are_a_checkpoint_or_an_error(data):
    with suppress(DidServiceError):
        assert parse_checkpoint(data).encode() == data


LINE = NOTE[NOTE.index("—".encode()) :].split(b"\n")[0].decode()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "note_invalid"),
        (b"text\n", "note_invalid"),
        (b"text\n\n", "signature_line_invalid"),
        (f"text\n{LINE}\n".encode(), "note_invalid"),
        (f"text\n\n{LINE}".encode(), "signature_line_invalid"),
        (f"text\n\n\n{LINE}\n\n".encode(), "signature_line_invalid"),
        (f"text\r\n\n{LINE}\n".encode(), "note_invalid"),
        (f"te\txt\n\n{LINE}\n".encode(), "note_invalid"),
        (f"te\0xt\n\n{LINE}\n".encode(), "note_invalid"),
        (b"te\xffxt\n\n" + f"{LINE}\n".encode(), "utf8_invalid"),
        (f"text\n\n{LINE} \n".encode(), "base64_invalid"),
        (f"text\n\n-{LINE[1:]}\n".encode(), "signature_line_invalid"),
        ("text\n\n— name\n".encode(), "signature_line_invalid"),
        ("text\n\n— name AAAAAA==\n".encode(), "signature_line_invalid"),
        ("text\n\n— na+me AAAAAAA=\n".encode(), "key_name_invalid"),
        ("text\n\n—  AAAAAAA=\n".encode(), "key_name_invalid"),
        ("text\n\n— name AAAAAAB=\n".encode(), "base64_invalid"),
        (b"text\n\n" + f"{LINE}\n".encode() * 65, "too_many_signatures"),
        (b"x" * (MAX_NOTE_BYTES + 1), "note_too_large"),
    ],
)
def test_malformed_notes_are_refused(data, code):
    with pytest.raises(MalformedError) as caught:
        parse_note(data)
    assert caught.value.code == code


def test_at_least_sixteen_signatures_are_accepted():
    note = parse_note(cosigned(sign_checkpoint(HEAD, signer()), dict.fromkeys(range(40), NOON)))
    assert len(note.signatures) == 41


def test_sixteen_signatures_may_be_post_quantum_ones():
    lines = [SignatureLine(f"w{n}.example", b"\x07" * 4, bytes(4_996)) for n in range(15)]
    note = parse_note(parse_note(NOTE).with_lines(lines).encode())
    assert len(note.signatures) == 18
    verify_note(note, signer().verifier_key)


@pytest.mark.parametrize("text", [b"", b"no newline", b"a\n\n" + LINE.encode()])
def test_only_lines_can_be_signed(text):
    with pytest.raises(MalformedError) as caught:
        sign_note(text, signer())
    assert caught.value.code == "note_invalid"


def test_lines_of_unknown_keys_and_types_are_ignored():
    note = parse_note(NOTE)
    ml_dsa = SignatureLine("r0.example/witness", b"\x06\x06\x06\x06", b"\0" * 2_428)
    verify_note(note.with_lines([ml_dsa]), signer().verifier_key)
    assert cosigned_at(note.with_lines([ml_dsa]), cosigner(0).verifier_key) == NOON


def test_every_line_of_a_known_key_must_verify():
    note = parse_note(NOTE)
    forged = SignatureLine(ORIGIN, signer().verifier_key.key_id, bytes(64))
    with pytest.raises(ProofError) as caught:
        verify_note(note.with_lines([forged]), signer().verifier_key)
    assert caught.value.code == "signature_invalid"


@pytest.mark.parametrize(
    "key", [signer("other.example/reg").verifier_key, cosigner(0).verifier_key]
)
def test_a_note_without_the_signature_of_a_log_key_is_refused(key):
    with pytest.raises(ProofError) as caught:
        verify_note(parse_note(NOTE), key)
    assert caught.value.code == "log_signature_missing"


def test_the_same_line_is_added_once():
    note = parse_note(NOTE)
    assert note.with_lines(note.signatures) == note


# --- checkpoints ------------------------------------------------------------------------------


def test_a_checkpoint_has_three_lines():
    text = b"gd.example/reg\n5131\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
    assert HEAD.encode() == text
    assert parse_checkpoint(text) == HEAD


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"h8=\n", b"h8=\nextension\n", "checkpoint_invalid"),
        (b"h8=\n", b"h8=", "checkpoint_invalid"),
        (b"5131", b"05131", "decimal_invalid"),
        (b"5131", b"+5131", "decimal_invalid"),
        (b"5131", "٥١٣١".encode(), "decimal_invalid"),
        (b"5131", b"281474976710656", "decimal_invalid"),
        (b"5131", b"", "decimal_invalid"),
        (b"h8=", b"h9=", "base64_invalid"),
        (b"Hh8=", b"Hg==", "length_wrong"),
        (b"gd.example/reg", b"", "key_name_invalid"),
        (b"gd.example/reg", b"gd example", "key_name_invalid"),
        (b"gd.example/reg", b"\xff", "checkpoint_invalid"),
    ],
)
def test_other_forms_of_a_checkpoint_are_refused(old, new, code):
    with pytest.raises(MalformedError) as caught:
        parse_checkpoint(HEAD.encode().replace(old, new))
    assert caught.value.code == code


def test_the_largest_tree_has_a_number():
    assert parse_number("281474976710655") == 2**48 - 1
    assert parse_number("0") == 0


def test_a_log_signs_under_its_own_origin_only():
    with pytest.raises(MalformedError) as caught:
        sign_checkpoint(HEAD, signer("other.example/reg"))
    assert caught.value.code == "origin_mismatch"


# --- cosignatures -----------------------------------------------------------------------------


def test_a_cosignature_signs_time_and_text():
    line, key = parse_note(NOTE).signatures[1], cosigner(0)
    message = b"cosignature/v1\ntime 1795608000\n" + HEAD.encode()
    assert line.signature == NOON.to_bytes(8, "big") + key.key.sign(message)
    assert len(line.key_id + line.signature) == 76
    assert verify_cosignature(HEAD.encode(), line, key.verifier_key) == NOON


def test_a_cosignature_for_another_time_or_text_is_refused():
    line, key = parse_note(NOTE).signatures[1], cosigner(0).verifier_key
    later = SignatureLine(line.name, line.key_id, (NOON + 1).to_bytes(8) + line.signature[8:])
    for text, each in ((HEAD.encode(), later), (HEAD.encode() + b"x\n", line)):
        with pytest.raises(ProofError) as caught:
            verify_cosignature(text, each, key)
        assert caught.value.code == "signature_invalid"


def test_a_cosignature_of_another_key_role_or_century_is_refused():
    own = cosigner(0)
    line = own.cosign(HEAD.encode(), 253_402_300_800)
    for key in (own.verifier_key, cosigner(1).verifier_key, signer().verifier_key):
        with pytest.raises(ProofError) as caught:
            verify_cosignature(HEAD.encode(), line, key)
        assert caught.value.code == "cosignature_invalid"


def test_a_cut_cosignature_is_refused():
    line, key = parse_note(NOTE).signatures[1], cosigner(0).verifier_key
    for length in (1, 8, 71):
        cut = SignatureLine(line.name, line.key_id, line.signature[:length])
        with pytest.raises(ProofError):
            verify_cosignature(HEAD.encode(), cut, key)


def test_a_cosigner_that_signed_twice_signed_last_at_the_later_time():
    note = parse_note(cosigned(NOTE, {0: NOON - 60}))
    assert cosigned_at(note, cosigner(0).verifier_key) == NOON
    assert cosigned_at(note, cosigner(5).verifier_key) is None


def test_an_answer_yields_the_lines_of_known_cosigners():
    lines = parse_note(NOTE).signatures
    answer = b"".join(line.encode() for line in lines)
    assert valid_lines(HEAD.encode(), answer, [cosigner(1).verifier_key]) == (lines[2],)
    with pytest.raises(ProofError) as caught:
        valid_lines(HEAD.encode(), answer, [cosigner(7).verifier_key])
    assert caught.value.code == "cosignature_missing"
    with pytest.raises(ProofError):
        valid_lines(b"x\n", answer, [cosigner(1).verifier_key])


def post_quantum(number: int) -> SignatureLine:
    """A line of type 0x06, ML-DSA-44, by a cosigner under the name of its Ed25519 key."""
    name, public = cosigner(number).verifier_key.name, bytes(1_312)
    key_id = sha256(name.encode() + b"\n\x06" + public)[:4]
    return SignatureLine(name, key_id, NOON.to_bytes(8, "big") + bytes(2_420))


def test_post_quantum_cosignatures_beside_known_ones_are_passed_over():
    note, lines = parse_note(NOTE), [post_quantum(number) for number in range(16)]
    every = note.with_lines(lines)
    read = parse_note(every.encode())
    assert read == every
    assert cosigned_at(read, cosigner(0).verifier_key) == NOON
    answer = lines[1].encode() + note.signatures[2].encode() + lines[2].encode()
    known = [cosigner(1).verifier_key]
    assert valid_lines(HEAD.encode(), answer, known) == (note.signatures[2],)
    with pytest.raises(ProofError) as caught:
        valid_lines(HEAD.encode(), lines[1].encode(), known)
    assert caught.value.code == "cosignature_missing"


def test_keys_never_show_their_seed():
    key = SigningKey(bytes(32))
    assert bytes(32).hex() not in repr(signer()) + repr(cosigner(0)) + repr(key)
