"""Commands of click in the reader's language, loaded when used, with "did you mean".

English stands in the code beside each command and option, where its author edits it. Chinese
stands in `words/zh/help_PROGRAM.json` under the same place, never under the English text:

    cred.show               the line in the list of commands
    cred.show.help          what its own help says
    cred.show.--json        an option
    cred.show.line.1        a line beside the examples
    cred.show.$ wallet …    the remark beside an example

What click itself says is in `help.json`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module

import click

from did_service.core.errors import UsageError
from did_service.core.text import quote, width
from did_service.program.completion import SHELLS, script
from did_service.program.language import Language
from did_service.program.streams import write_out
from did_service.program.suggesting import nearest

_COLUMNS = 80  # of a screen
COMPLETION = "Write the script that lets a shell complete commands."
_REMARK = re.compile(r"  (.*?\S) {2,}(\S.*)")  # an example, its distance, what it is for


@dataclass(slots=True, kw_only=True)
class CommandReader:
    """Who is spoken to, as the root of a command line has it.

    Attributes:
        language: For help, which is asked for before a session begins.
        command: The words of the command that runs; it has begun when they are known.
    """

    language: Language
    command: str = ""


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """A line of a group's help: where the command stands, and what it does."""

    place: str
    summary: str


class SpokenCommand(click.Command):
    """A command whose help is in the reader's language; click's own words are English."""

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the line of usage."""
        pieces = " ".join(self.collect_usage_pieces(ctx))
        prefix = said_by_click(ctx, "Usage:")
        formatter.write_usage(ctx.command_path, pieces, prefix=f"{prefix} ")

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command is for."""
        if not is_chinese(ctx):
            super().format_help_text(ctx, formatter)
            return
        formatter.write_paragraph()
        with formatter.indentation():  # Chinese has no spaces to break at: it is broken already
            formatter.write_text("\b\n" + _chinese(ctx, "help").replace("\n\n", "\n\n\b\n"))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options."""
        options = (each for each in self.get_params(ctx) if isinstance(each, click.Option))
        told = [_option(ctx, each) for each in options if not each.hidden]
        with formatter.section(said_by_click(ctx, "Options")):
            formatter.write_dl(told)
        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write examples as they stand: commands are in no language, remarks are."""
        if self.epilog:
            text = self.epilog.rstrip()
            title = f"{said_by_click(ctx, 'Examples:')}\n"
            head = "" if isinstance(self, click.Group) else title
            formatter.write(f"\n{head}{_examples(ctx, text)}\n")

    def invoke(self, ctx: click.Context) -> object:
        """Run it, once it is known which command this is."""
        reader = reader_of(ctx)
        if reader is not None:
            reader.command = ctx.command_path.partition(" ")[2]
        return super().invoke(ctx)


class SpokenGroup(SpokenCommand, click.Group):
    """A group that knows names and one line each; a command is imported when it is called."""

    def __init__(
        self,
        name: str,
        entries: Mapping[str, CommandEntry],
        summary: str,
        epilog: str | None = None,
    ) -> None:
        settings = {"help_option_names": ["-h", "--help"], "max_content_width": 96}
        super().__init__(name, help=summary, epilog=epilog, context_settings=settings)
        self._entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the help."""
        return list(self._entries)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        """Import a command."""
        entry = self._entries.get(cmd_name)
        if entry is None:
            return None
        module, _, name = entry.place.partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command by its name, or say which one may be meant."""
        if args[0] not in self._entries and not args[0].startswith("-"):
            raise _no_command(args[0], ctx, self._entries)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the lines without importing what they speak of."""
        lines = {
            name: _chinese(ctx, name) if is_chinese(ctx) else entry.summary
            for name, entry in self._entries.items()
        }
        with formatter.section(said_by_click(ctx, "Commands")):
            formatter.write_dl([*lines.items()])


def _no_command(given: str, ctx: click.Context, names: Iterable[str]) -> UsageError:
    from did_service.program.words import refused_zh  # noqa: PLC0415 - a refusal's

    refusal = UsageError(
        "usage",
        f"no such command {quote(given)}",
        command=ctx.command_path,
        suggestion=nearest(given, names),
    )
    refusal.message_zh = refused_zh("command", given=quote(given))
    return refusal


def completion_of(name: str, kind: type[SpokenCommand] = SpokenCommand) -> click.Command:
    """Return the command that writes a program's completion script."""

    def write(shell: str) -> None:
        root = click.get_current_context().find_root()
        write_out(script(name, shell, dict(_tree(root.command, root, ()))))

    shells = click.Argument(["shell"], type=click.Choice(SHELLS), metavar="|".join(SHELLS))
    epilog = f"\n  {name} completion bash >> ~/.bashrc\n"
    return kind("completion", callback=write, params=[shells], help=COMPLETION, epilog=epilog)


def _tree(
    command: click.Command, ctx: click.Context, path: tuple[str, ...]
) -> Iterator[tuple[str, list[str]]]:
    """Yield what may follow each command, whether help shows it or not."""
    below = command.list_commands(ctx) if isinstance(command, click.Group) else []
    options = [name for each in command.get_params(ctx) for name in each.opts if name[0] == "-"]
    yield " ".join(path), [*below, *options]
    for name in below:
        found = command.get_command(ctx, name) if isinstance(command, click.Group) else None
        if found is not None:
            inner = click.Context(found, ctx, name)
            yield from _tree(found, inner, (*path, name))


def reader_of(ctx: click.Context) -> CommandReader | None:
    """Return who is spoken to; None where a command is run without its program."""
    found = ctx.find_root().obj
    return found if isinstance(found, CommandReader) else None


def is_chinese(ctx: click.Context) -> bool:
    """Say whether help is asked for in Chinese."""
    reader = reader_of(ctx)
    return reader is not None and reader.language is Language.ZH


def said_by_click(ctx: click.Context, text: str) -> str:
    """Return what click says, in the reader's language."""
    return _help("help")[text] if is_chinese(ctx) else text


def _chinese(ctx: click.Context, *below: str) -> str:
    """Return what stands at a place below a command."""
    program, _, words = ctx.command_path.partition(" ")
    place = ".".join([*words.split(), *below])
    return _help(f"help_{program}").get(place) or _help("help")[place]


def _option(ctx: click.Context, option: click.Option) -> tuple[str, str]:
    """Return an option's names and what it is for."""
    names, text = option.get_help_record(ctx) or ("", "")
    if not is_chinese(ctx):
        return names, text
    _, bracket, remarks = text.partition("  [")
    own = option.opts[0]
    words = _help("help").get(own) or _chinese(ctx, own)
    return names, f"{words}{bracket}{_remarks(remarks)}"


def _remarks(text: str) -> str:
    """Return what click adds to an option in brackets, in Chinese."""
    for name in ("required", "env var", "default"):
        text = text.replace(name, _help("help")[f"[{name}]"])
    return text


def _examples(ctx: click.Context, text: str) -> str:
    """Return lines of examples, their remarks in the reader's language."""
    return "\n".join(row for line in _said_lines(ctx, text) for row in _rows(line))


def _said_lines(ctx: click.Context, text: str) -> list[str]:
    if not is_chinese(ctx):
        return text.split("\n")
    lines, number = [], 0
    for line in text.split("\n"):
        remark = _REMARK.fullmatch(line)
        if remark is not None:
            lines.append(f"{line[: remark.start(2)]}{_chinese(ctx, f'$ {remark[1]}')}")
        elif line and not line.startswith("  "):
            number += 1
            lines.append(_chinese(ctx, f"line.{number}"))
        else:
            lines.append(line)
    return lines


def _rows(line: str) -> Iterator[str]:
    """Yield a line beside or below the examples in rows of a screen.

    A remark that has no room beside its command stands below it; a command is broken between
    options, as a shell reads it; prose at its spaces.
    """
    remark = _REMARK.fullmatch(line)
    if width(line) <= _COLUMNS:
        yield line
    elif remark is not None:
        yield from _rows(f"  {remark[1]}")
        yield f"      {remark[2]}"
    elif line.startswith("  "):
        yield from _command_rows(line)
    else:
        from did_service.program.folding import fold  # noqa: PLC0415 - long prose alone

        yield from (row.strip() for row in fold(line, _COLUMNS).split("\n"))


def _command_rows(line: str) -> Iterator[str]:
    while width(line) > _COLUMNS:
        last = _COLUMNS - len(" \\")
        at = max(line.rfind(" --", 5, last + len(" --")), 0) or line.rfind(" ", 5, last + 1)
        if at < 0:
            break
        yield f"{line[:at]} \\"
        line = f"    {line[at + 1 :]}"
    yield line


def _help(topic: str) -> Mapping[str, str]:
    from did_service.program.words import read_help  # noqa: PLC0415 - for help in Chinese

    return read_help("zh", topic)
