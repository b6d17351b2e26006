"""Each value has one spelling in base64 and base64url."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.encoding import b64
from did_service.core.errors import MalformedError

any_text = st.text(st.characters(categories=None)) | st.text("AQgw-_+/= \n")


@given(st.binary())
def test_decoding_turns_encoding_round(data):
    assert b64.decode_url(b64.encode_url(data)) == data
    assert b64.decode_std(b64.encode_std(data)) == data


@pytest.mark.parametrize(
    ("decode", "encode"), [(b64.decode_url, b64.encode_url), (b64.decode_std, b64.encode_std)]
)
@given(text=any_text)
def test_any_text_is_the_one_spelling_or_refused(decode, encode, text):
    with suppress(MalformedError):
        assert encode(decode(text)) == text


@pytest.mark.parametrize("text", ["AA==", "AB", "A", "AA\n", " AA", "+A", "A A", "AAA=", "é"])
def test_other_spellings_of_base64url_are_refused(text):
    with pytest.raises(MalformedError) as caught:
        b64.decode_url(text)
    assert caught.value.code == "base64_invalid"


@pytest.mark.parametrize("text", ["AA", "AB==", "AA=", "AA==\n", "-A==", "AA===", "AAAA===="])
def test_other_spellings_of_base64_are_refused(text):
    with pytest.raises(MalformedError) as caught:
        b64.decode_std(text)
    assert caught.value.code == "base64_invalid"


@pytest.mark.parametrize("decode", [b64.decode_url, b64.decode_std])
def test_the_length_is_checked_where_the_format_fixes_it(decode):
    assert decode("AAAA", size=3) == bytes(3)
    with pytest.raises(MalformedError) as caught:
        decode("AAAA", size=4)
    assert caught.value.code == "length_wrong"
