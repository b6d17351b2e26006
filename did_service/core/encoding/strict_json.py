"""The one door for JSON.

RFC 8259 as profiled by RFC 7493 (I-JSON), and stricter: UTF-8 without a byte order mark, no
duplicate members, no lone surrogates, no NaN or Infinity, integers below 2^53; bounded size,
depth and number of values. Numbers with a fraction or exponent are refused unless the caller's
format has them (credentials and DID documents of other people do; nothing of ours does).

`Fields` reads closed objects member by member, so that an unknown member is refused and every
error says where it stands.
"""

from __future__ import annotations

import json
from typing import NoReturn

from did_service.core.encoding import b64
from did_service.core.encoding.json_parser import (
    JsonObject,
    JsonValue,
    Numbers,
    is_allowed,
    parse,
)
from did_service.core.errors import LimitError, MalformedError, quote
from did_service.core.limits import MAX_JSON_BYTES, MAX_JSON_VALUES, MAX_SAFE_INTEGER
from did_service.core.text import rewritten

__all__ = [
    "Fields",
    "JsonObject",
    "JsonValue",
    "Numbers",
    "as_array",
    "as_integer",
    "as_object",
    "as_text",
    "dumps",
    "dumps_printable",
    "load_object",
    "loads",
]


def loads(
    data: bytes | str,
    *,
    max_bytes: int = MAX_JSON_BYTES,
    max_values: int = MAX_JSON_VALUES,
    numbers: Numbers = Numbers.INTEGERS,
) -> JsonValue:
    """Parse one JSON text strictly.

    Args:
        data: UTF-8 bytes, or text that was already decoded strictly.
        max_bytes: Refused before parsing when longer.
        max_values: Refused before parsing when it has more values, names of members aside.
        numbers: Whether numbers with a fraction or exponent are accepted.

    Raises:
        LimitError: `too_large` or `too_deep`.
        MalformedError: `json_invalid`, `duplicate_member`, `number_refused`, `utf8_invalid`.
        UnsupportedError: `number_refused` for a number that is no double, where fractions are
            accepted.
    """
    return parse(_encoded(data, max_bytes), numbers, max_values)


def load_object(
    data: bytes | str,
    *,
    max_bytes: int = MAX_JSON_BYTES,
    max_values: int = MAX_JSON_VALUES,
    numbers: Numbers = Numbers.INTEGERS,
) -> JsonObject:
    """Parse one JSON object strictly; arguments and errors as `loads`."""
    value = loads(data, max_bytes=max_bytes, max_values=max_values, numbers=numbers)
    return as_object(value, "document")


def has_integers_alone(value: JsonValue) -> bool:
    """Say whether a value that was parsed would be read alike where fractions are refused."""
    return is_allowed(value, Numbers.INTEGERS)


def as_object(value: JsonValue, where: str) -> JsonObject:
    """Take a value as an object, or raise `MalformedError` naming `where`."""
    if not isinstance(value, dict):
        _wrong_type(where, "an object")
    return value


def as_array(value: JsonValue, where: str) -> list[JsonValue]:
    """Take a value as an array, or raise `MalformedError` naming `where`."""
    if not isinstance(value, list):
        _wrong_type(where, "an array")
    return value


def as_text(value: JsonValue, where: str) -> str:
    """Take a value as a string, or raise `MalformedError` naming `where`."""
    if not isinstance(value, str):
        _wrong_type(where, "a string")
    return value


def as_integer(value: JsonValue, where: str) -> int:
    """Take a value as an integer, or raise `MalformedError` naming `where`."""
    if not isinstance(value, int) or isinstance(value, bool):
        _wrong_type(where, "an integer")
    return value


class Fields:
    """A closed object, read member by member.

    Every method raises `MalformedError` with code `member_missing` or `member_invalid` and the
    path of the member; `close` raises `member_unknown` for whatever nobody asked for.
    """

    __slots__ = ("_members", "_read", "where")

    def __init__(self, value: JsonValue, where: str) -> None:
        """Take `value`, which must be an object; `where` is its path in messages."""
        self._members = as_object(value, where)
        self._read: set[str] = set()
        self.where = where

    def has(self, name: str) -> bool:
        """Say whether the member is there, whatever its value."""
        return name in self._members

    def names(self) -> tuple[str, ...]:
        """Return the names of all members, for objects whose names are data."""
        return tuple(self._members)

    def whole(self) -> JsonObject:
        """Return the object itself; its members still have to be read."""
        return self._members

    def value(self, name: str) -> JsonValue:
        """Return a member as it is."""
        self._read.add(name)
        try:
            return self._members[name]
        except KeyError:
            missing = MalformedError("member_missing", f"{self.path(name)} is missing")
            raise missing from None

    def text(self, name: str, *, max_chars: int = 4_096) -> str:
        """Return a string member of 1 to `max_chars` characters."""
        text = self._text(name)
        if not 1 <= len(text) <= max_chars:
            self._invalid(name, f"must have 1 to {max_chars} characters")
        return text

    def constant(self, name: str, expected: str | int) -> None:
        """Demand that a member has this value."""
        found = self.value(name)
        if type(found) is not type(expected) or found != expected:
            self._invalid(name, f"must be {quote(expected)}, not {quote(found)}")

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        """Return a string member that is one of `allowed`."""
        text = self._text(name)
        if text not in allowed:
            self._invalid(name, f"must be one of {', '.join(allowed)}, not {quote(text)}")
        return text

    def integer(self, name: str, *, least: int = 0, most: int = MAX_SAFE_INTEGER) -> int:
        """Return an integer member between `least` and `most`, both included."""
        number = self.value(name)
        if not isinstance(number, int) or isinstance(number, bool):
            _wrong_type(self.path(name), "an integer")
        if not least <= number <= most:
            self._invalid(name, f"must be between {least} and {most}")
        return number

    def data(self, name: str, *, size: int | None = None) -> bytes:
        """Return a base64url member, of exactly `size` bytes when given."""
        text = self._text(name)
        try:
            return b64.decode_url(text, size=size)
        except MalformedError as error:
            raise MalformedError(error.code, f"{self.path(name)}: {error.message}") from error

    def object(self, name: str) -> JsonObject:
        """Return an object member."""
        value = self.value(name)
        if not isinstance(value, dict):
            _wrong_type(self.path(name), "an object")
        return value

    def fields(self, name: str) -> Fields:
        """Return an object member to be read the same way."""
        return Fields(self.value(name), self.path(name))

    def array(self, name: str, *, most: int = 4_096) -> list[JsonValue]:
        """Return an array member of at most `most` items."""
        items = self.value(name)
        if not isinstance(items, list):
            _wrong_type(self.path(name), "an array")
        if len(items) > most:
            raise LimitError("too_large", f"{self.path(name)} has more than {most} items")
        return items

    def texts(self, name: str, *, most: int = 4_096) -> tuple[str, ...]:
        """Return an array member of at most `most` strings."""
        where = self.path(name)
        return tuple([as_text(item, where) for item in self.array(name, most=most)])

    def path(self, name: str) -> str:
        """Return the path of a member, for messages."""
        return f"{self.where}.{name}"

    def close(self) -> None:
        """Refuse members that nobody asked for."""
        if not self._members.keys() <= self._read:
            unknown = min(self._members.keys() - self._read)
            raise MalformedError("member_unknown", f"{self.where} has {quote(unknown)}")

    def _text(self, name: str) -> str:
        """Return a string member; its path is made where it is told alone, as most are fine."""
        text = self.value(name)
        if not isinstance(text, str):
            _wrong_type(self.path(name), "a string")
        return text

    def _invalid(self, name: str, why: str) -> NoReturn:
        raise MalformedError("member_invalid", f"{self.path(name)} {why}")


def dumps(value: JsonValue) -> str:
    """Write JSON for files and people: two spaces, UTF-8 text, members as they stand."""
    return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)


def dumps_printable(value: JsonValue) -> str:
    """Write JSON for a screen or a file that may be shown on one.

    What does not show (`core.text`) is escaped within its string: no value changes.
    """
    return "\n".join(rewritten(line, _escape) for line in dumps(value).split("\n"))


def _escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _encoded(data: bytes | str, max_bytes: int) -> bytes:
    if len(data) > max_bytes:
        raise LimitError("too_large", f"{len(data)} bytes where at most {max_bytes} are taken")
    if isinstance(data, bytes):
        return data
    try:
        return data.encode("utf-8")
    except UnicodeEncodeError as error:
        raise MalformedError("utf8_invalid", "a lone surrogate in the text") from error


def _wrong_type(where: str, wanted: str) -> NoReturn:
    raise MalformedError("member_invalid", f"{where} must be {wanted}")
