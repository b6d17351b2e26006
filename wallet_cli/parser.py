"""The grammar of the command line: nouns and verbs, global options anywhere, loaded when used.

A group knows the names and one line of each of its commands; the module behind one is imported
when it is called or asked for help. Global options may stand before or after a command's words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from inspect import cleandoc
from typing import TYPE_CHECKING, Any

import click

from did_service.core.errors import Language
from did_service.program.exits import Exit

if TYPE_CHECKING:
    from wallet_cli.session import Session

GLOBAL_HINT = "Options of every command, such as --store and --json: wallet --help"


@dataclass(slots=True)
class CommandRun:
    """What `main` hands down to the command that click finds.

    Attributes:
        begin: Opens a session, given the global options and the command's name.
        language: Of the help, which click prints before any session begins.
        options: Global options by name, as click has read them so far at any level.
    """

    begin: Callable[[Mapping[str, object], str], Session]
    language: Language
    options: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """A line of a group's help: where the command stands, and what it does."""

    place: str
    summary: str


class SpokenCommand(click.Command):
    """A command whose help is in the reader's language; click's own words are English."""

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the line of usage."""
        if not _is_chinese(ctx):
            super().format_usage(ctx, formatter)
            return
        from did_service.program.help import TEXTS

        pieces = " ".join(self.collect_usage_pieces(ctx))
        formatter.write_usage(ctx.command_path, pieces, prefix=f"{TEXTS['Usage:']} ")

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command is for."""
        if not _is_chinese(ctx):
            super().format_help_text(ctx, formatter)
            return
        from did_service.program.help import paragraphs_in_chinese

        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(paragraphs_in_chinese(cleandoc(self.help or "")))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options."""
        if not _is_chinese(ctx):
            super().format_options(ctx, formatter)
            return
        from did_service.program.help import TEXTS, option_in_chinese

        options = (each for each in self.get_params(ctx) if isinstance(each, click.Option))
        found = [record for each in options if (record := each.get_help_record(ctx))]
        with formatter.section(TEXTS["Options"]):
            formatter.write_dl([(names, option_in_chinese(text)) for names, text in found])
        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)

    def write_examples(
        self, ctx: click.Context, formatter: click.HelpFormatter, text: str
    ) -> None:
        """Write lines as they stand; commands are in no language."""
        if _is_chinese(ctx):
            from did_service.program.help import examples_in_chinese

            text = examples_in_chinese(text)
        formatter.write(text)


class WalletCommand(SpokenCommand):
    """A command that takes the global options and works in a session."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the command's own parameters and the global options, which help leaves out."""
        return [*super().get_params(ctx), *_options(hidden=True)]

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write examples, and where the other options are told."""
        examples = f"\nExamples:\n{self.epilog.rstrip()}\n" if self.epilog else ""
        self.write_examples(ctx, formatter, f"{examples}\n{GLOBAL_HINT}\n")

    def invoke(self, ctx: click.Context) -> Exit:
        """Begin the session, do the work, close what was opened."""
        run: CommandRun = ctx.obj
        words = ctx.command_path.partition(" ")[2]
        session = ctx.obj = run.begin(run.options, words)
        try:
            return super().invoke(ctx) or Exit.DONE
        finally:
            session.close()


class LazyGroup(SpokenCommand, click.Group):
    """A group whose commands are imported when they are called."""

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

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the global options; help shows them for `wallet` alone."""
        return [*super().get_params(ctx), *_options(hidden=ctx.parent is not None)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the lines without importing what they speak of."""
        title, lines = "Commands", {name: each.summary for name, each in self._entries.items()}
        if _is_chinese(ctx):
            from did_service.program.help import TEXTS

            title, lines = TEXTS[title], {name: TEXTS[line] for name, line in lines.items()}
        with formatter.section(title):
            formatter.write_dl([*lines.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write examples."""
        if self.epilog:
            self.write_examples(ctx, formatter, f"\n{self.epilog.rstrip()}\n")


def _is_chinese(ctx: click.Context) -> bool:
    run = ctx.find_object(CommandRun)
    return run is not None and run.language is Language.ZH


def _remember(ctx: click.Context, param: click.Parameter, value: object) -> object:
    run = ctx.find_object(CommandRun)
    if run is not None and value is not None and value is not False:  # 0 is a descriptor
        run.options[str(param.name)] = value
    return value


def _options(*, hidden: bool) -> list[click.Option]:
    """Return the global options; each call makes new ones, as a parser wants its own."""
    file = click.Path(dir_okay=False)
    flags: Mapping[str, str] = {
        "--json": "One JSON object on stdout.",
        "--quiet": "No progress on stderr.",
        "--no-input": "Never ask; end with 10 instead.",
        "--yes": "Confirm what would be asked.",
        "--offline": "Any use of the network is an error.",
    }
    values: Mapping[str, tuple[click.ParamType[Any], str]] = {
        "--store": (click.Path(file_okay=False), "Where the wallet lies [WALLET_STORE]."),
        "--lang": (click.Choice(["zh", "en", "both"]), "Language [WALLET_LANG]."),
        "--passphrase-file": (file, "First line is the passphrase [WALLET_PASSPHRASE_FILE]."),
        "--passphrase-fd": (click.INT, "Read the passphrase from this descriptor."),
    }
    made = [
        click.Option(
            [name],
            type=kind,
            help=text,
            hidden=hidden,
            expose_value=False,
            callback=_remember,
            metavar="|".join(kind.choices) if isinstance(kind, click.Choice) else None,
        )
        for name, (kind, text) in values.items()
    ]
    made += [
        click.Option(
            [name],
            is_flag=True,
            help=text,
            hidden=hidden,
            expose_value=False,
            callback=_remember,
        )
        for name, text in flags.items()
    ]
    return made
