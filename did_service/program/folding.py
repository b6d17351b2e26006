"""Lines for a screen, where a Chinese character takes two columns: broken, and in a table.

    ✔ 机关有权在该地区签发此类证照 the issuer may
      issue this type in this region (440100)

The width is the program's to know; what goes into a file or a pipe is not broken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from did_service.core.text import Bilingual, width
from did_service.program.language import Language

MAX_CELL_COLUMNS = 40  # a wider cell moves its own row alone
MAX_NAMED = 16  # names said in one line
_INDENT = 2  # of what follows a line without a mark: foreign text begins no line
_MARK = re.compile(r" *(?:[✔✘?·!→] )?")
# What stands before a value in a column: a label of ours and the spaces behind it.
_LABEL = re.compile(r" *[^\s\"]+(?: [^\s\"]+){0,2} {2,}")
_LABEL_COLUMNS = 28
_QUOTED = r'"(?:[^"\\]|\\.)*"…?'  # what `core.text.quote` makes
_SOLID = rf"(?:{_QUOTED}|[^ ])+"
_PART = re.compile(rf" *{_SOLID}(?: {_SOLID})*")  # what stands apart by more than one space
_WORD = re.compile(rf" *{_SOLID}")
# A character or an escape, with the Chinese punctuation that may not begin a line.
_CHARACTER = re.compile(r" *(?:\\u\{[0-9a-f]+\}|.)[、，。；：！？）》」』]*")


def fold(line: str, columns: int) -> str:
    """Break a line between its parts if they fit, else at spaces, and in Chinese anywhere.

    What follows stands as deep as the text behind the line's mark, and never at the start of a
    line. A word of ours that is wider than the screen stays whole, so that it can be copied; a
    quotation does not, or the terminal itself would begin a line with it.
    """
    if width(line) <= columns:
        return line
    lead = _lead(line)
    depth = width(lead) or _INDENT
    folded = [lead]
    for word in _pieces(line[len(lead) :], columns - depth):
        if folded[-1].strip(" ") != lead.strip(" ") and width(folded[-1] + word) > columns:
            folded.append(" " * depth + word.lstrip(" "))
        else:
            folded[-1] += word
    return "\n".join(folded)


def _lead(line: str) -> str:
    """Return what a line begins with that its other rows stand behind: a mark or a label."""
    label = _LABEL.match(line)
    if label is not None and width(label[0]) <= _LABEL_COLUMNS:
        return label[0]
    mark = _MARK.match(line)
    return mark[0] if mark else ""


def _pieces(text: str, columns: int) -> Iterator[str]:
    """Yield what stays together where a line has so many columns."""
    for part in _PART.findall(text):
        if width(part.strip(" ")) <= columns:
            yield part
            continue
        for word in _WORD.findall(part):
            ours = word.isascii() and '"' not in word
            whole = ours or width(word.strip(" ")) <= columns
            yield from (word,) if whole else _CHARACTER.findall(word)


def few(names: Sequence[str], language: Language, most: int = MAX_NAMED) -> list[str]:
    """Return the first names of many, and how many more there are."""
    more = len(names) - most
    rest = language.say(Bilingual(f"…另有 {more} 项", f"… and {more} more"))
    return [*names[:most], *([rest] if more > 0 else [])]


def aligned(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield rows of one length as lines whose columns stand under each other.

    A cell of more than 40 columns makes its own row longer, never every row.
    """
    held = [tuple(row) for row in rows]
    columns = zip(*held, strict=True)
    widths = [min(max(map(width, column)), MAX_CELL_COLUMNS) for column in columns]
    for row in held:
        cells = zip(row, widths, strict=True)
        yield "  ".join(cell + " " * (most - width(cell)) for cell, most in cells).rstrip()
