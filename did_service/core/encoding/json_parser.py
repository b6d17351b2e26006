"""Strict parsing of JSON text, behind the door `strict_json`.

There are two paths to one meaning. A text that equals the re-encoding of its own value can hold
no duplicate member and no second spelling of anything, so a fast parser may read it; every
other text, and every refusal, goes through the careful one. A property test holds both to each
other.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import Enum
from typing import NoReturn, TypeAlias, cast

import orjson

from did_service.core.errors import LimitError, MalformedError, UnsupportedError, quote
from did_service.core.limits import MAX_JSON_DEPTH, MAX_SAFE_INTEGER

JsonValue: TypeAlias = (
    "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"
)
JsonObject: TypeAlias = dict[str, JsonValue]

# Possessive, so that it is linear on any text.
_STRINGS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_BYTE_STRINGS = re.compile(_STRINGS.pattern.encode(), re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")
_SPACE = b" \t\n\r"
_INMOST = b"\n" + b"  " * MAX_JSON_DEPTH
_SAFE_CHARACTERS = len(str(-MAX_SAFE_INTEGER))  # of a whole number below 2^53
_MOST_DIGITS = 310  # of a double written out, with its sign


class Numbers(Enum):
    """Which numbers a format has.

    FINITE is for documents of other people: whatever JCS writes of a finite number (RFC 8785
    §3.2.2.3), and nothing that would be read as another number than it says.
    """

    INTEGERS = "integers"
    FINITE = "finite"


def parse(text: bytes, numbers: Numbers, max_values: int) -> JsonValue:
    """Parse one JSON text; errors as `strict_json.loads`, which has checked the size."""
    _check_values(text, max_values)
    try:
        value: JsonValue = orjson.loads(text)
        if _is_own_spelling(text, value) and (
            (numbers is Numbers.FINITE and _is_surely_shallow(text))
            or is_allowed(value, numbers)
        ):
            return value
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        pass  # the careful parser takes it, or says what is wrong
    return _parse_carefully(text, numbers)


def _check_values(text: bytes, most: int) -> None:
    """Count values before any is built: two bytes of text can cost two hundred of memory.

    Before each value but the first stands a comma, or the bracket of what it is in. Most texts
    have so few of these that nobody needs to ask which of them stand in strings.
    """
    if len(text) < most or separators(text) < most:
        return
    outside, at = 0, 0
    for string in _BYTE_STRINGS.finditer(text):
        outside += separators(text, at, string.start())
        at = string.end()
        if outside >= most:
            break
    if outside + separators(text, at) >= most:
        raise LimitError("too_large", f"JSON of more than {most} values")


def separators(text: bytes, start: int = 0, end: int | None = None) -> int:
    """Count what stands before values, and may stand in strings: at least all but one."""
    brackets = text.count(b"[", start, end) + text.count(b"{", start, end)
    return text.count(b",", start, end) + brackets


def _is_own_spelling(text: bytes, value: JsonValue) -> bool:
    """Compare with the way that it begins to be written; an unsafe integer has no way."""
    bare = text.strip(_SPACE)
    indent = orjson.OPT_INDENT_2 if _is_indented(bare) else 0
    return bare == orjson.dumps(value, option=orjson.OPT_STRICT_INTEGER | indent)


def _is_surely_shallow(text: bytes) -> bool:
    """Say whether a text in its own spelling is no deeper than is taken; else one must look.

    It has no more brackets than levels, or is indented, by two spaces a level, and never so far
    as a value is that stands in all of them.
    """
    if text.count(b"[") + text.count(b"{") <= MAX_JSON_DEPTH:
        return True
    return _is_indented(text.lstrip(_SPACE)) and _INMOST not in text


def _is_indented(bare: bytes) -> bool:
    return bare[1:2] == b"\n"


def is_allowed(value: JsonValue, numbers: Numbers, depth: int = MAX_JSON_DEPTH) -> bool:
    """Check for fractions, and that objects and arrays are at most `depth` deep."""
    if isinstance(value, dict):
        items: Iterable[JsonValue] = value.values()
    elif isinstance(value, list):
        items = value
    else:
        return numbers is Numbers.FINITE or not isinstance(value, float)
    for item in items:
        # Most are strings and whole numbers, and those need no look.
        kind = type(item)
        if kind is not str and kind is not int and not is_allowed(item, numbers, depth - 1):
            return False
    return depth > 0


def _parse_carefully(data: bytes, numbers: Numbers) -> JsonValue:
    text = _decode(data)
    _check_depth(text)
    try:
        value = cast(
            "JsonValue",
            json.loads(
                text,
                object_pairs_hook=_object,
                parse_float=_float if numbers is Numbers.FINITE else _refuse_number,
                parse_int=_whole if numbers is Numbers.FINITE else _integer,
                parse_constant=_refuse_number,
            ),
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise MalformedError("json_invalid", f"not JSON at {where}: {error.msg}") from error
    if "\\u" in text:
        _refuse_lone_surrogates(value)
    return value


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError("utf8_invalid", f"not UTF-8 at byte {error.start}") from error


def _check_depth(text: str) -> None:
    """Count brackets outside strings, so that hostile nesting never reaches the parser."""
    if text.count("[") + text.count("{") <= MAX_JSON_DEPTH:
        return
    depth = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub("", text)):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > MAX_JSON_DEPTH:
            raise LimitError("too_deep", f"JSON is nested more than {MAX_JSON_DEPTH} deep")


def _object(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    members = dict(pairs)
    if len(members) != len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise MalformedError("duplicate_member", f"member {quote(twice)} stands twice")
    return members


def _integer(text: str) -> int:
    if len(text) > _SAFE_CHARACTERS or abs(int(text)) > MAX_SAFE_INTEGER:
        raise MalformedError("number_refused", f"integer {quote(text)} is beyond 2^53")
    if text == "-0":
        raise MalformedError("number_refused", "minus zero has two spellings")
    return int(text)


def _whole(text: str) -> int | float:
    """Read a whole number; from 2^53 on as the double that it is for JCS, where it is one."""
    if len(text) <= _SAFE_CHARACTERS and text != "-0":
        number = int(text)
        if abs(number) <= MAX_SAFE_INTEGER:
            return number
    double = float(text) if len(text) <= _MOST_DIGITS else math.inf
    if text == "-0" or not math.isfinite(double) or not _says(text, double):
        raise UnsupportedError("number_refused", f"number {quote(text)} is no double")
    return double


def _says(text: str, double: float) -> bool:
    """Say whether digits are those of a double, or the shortest that lead to it."""
    written = Decimal(text)
    return written in (Decimal(double), Decimal(repr(double)))


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise UnsupportedError("number_refused", f"number {quote(text)} is not finite")
    return number


def _refuse_number(text: str) -> NoReturn:
    raise MalformedError("number_refused", f"number {quote(text)} is not an integer")


def _refuse_lone_surrogates(value: JsonValue) -> None:
    def check(text: str) -> None:
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise MalformedError("utf8_invalid", "a string has a lone surrogate") from error

    _walk(value, check)


def _walk(value: JsonValue, visit: Callable[[str], None]) -> None:
    if isinstance(value, str):
        visit(value)
    elif isinstance(value, Mapping):
        for name, member in value.items():
            visit(name)
            _walk(member, visit)
    elif isinstance(value, list):
        for item in value:
            _walk(item, visit)
