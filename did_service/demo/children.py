"""The programs of citizen and counter, started as their users would start them.

The commands are relative to the demo's folder, so that a reader can repeat each of them there.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import UnavailableError

_MODULES = {"wallet": "wallet_cli", "did-verify": "did_service.verify_cli"}
_ENCODING = "utf-8"  # whatever the terminal has: what a child says is not printed as it is


@dataclass(frozen=True, slots=True)
class ChildRun:
    """A command that has ended.

    Attributes:
        command: As a reader would type it.
        code: Exit code.
        output: The JSON object it wrote to stdout; empty where it wrote none.
        lines: What it wrote to stdout otherwise.
        errors: What it told people.
        seconds: How long it took.
    """

    command: str
    code: int
    output: JsonObject
    lines: tuple[str, ...]
    errors: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Children:
    """Starts programs in a folder, with the routes that stand in for the network."""

    folder: Path
    environment: Mapping[str, str]
    patience: float = 120  # seconds for each

    def run(self, program: str, *arguments: str, codes: tuple[int, ...] = (0,)) -> ChildRun:
        """Run `wallet` or `did-verify` to its end.

        Args:
            program: Its name.
            arguments: Its arguments; paths relative to the folder.
            codes: Exit codes that the story expects.

        Raises:
            UnavailableError: `child_failed`, with what it said, for any other exit code, or
                when it does not end.
        """
        began = perf_counter()
        command = shlex.join([program, *arguments])
        done = self._ended([sys.executable, "-m", _MODULES[program], *arguments], command)
        if done.returncode not in codes:
            said = (done.stderr or done.stdout).strip()[-400:]
            raise UnavailableError("child_failed", f"{command} ended {done.returncode}: {said}")
        output = strict_json.load_object(done.stdout) if done.stdout.startswith("{") else {}
        lines = () if output else tuple(done.stdout.rstrip().splitlines())
        seconds = perf_counter() - began
        return ChildRun(command, done.returncode, output, lines, done.stderr, seconds)

    def _ended(self, words: list[str], command: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                words,
                cwd=self.folder,
                env={**os.environ, **self.environment, "PYTHONIOENCODING": _ENCODING},
                capture_output=True,
                encoding=_ENCODING,
                timeout=self.patience,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            what = f"{command} did not end in {self.patience} s"
            raise UnavailableError("child_failed", what) from late
