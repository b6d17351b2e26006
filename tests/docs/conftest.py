"""The story that README's session leaves in the checkout, played once for all pages."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import README, commands

STORY = Path("story")


@pytest.fixture(scope="session")
def readme_session():
    """What README's session printed; the folder it makes is gone afterwards."""
    assert not STORY.exists(), "a folder `story` stands in the way of this test"
    script = "\n".join(["set -e", *commands(README.read_text())])
    environment = {**os.environ, "MAKEFLAGS": ""}
    yield subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    shutil.rmtree(STORY, ignore_errors=True)


@pytest.fixture(scope="session")
def story(readme_session):
    """The folder with every file of the story."""
    assert readme_session.returncode == 0, readme_session.stderr[-2000:]
    return STORY.resolve()
