"""Key files: one passphrase opens, one changed byte does not."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.crypto.key_file import KeyFile, open_key, parse_key_file, seal_key
from did_service.core.crypto.sealed import Argon2id, seal
from did_service.core.errors import DecryptionError, LimitError, MalformedError

KID = "did:webvh:QmX:gd.example#key-1"
KEY = SigningKey(bytes(range(32)))


def cheap(salt):
    return Argon2id(1, 8192, salt)


def counting():
    """Random bytes for tests: 1, 2, 3, … one value a call."""
    calls = iter(range(1, 100))
    return lambda size: bytes([next(calls)]) * size


def sealed_file(**changes):
    members = json.loads(seal_key(KEY, KID, "open sesame", counting(), cheap))
    return json.dumps({**members, **changes}).encode()


def test_the_passphrase_opens_the_file():
    data = seal_key(KEY, KID, "口令", counting(), cheap)
    assert open_key(data, "口令").seed == KEY.seed


def test_name_and_public_key_are_read_without_the_passphrase():
    parsed = parse_key_file(sealed_file())
    assert (parsed.kid, parsed.public) == (KID, KEY.public)


@given(
    st.text(min_size=1, max_size=40),
    st.binary(min_size=32, max_size=32),
    st.integers(1, 16),
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=24, max_size=24),
    st.binary(min_size=48, max_size=48),
)
def test_reading_turns_writing_round(kid, public, passes, salt, nonce, sealed):
    file = KeyFile(kid, public, Argon2id(passes, 8192, salt), nonce, sealed)
    assert parse_key_file(file.encode()) == file


def test_new_files_are_costly_unless_asked_otherwise():
    assert parse_key_file(seal_key(KEY, KID, "x", counting())).kdf.passes == 3


def test_salt_and_nonce_are_drawn_anew():
    rng = counting()
    one, two = (parse_key_file(seal_key(KEY, KID, "x", rng, cheap)) for _ in range(2))
    assert one.kdf.salt != two.kdf.salt
    assert one.nonce != two.nonce


@pytest.mark.parametrize("passphrase", ["", "Open sesame", "open sesame "])
def test_another_passphrase_is_refused(passphrase):
    with pytest.raises(DecryptionError) as caught:
        open_key(sealed_file(), passphrase)
    assert caught.value.code == "passphrase_wrong"


@pytest.mark.parametrize(
    "change",
    [
        {"kid": "did:webvh:QmY:gd.example#key-1"},
        {"public": "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"},
        {"kdf": cheap(bytes(16)).encode()},
        {"kdf": Argon2id(2, 8192, b"\x01" * 16).encode()},
        {"nonce": "A" * 32},
        {"sealed": "A" * 64},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_member_is_authenticated(change):
    with pytest.raises(DecryptionError) as caught:
        open_key(sealed_file(**change), "open sesame")
    assert caught.value.code == "passphrase_wrong"


def test_a_file_that_names_another_public_key_is_refused():
    kdf, nonce = cheap(bytes(16)), bytes(24)
    unsealed = KeyFile(KID, bytes(32), kdf, nonce, b"")
    sealed = seal(KEY.seed, unsealed.associated(), nonce, kdf.derive("x"))
    with pytest.raises(MalformedError) as caught:
        open_key(KeyFile(KID, bytes(32), kdf, nonce, sealed).encode(), "x")
    assert caught.value.code == "key_mismatch"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"format": "didsvc-key/2"}, "member_invalid"),
        ({"kid": ""}, "member_invalid"),
        ({"public": "f00"}, "multibase_unknown"),
        ({"nonce": "AAAA"}, "length_wrong"),
        ({"sealed": "AAAA"}, "length_wrong"),
        ({"note": "x"}, "member_unknown"),
        ({"kdf": None}, "member_invalid"),
    ],
)
def test_other_shapes_are_refused(change, code):
    with pytest.raises(MalformedError) as caught:
        parse_key_file(sealed_file(**change))
    assert caught.value.code == code


@pytest.mark.parametrize("kid", ["", "k" * 201])
def test_a_name_that_could_not_be_read_again_is_not_written(kid):
    with pytest.raises(MalformedError) as caught:
        seal_key(KEY, kid, "x", counting(), cheap)
    assert caught.value.code == "member_invalid"


def test_a_huge_file_is_refused_unread():
    with pytest.raises(LimitError) as caught:
        parse_key_file(b" " * 20_000)
    assert caught.value.code == "too_large"


@given(st.binary())
def test_any_bytes_are_a_key_file_or_refused(data):
    with suppress(MalformedError):
        parse_key_file(data)


def test_neither_seed_nor_passphrase_is_shown():
    parsed = parse_key_file(sealed_file())
    with pytest.raises(DecryptionError) as caught:
        parsed.open("hunter2")
    shown = f"{parsed!r} {caught.value!r} {caught.value.details}"
    assert "hunter2" not in shown
    assert str(parsed.sealed) not in shown


@pytest.mark.parametrize("typed", ["Café größe", "Cafe\u0301 gro\u0308ße", "\ufeffCafé größe"])
def test_a_passphrase_is_the_same_however_a_keyboard_or_an_editor_writes_it(typed):
    for sealed in ("Café größe", typed):
        data = seal_key(KEY, KID, sealed, counting(), cheap)
        assert open_key(data, typed).seed == KEY.seed
        assert open_key(data, "Café größe").seed == KEY.seed


@pytest.mark.parametrize("typed", ["Cafe\u0301", "\ufeffopen sesame"])
def test_a_file_of_release_0_1_0_opens_with_what_was_typed_then(typed):
    """It was sealed under the bytes as they came."""
    kdf, nonce = cheap(bytes(16)), bytes(24)
    unsealed = KeyFile(KID, KEY.public, kdf, nonce, b"")
    sealed = seal(KEY.seed, unsealed.associated(), nonce, kdf._derive(typed))
    data = KeyFile(KID, KEY.public, kdf, nonce, sealed).encode()
    assert open_key(data, typed).seed == KEY.seed
    with pytest.raises(DecryptionError):
        open_key(data, "Cafe")
