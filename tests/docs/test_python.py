"""docs/python.md: its blocks run in their order and print what stands below them."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs import pages

pytestmark = pytest.mark.clock

PAGE = pages.read("python.md")


def printed(language):
    return "".join(block.text for block in pages.blocks(PAGE) if block.language == language)


@pytest.mark.xdist_group("demo")
def test_the_blocks_print_what_stands_below_them(story):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", printed("python")],
        cwd=story,
        env={**os.environ, "PYTHONPATH": str(Path.cwd()), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == (printed("text"), "")


def test_every_call_that_is_named_is_there():
    named = [
        name
        for row in pages.rows(pages.section(PAGE, "What stands where"))
        for name in pages.ticked(row[1])
    ]
    assert len(named) >= 9
    for name in named:
        assert resolved(f"did_service.{name}"), name


def resolved(name):
    """Return the module, class, function or method of a dotted name."""
    parts = name.split(".")
    for at in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:at]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[at:]:
            found = getattr(found, attribute)
        return found
    return None
