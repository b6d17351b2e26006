"""What a command answers, how it ends, and how colours look on a terminal."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, TextIO

from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import DidServiceError
from did_service.core.text import Bilingual
from did_service.program.exits import Exit
from did_service.program.streams import wrapped

PROGRAM = "did-verify"

_RED, _GREEN, _YELLOW, _BLUE = (f"\033[{n}m" for n in (31, 32, 33, 34))
_DIM, _BOLD, _PLAIN = (f"\033[{n}m" for n in (2, 1, 0))
_BY_MARK = {"✔": _GREEN, "✘": _RED, "?": _YELLOW, "!": _YELLOW, "·": _DIM}
_BY_EXIT = {Exit.DONE: _GREEN, Exit.REFUSED: _RED}
# Of a verdict: nothing but what is accepted is green, however the program ends.
COLOURS = {
    "accepted": _GREEN,
    "accepted-with-limits": _YELLOW,
    "document": _BLUE,
    "answered": _BLUE,
    "refused": _RED,
    "undecided": _YELLOW,
}


class CommandResult(NamedTuple):
    """What a command has to say.

    Attributes:
        data: What `--json` has in its envelope.
        lines: The same for people, without line ends; foreign text is quoted already.
        verdict: A line before them that is worth a colour.
        exit_code: By the table of docs/cli.md.
        remarks: What people should know beside the data.
        error: Why this is no answer, or not all of it.
        colour: Of the verdict, and the only one of what stands below it unless that is
            green; None where the exit code decides it.
    """

    data: JsonObject
    lines: tuple[str, ...] = ()
    verdict: str | None = None
    exit_code: int = Exit.DONE
    remarks: tuple[Bilingual, ...] = ()
    error: DidServiceError | None = None
    colour: str | None = None

    def words(self, stream: TextIO, environment: Mapping[str, str]) -> Iterator[str]:
        """Yield the lines for people, as wide and as colourful as `stream` shows them.

        On a screen the verdict is said last as well as first: what is long scrolls.
        """
        coloured = shows_colours(stream, environment)
        verdict = self._verdict() if coloured else self.verdict
        if verdict is not None:
            yield verdict
        for line in wrapped(self.lines, stream):
            yield _paint(line) if coloured and self.colour in (None, _GREEN) else line
        if verdict is not None and stream.isatty():
            yield verdict

    def _verdict(self) -> str | None:
        """Return the verdict in its colour."""
        colour = _BOLD + (self.colour or _BY_EXIT.get(Exit(self.exit_code), _YELLOW))
        return None if self.verdict is None else f"{colour}{self.verdict}{_PLAIN}"


def shows_colours(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Say whether colours are welcome: on a terminal, and not under NO_COLOR."""
    declined = environment.get("NO_COLOR") or environment.get("TERM") == "dumb"
    return stream.isatty() and not declined


def _paint(line: str) -> str:
    colour = _BY_MARK.get(line.lstrip()[:1]) if line.startswith(" ") else None
    return line if colour is None else f"{colour}{line}{_PLAIN}"
