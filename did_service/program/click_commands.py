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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module

import click

from did_service.core.errors import UsageError
from did_service.core.text import quote
from did_service.program.completion import SHELLS, script
from did_service.program.language import Language
from did_service.program.streams import write_out
from did_service.program.suggesting import nearest

_QUOTED = re.compile(r"'([^']*)'")  # click quotes what was typed
COMPLETION = "Write the script that lets a shell complete commands."

_SUGGESTED = re.compile(r"\.? \(?Did you mean .*")  # said once, as the next step
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
            raise UsageError(
                "usage",
                f"no such command {quote(args[0])}",
                command=ctx.command_path,
                suggestion=nearest(args[0], self._entries),
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the lines without importing what they speak of."""
        lines = {
            name: _chinese(ctx, name) if is_chinese(ctx) else entry.summary
            for name, entry in self._entries.items()
        }
        with formatter.section(said_by_click(ctx, "Commands")):
            formatter.write_dl([*lines.items()])


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


def usage_error(error: click.ClickException) -> UsageError:
    """Return what click refuses as an error of ours, in a sentence like ours."""
    text = _SUGGESTED.sub("", " ".join(error.format_message().split())).rstrip(".")
    text = _QUOTED.sub(lambda found: quote(found[1]), text)
    message = text[:1].lower() + text[1:]
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return UsageError("usage", message)
    suggestion = None
    if isinstance(error, click.NoSuchOption):
        params = context.command.get_params(context)
        suggestion = nearest(error.option_name, [name for each in params for name in each.opts])
    return UsageError("usage", message, command=context.command_path, suggestion=suggestion)


def command_of(error: click.ClickException) -> str:
    """Return the words of the command that was being read."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    return "" if context is None else context.command_path.partition(" ")[2]


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
    if not is_chinese(ctx):
        return text
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
    return "\n".join(lines)


def _help(topic: str) -> Mapping[str, str]:
    from did_service.program.words import read_help  # noqa: PLC0415 - for help in Chinese

    return read_help("zh", topic)
