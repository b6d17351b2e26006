"""Lines for a screen, where a Chinese character takes two columns: broken, and in a table.

    ✔ 机关有权在该地区签发此类证照 the issuer may
      issue this type in this region (440100)

The width is the program's to know; what goes into a file or a pipe is not broken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from unicodedata import east_asian_width

_MARK = re.compile(r" *(?:[✔✘?·!→] )?")
_PART = re.compile(r" *\S+(?: \S+)*")  # what stands apart by more than one space
_WORD = re.compile(r" *\S+")
# A character, with the Chinese punctuation that may not begin a line.
_CHARACTER = re.compile(r" *.[、，。；：！？）》」』]*")


def fold(line: str, columns: int) -> str:
    """Break a line between its parts if they fit, else at spaces, and in Chinese anywhere.

    What follows stands as deep as the text behind the line's mark. Another word that is wider
    than the screen stays whole, so that it can be copied.
    """
    mark = _MARK.match(line)
    lead = mark[0] if mark else ""
    folded = [lead]
    for word in _pieces(line[len(lead) :], columns - len(lead)):
        if len(folded[-1]) > len(lead) and width(folded[-1] + word) > columns:
            folded.append(" " * len(lead) + word.lstrip())
        else:
            folded[-1] += word
    return "\n".join(folded)


def _pieces(text: str, columns: int) -> Iterator[str]:
    """Yield what stays together where a line has so many columns."""
    for part in _PART.findall(text):
        if width(part.strip()) <= columns:
            yield part
            continue
        for word in _WORD.findall(part):
            whole = word.isascii() or width(word.strip()) <= columns
            yield from (word,) if whole else _CHARACTER.findall(word)


def aligned(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield rows of one length as lines whose columns stand under each other."""
    held = [tuple(row) for row in rows]
    widths = [max(map(width, column)) for column in zip(*held, strict=True)]
    for row in held:
        cells = zip(row, widths, strict=True)
        yield "  ".join(cell + " " * (most - width(cell)) for cell, most in cells).rstrip()


def width(text: str) -> int:
    """Return how many columns a text takes."""
    return sum(2 if east_asian_width(each) in "WF" else 1 for each in text)
