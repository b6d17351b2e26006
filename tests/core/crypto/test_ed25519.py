"""Ed25519 as libsodium accepts it: published vectors and the edges where libraries disagree."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.crypto import ed25519
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.errors import MalformedError, ProofError
from tests.support.optional import vectors

ED25519 = vectors("ed25519")
GROUPS = json.loads((ED25519 / "wycheproof.json").read_text())["testGroups"]
WYCHEPROOF = [
    pytest.param(group["publicKey"]["pk"], test, id=f"{test['tcId']}-{test['comment']}")
    for group in GROUPS
    for test in group["tests"]
]
CCTV = json.loads((ED25519 / "cctv.json").read_text())

# What libsodium refuses among the edge cases: it does not clear the cofactor and takes neither
# small-order points nor non-canonical encodings of A or R.
REFUSED_BY_LIBSODIUM = {
    "low_order_R",
    "low_order_A",
    "low_order_residue",
    "non_canonical_A",
    "non_canonical_R",
    "reencoded_k",
}

# RFC 8032 §7.1, tests 1 to 3.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
]


def accepted(public, message, signature):
    try:
        ed25519.verify(public, message, signature)
    except ProofError as error:
        assert error.code == "signature_invalid"  # noqa: PT017 - the code is the point
        return False
    return True


def test_the_vectors_are_there():
    assert len(WYCHEPROOF) == 151
    assert len(CCTV) == 914


@pytest.mark.parametrize(("seed", "public", "message", "signature"), RFC_8032)
def test_keys_and_signatures_of_rfc_8032(seed, public, message, signature):
    key = SigningKey(bytes.fromhex(seed))
    assert key.public.hex() == public
    assert key.sign(bytes.fromhex(message)).hex() == signature


@pytest.mark.parametrize(("public", "test"), WYCHEPROOF)
def test_wycheproof(public, test):
    message, signature = bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"])
    assert accepted(bytes.fromhex(public), message, signature) is (test["result"] == "valid")


def test_edge_cases_are_judged_as_libsodium_does():
    for case in CCTV:
        public, signature = bytes.fromhex(case["key"]), bytes.fromhex(case["sig"])
        expected = not REFUSED_BY_LIBSODIUM & set(case["flags"] or [])
        assert accepted(public, case["msg"].encode(), signature) is expected, case["number"]


@given(st.binary(min_size=32, max_size=32), st.binary())
def test_what_a_key_signs_it_verifies_and_nothing_else(seed, message):
    key = SigningKey(seed)
    signature = key.sign(message)
    assert accepted(key.public, message, signature)
    assert not accepted(key.public, message + b"\x00", signature)
    assert not accepted(SigningKey(bytes(32)).public, message + b"\x01", signature)


@given(st.binary(max_size=40), st.binary(max_size=80))
def test_any_bytes_verify_or_are_refused(public, signature):
    with suppress(ProofError):
        ed25519.verify(public, b"message", signature)


@pytest.mark.parametrize("place", range(64))
def test_each_byte_of_a_signature_counts(place):
    key = SigningKey(bytes(32))
    signature = bytearray(key.sign(b"message"))
    signature[place] ^= 1
    assert not accepted(key.public, b"message", bytes(signature))


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_seed_of_another_length_is_refused(size):
    with pytest.raises(MalformedError) as caught:
        SigningKey(bytes(size))
    assert caught.value.code == "length_wrong"


def test_a_key_never_shows_its_seed():
    seed = bytes(range(32))
    key = SigningKey(seed)
    assert seed.hex() not in repr(key) + str(key)
    assert key.public.hex() in repr(key)
