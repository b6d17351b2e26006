"""The story that README's session leaves behind, played once for all pages."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import README, commands

NEEDED = ("Makefile", "pyproject.toml", "requirements", "scripts", ".venv")


@pytest.fixture(scope="session")
def checkout(tmp_path_factory):
    """A folder that stands for the checkout, in which the session may leave its files."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in NEEDED:
        (folder / name).symlink_to(Path(name).absolute())
    return folder


@pytest.fixture(scope="session")
def readme_session(checkout):
    """What README's session printed, run as printed."""
    script = "\n".join(["set -e", *commands(README.read_text())])
    spoken = {"DIDVERIFY_LANG": "both"}
    environment = {**os.environ, **spoken, "MAKEFLAGS": "", "PYTHONSAFEPATH": "1"}
    return subprocess.run(
        ["bash", "-c", script],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def story(readme_session, checkout):
    """The folder with every file of the story."""
    assert readme_session.returncode == 0, readme_session.stderr[-2000:]
    return checkout / "story"
