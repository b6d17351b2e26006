"""Base58btc: big-endian bytes as a number in base 58, each leading zero byte as a `1`.

Alphabet and rule as in draft-msporny-base58-03. Every value has one spelling. Reading, which
the keys and signatures of strangers pass first, lays all digits side by side into one large
integer and joins neighbours, all pairs in one stroke, so that each round leaves half as many
digits of the squared base:

    a b c d  ──►  a·58+b  c·58+d  ──►  (a·58+b)·58² + (c·58+d)

Writing takes eight digits at a time off the large number, and looks two up at once.
"""

from __future__ import annotations

from did_service.core.errors import LimitError, MalformedError, quote
from did_service.core.limits import MAX_BASE58_CHARACTERS

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_PAIRS = tuple(left + right for left in _ALPHABET for right in _ALPHABET)
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
    value = int.from_bytes(data)
    last_first: list[str] = []
    while value:
        value, eight = divmod(value, 58**8)
        left, right = divmod(eight, 58**4)
        for four in (right, left):
            last_first += (_PAIRS[four % 58**2], _PAIRS[four // 58**2])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return "1" * zeros + "".join(reversed(last_first)).lstrip("1")


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
