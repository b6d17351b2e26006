"""A counter as a clerk has it: a trust directory on disk, and `did-verify` to run on it.

    desk = Desk(tmp_path, scene)            # the scene's world; nothing is pinned yet
    desk.pin()
    run = desk.answer(desk.challenge())     # asked, shown by the holder, checked
    run.exit, run.report["outcome"], run.err
    run = desk.document(desk.shown(None))   # whoever its holder is

`run` is in this process, `start` in a child; both have the scene's clock, a second later.
"""

import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.evidence.bundle import encode_bundle
from did_service.core.evidence.sets import parse_evidence
from did_service.verifier.directory import TrustDirectory
from did_service.verify_cli.__main__ import main
from tests.support.counter import KEEP, Scene
from tests.support.dids import NOW

COUNTER = "window-3"
SECOND = timestamps.to_posix(NOW) + 1  # the one after a scene was made
# What `python -m did_service.verify_cli` does, at a time that is handed in.
_AT = """
import sys
from datetime import UTC, datetime

from did_service.verify_cli.__main__ import main

now = datetime.fromtimestamp(int(sys.argv[1]), UTC)
sys.exit(main(sys.argv[2:], clock=lambda: now))
"""


@dataclass(frozen=True)
class Run:
    """How one command ended."""

    exit: int
    out: str
    err: str

    @property
    def report(self) -> JsonObject:
        """What `--json` printed as its answer: a report, where `check` came to one.

        Release 0.2.0 printed a report bare.
        """
        return self.envelope["data"] if "schema" in self.envelope else self.envelope

    @property
    def envelope(self) -> JsonObject:
        """What `--json` printed, whole."""
        return json.loads(self.out)

    @property
    def codes(self) -> list[str]:
        """The codes that are neither passed nor not asked."""
        return [
            check["code"]
            for check in self.report["checks"]
            if check["result"] in ("failed", "undecided")
        ]


def did_verify(*words: str, now: int = SECOND, stdin: bytes = b"") -> Run:
    """Run `did-verify` in this process, at a POSIX second."""
    out, err = (TextIOWrapper(BytesIO(), encoding="utf-8") for _ in range(2))
    source = SimpleNamespace(buffer=BytesIO(stdin))
    with redirect_stdout(out), redirect_stderr(err), mock.patch.object(sys, "stdin", source):
        code = main([str(word) for word in words], clock=lambda: timestamps.from_posix(now))
    return Run(code, _text(out), _text(err))


def command(*words: object, now: int = SECOND) -> list[str]:
    """The command line of a child process that runs `did-verify` at a POSIX second."""
    return [sys.executable, "-c", _AT, str(now), *map(str, words)]


def start(*words: object, **environment: str) -> subprocess.Popen[bytes]:
    """Start `did-verify` a second after the time at which a scene stands."""
    pipe = subprocess.PIPE
    known = {**os.environ, **environment}
    return subprocess.Popen(command(*words), stdin=pipe, stdout=pipe, stderr=pipe, env=known)


def finish(child: subprocess.Popen[bytes], stdin: bytes = b"") -> Run:
    """Wait for a child process."""
    out, err = child.communicate(stdin)
    return Run(child.returncode, out.decode(), err.decode())


class Desk:
    """See the module's docstring."""

    def __init__(self, folder: Path, scene: Scene, name: str = "desk") -> None:
        self.folder, self.scene = folder, scene
        self.path = folder / name
        self.trust = TrustDirectory(self.path)

    def run(self, *words: object, later: int = 1, stdin: bytes = b"") -> Run:
        """Run a command on this desk's directory, so many seconds after the scene's now."""
        now = self.scene.fed.now + later
        return did_verify(*words, "--trust", self.path, now=now, stdin=stdin)

    def pin(self, policy: Policy | None = None, *words: str) -> Run:
        """Pin a policy with its fingerprint, or with the words given instead."""
        wanted = policy or self.scene.fed.policy
        given = words or ("--fingerprint", wanted.fingerprint)
        return self.run("trust", "pin", self.save_policy(wanted), *given)

    def challenge(self, *words: object, later: int = 1) -> str:
        """Ask something, and return the nonce of the request."""
        asked = self.run("challenge", "--audience", COUNTER, "--json", *words, later=later)
        return json.loads(asked.out)["data"]["nonce"]

    def shown(
        self, nonce: str | None, *, staple: object = KEEP, audience: str | None = COUNTER
    ) -> Path:
        """The file that the holder presents."""
        presentation = self.scene.present(nonce=nonce, audience=audience)
        return self.save("shown.vp.json", self.scene.file(presentation, staple))

    def check(self, shown: Path, *words: object, later: int = 1) -> Run:
        """Check a file and print the report as JSON."""
        return self.run("check", shown, "--json", *words, later=later)

    def document(self, shown: Path, *words: object, later: int = 1) -> Run:
        """Check the document alone, and print the report as JSON."""
        return self.check(shown, "--document", *words, later=later)

    def answer(self, nonce: str, *words: object, later: int = 1) -> Run:
        """Let the holder answer a nonce, and check the answer."""
        return self.check(self.shown(nonce), *words, later=later)

    # --- files --------------------------------------------------------------------------------

    def save(self, name: str, data: bytes) -> Path:
        """Write a file beside the desk."""
        path = self.folder / name
        path.write_bytes(data)
        return path

    def save_policy(self, policy: Policy | None = None) -> Path:
        """Write a policy."""
        members = (policy or self.scene.fed.policy).members
        return self.save("policy.json", json.dumps(members).encode())

    def save_bundle(self, evidence: JsonObject | None = None, name: str = "south") -> Path:
        """Write a bundle, of the scene's staple if nothing is given."""
        bundle = parse_evidence(self.scene.staple() if evidence is None else evidence)
        return self.save(f"{name}.bundle.jsonl.gz", encode_bundle(bundle))


def _text(stream: TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode()
