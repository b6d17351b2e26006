"""What a person sees and what a script reads.

    stdout   data: lines, or with --json one object (`program.envelope`)
    stderr   people: progress, `wallet: warning: …`, `wallet: error: …`, `wallet: hint: …`

Foreign text (names, claims, answers of servers) is quoted by `core.text` before any screen:
nothing in a credential moves the cursor, turns the reading order, begins a line or fills a
screen (threat rule 30). There is no markup: what looks like a tag is shown as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from getpass import getpass
from typing import TYPE_CHECKING, TextIO

from did_service.core.errors import DidServiceError, UnavailableError, UsageError
from did_service.core.text import Bilingual, printable
from did_service.program.exits import Exit, exit_of
from did_service.program.streams import print_stderr, wrapped, write_out
from wallet_cli.config import Format, Settings

if TYPE_CHECKING:
    from did_service.core.encoding.strict_json import JsonObject, JsonValue

PROGRAM = "wallet"


def table(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Align columns by their width on a screen, where a Chinese character is two wide.

    Args:
        rows: Cells; whatever others wrote is quoted already.
    """
    from did_service.program.folding import aligned

    return aligned(tuple(printable(cell) for cell in row) for row in rows)


class Terminal:
    """The three streams of a run, in the reader's language.

    Args:
        settings: Language, format and how much to say.
        command: Words of the command, such as `cred list`.
    """

    def __init__(self, settings: Settings, command: str) -> None:
        self._settings = settings
        self.command = command
        self._warnings: list[JsonValue] = []

    def say(self, text: Bilingual) -> str:
        """Return a text in the reader's language."""
        return self._settings.language.say(text)

    def note(self, text: Bilingual) -> None:
        """Tell a person what is going on; nothing with --quiet or --json."""
        if not self._settings.quiet and self._settings.format is Format.TEXT:
            print_stderr(self.say(text))

    def warn(self, code: str, detail: str = "", **members: str | int) -> None:
        """Point at something that does not stop the command."""
        self._warnings.append({"code": code, **members})
        if self._settings.format is Format.TEXT:
            from did_service.program.failure import warning_text

            print_stderr(warning_text(PROGRAM, code, detail, self._settings.language))

    def finish(self, data: JsonObject, lines: Iterable[str] = ()) -> None:
        """Hand out the result: the data with --json, else the lines.

        Args:
            data: What a script reads.
            lines: What a person reads; foreign text in them is quoted already.
        """
        if self._settings.format is Format.JSON:
            self._write_envelope(data)
            return
        self._write_lines(lines)

    def finish_incomplete(
        self, reason: DidServiceError, data: JsonObject, lines: Iterable[str]
    ) -> Exit:
        """Hand out a result that is not all that was asked for, and why; returns how it ends.

        Args:
            reason: Told to a person after the lines.
            data: As for `finish`.
            lines: As for `finish`.
        """
        if self._settings.format is Format.TEXT:
            self._write_lines(lines)
        return self._fail(reason, data=data)

    def finish_pending(
        self, reason: DidServiceError, told: Bilingual, data: JsonObject, lines: Iterable[str]
    ) -> Exit:
        """Hand out a result that will be whole by itself: no error, but a time to come back.

        Args:
            reason: For machines; its code decides how the run ends.
            told: For people, after the lines.
            data: As for `finish`.
            lines: As for `finish`.
        """
        if self._settings.format is Format.JSON:
            self._write_envelope(data, reason)
        else:
            self._write_lines(lines)
        self.note(told)
        return exit_of(reason, self.command)

    def usage(self, text: str) -> None:
        """Show the help of a group that was called without a command."""
        print_stderr(text)

    def error(self, error: DidServiceError) -> Exit:
        """Tell what was refused, why, and what to do; returns how the run ends."""
        return self._fail(error)

    def confirm(self, question: Bilingual, about: Iterable[str] = ()) -> None:
        """Ask before something that cannot be undone; `--yes` answers for the person.

        Args:
            question: Answered by yes or no.
            about: Lines that whoever is asked reads first, also with --quiet or --json;
                foreign text in them is quoted already.

        Raises:
            UsageError: `declined`, or `input_needed` where nobody can be asked.
        """
        lines = tuple(about)
        if self._settings.assume_yes:
            for line in lines:
                self.note(Bilingual(line, line))
            return
        self._check_person("--yes")
        for line in lines:
            print_stderr(line)
        print(f"{self.say(question)} [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes", "是"):
            raise UsageError("declined", "it was not confirmed")

    def secret(self, prompt: Bilingual) -> str:
        """Ask for a secret without showing it.

        Raises:
            UsageError: `input_needed` where nobody can be asked, `declined` at end of input.
        """
        self._check_person("--passphrase-file")
        try:
            return getpass(f"{self.say(prompt)}: ")
        except EOFError as error:
            raise UsageError("declined", "no passphrase was given") from error

    def _check_person(self, option: str) -> None:
        if self._settings.no_input or not _is_terminal(sys.stdin):
            raise UsageError("input_needed", f"nobody can be asked here: use {option}")

    def _fail(self, error: DidServiceError, data: JsonObject | None = None) -> Exit:
        from did_service.program.failure import failure_text
        from wallet_cli.reasons import reason_lines

        if self._settings.format is Format.JSON:
            with suppress(UnavailableError, BrokenPipeError):  # stderr has it all the same
                self._write_envelope(data, error)
        reasons = reason_lines(error, self.say)
        print_stderr(failure_text(PROGRAM, error, self._settings.language, reasons))
        return exit_of(error, self.command)

    def _write_lines(self, lines: Iterable[str]) -> None:
        for line in wrapped(lines, sys.stdout):
            write_out(f"{line}\n")

    def _write_envelope(
        self, data: JsonObject | None, error: DidServiceError | None = None
    ) -> None:
        from did_service.program.envelope import by_field, enveloped, written
        from wallet_cli.reasons import fields_view

        fields = [] if error is None else fields_view(error)
        answer = enveloped(PROGRAM, self.command, data, error, self._warnings)
        write_out(written(by_field(answer, fields)))


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()
