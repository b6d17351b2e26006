"""Base58btc: published values, one spelling each, and the same answers as foreign code."""

import re

import base58 as foreign
import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.encoding import base58
from did_service.core.errors import MalformedError
from did_service.core.limits import MAX_BASE58_CHARACTERS

ALPHABET = foreign.BITCOIN_ALPHABET.decode()
anything = st.text(st.characters(categories=None), max_size=40)


# draft-msporny-base58-03 §5
@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"Hello World!", "2NEpo7TZRRrLZSi2U"),
        (
            b"The quick brown fox jumps over the lazy dog.",
            "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z",
        ),
        (bytes.fromhex("0000287fb4cd"), "11233QC4"),
        (b"", ""),
    ],
)
def test_published_values(data, text):
    assert base58.encode(data) == text
    assert base58.decode(text) == data


@given(st.integers(0, 4).map(bytes), st.binary(max_size=360))
def test_bytes_are_written_and_read_as_foreign_code_does(zeros, rest):
    data = zeros + rest
    text = base58.encode(data)
    assert text == foreign.b58encode(data).decode()
    assert base58.decode(text) == data


@given(st.text(ALPHABET, max_size=MAX_BASE58_CHARACTERS))
def test_any_digits_are_read_as_foreign_code_does(text):
    assert base58.decode(text) == foreign.b58decode(text)
    assert base58.encode(base58.decode(text)) == text


@given(anything | st.text(ALPHABET + "0OIl \n"))
def test_whatever_is_not_all_digits_is_refused(text):
    if re.fullmatch(f"[{ALPHABET}]*", text):
        base58.decode(text)
        return
    with pytest.raises(MalformedError) as caught:
        base58.decode(text)
    assert caught.value.code == "base58_invalid"


def test_length_is_bounded():
    assert base58.decode("z" * MAX_BASE58_CHARACTERS)[0] > 0
    with pytest.raises(MalformedError) as caught:
        base58.decode("1" * (MAX_BASE58_CHARACTERS + 1))
    assert caught.value.code == "too_large"
