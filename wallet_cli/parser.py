"""The grammar of the command line: nouns and verbs, global options anywhere, loaded when used.

A group knows the names and one line of each of its commands; the module behind one is imported
when it is called or asked for help (`program.click_commands`). Global options may stand before
or after a command's words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from did_service.program import click_commands
from did_service.program.click_commands import (
    COMPLETION,
    CommandEntry,
    CommandReader,
    SpokenCommand,
    completion_of,
    said_by_click,
)
from did_service.program.exits import Exit
from did_service.program.language import LANGUAGES

if TYPE_CHECKING:
    from wallet_cli.session import Session

__all__ = ["COMPLETION", "CommandEntry", "CommandRun", "LazyGroup", "WalletCommand"]

GLOBAL_HINT = "Options of every command, such as --store and --json: wallet --help"


@dataclass(slots=True, kw_only=True)
class CommandRun(CommandReader):
    """What `main` hands down to the command that click finds.

    Attributes:
        begin: Opens a session, given the global options and the command's name.
        options: Global options by name, as click has read them so far at any level.
    """

    begin: Callable[[Mapping[str, object], str], Session]
    options: dict[str, object] = field(default_factory=dict)


class GlobalCommand(SpokenCommand):
    """A command that takes the global options."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the command's own parameters and the global options, which help leaves out."""
        return [*super().get_params(ctx), *_options(hidden=True)]

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write examples, and where the other options are told."""
        super().format_epilog(ctx, formatter)
        formatter.write(f"\n{said_by_click(ctx, GLOBAL_HINT)}\n")


class WalletCommand(GlobalCommand):
    """A command that works in a session."""

    def invoke(self, ctx: click.Context) -> Exit:
        """Begin the session, do the work, close what was opened."""
        run: CommandRun = ctx.obj
        words = ctx.command_path.partition(" ")[2]
        session = ctx.obj = run.begin(run.options, words)
        try:
            done = super().invoke(ctx)
            return done if isinstance(done, Exit) else Exit.DONE
        finally:
            session.close()


class LazyGroup(click_commands.SpokenGroup):
    """A group that takes the global options as well."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the global options; help shows them for `wallet` alone."""
        return [*super().get_params(ctx), *_options(hidden=ctx.parent is not None)]


completion = completion_of("wallet", GlobalCommand)


def _remember(ctx: click.Context, param: click.Parameter, value: object) -> object:
    run = ctx.find_object(CommandRun)
    if run is not None and value is not None and value is not False:  # 0 is a descriptor
        run.options[str(param.name)] = value
    return value


def _options(*, hidden: bool) -> list[click.Option]:
    """Return the global options; each call makes new ones, as a parser wants its own."""
    file = click.Path(dir_okay=False)
    flags: Mapping[str, str] = {
        "--json": "Print one JSON object.",
        "--quiet": "Show no progress.",
        "--no-input": "Never ask; end with exit code 10 instead.",
        "--yes": "Answer yes to every question; for scripts.",
        "--offline": "Do not use the network; end with an error where it is needed.",
    }
    values: Mapping[str, tuple[click.ParamType[Any], str]] = {
        "--store": (click.Path(file_okay=False), "Folder of the wallet [WALLET_STORE]."),
        "--lang": (
            click.Choice(LANGUAGES),
            "Language [WALLET_LANG, else DIDSVC_LANG].",
        ),
        "--passphrase-file": (
            file,
            "File whose first line is the passphrase [WALLET_PASSPHRASE_FILE].",
        ),
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
