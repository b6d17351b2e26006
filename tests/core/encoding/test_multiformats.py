"""Multibase and multihash: known values, one spelling each, bounded work."""

import hashlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.encoding import base58, multiformats
from did_service.core.errors import MalformedError


@given(st.binary(max_size=80))
def test_decoding_turns_encoding_round(data):
    assert multiformats.multibase_decode(multiformats.multibase_encode(data)) == data


@given(st.text(st.characters(categories=None)))
def test_any_multibase_text_gives_bytes_or_our_error(text):
    for letter in ("", "z", "u"):
        with suppress(MalformedError):
            multiformats.multibase_decode(letter + text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "multibase_unknown"),
        ("f00", "multibase_unknown"),
        ("Z2NEpo", "multibase_unknown"),
        ("z0OIl", "base58_invalid"),
        ("z2NEpo ", "base58_invalid"),
        ("z" + "1" * 513, "too_large"),
        ("uAA==", "base64_invalid"),
    ],
)
def test_other_multibase_texts_are_refused(text, code):
    with pytest.raises(MalformedError) as caught:
        multiformats.multibase_decode(text)
    assert caught.value.code == code


def test_base64url_multibase_is_read():
    assert multiformats.multibase_decode("uAAAA") == bytes(3)


def test_multihash_of_sha256_is_written_as_did_webvh_does():
    text = multiformats.multihash_sha256(hashlib.sha256(b"").digest())
    assert text.startswith("Qm")
    assert len(text) == 46
    assert base58.decode(text)[:2] == b"\x12\x20"
