"""Multikeys: one line of text for each Ed25519 public key, and nothing else."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.crypto import multikey
from did_service.core.encoding.multiformats import multibase_encode
from did_service.core.errors import MalformedError, UnsupportedError

P256 = b"\x80\x24"  # varint of 0x1200, p256-pub of the multicodec table


@given(st.binary(min_size=32, max_size=32))
def test_reading_turns_writing_round(public):
    text = multikey.encode_ed25519(public)
    assert text.startswith("z6Mk")
    assert multikey.decode_ed25519(text) == public


def test_the_key_of_the_w3c_vectors():
    text = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"  # vc-di-eddsa, keyPair.json
    assert multikey.encode_ed25519(multikey.decode_ed25519(text)) == text


@pytest.mark.parametrize(
    ("text", "error", "code"),
    [
        ("", UnsupportedError, "multibase_unknown"),
        ("u7QEA", UnsupportedError, "multibase_unknown"),
        ("z", UnsupportedError, "key_type_unknown"),
        (multibase_encode(P256 + bytes(33)), UnsupportedError, "key_type_unknown"),
        (multibase_encode(b"\xed\x01" + bytes(31)), MalformedError, "length_wrong"),
        (multibase_encode(b"\xed\x01" + bytes(33)), MalformedError, "length_wrong"),
        ("z6Mk0", MalformedError, "base58_invalid"),
    ],
)
def test_other_keys_are_refused_by_name(text, error, code):
    with pytest.raises(error) as caught:
        multikey.decode_ed25519(text)
    assert caught.value.code == code


@given(st.text(st.characters(categories=None)).map("z6Mk".__add__) | st.text())
def test_any_text_is_a_key_or_refused(text):
    with suppress(MalformedError):
        assert multikey.encode_ed25519(multikey.decode_ed25519(text)) == text
