"""Sealing: what was sealed opens again, and nothing beside it can be changed unseen."""

import hashlib
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.crypto.hashes import sha256
from did_service.core.crypto.sealed import Argon2id, seal, unseal
from did_service.core.encoding.strict_json import Fields
from did_service.core.errors import (
    DecryptionError,
    LimitError,
    MalformedError,
)
from did_service.core.limits import MAX_KDF_MEMORY_BYTES, MAX_KDF_PASSES

KEY, NONCE, SALT = bytes(range(32)), bytes(range(24)), bytes(range(16))
CHEAP = Argon2id(1, 8192, SALT)


@given(st.binary(), st.binary())
def test_what_was_sealed_opens_again(plain, associated):
    sealed = seal(plain, associated, NONCE, KEY)
    assert len(sealed) == len(plain) + 16
    assert unseal(sealed, associated, NONCE, KEY) == plain


def test_the_vector_of_the_xchacha_draft():
    # draft-irtf-cfrg-xchacha-03 appendix A.3.1
    plain = (
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for "
        b"the future, sunscreen would be it."
    )
    sealed = seal(
        plain,
        bytes.fromhex("50515253c0c1c2c3c4c5c6c7"),
        bytes(range(0x40, 0x58)),
        bytes(range(0x80, 0xA0)),
    )
    assert sealed[:16].hex() == "bd6d179d3e83d43b9576579493c0e939"
    assert sealed[-16:].hex() == "c0875924c1c7987947deafd8780acf49"


@pytest.mark.parametrize("changed", ["sealed", "associated", "nonce", "key"])
def test_any_change_is_refused(changed):
    arguments = {
        "sealed": seal(b"plain", b"beside", NONCE, KEY),
        "associated": b"beside",
        "nonce": NONCE,
        "key": KEY,
    }
    value = arguments[changed]
    arguments[changed] = value[:-1] + bytes([value[-1] ^ 1])
    with pytest.raises(DecryptionError) as caught:
        unseal(**arguments)
    assert caught.value.code == "unseal_failed"


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_any_bytes_are_refused(sealed, nonce):
    with pytest.raises(DecryptionError):
        unseal(sealed, b"", nonce, KEY)


def test_files_of_today_open_tomorrow():
    key = Argon2id(2, 262_144, b"saltsaltsaltsalt").derive("password")
    assert key.hex() == "77f80d9cd31f6a7ba66a8ee4afe947b98e864bd54b527f01e3dfcbc1703efd24"


@pytest.mark.parametrize(
    "other",
    [Argon2id(2, 8192, SALT), Argon2id(1, 16_384, SALT), Argon2id(1, 8192, bytes(16))],
)
def test_every_cost_and_the_salt_change_the_key(other):
    assert other.derive("口令") != CHEAP.derive("口令")
    assert CHEAP.derive("口令") == CHEAP.derive("口令")


def test_a_passphrase_with_stray_bytes_of_a_terminal_still_derives():
    assert CHEAP.derive("\udcff") != CHEAP.derive("\udcfe")


def test_new_files_cost_half_a_second():
    moderate = Argon2id.moderate(SALT)
    assert (moderate.passes, moderate.memory_bytes) == (3, 256 * 2**20)


def test_costs_are_read_back_as_written():
    assert Argon2id.from_fields(Fields(CHEAP.encode(), "kdf")) == CHEAP


@pytest.mark.parametrize(
    ("member", "value", "code"),
    [
        ("name", "scrypt", "member_invalid"),
        ("passes", 0, "member_invalid"),
        ("passes", MAX_KDF_PASSES + 1, "kdf_too_costly"),
        ("memory_bytes", 8191, "member_invalid"),
        ("memory_bytes", MAX_KDF_MEMORY_BYTES + 1, "kdf_too_costly"),
        ("salt", "AAAA", "length_wrong"),
        ("lanes", 4, "member_unknown"),
    ],
)
def test_absurd_costs_of_a_foreign_file_are_refused(member, value, code):
    with pytest.raises(MalformedError) as caught:
        Argon2id.from_fields(Fields({**CHEAP.encode(), member: value}, "kdf"))
    assert caught.value.code == code
    assert isinstance(caught.value, LimitError) is (code == "kdf_too_costly")


@pytest.mark.clock
def test_a_machine_without_the_memory_says_so():
    program = """
import resource
from did_service.core.crypto.sealed import Argon2id
from did_service.core.errors import UnavailableError

resource.setrlimit(resource.RLIMIT_AS, (2**28, 2**28))
try:
    Argon2id(1, 2**30, bytes(16)).derive("x")
except UnavailableError as error:
    print(error.code)
"""
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert child.stdout == b"memory_short\n", child.stderr


@given(st.binary())
def test_sha256_is_the_standard_one(data):
    assert sha256(data) == hashlib.sha256(data).digest()
