"""Base58btc: big-endian bytes as a number in base 58, each leading zero byte as a `1`.

Alphabet and rule as in draft-msporny-base58-03. Every value has one spelling. Reading lays all
digits side by side into one large integer and joins neighbours, all pairs in one stroke, so
that each round leaves half as many digits of the squared base:

    a b c d  ──►  a·58+b  c·58+d  ──►  (a·58+b)·58² + (c·58+d)

Writing takes eight digits at a time off the large integer, and two at a time off these eight.
"""

from __future__ import annotations

from functools import cache

from did_service.core.errors import LimitError, MalformedError, quote
from did_service.core.limits import MAX_BASE58_CHARACTERS

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_TWO_DIGITS, _FOUR_DIGITS, _EIGHT_DIGITS = 58**2, 58**4, 58**8
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
    pairs, value, written = _pairs(), int.from_bytes(data), ""
    while value:
        value, eight = divmod(value, _EIGHT_DIGITS)
        left, right = divmod(eight, _FOUR_DIGITS)
        first, second = pairs[left // _TWO_DIGITS], pairs[left % _TWO_DIGITS]
        third, fourth = pairs[right // _TWO_DIGITS], pairs[right % _TWO_DIGITS]
        written = first + second + third + fourth + written
    zeros = len(data) - len(data.lstrip(b"\0"))
    return _ALPHABET[0] * zeros + written.lstrip(_ALPHABET[0])


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


@cache
def _pairs() -> tuple[str, ...]:
    """Return what stands for each value of two digits; made when something is first written."""
    return tuple(first + second for first in _ALPHABET for second in _ALPHABET)
