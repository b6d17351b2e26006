"""What stands on a service counter's disk: a presentation, a policy, and `did-verify`.

With a trust directory each check is a visit: the answer to a question that was still open. A
second answer would be told from the first, and judged by nobody.

The presentation is a residence permit of gd with its staple, so that every step has something
to check: holder's and issuer's proofs, authority up to a root, status, schema, checkpoints
with the cosignatures of four regions, inclusion paths, heads.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.fixtures import CHECKOUT
from did_service.core.encoding import jcs, strict_json, timestamps
from tests.support.counter import AUDIENCE, NONCE, Scene
from tests.support.desk import COUNTER, Desk

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


@contextmanager
def visits() -> Iterator[Callable[[], list[str]]]:
    """Pin a policy in a trust directory, and yield what makes the arguments of each next visit.

    It asks, and the holder answers; with the arguments `did-verify` accepts the answer, once.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        desk = Desk(Path(name), published_scene())
        desk.pin()
        at = timestamps.encode(timestamps.from_posix(desk.scene.fed.now + 1))

        def visit() -> list[str]:
            answer = desk.scene.present(nonce=desk.challenge(), audience=COUNTER)
            shown = desk.save("shown.vp.json", presented_file(desk.scene, presentation=answer))
            circumstances = ["--trust", str(desk.path), "--now", at, "--accept-limits"]
            return ["check", str(shown), *circumstances, "--json"]

        assert outcome(visit()) == "accepted"
        yield visit


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
