"""What commands of several groups share: their folder, `--json`, and how they answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from did_service.cli import language
from did_service.cli.language import say
from did_service.program.click_commands import SpokenCommand

if TYPE_CHECKING:
    from did_service.core.encoding.strict_json import JsonObject
    from did_service.core.text import Bilingual

Given = Mapping[str, object]  # the options of a command by name
FILE = click.Path(dir_okay=False, path_type=Path)
CONFIG = click.option(
    "--config",
    "service",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Reach peers as the service of this folder does: [peers] of its did-service.toml.",
)


def folder_argument(name: str = "folder", default: str | None = ".") -> click.Argument:
    """Return the argument DIR: a service's folder, the present one by default."""
    return click.Argument(
        [name],
        metavar="[DIR]" if default else "DIR",
        default=default,
        required=default is None,
        type=click.Path(file_okay=False, path_type=Path),
    )


def command(
    call: Callable[..., int], name: str, *params: click.Parameter, epilog: str
) -> click.Command:
    """Return a command that has `--json` and `--lang` as well."""
    made = SpokenCommand(
        name,
        callback=call,
        params=[
            *params,
            click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON object."),
        ],
        help=call.__doc__,
        epilog=epilog,
    )
    return language.option(made)


def answer(
    words: str,
    data: JsonObject,
    lines: Iterable[Bilingual],
    *,
    as_json: bool,
    code: int = 0,
) -> int:
    """Print one envelope, or the lines for people; return the exit code."""
    from did_service.program.envelope import enveloped, written
    from did_service.program.streams import write_lines, write_out

    if as_json:
        write_out(written(enveloped("did-service", words, data, exit_code=code)))
    else:
        write_lines(map(say, lines))
    return code
