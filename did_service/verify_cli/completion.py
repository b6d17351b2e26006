"""`did-verify completion`: the script that lets a shell complete commands and options."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from did_service.program.completion import script
from did_service.program.environment import Environment
from did_service.verify_cli.arguments import parser_in
from did_service.verify_cli.parser import Parser
from did_service.verify_cli.terminal import PROGRAM, CommandResult


def run(arguments: argparse.Namespace, env: Environment) -> CommandResult:  # noqa: ARG001 - as each command
    """Write the script of a shell."""
    text = script(PROGRAM, arguments.shell, dict(_tree(parser_in("en"), ())))
    return CommandResult({"script": text}, tuple(text.splitlines()))


def _tree(parser: Parser, path: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    """Yield what may follow each command."""
    yield " ".join(path), [*parser.names()]
    for name, below in parser.below().items():
        yield from _tree(below, (*path, name))
