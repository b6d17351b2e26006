"""The one-page guides of clerk and citizen: what they print is run, in both languages alike."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from did_service.core.anchor.bodies.policy import parse_policy
from did_service.node.local.members import POLICE
from did_service.verifier.verdict_text import WORDS
from tests.docs.pages import blocks
from tests.support.town import town_at

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


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """The services that a citizen deals with."""
    with town_at(tmp_path_factory.mktemp("town")) as started:
        yield started


def pages(name):
    return [Path(f"docs/{name}{ending}").read_text() for ending in (".md", ".zh-CN.md")]


@dataclass
class Person:
    """Somebody at a machine of their own, who has a guide and types what it prints.

    Attributes:
        place: The folder that they are in.
        variables: What their machine has set: where its programs keep their things.
        fingerprint: What the letter says, in place of the one that the guide has as an example.
    """

    place: Path
    variables: dict[str, str]
    fingerprint: str

    def run(self, command):
        """Type a line, and answer yes to what is asked; return what the screen says."""
        typed = re.sub('--fingerprint "[^"]*"', f'--fingerprint "{self.fingerprint}"', command)
        yes = 'wallet() { command wallet --yes "$@"; }'
        run = subprocess.run(
            ["bash", "-c", f"{yes}\n{typed}"],
            cwd=self.place,
            env={**os.environ, "PYTHONSAFEPATH": "1", **self.variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, (command, run.stdout, run.stderr)
        return run.stdout


def person(place, checkout, fingerprint, **variables):
    """A person whose machine has the programs and none of their files."""
    place.mkdir()
    (place / "passphrase").write_text("correct horse battery staple\n")
    (place / "passphrase").chmod(0o600)
    path = f"{(checkout / '.venv' / 'bin').resolve()}:{os.environ['PATH']}"
    own = {
        "PATH": path,
        "DIDVERIFY_LANG": "both",
        "XDG_STATE_HOME": str(place / "state"),
        "XDG_DATA_HOME": str(place / "data"),
        "WALLET_PASSPHRASE_FILE": str(place / "passphrase"),
    }
    return Person(place, own | variables, fingerprint)


def fingerprint_of(path):
    return parse_policy(json.loads(path.read_text())).fingerprint


@pytest.mark.xdist_group("demo")
def test_a_clerk_gets_by_with_the_guide_alone(story, checkout, tmp_path):
    """From an empty machine to a verdict; the citizen is the story's, with a wallet."""
    clerk = person(tmp_path / "clerk", checkout, fingerprint_of(story / "policy.json"))
    # What the office sends. Nobody signs a second policy here: renewing meets the same one.
    shutil.copy(story / "policy.json", clerk.place / "policy.json")
    shutil.copy(story / "policy.json", clerk.place / "policy-2.json")
    shutil.copy(story / "counter/newest.bundle.jsonl.gz", clerk.place)
    wallet = tmp_path / "wang"
    shutil.copytree(story / "wallets/wang", wallet)
    citizen = person(
        tmp_path / "citizen",
        checkout,
        clerk.fingerprint,
        WALLET_STORE=str(wallet),
        WALLET_PASSPHRASE_FILE=str(wallet / "passphrase.txt"),
    )
    said = []
    for visit in range(2):  # the second visitor's files lie where the first one's lay
        for command in commands(pages("clerk")[0]):
            if visit and "trust" in command:
                continue
            said.append(clerk.run(command))
            if "challenge" in command:
                request, answer = clerk.place / "ask.json", clerk.place / "shown.vp.json"
                wanted = f"--request {request} --out {answer} --force"
                citizen.run(f"wallet present education-1 {wanted}")
    verdicts = [line for text in said for line in text.splitlines() if "ACCEPTED" in line]
    assert len(verdicts) >= 2
    assert {line.split(" · ")[0] for line in verdicts} == {"通过 ACCEPTED"}


@pytest.mark.xdist_group("demo")
def test_a_citizen_gets_by_with_the_guide_alone(town, checkout, tmp_path):
    """From an empty machine to an answer that a counter accepts."""
    fingerprint = town.world.policy.fingerprint
    routes = {"DIDSVC_ROUTES": str(town.folder / "routes.json")}
    citizen = person(tmp_path / "citizen", checkout, fingerprint, **routes)
    clerk = person(tmp_path / "clerk", checkout, fingerprint)
    shutil.copy(town.policy_file, citizen.place / "policy.json")
    shutil.copy(town.policy_file, clerk.place / "policy.json")
    (claims,) = [b.text for b in blocks(pages("citizen")[0]) if b.language == "json"]
    (citizen.place / "me.json").write_text(claims)
    for command in commands(pages("citizen")[0]):
        if "present" in command:
            clerk.run('did-verify trust pin policy.json --fingerprint ""')
            clerk.run("did-verify challenge --audience window-3 --out ask.json")
            shutil.copy(clerk.place / "ask.json", citizen.place)
        citizen.run(command)
        if "apply" in command:
            town.approve(POLICE)
        if "receive" in command:
            town.anchor()
    shutil.copy(citizen.place / "shown.vp.json", clerk.place)
    assert "通过 ACCEPTED" in clerk.run("did-verify check shown.vp.json")


def test_nobody_is_given_a_line_that_is_another_ones_or_answers_unread():
    for name, own in (("clerk", "did-verify"), ("citizen", "wallet")):
        for command in commands(pages(name)[0]):
            assert command.split()[0] == own
            assert "--yes" not in command


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
