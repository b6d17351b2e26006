"""The command line of `did-verify`, described once; its texts stand in `program/words`.

What follows a command's name is described when that command is met: a run knows one.
"""

from __future__ import annotations

import argparse

from did_service.program.completion import SHELLS
from did_service.program.language import LANGUAGES, OPTION
from did_service.program.version import __version__
from did_service.verify_cli.parser import Parser

_TIERS = ("online", "day", "field")


def parser_in(language: str) -> Parser:
    """Describe the whole command line, for a reader of a language."""
    parser = Parser(prog="did-verify", language=language)
    _language(parser)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.commands("command", "COMMAND")
    parser.command(commands, "check", _check)
    parser.command(commands, "challenge", _challenge)
    parser.command(commands, "did", _did)
    parser.command(commands, "trust", _trust)
    parser.command(commands, "completion", _completion)
    return parser


def _language(parser: Parser) -> None:
    """Add `--lang`, wherever people look for it; `language.spoken_language` has read it."""
    parser.add_argument(OPTION, choices=LANGUAGES, default=argparse.SUPPRESS)


def _every(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true")
    _language(parser)


def _trust_or_policy(parser: Parser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--trust", metavar="DIR")
    group.add_argument("--policy", metavar="P")


def _check(parser: Parser) -> None:
    _every(parser)
    parser.add_argument("file", metavar="FILE")
    _trust_or_policy(parser)
    parser.add_argument("--bundle", metavar="B", action="append", default=[])
    parser.add_argument("--now", metavar="T")
    parser.add_argument("--document", action="store_true")
    parser.add_argument("--nonce", metavar="N")
    parser.add_argument("--audience", metavar="A")
    parser.add_argument("--tier", choices=_TIERS)
    parser.add_argument("--item", metavar="ITEM")
    parser.add_argument("--accept-limits", action="store_true")
    parser.add_argument("--report", metavar="FILE")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--claims", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--show", action="store_true")


def _challenge(parser: Parser) -> None:
    _every(parser)
    _trust_or_policy(parser)
    parser.add_argument("--audience", metavar="A")
    parser.add_argument("--item", metavar="ITEM")
    parser.add_argument("--out", metavar="FILE")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--now", metavar="T")


def _did(parser: Parser) -> None:
    _every(parser)
    parser.add_argument("file", metavar="LOG.jsonl")
    parser.add_argument("--witness", metavar="FILE")
    parser.add_argument("--did", metavar="DID")
    parser.add_argument("--version-id", metavar="V")
    parser.add_argument("--version-time", metavar="T")
    parser.add_argument("--version-number", metavar="N", type=int)
    parser.add_argument("--known", metavar="V")


def _trust(parser: Parser) -> None:
    _language(parser)
    actions = parser.commands("action", "ACTION")
    parser.command(actions, "pin", _pin)
    parser.command(actions, "import", _import)
    parser.command(actions, "show", _of_directory)
    parser.command(actions, "reset-clock", _of_directory)


def _pin(parser: Parser) -> None:
    parser.add_argument("policy", metavar="POLICY")
    parser.add_argument("--fingerprint", metavar="F")
    _of_directory(parser)


def _import(parser: Parser) -> None:
    parser.add_argument("bundle", metavar="BUNDLE")
    _of_directory(parser)


def _of_directory(parser: Parser) -> None:
    _every(parser)
    parser.add_argument("--trust", metavar="DIR")


def _completion(parser: Parser) -> None:
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS)
    parser.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
