"""Keyrings for tests: cheap derivation, and randomness that counts."""

from collections.abc import Callable
from hashlib import shake_128
from itertools import count

from did_service.core.crypto.sealed import Argon2id


def CHEAP(salt: bytes) -> Argon2id:  # noqa: N802 - stands where `Argon2id.moderate` does
    """The least that libsodium takes."""
    return Argon2id(1, 8_192, salt)


def counting_rng(start: int = 0) -> Callable[[int], bytes]:
    """Bytes that differ in each call, and are the same in each run."""
    numbers = count(start * 1_000_000)
    return lambda size: shake_128(str(next(numbers)).encode()).digest(size)
