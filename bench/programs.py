"""Group `cli`: whole processes, from start to exit, beside `python -c pass`.

`cli.wallet-list` opens a store that holds three credentials and whose key derivation is the
cheapest there is: deriving the key from a passphrase is made slow on purpose, and is the same
half second for every command.
"""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack

from bench import counter, held
from bench.fixtures import CHECKOUT
from bench.harness import Operation, Session

_BARE = "python-c-pass"
_HELP = ["--help"]
_TARGETS = {"did-verify": 6, "did-verify-help": 4, "wallet-help": 10, "wallet-list": 10}


def run(session: Session) -> None:
    """Measure the group."""
    with ExitStack() as stack:
        check = stack.enter_context(counter.check_arguments())
        listing = stack.enter_context(held.list_arguments())
        commands = {
            _BARE: ["-c", "pass"],
            "did-verify": ["-m", counter.PROGRAM, *check],
            "did-verify-help": ["-m", counter.PROGRAM, *_HELP],
            "wallet-help": ["-m", held.PROGRAM, *_HELP],
            "wallet-list": ["-m", held.PROGRAM, *listing],
        }
        samples = session.measure([_process(*each) for each in commands.items()])
    for name, target in _TARGETS.items():
        session.compare(f"cli.{name}", samples, name, _BARE, target)


def _process(name: str, arguments: list[str]) -> Operation:
    command = [sys.executable, *arguments]

    def run_it(count: int) -> float:
        begun = time.perf_counter()
        for _ in range(count):
            subprocess.run(command, cwd=CHECKOUT, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - begun

    return Operation(name, run_it)
