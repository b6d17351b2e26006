"""Group `cli`: whole processes, from start to exit, beside `python -c pass`.

Compiled modules are kept, as an installation keeps them, in a folder of the run.

`cli.wallet-list` opens a store that holds three credentials and whose key derivation is the
cheapest there is: deriving the key from a passphrase is made slow on purpose, and is the same
half second for every command.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack

from bench import counter, held
from bench.fixtures import CHECKOUT
from bench.harness import Operation, Session

_BARE = "python-c-pass"
_HELP = ["--help"]
_TARGETS = {"did-verify": 11.5, "did-verify-help": 4, "wallet-help": 10, "wallet-list": 10}


def run(session: Session) -> None:
    """Measure the group."""
    with ExitStack() as stack:
        modules = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": modules}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        check = stack.enter_context(counter.check_arguments())
        listing = stack.enter_context(held.list_arguments())
        commands = {
            _BARE: ["-c", "pass"],
            "did-verify": ["-m", counter.PROGRAM, *check],
            "did-verify-help": ["-m", counter.PROGRAM, *_HELP],
            "wallet-help": ["-m", held.PROGRAM, *_HELP],
            "wallet-list": ["-m", held.PROGRAM, *listing],
        }
        samples = session.measure([_process(*each, environment) for each in commands.items()])
    for name, target in _TARGETS.items():
        session.compare(f"cli.{name}", samples, name, _BARE, target)


def _process(name: str, arguments: list[str], environment: Mapping[str, str]) -> Operation:
    command = [sys.executable, *arguments]
    quiet = subprocess.DEVNULL

    def run_it(count: int) -> float:
        begun = time.perf_counter()
        for _ in range(count):
            subprocess.run(command, cwd=CHECKOUT, env=environment, check=True, stdout=quiet)
        return time.perf_counter() - begun

    return Operation(name, run_it)
