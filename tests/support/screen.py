"""What a person sees: the words of a program on a terminal of 80 columns and 24 rows.

    screen = on_screen(lambda: main(["check", "x.json"]))
    screen.exit, screen.rows, screen.in_sight

The program runs in this process with stdout and stderr on a pseudo-terminal; its rows are those
that a terminal makes of them, which wraps what is too wide by itself.
"""

import fcntl
import os
import re
import struct
import sys
import termios
import unicodedata
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from threading import Thread
from unittest import mock

COLUMNS, ROWS = 80, 24
_COLOUR = re.compile("\x1b\\[[0-9;]*m")


@dataclass(frozen=True)
class Screen:
    """How a run ended, and every row that was shown."""

    exit: int
    rows: list[str]

    @property
    def in_sight(self) -> list[str]:
        """The rows that have not scrolled away, when the next prompt is there."""
        return self.rows[-(ROWS - 1) :]


def on_screen(run: Callable[[], int]) -> Screen:
    """Run a program on a terminal."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    shown: list[bytes] = []
    reader = Thread(target=_read, args=(ours, shown))
    reader.start()
    stream = TextIOWrapper(os.fdopen(theirs, "wb", buffering=0), "utf-8", write_through=True)
    known = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    with (
        stream,
        redirect_stdout(stream),
        redirect_stderr(stream),
        # In place of the process's own, which no thread may change while another reads it.
        mock.patch.object(os, "environ", {**known, "TERM": "xterm"}),
        mock.patch.object(sys, "stdin", TextIOWrapper(BytesIO())),
    ):
        ended = int(run())
    reader.join()
    os.close(ours)
    text = _COLOUR.sub("", b"".join(shown).decode()).replace("\r\n", "\n")
    return Screen(
        ended, [row for line in text.removesuffix("\n").split("\n") for row in _rows(line)]
    )


def _read(terminal: int, shown: list[bytes]) -> None:
    try:
        while piece := os.read(terminal, 65_536):
            shown.append(piece)
    except OSError:  # the end of a terminal that nobody writes to
        return


def _rows(line: str) -> list[str]:
    rows, used = [""], 0
    for character in line:
        taken = _columns(character)
        if used + taken > COLUMNS:
            rows.append("")
            used = 0
        rows[-1] += character
        used += taken
    return rows


def _columns(character: str) -> int:
    """Return the width as wcwidth has it, told apart from our own `core.text.width`."""
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    if 0x20000 <= ord(character) <= 0x3FFFD:
        return 2
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
