"""Group `cli`: whole processes, from start to exit, beside `python -c pass`.

Compiled modules are kept, as an installation keeps them, in a folder of the run.

`cli.wallet-list` opens a store that holds three credentials and whose key derivation is the
cheapest there is: deriving the key from a passphrase is made slow on purpose, and is the same
half second for every command. It has pinned no policy, so nothing can be judged;
`cli.wallet-list-pinned` has, and judges each of the three as a counter would.

`cli.did-verify-trust` is a clerk's visit: the answer to a question that is still open, another
one each time; asking and answering are not timed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from bench import counter, held
from bench.fixtures import CHECKOUT
from bench.harness import Operation, Session

_BARE = "python-c-pass"
_HELP = ["--help"]
_TARGETS = {
    "did-verify": 11.5,
    "did-verify-trust": 12,
    "did-verify-help": 4,
    "wallet-help": 10,
    "wallet-list": 10,
    "wallet-list-pinned": None,  # a list that judges costs a check, and click
}


def run(session: Session) -> None:
    """Measure the group."""
    with ExitStack() as stack:
        modules = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": modules}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        check = stack.enter_context(counter.check_arguments())
        visit = stack.enter_context(counter.visits())
        listing = stack.enter_context(held.list_arguments())
        pinned = stack.enter_context(held.list_arguments(pinned=True))
        commands: dict[str, Callable[[], Sequence[str]]] = {
            _BARE: lambda: ["-c", "pass"],
            "did-verify": lambda: ["-m", counter.PROGRAM, *check],
            "did-verify-trust": lambda: ["-m", counter.PROGRAM, *visit()],
            "did-verify-help": lambda: ["-m", counter.PROGRAM, *_HELP],
            "wallet-help": lambda: ["-m", held.PROGRAM, *_HELP],
            "wallet-list": lambda: ["-m", held.PROGRAM, *listing],
            "wallet-list-pinned": lambda: ["-m", held.PROGRAM, *pinned],
        }
        samples = session.measure([_process(*each, environment) for each in commands.items()])
    for name, target in _TARGETS.items():
        session.compare(f"cli.{name}", samples, name, _BARE, target)


def _process(
    name: str, arguments: Callable[[], Sequence[str]], environment: Mapping[str, str]
) -> Operation:
    """Make an operation of a process; what its arguments cost to make is not timed."""
    quiet = subprocess.DEVNULL

    def run_it(count: int) -> float:
        seconds = 0.0
        for _ in range(count):
            command = [sys.executable, *arguments()]
            begun = time.perf_counter()
            subprocess.run(command, cwd=CHECKOUT, env=environment, check=True, stdout=quiet)
            seconds += time.perf_counter() - begun
        return seconds

    return Operation(name, run_it)
