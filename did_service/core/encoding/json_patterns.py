"""Regular expressions in schemas: the part of ECMA-262 whose cost can be counted.

Taken are characters, classes, groups, alternatives, anchors and repetitions. Not taken is what
no finite automaton knows (looking around, referring back), and what engines read in several
ways (flags, named groups, word boundaries, operations on classes). An engine of linear time
runs a pattern in no more than its states times the characters of the text.
"""

from __future__ import annotations

import re

from did_service.core.errors import LimitError, UnsupportedError, quote
from did_service.core.limits import MAX_PATTERN_STATES

_ANY = 16  # states of a set of characters: UTF-8 has ranges of up to four bytes
_PROPERTY = 512  # a Unicode property has hundreds of ranges
_CHARACTER = 4  # the bytes of one character
_ESCAPE = (
    r"\\(?:[dDwWsSnrtfv]|[pP]\{[A-Za-z_=]{1,64}\}|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}"
    r"|[!-/:-@\[-`{-~])"
)
_ONE_BYTE = re.compile(r"\[(?!\^)(?:[ -\[\]-~]|\\[dw!-/:-@\[-`{-~])+\]|\\d|\\w")
_TOKEN = re.compile(
    rf"(?P<set>\[\^?+(?:(?!&&|~~|--)[^\[\]\\]|{_ESCAPE})+\]"
    r"|\\[dDwWsSpP](?:\{[A-Za-z_=]{1,64}\})?|\.)"
    rf"|(?P<open>\((?:\?:|(?!\?)))"
    rf"|(?P<close>\))"
    rf"|(?P<or>\|)"
    rf"|(?P<anchor>[\^$])"
    rf"|(?P<repeat>(?:[*+?]|\{{(?P<least>[0-9]{{1,4}})(?:,(?P<most>[0-9]{{0,4}}))?\}})\??)"
    rf"|(?P<character>{_ESCAPE}|[^\\\[\](){{}}*+?|^$.])",
    re.DOTALL,
)


def states(pattern: str) -> int:
    """Count the states of an automaton for a pattern, at most; repetitions are written out.

    Args:
        pattern: An ECMA-262 regular expression (JSON Schema 2020-12 core §6.4).

    Raises:
        UnsupportedError: `schema_unsupported`: outside the part that is taken.
        LimitError: `too_large` above `MAX_PATTERN_STATES`.
    """
    groups, atom, position = [0], 0, 0  # states of each open group; those of the last atom
    while position < len(pattern):
        token = _TOKEN.match(pattern, position)
        if token is None:
            raise UnsupportedError("schema_unsupported", f"not taken: {quote(pattern)}")
        position, before = token.end(), 0
        if token.lastgroup == "open":
            groups.append(0)
        if token.lastgroup == "close" and len(groups) > 1:
            atom = groups.pop() + 1
        elif token["repeat"] is None:
            atom = _atom(token)
        else:
            before, atom = atom, atom * _copies(token) + 1
        groups[-1] += atom - before
        if groups[-1] > MAX_PATTERN_STATES:
            raise LimitError("too_large", f"more than {MAX_PATTERN_STATES} states in a pattern")
    return sum(groups) + 1


def _copies(token: re.Match[str]) -> int:
    """Say how often a repetition writes its atom; `*`, `+` and `?` only lead back or on."""
    if token["least"] is None:
        return 1
    return max(int(token["least"]), int(token["most"] or 0)) + 1


def _atom(token: re.Match[str]) -> int:
    match token.lastgroup:
        case "set":
            text = token[0]
            if _ONE_BYTE.fullmatch(text):
                return _CHARACTER
            properties = text.count("\\p") + text.count("\\P")
            return _ANY + len(text) * _CHARACTER + properties * _PROPERTY
        case "character":
            return _CHARACTER
        case _:
            return 1
