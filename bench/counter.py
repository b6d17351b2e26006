"""What stands on a service counter's disk: a presentation, a policy, and `did-verify`.

The presentation is a residence permit of gd with its staple, so that every step has something
to check: holder's and issuer's proofs, authority up to a root, status, schema, checkpoints
with the cosignatures of four regions, inclusion paths, heads.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.fixtures import CHECKOUT
from did_service.core.encoding import jcs, strict_json, timestamps
from tests.support.counter import AUDIENCE, NONCE, Scene

PROGRAM = "did_service.verify_cli"


@contextmanager
def check_arguments() -> Iterator[list[str]]:
    """Write the files, and yield the arguments with which `did-verify` accepts them."""
    scene = published_scene()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        shown, policy = Path(name, "shown.vp.json"), Path(name, "policy.json")
        shown.write_bytes(presented_file(scene))
        policy.write_bytes(jcs.encode(scene.fed.policy.members))
        now = timestamps.encode(timestamps.from_posix(scene.fed.now))
        files = [str(shown), "--policy", str(policy), "--now", now]
        asked = ["--nonce", NONCE, "--audience", AUDIENCE, "--accept-limits", "--json"]
        arguments = ["check", *files, *asked]
        assert outcome(arguments) == "accepted"
        yield arguments


def published_scene() -> Scene:
    """Return the world after everything was witnessed."""
    scene = Scene()
    scene.publish()
    return scene


def presented_file(scene: Scene, **parts: object) -> bytes:
    """Return the presentation file in the wallet's own spelling; parts that are None go."""
    members = strict_json.load_object(scene.file(**parts))
    return f"{strict_json.dumps(members)}\n".encode()


def outcome(arguments: list[str]) -> object:
    """Run `did-verify` and return the outcome in its report."""
    command = [sys.executable, "-m", PROGRAM, *arguments]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=False)
    report = strict_json.load_object(done.stdout)["data"]
    assert isinstance(report, dict), done.stdout
    return report.get("outcome")


def peak_kib() -> int:
    """Return the peak of memory of one `did-verify check`, in KiB."""
    with check_arguments() as arguments, tempfile.TemporaryDirectory(prefix="bench-") as name:
        report = Path(name, "peak")
        command = [sys.executable, str(CHECKOUT / "bench" / "peak.py"), str(report), PROGRAM]
        subprocess.run(
            [*command, *arguments], cwd=CHECKOUT, check=True, stdout=subprocess.DEVNULL
        )
        return int(report.read_text())
