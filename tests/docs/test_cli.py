"""docs/cli.md against the programs: help, exit codes, variables, envelopes, examples."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from did_service.core.encoding import strict_json
from did_service.program.exits import Exit
from scripts import make_cli_docs
from tests.docs import pages

pytestmark = pytest.mark.clock

PAGE = pages.read("cli.md")
OUTPUTS = [block for block in pages.blocks(PAGE) if block.mark.startswith("output: ")]
_NAMES = (
    r'"((?:WALLET|DIDSVC|DIDVERIFY|XDG|CREDENTIALS|NOTIFY|WATCHDOG)_[A-Z_]+|LC_[A-Z]+|LANG'
    r'|NO_COLOR|TERM)"'
)


def exit_codes():
    """Return the codes of the table by the program that ends with them."""
    table = pages.rows(pages.section(PAGE, "Exit codes"))
    return [
        {int(row[0]) for row in table if row[column] == "✔"}
        for column in range(2, len(table[0]))
    ]


def test_help_is_what_the_programs_print():
    assert make_cli_docs.rendered(PAGE) == PAGE


def test_every_command_has_its_help():
    marks = [block.mark for block in pages.blocks(PAGE)]
    told = [mark.removeprefix("help: ") for mark in marks if mark.startswith("help: ")]
    assert sorted(told) == sorted(make_cli_docs.commands())


def test_exit_codes_are_those_of_the_programs():
    """One enum for all: a wallet may end with each, the others with what they can meet."""
    wallet, verifier, service = exit_codes()
    assert wallet == set(Exit)
    of_wallets = {Exit.DISTRUSTED, Exit.PENDING, Exit.INPUT_NEEDED}
    assert verifier == set(Exit) - of_wallets - {Exit.LOCKED}
    assert service == set(Exit) - of_wallets


def test_variables_are_those_that_the_programs_read():
    table = pages.rows(pages.section(PAGE, "Environment"))
    told = {name for row in table for name in pages.ticked(row[0])}
    sources = [
        path.read_text()
        for folder in ("did_service", "wallet_cli")
        for path in Path(folder).rglob("*.py")
    ]
    assert told == {name for text in sources for name in re.findall(_NAMES, text)}


def run(command, folder):
    """Run a line of the page in the story's folder, by this checkout's programs."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": programs, "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, check=False
    )


def members(value):
    """Return the shape of an object: its members, and theirs."""
    return (
        {name: members(member) for name, member in value.items()}
        if isinstance(value, dict)
        else None
    )


@pytest.mark.xdist_group("demo")
@pytest.mark.parametrize("block", [pytest.param(each, id=each.mark) for each in OUTPUTS])
def test_json_has_the_members_that_are_printed(story, block):
    words = shlex.split(block.mark.removeprefix("output: "))
    wallet = ["--store", "wallets/wang", "--passphrase-file", "wallets/wang/passphrase.txt"]
    command = shlex.join([*words, *(wallet if words[0] == "wallet" else []), "--json"])
    done = run(command, story)
    printed, told = strict_json.loads(done.stdout), strict_json.loads(block.text)
    assert members(printed) == members(told)
    assert done.returncode == (0 if told["ok"] else told["error"]["exit"])
    if not told["ok"]:
        assert printed["error"] == told["error"]


@pytest.mark.xdist_group("demo")
def test_examples_run_as_printed(story, tmp_path):
    folder = shutil.copytree(story, tmp_path / "story")  # they write files
    (block,) = [each for each in pages.blocks(PAGE) if each.language == "console"]
    variables = ""
    for line in block.text.splitlines():
        command, _, remark = line.removeprefix("$ ").partition(" # ")
        if command.startswith("export "):
            variables = f"{command};"
            continue
        ends = re.search(r"ends with (\d+)", remark)
        done = run(variables + command, folder)
        assert done.returncode == (int(ends[1]) if ends else 0), (line, done.stderr.decode())
