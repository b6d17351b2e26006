"""What the operating system gives a program, and what it refuses: streams and errors.

    prepare_streams()        first thing: streams that are closed, full or lack a character
    write_out(text)          all of it has gone out, or an error says that it has not
    write_lines(lines)       the same for people: broken for a screen, if it is one
    print_stderr(text)       somebody may read it
    read_input(name, …)      a file, or stdin where the name is `-`
    wrapped(lines, stream)   broken for a screen, if the stream is one
    refusal_of(error)        an OSError that nobody foresaw, as an error of ours
    home()                   the user's folder, also of a user whom the system cannot name

A program is started with whatever its caller has: no stdout, a log on a full disk as stderr, a
terminal without Chinese. What it has to say on stderr is never worth failing for; what belongs
on stdout is an answer, and one that cannot be written is no success. A reader who leaves, as
`head` does, has declined the rest: every program then ends with 3 and says nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO

if TYPE_CHECKING:  # loaded when something was refused, so that `--help` answers at once
    from did_service.core.errors import UnavailableError

_STDIN = "-"


class _Unfailing(TextIOWrapper):
    """A stream for people: what cannot be written is let go."""

    def write(self, text: str) -> int:
        """Write if possible."""
        with suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is held back, if possible."""
        with suppress(OSError):
            super().flush()


def prepare_streams() -> None:
    """Make the three streams of this process usable, each for what it is there for.

    A closed one leads nowhere: else the next file that is opened would take its number, and
    what is meant for stderr would be printed on stdout. Streams that somebody has put in the
    place of the process's own are left alone.
    """
    if sys.stdin is None:
        sys.stdin = os.fdopen(_null_device(os.O_RDONLY), encoding="utf-8")
    if sys.stdout is None:  # writing fails, as it must: nobody would see the answer
        sys.stdout = os.fdopen(_null_device(os.O_RDONLY), "w", encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = os.fdopen(_null_device(os.O_WRONLY), "w", encoding="utf-8")
    elif isinstance(sys.stderr, TextIOWrapper) and sys.stderr is sys.__stderr__:
        binary = os.fdopen(sys.stderr.fileno(), "wb", closefd=False)
        sys.stderr = _Unfailing(binary, sys.stderr.encoding, line_buffering=True)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write_out(text: str) -> None:
    """Write to stdout to the last byte.

    Raises:
        BrokenPipeError: the reader has gone; nothing more is tried.
        UnavailableError: `output_not_written`: a full disk, or no stdout.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        abandon_stdout()
        raise
    except OSError as error:
        raise output_lost(error) from error


def write_lines(lines: Iterable[str]) -> None:
    """Write an answer for people to stdout, to the last byte: as wide as the screen, if any.

    Raises:
        BrokenPipeError, UnavailableError: as `write_out`.
    """
    write_out("".join(f"{line}\n" for line in wrapped(lines, sys.stdout)))


def print_stderr(text: str) -> None:
    """Write lines to stderr, for people: broken for a screen, if it is one."""
    for line in wrapped(text.split("\n"), sys.stderr):
        sys.stderr.write(f"{line}\n")


def read_input(name: str, most: int, stdin: BinaryIO) -> bytes:
    """Read a file, or `stdin` where the name is `-`: at most `most` bytes and one more.

    The one more is for the parser, which refuses what is too large in its own words.

    Raises:
        NotFoundError: `file_missing`.
        UsageError: `folder_given`.
        UnavailableError: `file_not_read`.
    """
    from did_service.core.errors import (  # noqa: PLC0415 - not for --help
        NotFoundError,
        UnavailableError,
        UsageError,
        quote,
    )

    try:
        if name == _STDIN:
            return stdin.read(most + 1)
        with Path(name).open("rb") as file:
            return file.read(most + 1)
    except (FileNotFoundError, ValueError) as error:  # no file's name holds a null byte
        raise NotFoundError("file_missing", quote(name)) from error
    except IsADirectoryError as error:
        raise UsageError("folder_given", quote(name)) from error
    except OSError as error:
        raise UnavailableError("file_not_read", f"{quote(name)}: {error.strerror}") from error


def wrapped(lines: Iterable[str], stream: TextIO) -> Iterator[str]:
    """Yield lines as wide as the screen that a stream is; as they are where it is none."""
    if not stream.isatty():
        yield from lines
        return
    from did_service.program.folding import fold  # noqa: PLC0415 - screens alone

    told = 0
    with suppress(OSError):
        told = os.get_terminal_size(stream.fileno()).columns
    columns = told or 80  # where the screen does not say how wide it is
    yield from (fold(line, columns) for line in lines)


def output_lost(error: OSError) -> UnavailableError:
    """Give stdout up and say so."""
    from did_service.core.errors import UnavailableError  # noqa: PLC0415 - not for --help

    abandon_stdout()
    return UnavailableError("output_not_written", f"stdout: {error.strerror}")


def refusal_of(error: OSError) -> UnavailableError:
    """Say what the system refused: stdout, if that still fails, else what the error names.

    Returns:
        `output_not_written` or `system_refused`.
    """
    from did_service.core.errors import UnavailableError, quote  # noqa: PLC0415 - not for --help

    try:
        sys.stdout.flush()
    except OSError as lost:
        return output_lost(lost)
    reason = error.strerror or type(error).__name__
    where = "" if error.filename is None else f"{quote(error.filename)}: "
    return UnavailableError("system_refused", f"{where}{reason}")


def home() -> Path:
    """Return the user's folder; the root, as in a container, where the system knows of none."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/")


def abandon_stdout() -> None:
    """Drop what is left for stdout: else it is tried, and complained of, when all has ended."""
    with suppress(OSError):  # somebody's own stream has no number
        os.dup2(_null_device(os.O_WRONLY), sys.stdout.fileno())


def _null_device(flags: int) -> int:
    """Open the null device in the place of a standard stream that was closed.

    open(2) gives the lowest free number, which is that of the stream: nothing opened later can
    then be taken for it, and be written to by a `print`.
    """
    return os.open(os.devnull, flags)
