"""Write the help of every command into docs/cli.md.

    python scripts/make_cli_docs.py

The page holds a mark for each command, `<!-- help: wallet present -->`, and below it a block
that is replaced by what the program prints: in English, 96 columns wide, without colours. A
test compares page and programs, and finds commands that the page leaves out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import click

from did_service.cli.__main__ import cli
from did_service.verify_cli import __main__ as verifier
from did_service.verify_cli.arguments import parser_in
from did_service.verify_cli.parser import Parser
from wallet_cli.commands import wallet

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
_BLOCK = re.compile(
    r"(<!-- help: ([a-z -]+) -->\n```text\n).*?(?=^```$)", re.DOTALL | re.MULTILINE
)
_READER = {"COLUMNS": "98", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}


def rendered(page: str) -> str:
    """Return the page with every block of help made anew."""
    return _BLOCK.sub(lambda found: found[1] + help_of(found[2].split(" ")), page)


def commands() -> list[str]:
    """Return every command of the programs, the programs themselves included."""
    found = [*_of_click("wallet", wallet), *_of_click("did-service", cli)]
    return [*found, *_of_argparse("did-verify", parser_in("en"))]


def help_of(words: Sequence[str]) -> str:
    """Return what a command prints when it is asked for help."""
    program, *rest = words
    printed = StringIO()
    with patch.dict(os.environ, _READER), redirect_stdout(printed), suppress(SystemExit):
        _PROGRAMS[program]([*rest, "--help"])
    lines = printed.getvalue().strip("\n").splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _of_click(name: str, command: click.Command) -> Iterator[str]:
    yield name
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=name)
        for each in command.list_commands(context):
            found = command.get_command(context, each)
            if found is not None:
                yield from _of_click(f"{name} {each}", found)


def _of_argparse(name: str, parser: Parser) -> Iterator[str]:
    yield name
    for each, below in parser.below().items():
        yield from _of_argparse(f"{name} {each}", below)


_PROGRAMS: dict[str, Callable[[Sequence[str]], object]] = {
    "wallet": lambda words: wallet.main([*words], "wallet"),
    "did-service": lambda words: cli.main([*words], "did-service"),
    "did-verify": verifier.main,
}


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text()))
