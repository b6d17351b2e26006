"""`make up` and what it prints, typed by citizen, officers and clerk, in both languages."""

import json
import os
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from did_service.core.anchor.bodies.policy import parse_policy
from did_service.core.log.checkpoint import checkpoint_in
from tests.support.serving_process import (
    children_of,
    command_of,
    few_files,
    has_few_heaps,
    has_files_enough,
)

pytestmark = [pytest.mark.clock, pytest.mark.xdist_group("demo")]
YES = 'wallet() { command wallet --yes "$@"; }'
# What a folder keeps of its wallet and its policy is not typed again the second time.
ONCE = ("wallet init", "wallet trust", "wallet apply", "did-service desk", "wallet receive")


def surroundings():
    kept = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    return {**kept, "MAKEFLAGS": "", "PYTHONSAFEPATH": "1", "DIDVERIFY_LANG": "both"}


@contextmanager
def up(folder, *words):
    """Run `make up` until Ctrl-C, which all of its processes get; yields what it printed."""
    with few_files():
        child = subprocess.Popen(
            ["make", "--no-print-directory", "up", f"ARGS={folder} {' '.join(words)}"],
            env=surroundings(),
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    try:
        told = printed(child.stdout)
        check_process(child.pid)
        yield told
    finally:
        os.killpg(child.pid, signal.SIGINT)
        child.communicate(timeout=120)


def check_process(pid):
    """The program below make is prepared as a service is."""
    (serving,) = [each for each in children_of(pid) if "up" in command_of(each)]
    assert has_few_heaps(serving)
    assert has_files_enough(serving)


def printed(stream):
    """What it prints when it is ready: to the last line, the clerk's check, or one object."""
    lines = []
    for line in stream:
        lines.append(line)
        if line.startswith(("  did-verify check", "}")):
            break
    return "".join(lines)


def sizes(folder):
    """How long each log is, by origin, as its newest checkpoint says."""
    notes = [*folder.glob("regions/*/data/reg/checkpoint")]
    notes += folder.glob("regions/*/data/ev/*/checkpoint")
    heads = [checkpoint_in(path.read_bytes()) for path in notes]
    return {head.origin: head.size for head in heads}


def commands(text):
    """The lines to be typed: they stand two spaces in."""
    return [line.strip() for line in text.splitlines() if line.startswith("  ")]


def typed(lines):
    """Type lines in one shell, and say yes to what is asked."""
    script = "\n".join(["set -e", YES, *lines])
    run = subprocess.run(
        ["bash", "-c", script],
        env=surroundings(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, (run.stdout, run.stderr)
    return run.stdout


def test_what_it_prints_is_typed_and_works_and_it_goes_on_where_it_was(tmp_path):
    folder = tmp_path / "federation"
    with up(folder, "--lang", "zh") as chinese:
        first = typed(commands(chinese))
        assert "通过 ACCEPTED" in first
        policy = (folder / "policy.json").read_bytes()
    logged = sizes(folder)
    assert logged["gd.example/reg"] > 5
    with up(folder, "--lang", "en") as english:
        assert commands(english) == commands(chinese)
        assert english != chinese
        again = [line for line in commands(english) if not line.startswith(ONCE)]
        assert "通过 ACCEPTED" in typed(again)
        assert (folder / "policy.json").read_bytes() == policy
    assert all(now >= logged[origin] for origin, now in sizes(folder).items())
    with up(folder, "--json") as told:
        data = json.loads(told)["data"]
        assert data["policy"]["fingerprint"] == parse_policy(json.loads(policy)).fingerprint
        assert data["next"] == commands(english)
        office = data["agencies"][0]
        for officer in office["officers"]:
            assert Path(officer["token_file"]).stat().st_mode & 0o077 == 0
