"""JSON Canonicalization Scheme (RFC 8785).

Members sorted by UTF-16 code units (§3.2.3), strings with the shortest escapes (§3.2.2.2),
numbers as ECMAScript writes them (§3.2.2.3). Documents with ASCII member names and no
fractions, which is all of ours, take a fast path that writes the same bytes; a property test
holds both paths to each other.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from types import NoneType
from typing import assert_never

import orjson

from did_service.core.encoding.strict_json import JsonValue
from did_service.core.errors import MalformedError
from did_service.core.limits import MAX_SAFE_INTEGER

_PLAIN = frozenset({str, int, bool, NoneType})


def encode(value: JsonValue) -> bytes:
    """Canonicalize a JSON value.

    Raises:
        MalformedError: `number_refused` for NaN, infinities and integers of 2^53 and beyond,
            `utf8_invalid` for a lone surrogate.
    """
    plain = encode_plain(value)
    return _encode_generally(value) if plain is None else plain


def encode_to_keep(value: JsonValue) -> bytes:
    """Canonicalize a JSON value whose bytes stay in memory; errors as `encode`.

    orjson's own answer keeps the room that the worst case would take: 4 KB for an entry of 1.6.
    """
    return bytes(memoryview(encode(value)))


def encode_plain(value: JsonValue) -> bytes | None:
    """Canonicalize a value without fractions whose names are ASCII; None for every other."""
    if _is_plain(value):
        with suppress(orjson.JSONEncodeError):  # the general path says what is wrong
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER)
    return None


def _encode_generally(value: JsonValue) -> bytes:
    parts: list[str] = []
    _write(value, parts)
    try:
        return "".join(parts).encode("utf-8")
    except UnicodeEncodeError as error:
        raise MalformedError("utf8_invalid", "a string has a lone surrogate") from error


def _is_plain(value: JsonValue) -> bool:
    """Say whether sorted orjson output, where there is any, equals RFC 8785 for this value."""
    if isinstance(value, dict):
        if not "".join(value).isascii():  # UTF-8 and UTF-16 sort these names alike
            return False
        items: Iterable[JsonValue] = value.values()
    elif isinstance(value, list):
        items = value
    else:
        return type(value) in _PLAIN
    for item in items:
        # Most are strings and whole numbers, and those need no look.
        kind = type(item)
        if kind is not str and kind is not int and not _is_plain(item):
            return False
    return True


def _write(value: JsonValue, parts: list[str]) -> None:
    match value:
        case None | True | False:
            parts.append({None: "null", True: "true", False: "false"}[value])
        case str():
            parts.append(json.dumps(value, ensure_ascii=False))
        case int() | float():
            parts.append(number(value))
        case dict():
            _write_object(value, parts)
        case list():
            _write_array(value, parts)
        case _:
            assert_never(value)


def _write_object(members: Mapping[str, JsonValue], parts: list[str]) -> None:
    separator = "{"
    for name in sorted(members, key=_utf16):
        parts.append(separator)
        _write(name, parts)
        parts.append(":")
        _write(members[name], parts)
        separator = ","
    parts.append("}" if members else "{}")


def _write_array(items: Sequence[JsonValue], parts: list[str]) -> None:
    separator = "["
    for item in items:
        parts.append(separator)
        _write(item, parts)
        separator = ","
    parts.append("]" if items else "[]")


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")


def number(value: float) -> str:
    """Write a number as ECMAScript's Number::toString does (ECMA-262 §6.1.6.1.20).

    Raises:
        MalformedError: `number_refused` where no JSON number stands for the value.
    """
    if isinstance(value, int):
        if abs(value) > MAX_SAFE_INTEGER:
            raise MalformedError("number_refused", "an integer is beyond 2^53")
        return str(value)
    if not math.isfinite(value):
        raise MalformedError("number_refused", "a number is not finite")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    return sign + _positive(*_shortest_digits(abs(value)))


def _shortest_digits(value: float) -> tuple[str, int]:
    """Split into the shortest digits d and the exponent n with value = 0.d × 10^n."""
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, rest = mantissa.partition(".")
    written = whole + rest
    digits = written.lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(written) - len(digits))
    return digits.rstrip("0"), point


def _positive(digits: str, point: int) -> str:
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    mantissa = digits if count == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{mantissa}e{point - 1:+d}"
