"""What a command answers, how it ends, and how colours look on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TextIO

from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import (
    Bilingual,
    ConflictError,
    DidServiceError,
    NotFoundError,
    UnavailableError,
    UsageError,
)
from did_service.program.streams import wrapped

PROGRAM = "did-verify"
SCHEMA = "did-verify/1"

DONE, REFUSED, USAGE, DECLINED, UNDECIDED = 0, 1, 2, 3, 5
NOT_FOUND, TRY_AGAIN, DAMAGED, OUR_FAULT = 7, 8, 11, 70

_BY_CODE = {"trust_damaged": DAMAGED, "policy_missing": UNDECIDED, "internal_fault": OUR_FAULT}
_BY_CLASS: tuple[tuple[type[DidServiceError], int], ...] = (
    (UsageError, USAGE),
    (ConflictError, USAGE),
    (NotFoundError, NOT_FOUND),
    (UnavailableError, TRY_AGAIN),
)

_RED, _GREEN, _YELLOW, _DIM, _BOLD, _PLAIN = (f"\033[{n}m" for n in (31, 32, 33, 2, 1, 0))
_BY_MARK = {"✔": _GREEN, "✘": _RED, "?": _YELLOW, "!": _YELLOW, "·": _DIM}
_BY_EXIT = {DONE: _GREEN, REFUSED: _RED}


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command has to say.

    Attributes:
        data: The object that `--json` prints.
        lines: The same for people, without line ends; foreign text is quoted already.
        verdict: A line before them that is worth a colour.
        exit_code: By the table of docs/cli.md.
        remarks: What people should know beside the data.
    """

    data: JsonObject
    lines: tuple[str, ...] = ()
    verdict: str | None = None
    exit_code: int = DONE
    remarks: tuple[Bilingual, ...] = field(default=())

    def words(self, stream: TextIO, environment: Mapping[str, str]) -> Iterator[str]:
        """Yield the lines for people, as wide and as colourful as `stream` shows them.

        On a screen the verdict is said last as well as first: what is long scrolls.
        """
        coloured = shows_colours(stream, environment)
        verdict = self._verdict() if coloured else self.verdict
        if verdict is not None:
            yield verdict
        for line in wrapped(self.lines, stream):
            yield _paint(line) if coloured else line
        if verdict is not None and stream.isatty():
            yield verdict

    def _verdict(self) -> str | None:
        """Return the verdict in its colour."""
        colour = _BOLD + _BY_EXIT.get(self.exit_code, _YELLOW)
        return None if self.verdict is None else f"{colour}{self.verdict}{_PLAIN}"


def answered(command: str, data: JsonObject) -> JsonObject:
    """Wrap the data of a command that has no published format of its own."""
    return {"schema": SCHEMA, "ok": True, "command": command, "data": data}


def exit_code_of(error: DidServiceError, command: str) -> int:
    """Choose the exit code of an error.

    Refused is a word about what was to be judged: where `check` got no policy or bundle to
    judge with, nothing was decided.
    """
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    otherwise = UNDECIDED if command == "check" else REFUSED
    return next((code for kind, code in _BY_CLASS if isinstance(error, kind)), otherwise)


def shows_colours(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Say whether colours are welcome: on a terminal, and not under NO_COLOR."""
    declined = environment.get("NO_COLOR") or environment.get("TERM") == "dumb"
    return stream.isatty() and not declined


def _paint(line: str) -> str:
    colour = _BY_MARK.get(line.lstrip()[:1]) if line.startswith(" ") else None
    return line if colour is None else f"{colour}{line}{_PLAIN}"
