"""Where each key of a TOML text stands: tomllib says what a file holds, and not where.

One pass over tokens (TOML 1.0): comments, strings, brackets and ends of lines are enough to
know which `=` follows a key and which bracket opens a table. Values are passed over, and what
stands in an inline table has the place of its key. Only texts that tomllib has taken are read.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

KeyPath = tuple[str, ...]  # tables and key, such as ("peers", "hn.example", "ca")

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|' + r"'''.*?'{3,5}|"
    r'"(?:\\.|[^"\\\n])*"|'
    r"'[^'\n]*'|#[^\n]*|\n|[ \t\r]+|[A-Za-z0-9_-]+|.",
    re.DOTALL,
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")


class Position(NamedTuple):
    """Line and column, both from 1."""

    line: int
    column: int


class _TomlToken(NamedTuple):
    text: str
    at: Position


def positions(text: str) -> Mapping[KeyPath, Position]:
    """Return where each table and each key of a valid TOML text stands first."""
    found: dict[KeyPath, Position] = {}
    table: KeyPath = ()
    for line in _statements(text):
        first = line[0]
        if first.text == "[":
            names = [token for token in line if token.text not in {"[", "]"}]
            table = tuple(map(_name, (n for n in names if n.text != ".")))
            for length in range(1, len(table) + 1):
                found.setdefault(table[:length], first.at)
            continue
        key: list[str] = []
        for token in line:
            if token.text == "=":
                break
            if token.text != ".":
                key.append(_name(token))
            found.setdefault((*table, *key), first.at)
    return found


def _statements(text: str) -> Iterator[list[_TomlToken]]:
    """Yield the tokens of each header, and of each key with its value, spaces aside."""
    held: list[_TomlToken] = []
    depth = 0
    for token in _tokens(text):
        if token.text == "\n":
            if held and depth == 0:
                yield held
                held = []
            continue
        if token.text.isspace() or token.text.startswith("#"):
            continue
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token.text, 0)
        held.append(token)
    if held:
        yield held


def _tokens(text: str) -> Iterator[_TomlToken]:
    line, start = 1, 0
    for match in _TOKEN.finditer(text):
        yield _TomlToken(match[0], Position(line, match.start() - start + 1))
        breaks = match[0].count("\n")
        if breaks:
            line += breaks
            start = match.start() + match[0].rindex("\n") + 1


def _name(token: _TomlToken) -> str:
    """Return the name that a part of a key spells."""
    if _BARE.fullmatch(token.text) or token.text[0] == "'":
        return token.text.strip("'")
    return _ESCAPED.sub(_unescaped, token.text[1:-1])


_ESCAPED = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_SHORT = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r"}


def _unescaped(match: re.Match[str]) -> str:
    number = match[1] or match[2]
    return chr(int(number, 16)) if number else _SHORT.get(match[3], match[3])
