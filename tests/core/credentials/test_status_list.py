"""Bitstring status lists: bit order, encoding, purposes, and bombs."""

import gzip
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.credentials import bitstring_status_list as status
from did_service.core.credentials import vocabulary
from did_service.core.credentials.bitstring_status_list import (
    BitstringStatusList,
    CredentialStatus,
    ListDescription,
    Purpose,
    StatusEntry,
)
from did_service.core.credentials.model import parse_credential
from did_service.core.encoding import b64
from did_service.core.errors import DidServiceError
from did_service.core.limits import MAX_STATUS_LIST_BYTES, STATUS_LIST_BITS

URL = "https://gd.example/status/1"
ENTRY = StatusEntry(Purpose.REVOCATION, 94_567, URL)
DESCRIPTION = ListDescription(
    url=URL,
    issuer="did:example:issuer",
    purpose=Purpose.REVOCATION,
    valid_from=datetime(2026, 11, 21, tzinfo=UTC),
    valid_until=datetime(2026, 11, 28, tzinfo=UTC),
    ttl_seconds=3_600,
)


def list_with(*indices, **changes):
    bits = BitstringStatusList.empty()
    for index in indices:
        bits.set(index)
    document = status.status_list_credential(DESCRIPTION, bits)
    document["credentialSubject"] |= changes
    return parse_credential(document)


def encoded(data):
    return "u" + b64.encode_url(data)


@given(st.sets(st.integers(0, STATUS_LIST_BITS - 1), max_size=20))
def test_set_bits_are_read_back_and_no_others(indices):
    bits = BitstringStatusList.empty()
    for index in indices:
        bits.set(index)
    read = BitstringStatusList.decode(bits.encode())
    near = {(index + step) % len(read) for index in indices for step in (-1, 0, 1)}
    assert {index for index in near if read[index]} == indices
    assert len(read) == STATUS_LIST_BITS


def test_first_index_is_the_most_significant_bit():
    bits = BitstringStatusList.empty()
    bits.set(0)
    bits.set(9)
    assert gzip.decompress(b64.decode_url(bits.encode()[1:]))[:2] == b"\x80\x40"


def test_cleared_bit_is_clear_again():
    bits = BitstringStatusList.empty()
    bits.set(5)
    bits.clear(5)
    assert bits[5] == 0
    assert bits.encode() == BitstringStatusList.empty().encode()


def test_list_of_the_specification_is_read():
    published = "uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA"
    bits = BitstringStatusList.decode(published)
    assert len(bits) == STATUS_LIST_BITS
    assert not any(bits[index] for index in range(0, STATUS_LIST_BITS, 97))


@pytest.mark.parametrize("index", [-1, STATUS_LIST_BITS])
def test_index_outside_the_list_is_refused(index):
    bits = BitstringStatusList.empty()
    for use in (bits.__getitem__, bits.set, bits.clear):
        with pytest.raises(DidServiceError) as refused:
            use(index)
        assert refused.value.code == "index_out_of_range"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("zabc", "status_list_encoding"),
        ("z" + BitstringStatusList.empty().encode()[1:], "status_list_encoding"),
        ("u***", "base64_invalid"),
        (encoded(b"no gzip"), "status_list_encoding"),
        (encoded(gzip.compress(bytes(16_384), mtime=0)[:-9]), "status_list_encoding"),
        (encoded(gzip.compress(bytes(16_384), mtime=0) + b"x"), "status_list_encoding"),
        (encoded(zlib.compress(bytes(16_384))), "status_list_encoding"),
        (encoded(gzip.compress(bytes(16_383), mtime=0)), "status_list_short"),
        (encoded(gzip.compress(bytes(MAX_STATUS_LIST_BYTES + 1), mtime=0)), "too_large"),
    ],
)
def test_broken_list_is_refused(text, code):
    with pytest.raises(DidServiceError) as refused:
        BitstringStatusList.decode(text)
    assert refused.value.code == code


def test_a_list_may_have_all_the_bytes_there_are():
    assert len(BitstringStatusList(bytes(MAX_STATUS_LIST_BYTES))) == MAX_STATUS_LIST_BYTES * 8


def test_sizes_that_are_no_list_are_refused():
    for make in (
        lambda: BitstringStatusList.empty(STATUS_LIST_BITS + 1),
        lambda: BitstringStatusList.empty(8),
        lambda: BitstringStatusList(bytes(MAX_STATUS_LIST_BYTES + 1)),
    ):
        with pytest.raises(DidServiceError):
            make()


@given(st.binary(max_size=300))
def test_any_bytes_are_a_list_or_refused(data):
    with pytest.raises(DidServiceError):
        BitstringStatusList.decode(encoded(data))


@pytest.mark.parametrize(
    ("purpose", "found"),
    [
        (Purpose.REVOCATION, CredentialStatus.REVOKED),
        (Purpose.SUSPENSION, CredentialStatus.SUSPENDED),
    ],
)
def test_set_bit_means_what_the_purpose_says(purpose, found):
    entry = StatusEntry(purpose, 7, URL)
    set_list = list_with(7, statusPurpose=["refresh", purpose.value])
    assert status.check_status(entry, set_list) is found
    assert status.check_status(StatusEntry(purpose, 8, URL), set_list) is CredentialStatus.CLEAR


@pytest.mark.parametrize(
    "change",
    [
        {"statusPurpose": "suspension"},
        {"statusPurpose": "no revocation"},
        {"type": "TokenStatusList"},
    ],
)
def test_other_kind_of_list_is_refused(change):
    with pytest.raises(DidServiceError) as refused:
        status.check_status(ENTRY, list_with(**change))
    assert refused.value.code == "status_list_mismatch"


def test_a_credential_that_is_no_list_credential_is_refused():
    other = {**list_with().raw, "type": ["VerifiableCredential"]}
    with pytest.raises(DidServiceError) as refused:
        status.check_status(ENTRY, parse_credential(other))
    assert refused.value.code == "status_list_mismatch"


def test_list_of_another_url_is_refused():
    with pytest.raises(DidServiceError) as refused:
        status.check_status(StatusEntry(Purpose.REVOCATION, 1, f"{URL}0"), list_with())
    assert refused.value.code == "status_list_mismatch"


def test_list_has_one_subject():
    document = list_with().raw
    both = {**document, "credentialSubject": [document["credentialSubject"]] * 2}
    with pytest.raises(DidServiceError) as refused:
        status.check_status(ENTRY, parse_credential(both))
    assert refused.value.code == "status_list_mismatch"


def test_index_beyond_the_list_is_refused():
    with pytest.raises(DidServiceError) as refused:
        status.check_status(StatusEntry(Purpose.REVOCATION, STATUS_LIST_BITS, URL), list_with())
    assert refused.value.code == "index_out_of_range"


def test_list_credential_is_a_credential_whose_terms_are_all_defined():
    credential = list_with(1)
    vocabulary.check_terms(credential.raw)
    assert credential.subjects[0]["ttl"] == 3_600_000


def test_entry_is_read_as_it_was_written():
    assert status.parse_status_entry(ENTRY.encode()) == ENTRY
    assert "statusSize" not in ENTRY.encode()


def test_single_bits_may_be_said_to_be_such_and_what_they_mean():
    messages = [{"status": "0x0", "message": "valid"}, {"status": "0x1", "message": "revoked"}]
    said = {**ENTRY.encode(), "statusSize": 1, "statusMessage": messages}
    assert status.parse_status_entry(said) == ENTRY


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"type": "StatusList2021Entry"}, "status_type_unknown"),
        ({"statusPurpose": "message"}, "status_purpose_unknown"),
        ({"statusPurpose": None}, None),
        ({"statusListIndex": 5}, None),
        ({"statusListIndex": "05"}, "status_entry_invalid"),
        ({"statusListIndex": "5\n"}, "status_entry_invalid"),
        ({"statusListIndex": "-1"}, "status_entry_invalid"),
        ({"statusListIndex": "٣"}, "status_entry_invalid"),
        ({"statusListCredential": "http://gd.example/1"}, "status_list_unsupported"),
        ({"statusListCredential": "did:web:gd.example/1"}, "status_list_unsupported"),
        ({"statusListCredential": "gd.example"}, "member_invalid"),
        ({"id": URL}, "status_entry_invalid"),
        ({"statusSize": 2}, "status_type_unknown"),
        ({"statusSize": 0}, "status_entry_invalid"),
        ({"statusSize": "1"}, "member_invalid"),
        ({"statusSize": True}, "member_invalid"),
    ],
)
def test_entry_is_refused(change, code):
    with pytest.raises(DidServiceError) as refused:
        status.parse_status_entry({**ENTRY.encode(), **change})
    assert code is None or refused.value.code == code
