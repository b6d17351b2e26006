r"""Foreign text on screens, in log lines and messages: the one place that decides its looks.

    quote(foreign)       "王小明"   "\u{202e}gpj.exe"   "xxxxxxxx"…
    printable(sentence)  a sentence of ours that holds such text, as a last net
    width(text)          how many columns it takes on a screen

What others wrote has a place of its own: between marks that it cannot close (`"` and the
backslash are escaped within), at most 80 columns wide, never at the start of a line (whoever
prints it begins the line). Within, a character stands as itself only if a reader sees it: what
steers a terminal or the reading order, ends a line, takes no room, looks like a blank or piles
up on its neighbour is written `\u{HEX}`, which no other spelling can be taken for. Escapes of
fewer digits would be ambiguous: U+2EBF0 is no U+2EBF followed by a zero.

Han ideographs of current Unicode are seen as they are, also where the interpreter's tables are
older than they (GB 18030-2022 makes public services show them).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple
from unicodedata import category, combining, east_asian_width

from did_service.core.limits import MAX_QUOTED_COLUMNS, MAX_SENTENCE_COLUMNS

MASK_SHOWN, MASK_STARS = 4, 10  # characters of a masked number
_WORDS = r"[^\W\d_]+(?:[ ·.'’-][^\W\d_]+)*"
_NAME = re.compile(rf"{_WORDS}(?: ?[（(]{_WORDS}[）)])?")
MAX_MARKS_STACKED = 4  # as Tibetan and pointed Hebrew need; more cover the lines around
_IDEOGRAPHIC_SPACE = "\u3000"  # the space of Chinese text: two columns, and looks like a space
_OVERLAY = 1  # the combining class of strokes through their base (UAX #44 §5.7.4)

# CJK Unified Ideographs, their extensions A to J and compatibility ideographs: Unicode 17.0,
# Blocks.txt and UnicodeData.txt. Interpreters know them up to their own version of Unicode.
HAN = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B81D),
    (0x2B820, 0x2CEAD),
    (0x2CEB0, 0x2EBE0),
    (0x2EBF0, 0x2EE5D),
    (0x2F800, 0x2FA1D),
    (0x30000, 0x3134A),
    (0x31350, 0x33479),
)

# Default_Ignorable_Code_Point of DerivedCoreProperties.txt (Unicode 17.0).
IGNORABLE = (
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)

# Ignorable, and yet a part of how words are written: joiners and variation selectors.
_SPELLING = ((0x200C, 0x200D), (0x180B, 0x180D), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))

# Letters and symbols by their category, drawn as nothing: the braille blank, the object
# replacement character, fillers of Khitan and Egyptian script, the musical null notehead.
BLANK = frozenset("\u2800\ufffc\U00016fe4\U00013441\U00013442\U0001d159")

_QUOTING: Mapping[str, str] = {'"': '\\"', "\\": "\\\\"}


class Bilingual(NamedTuple):
    """One sentence in both languages of our users."""

    zh: str
    en: str


def quote(foreign: object, columns: int = MAX_QUOTED_COLUMNS) -> str:
    """Set foreign text apart: marked, escaped, and cut.

    Args:
        foreign: Whatever others wrote; its `str`.
        columns: How wide it may be between its marks.
    """
    text = str(foreign)
    start = text[: columns + 1]
    if _is_plain(start) and '"' not in start and "\\" not in start:  # most names are
        whole, shown = len(start) <= columns, start[:columns]
    else:
        whole, shown = _cut(_spelled(text, escaped, _QUOTING), columns)
    return f'"{shown}"' if whole else f'"{shown}"…'


def printable(sentence: str) -> str:
    """Write out what does not show in a sentence of ours, and cut it at six rows of a screen.

    What it quotes stays as it is.
    """
    whole, shown = _cut(_spelled(sentence, escaped, {}), MAX_SENTENCE_COLUMNS)
    return shown if whole else f"{shown}…"


def masked(number: str) -> str:
    """Return a number as it may be shown and kept: its first and last four, at most ten `*`.

    A shorter one shows a quarter at each end, so that half of it stays hidden.
    """
    whole = len(number)
    shown = MASK_SHOWN if whole >= 3 * MASK_SHOWN else whole // 4
    hidden = "*" * min(whole - 2 * shown, MASK_STARS)
    return f"{number[:shown]}{hidden}{number[whole - shown :]}"


def named(foreign: str, columns: int = MAX_QUOTED_COLUMNS) -> str:
    """Return a name for a line of its own: plain where it is letters alone, else quoted.

    Letters with single marks and spaces between them, and one bracket behind, cannot be taken
    for a number, a label or a mark of ours that stands beside them.
    """
    plain = len(foreign) <= columns and _NAME.fullmatch(foreign) is not None
    if plain and _cut(_spelled(foreign, escaped, {}), columns) == (True, foreign):
        return foreign
    return quote(foreign, columns)


def rewritten(text: str, escape: Callable[[str], str]) -> str:
    """Return a text in which every character shows or is escaped by `escape`."""
    return text if _is_plain(text) else "".join(_spelled(text, escape, {}))


def escaped(character: str) -> str:
    r"""Write a character out: `\u{202e}`."""
    return f"\\u{{{ord(character):x}}}"


def width(text: str) -> int:
    """Return how many columns a text takes: 2 for a Chinese character, 0 for a mark."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def is_han(character: str) -> bool:
    """Say whether a character is an ideograph of current Unicode."""
    return _is_in(ord(character), HAN)


def _cut(pieces: Iterator[str], columns: int) -> tuple[bool, str]:
    """Join what fits into so many columns, and say whether that is all."""
    kept: list[str] = []
    for piece in pieces:
        columns -= width(piece)
        if columns < 0:
            return False, "".join(kept)
        kept.append(piece)
    return True, "".join(kept)


def hidden_in(text: str) -> str | None:
    """Return the first character that no name or claim is written with, if there is one.

    Controls, line ends, what turns the reading order, blanks that are letters, private use and
    unassigned. Joiners stay, which Persian and Indian names need, and so do variation
    selectors, which choose between forms of a Han character; and every space.
    """
    if _is_plain(text):
        return None
    # each character once, in the order in which they come: strangers send long texts
    return next((each for each in dict.fromkeys(text) if _is_hidden(each)), None)


def _is_hidden(character: str) -> bool:
    is_spelling = _is_in(ord(character), _SPELLING) or category(character) in ("Zs", "Mn")
    return not (is_spelling or _kind(character))


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _spelled(
    text: str, escape: Callable[[str], str], marks: Mapping[str, str]
) -> Iterator[str]:
    """Yield each character as it is shown; a combining mark needs a letter to stand on."""
    room = 0  # how many more marks the letter before can bear
    for character in text:
        kind = _kind(character)
        if kind == "M":
            yield character if room > 0 else escape(character)
            room -= 1
            continue
        room = MAX_MARKS_STACKED if kind == "L" else 0
        yield escape(character) if kind == "" else marks.get(character, character)


@lru_cache(maxsize=4_096)
def _kind(character: str) -> str:
    """Return L for letters and digits, M for marks, S for what else shows, or nothing."""
    code = ord(character)
    if _is_in(code, HAN):
        return "L"
    if _is_in(code, IGNORABLE) or character in BLANK:
        return ""
    match category(character):
        case "Mn" | "Mc":
            return "" if combining(character) == _OVERLAY else "M"
        case "Zs":
            return "S" if character in (" ", _IDEOGRAPHIC_SPACE) else ""
        case known:
            return {"L": "L", "N": "L", "P": "S", "S": "S"}.get(known[0], "")


@lru_cache(maxsize=4_096)
def _columns(character: str) -> int:
    if east_asian_width(character) in "WF" or is_han(character):
        return 2
    return 0 if category(character) in ("Mn", "Me") else 1


def _is_in(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= code <= last for first, last in ranges)
