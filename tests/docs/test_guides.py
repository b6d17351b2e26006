"""The one-page guides of clerk and citizen: what they print is run, in both languages alike."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from did_service.verifier.verdict_text import WORDS
from tests.docs.pages import blocks

pytestmark = pytest.mark.clock

GUIDES = ("clerk", "citizen")
MOST_LINES = 80  # one page


def commands(page):
    """Return the commands of all console sessions of a page, without their remarks."""
    lines = [
        line
        for block in blocks(page)
        if block.language == "console"
        for line in block.text.splitlines()
    ]
    return [re.sub(r"\s+# .*$", "", line.removeprefix("$ ")) for line in lines]


def pages(name):
    return [Path(f"docs/{name}{ending}").read_text() for ending in (".md", ".zh-CN.md")]


@pytest.fixture
def counter(story, tmp_path):
    """The story's folder as its people have it: each with a default place of their own."""
    here = tmp_path / "here"
    shutil.copytree(story, here, symlinks=True)
    for name in ("ask.json", "shown.json"):  # of README's session
        (here / name).unlink(missing_ok=True)
    state = tmp_path / "state"
    shutil.copytree(here / "counter" / "trust", state / "did-verify")
    return here, {
        "XDG_STATE_HOME": str(state),
        "WALLET_STORE": "wallets/wang",
        "WALLET_PASSPHRASE_FILE": "wallets/wang/passphrase.txt",
        "DIDVERIFY_LANG": "both",
    }


@pytest.mark.xdist_group("demo")
@pytest.mark.parametrize("name", GUIDES)
def test_the_commands_of_a_guide_run_as_printed(counter, checkout, name):
    folder, variables = counter
    path = f"{(checkout / '.venv' / 'bin').resolve()}:{os.environ['PATH']}"
    script = "\n".join(["set -e", *commands(pages(name)[0])])
    run = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={**os.environ, **variables, "PATH": path, "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    if name == "clerk":
        assert re.findall("^通过 ACCEPTED", run.stdout, re.MULTILINE)


@pytest.mark.parametrize("name", GUIDES)
def test_a_guide_is_one_page_and_prints_the_same_in_both_languages(name):
    english, chinese = pages(name)
    assert commands(english) == commands(chinese)
    assert len(blocks(english)) == len(blocks(chinese))
    for page in (english, chinese):
        assert len(page.splitlines()) <= MOST_LINES


def test_the_clerks_guide_names_every_headline():
    english, chinese = pages("clerk")
    for words in WORDS.values():
        assert words.zh in english, words.zh
        assert words.zh in chinese, words.zh
