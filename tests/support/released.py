"""A release that is kept as a wheel, run as its users have it: unpacked, in its own process.

    release = Release.unpacked(wheel, tmp_path)
    for run in release.did_verify([["check", "shown.json", "--json"], ["--version"]], now):
        run.exit, run.report

Third-party packages are those of the environment; nothing of the checkout is imported.
"""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.desk import Run
from tests.support.optional import CHECKOUT

WHEELS = sorted((CHECKOUT / "tests" / "data").glob("did_service-*.whl"))
# What `did-verify` does, for one command line after the other, at a time
# that is handed in. The modules are loaded once, which costs more than all the checks.
_EACH = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime

import did_service
try:
    from did_service.verify_cli.__main__ import main
except ModuleNotFoundError:  # in 0.2.0 it stood elsewhere
    from did_service.verifier.__main__ import main


def answer(words):
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        code = main(words, clock=lambda: now)
    for stream in (out, err):
        stream.flush()
    return [code, out.buffer.getvalue().decode(), err.buffer.getvalue().decode()]


now = datetime.fromtimestamp(int(sys.argv[1]), UTC)
runs = [answer(words) for words in json.load(sys.stdin)]
print(json.dumps({"at": did_service.__file__, "runs": runs}))
"""


@dataclass(frozen=True)
class Release:
    """A wheel that was unpacked into a folder.

    Attributes:
        folder: Where its modules lie.
        number: Of the release, as (major, minor, patch).
    """

    folder: Path
    number: tuple[int, ...]

    @classmethod
    def unpacked(cls, wheel: Path, folder: Path) -> "Release":
        """Unpack a wheel; nothing is installed."""
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(folder)
        return cls(folder, tuple(map(int, wheel.stem.split("-")[1].split("."))))

    @property
    def document_alone(self) -> list[str]:
        """What a clerk says to have a document checked without its holder: nothing in 0.2.0."""
        return [] if self.number < (0, 3, 0) else ["--document"]

    def did_verify(self, lines: Sequence[Sequence[object]], now: int) -> list[Run]:
        """Run `did-verify` for each command line, all of them at one POSIX second."""
        given = json.dumps([[str(word) for word in words] for words in lines])
        answer = json.loads(self.run(_EACH, now, given=given))
        assert Path(answer["at"]).is_relative_to(self.folder)
        return [Run(*run) for run in answer["runs"]]

    def run(self, program: str, *arguments: object, given: str = "") -> str:
        """Run a program of Python on the release's modules and return what it prints."""
        done = subprocess.run(
            [sys.executable, "-c", program, *map(str, arguments)],
            input=given,
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _environment(self) -> dict[str, str]:
        """Put the release before the checkout, and outside what is measured of it."""
        known = {n: value for n, value in os.environ.items() if not n.startswith("COVERAGE_")}
        return {**known, "PYTHONPATH": str(self.folder)}
