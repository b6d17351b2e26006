"""What README prints is what happens: its session is run, and both languages print the same."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from did_service.core.text import width
from tests.docs.pages import CHINESE, README, blocks, commands

pytestmark = pytest.mark.clock
_MONTH = r"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b"


@pytest.mark.xdist_group("demo")
def test_the_session_runs_as_printed(readme_session):
    said = readme_session.stdout[-2000:] + readme_session.stderr[-2000:]
    assert readme_session.returncode == 0, said
    words = "^(通过|不通过|无法判定|已核验过|证照真实，未核验持证人) "
    verdicts = re.findall(words, readme_session.stdout, re.MULTILINE)
    assert verdicts == ["通过", "已核验过", "证照真实，未核验持证人", "无法判定"]


@pytest.mark.xdist_group("demo")
@pytest.mark.parametrize("page", [README, CHINESE])
def test_the_verdict_shown_is_the_sessions(readme_session, page):
    """The session speaks both languages here, and is not broken at 80 columns."""
    told = undated(readme_session.stdout)
    shown = next(block.text for block in blocks(page.read_text()) if block.language == "text")
    assert all(width(line) <= 80 for line in shown.splitlines())
    for word in undated(shown).split():
        assert word in told, word


def undated(text):
    """Take out what the day of a run decides: numbers, and the names of months."""
    return re.sub("[0-9]+", "0", re.sub(_MONTH, "Month", text))


def test_the_install_line_gives_the_commands_and_the_front_door(tmp_path):
    """What it needs is here already: the line is run without fetching anything."""
    for page in (README, CHINESE):
        assert "`pip install .`" in page.read_text()
    here = tmp_path / "here"
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "-q", "--target", here]
    subprocess.run([sys.executable, "-m", "pip", "install", ".", *offline], check=True)
    assert {"wallet", "did-verify", "did-service"} <= {
        each.name for each in (here / "bin").iterdir()
    }
    program = f"import sys; sys.path.insert(0, {str(here)!r}); from did_service import verify"
    imported = [sys.executable, "-I", "-c", f"{program}; print(verify.__module__)"]
    unmeasured = {name: os.environ[name] for name in os.environ if "COVERAGE" not in name}
    done = subprocess.run(imported, env=unmeasured, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("did_service.")


def test_both_languages_print_the_same_session():
    assert commands(README.read_text()) == commands(CHINESE.read_text())


def test_every_link_of_the_pages_leads_somewhere():
    more = [Path("CONTRIBUTING.md"), Path("CHANGELOG.md"), Path("SECURITY.md")]
    pages = [README, CHINESE, *more, *Path("docs").rglob("*.md"), Path("bench/README.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            if not target.startswith("https://"):
                assert (page.parent / target).exists(), f"{page}: {target}"
