"""A keyring as bytes: what stands in clear is authenticated, and nothing leaks a seed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.crypto.keyring import (
    BACKUP,
    KeptKey,
    KeyRecord,
    KeyRole,
    parse_keyring,
    seal_keys,
)
from did_service.core.crypto.sealed import Argon2id
from did_service.core.encoding import b64
from did_service.core.errors import (
    DecryptionError,
    DidServiceError,
    LimitError,
    MalformedError,
    UsageError,
)
from did_service.core.limits import MAX_KEYRING_KEYS

CHEAP = Argon2id(1, 8_192, b"s" * 16)
DERIVED = CHEAP.derive("a passphrase")


def rng(size):
    return b"r" * size


def kept(role, name, number):
    key = SigningKey(bytes([number]) * 32)
    return KeptKey(KeyRecord(role, name, key.public), key)


KEYS = (
    kept(KeyRole.LOG, "gd.example/reg", 1),
    kept(KeyRole.COSIGNER, "gd.example/witness", 2),
    kept(KeyRole.NEXT, "gd.example", 3),
)
SEALED = seal_keys(KEYS, CHEAP, DERIVED, rng)
DATA = SEALED.encode()


def seeds(keys):
    return [each.key.seed for each in keys]


def test_what_was_sealed_opens_again_in_order():
    opened = parse_keyring(DATA).open(DERIVED)
    assert [each.record for each in opened] == [each.record for each in KEYS]
    assert seeds(opened) == seeds(KEYS)


def test_public_halves_are_read_without_the_passphrase():
    assert [each.name for each in parse_keyring(DATA).records] == [
        "gd.example/reg",
        "gd.example/witness",
        "gd.example",
    ]


def test_an_empty_keyring_opens():
    assert parse_keyring(seal_keys((), CHEAP, DERIVED, rng).encode()).open(DERIVED) == ()


def test_no_seed_stands_in_the_file_or_in_what_is_printed_of_it():
    for seed in seeds(KEYS):
        for shown in (DATA.decode(), repr(SEALED), repr(KEYS)):
            assert seed.hex() not in shown
            assert b64.encode_url(seed) not in shown


def test_a_wrong_passphrase_opens_nothing():
    with pytest.raises(DecryptionError) as caught:
        parse_keyring(DATA).open(CHEAP.derive("another"))
    assert caught.value.code == "keyring_not_opened"


def changed(**members):
    return json.dumps({**json.loads(DATA), **members}).encode()


def with_key(at=0, **members):
    keys = json.loads(DATA)["keys"]
    keys[at] = {**keys[at], **members}
    return changed(keys=keys)


@pytest.mark.parametrize(
    "data",
    [
        with_key(restored=True),
        with_key(role="cosigner"),
        with_key(name="hn.example/reg"),
        changed(keys=json.loads(DATA)["keys"][::-1]),
        changed(nonce=b64.encode_url(b"n" * 24)),
    ],
    ids=["restored", "role", "name", "order", "nonce"],
)
def test_what_stands_in_clear_cannot_be_changed(data):
    with pytest.raises(DecryptionError):
        parse_keyring(data).open(DERIVED)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"{}", "member_missing"),
        (changed(format="didsvc-keyring/2"), "member_invalid"),
        (changed(extra=1), "member_unknown"),
        (with_key(role="master"), "member_invalid"),
        (with_key(restored="no"), "member_invalid"),
        (with_key(seed="x"), "member_unknown"),
        (changed(keys=[]), "length_wrong"),
        (changed(sealed="AA"), "length_wrong"),
        (changed(kdf={**CHEAP.encode(), "passes": 99}), "kdf_too_costly"),
        (changed(keys=[{}] * (MAX_KEYRING_KEYS + 1)), "too_large"),
    ],
)
def test_another_shape_is_refused(data, code):
    with pytest.raises(MalformedError) as caught:
        parse_keyring(data)
    assert caught.value.code == code


def test_a_sealed_key_that_is_not_the_named_one_is_refused():
    other = KeptKey(KeyRecord(KeyRole.LOG, "gd.example/reg", b"\1" * 32), KEYS[0].key)
    sealed = seal_keys((other,), CHEAP, DERIVED, rng)
    with pytest.raises(MalformedError) as caught:
        sealed.open(DERIVED)
    assert caught.value.code == "key_mismatch"


def test_a_backup_is_no_keyring_and_the_other_way_round():
    backup = seal_keys(KEYS, CHEAP, DERIVED, rng, BACKUP).encode()
    assert seeds(parse_keyring(backup, BACKUP).open(DERIVED)) == seeds(KEYS)
    with pytest.raises(MalformedError) as caught:
        parse_keyring(backup)
    assert caught.value.code == "keyring_is_backup"
    with pytest.raises(MalformedError):
        parse_keyring(DATA, BACKUP)


@pytest.mark.parametrize("name", ["", "n" * 256])
def test_a_name_has_its_length(name):
    with pytest.raises(UsageError) as caught:
        seal_keys((kept(KeyRole.LOG, name, 1),), CHEAP, DERIVED, rng)
    assert caught.value.code == "key_name_invalid"


def test_a_keyring_is_bounded():
    with pytest.raises(LimitError) as caught:
        seal_keys(KEYS * MAX_KEYRING_KEYS, CHEAP, DERIVED, rng)
    assert caught.value.code == "keyring_full"


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_no_changed_byte_gives_other_keys(at, mask):
    data = bytes([*DATA[:at], DATA[at] ^ mask, *DATA[at + 1 :]])
    try:
        opened = parse_keyring(data).open(DERIVED)
    except DidServiceError:
        return
    assert opened == parse_keyring(DATA).open(DERIVED) or seeds(opened) == seeds(KEYS)
