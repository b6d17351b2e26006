"""What README prints is what happens: its session is run, and both languages print the same."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

README, CHINESE = Path("README.md"), Path("README.zh-CN.md")
STORY = Path("story")


def session(page: Path) -> list[str]:
    """The commands of a page's console session, without their remarks."""
    block = re.search(r"```console\n(.*?)```", page.read_text(), re.DOTALL)
    lines = block[1].splitlines()
    return [re.sub(r"\s+#[^\"']*$", "", line.removeprefix("$ ")) for line in lines]


@pytest.fixture
def story_folder():
    """The folder that the session makes in the checkout, gone afterwards."""
    assert not STORY.exists(), "a folder `story` stands in the way of this test"
    yield STORY
    shutil.rmtree(STORY, ignore_errors=True)


@pytest.mark.xdist_group("demo")
def test_the_session_runs_as_printed(story_folder):
    script = "\n".join(["set -e", *session(README)])
    environment = {**os.environ, "MAKEFLAGS": ""}
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "通过" in done.stdout


def test_both_languages_print_the_same_session():
    assert session(README) == session(CHINESE)


def test_every_link_of_the_pages_leads_somewhere():
    pages = [README, CHINESE, *Path("docs").rglob("*.md"), Path("CONTRIBUTING.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            if not target.startswith("https://"):
                assert (page.parent / target).exists(), f"{page}: {target}"
