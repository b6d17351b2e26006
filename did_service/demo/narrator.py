"""What the person at the terminal sees while the story runs: people's text, on stderr.

rich draws it where there is a terminal; in a pipe the same lines come plain. With `--json` the
one object on stdout is the whole answer and these lines stay quiet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from time import perf_counter

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from did_service.core.text import Bilingual
from did_service.core.verification.report import Outcome
from did_service.program.folding import fold
from did_service.program.language import Language
from did_service.verifier.verdict_text import WORDS

_COLOURS = {
    "accepted": "green",
    "accepted-with-limits": "yellow",
    "document": "blue",
    "answered": "blue",
    "refused": "red",
    "undecided": "yellow",
}
_TIME = re.compile(r"([0-9.]+ s)$")
_BEFORE_OPTION = re.compile(r" (?=--)")


class Narrator:
    """Tells the story in Chinese, English or both, until `ended` is set."""

    def __init__(self, language: Language, ended: Event, *, quiet: bool = False) -> None:
        self._language = language
        self._ended = ended
        self._console = Console(stderr=True, quiet=quiet, highlight=False)

    def title(self, text: Bilingual, subtitle: Bilingual) -> None:
        """Open the story."""
        lines = [f"[bold]{line}[/]" for line in self._lines(text)]
        lines += [f"[dim]{line}[/]" for line in self._lines(subtitle)]
        body = "\n".join(lines)
        self._console.print(Panel(body, border_style="cyan", expand=False))

    def chapter(self, text: Bilingual) -> None:
        """Open a part of the story.

        Raises:
            KeyboardInterrupt: someone has ended the story.
        """
        self._go_on()
        self._console.print(f"\n[bold cyan]▌ {self._say(text)}[/]")

    @contextmanager
    def step(self, text: Bilingual) -> Iterator[None]:
        """Tell one step and how long it took.

        Raises:
            KeyboardInterrupt: someone has ended the story.
        """
        self._go_on()
        began = perf_counter()
        with self._console.status(self._say(text)):
            yield
        self.done(text, perf_counter() - began)

    def done(self, text: Bilingual, seconds: float) -> None:
        """Tell a step that has been taken, here or aside, and how long it took."""
        first, *more = self._lines(text)
        told = fold(f"  ✔ {first} {seconds:.2f} s", self._console.width)
        self._print(_TIME.sub("[dim]\\1[/]", told.replace("✔", "[green]✔[/]", 1)))
        for line in more:
            self._print_under(line)

    def note(self, text: Bilingual) -> None:
        """Say something that is not a step."""
        for line in self._lines(text):
            self._print_under(line)

    def command(self, text: str) -> None:
        """Show the command that a user would type, broken at its options for a shell."""
        first, *options = _BEFORE_OPTION.split(text)
        lines = [f"    $ {first}"]
        for option in options:
            if len(f"{lines[-1]} {option} \\") > self._console.width:
                lines.append(f"        {option}")
            else:
                lines[-1] += f" {option}"
        self._console.print(Text(" \\\n".join(lines), "dim"), soft_wrap=True)

    def verdict(self, outcome: str, lines: Sequence[str], *, expected: str) -> None:
        """Show a verdict as the clerk sees it, and whether it is the expected one."""
        word, *found = lines
        colour = _COLOURS.get(outcome, "red")
        body = self._found(found)
        title = Text(word, f"bold {colour}")
        self._console.print(Panel(body, title=title, title_align="left", border_style=colour))
        if outcome != expected:
            told = Bilingual(
                f"应为 {expected}，实为 {outcome}", f"expected {expected}, got {outcome}"
            )
            self._console.print(f"  [bold red]✘ {self._say(told)}[/]")

    def summary(
        self, rows: Sequence[tuple[Bilingual, str, bool, float]], seconds: float
    ) -> None:
        """Show all scenes: title, outcome, whether it is the expected one, seconds."""
        table = Table(box=None, pad_edge=False)
        for heading in (Bilingual("场景", "scene"), Bilingual("结论", "verdict")):
            table.add_column(self._say(heading))
        table.add_column("")
        table.add_column("s", justify="right")
        for title, outcome, as_expected, took in rows:
            word = f"[{_COLOURS.get(outcome, 'red')}]{self._say(WORDS[Outcome(outcome)])}[/]"
            mark = "[green]✔[/]" if as_expected else "[bold red]✘[/]"
            table.add_row("\n".join(self._lines(title)), word, mark, f"{took:.2f}")
        self._console.print()
        self._console.print(table)
        total = Bilingual(
            f"全部用时 {seconds:.1f} 秒，全程未联网", f"{seconds:.1f} s in all, no network used"
        )
        self._console.print(f"\n[bold]{self._say(total)}[/]")

    def kept(self, folder: str) -> None:
        """Say where the files are and how to go on."""
        told = Bilingual(
            f"全部文件在 {folder}，各场景的 command.txt 写明如何重做",
            f"all files are in {folder}; each scene's command.txt says how to repeat it",
        )
        for line in self._lines(told):
            self._print(line)

    def _go_on(self) -> None:
        if self._ended.is_set():
            raise KeyboardInterrupt

    def _found(self, lines: Sequence[str]) -> Text:
        """Return the entries of a verdict as they stand in a box."""
        return Text("\n".join(fold(line, self._console.width - 4) for line in lines))

    def _say(self, text: Bilingual) -> str:
        return escape(self._language.say(text))

    def _lines(self, text: Bilingual) -> list[str]:
        """Return a text line by line: one for each language it is told in."""
        both = self._language is Language.BOTH
        return [escape(text.zh), escape(text.en)] if both else [self._say(text)]

    def _print(self, line: str) -> None:
        """Print a line that is never broken, so that what it says can be copied."""
        self._console.print(line, soft_wrap=True)

    def _print_under(self, line: str) -> None:
        self._print(f"[dim]{fold(f'    {line}', self._console.width)}[/]")
