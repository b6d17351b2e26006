"""`python -m bench [GROUP …] [--json] [--quick]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from bench.harness import FULL, QUICK, Session
from bench.output import as_json, as_table

# Modules with a function `run`, imported when asked for.
GROUPS = {
    "vc": ("credentials", "decision"),
    "didwebvh": ("didwebvh",),
    "merkle": ("merkle",),
    "log": ("stored_log", "judging", "http_log"),
    "postgres": ("server_log", "server_http"),
    "publish": ("publishing",),
    "issuer": ("issuing",),
    "cli": ("programs",),
    "mem": ("memory",),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for and print it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("groups", metavar="GROUP", nargs="*", help=", ".join(GROUPS))
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--quick", action="store_true", help="once each: numbers mean nothing")
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.groups if name not in GROUPS]
    if unknown:
        parser.error(f"no group {unknown[0]}; there are {', '.join(GROUPS)}")
    session = Session(QUICK if asked.quick else FULL, _tell if sys.stderr.isatty() else _hush)
    for name in asked.groups or GROUPS:
        for module in GROUPS[name]:
            import_module(f"bench.{module}").run(session)
    for line in [as_json(session)] if asked.json else as_table(session):
        print(line)
    return 0


def _tell(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr)


def _hush(what: str) -> None:
    del what


if __name__ == "__main__":
    sys.exit(main())
