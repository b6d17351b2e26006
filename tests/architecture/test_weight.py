"""Light programs stay light: what a fresh interpreter has loaded after importing a room."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.ceremony import Machines
from tests.support.optional import CHECKOUT

pytestmark = pytest.mark.clock

SERVERS = {"fastapi", "starlette", "sqlmodel", "sqlalchemy", "uvicorn", "pydantic"}
ROOMS = {
    "did_service.core": SERVERS | {"httpx", "click", "rich"},
    "did_service.verifier": SERVERS | {"httpx", "click", "rich"},
    "did_service.verify_cli": SERVERS | {"httpx", "click", "rich"},
    "did_service.client": SERVERS,
    "wallet_cli": SERVERS,
}
PROGRAM = """
import importlib, pkgutil, sys

package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
print(*sorted(name for name in sys.modules if "." not in name))
"""


POSTPONED = "from __future__ import annotations"


def test_no_named_tuple_compiles_its_annotations():
    """`NamedTuple` compiles each annotation that is a text: 8 ms of a check's start."""
    texts = {found: found.read_text() for found in (CHECKOUT / "did_service").rglob("*.py")}
    named = {found for found, text in texts.items() if "(NamedTuple)" in text}
    assert named
    assert not {found for found in named if POSTPONED in texts[found]}


def loaded_by(room: str, folder: Path = CHECKOUT) -> set[str]:
    """Import every module of a room in a fresh interpreter and name what came along."""
    command = [sys.executable, "-c", PROGRAM, room]
    child = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return set(child.stdout.split())


@pytest.mark.parametrize("room", [room for room in ROOMS if importlib.util.find_spec(room)])
def test_a_room_loads_nothing_heavier_than_it_needs(room):
    assert not loaded_by(room) & ROOMS[room]


def test_a_planted_import_in_the_last_corner_is_seen(tmp_path):
    corner = tmp_path / "room" / "corner"
    corner.mkdir(parents=True)
    (tmp_path / "room" / "__init__.py").touch()
    (corner / "__init__.py").touch()
    (corner / "heavy.py").write_text("import pydantic")
    assert "pydantic" in loaded_by("room", tmp_path)


# A command that only touches a folder serves nothing: no server. One that opens no database has
# no engine of one either.
DATABASES = {"sqlmodel", "sqlalchemy", "pydantic", "alembic"}
ONE_COMMAND = """
import sys
from contextlib import suppress
from did_service.cli.__main__ import cli
from did_service.core.errors import DidServiceError

with suppress(DidServiceError):
    cli(sys.argv[1:], standalone_mode=False)
print("\\n", *sorted(name for name in sys.modules if "." not in name))
"""
SHOWN = "schemas/examples/valid/policy-draft.json"
OF_FOLDERS = [
    "region status FOLDER",
    "federation join FOLDER --name-zh 广东 --name-en gd --territory 440000 --out FOLDER/out",
    f"federation start {SHOWN} --federation urn:didsvc:federation:t --out FOLDER/draft",
    f"federation show {SHOWN}",
    f"federation finish FOLDER {SHOWN}",
    f"policy show {SHOWN}",
    "policy next FOLDER --add-year 2030 --out FOLDER/next",
    "region end FOLDER --agency did:web:gz.example --scope s --yes",
    "key list FOLDER",
    "key backup FOLDER --out FOLDER/keys.backup --backup-passphrase-file FOLDER/pass",
]
OF_DATABASES = [
    "alarms list FOLDER",
    "fsck FOLDER",
    "backup FOLDER FOLDER/backup",
    "officer list FOLDER",
    "database status FOLDER",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of a region, as `init` makes it."""
    machine = Machines(tmp_path_factory.mktemp("weight")).add("gd")
    (machine.folder.path / "pass").write_text("another-passphrase\n")
    (machine.folder.path / "pass").chmod(0o600)
    return machine.folder.path


def loaded_by_command(words: str, folder: Path) -> set[str]:
    """Run one command in a fresh interpreter, whatever comes of it."""
    typed = words.replace("FOLDER", str(folder)).split()
    child = subprocess.run(
        [sys.executable, "-c", ONE_COMMAND, *typed],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
        text=True,
    )
    return set(child.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("words", OF_FOLDERS)
def test_a_command_that_reads_and_writes_files_loads_no_server_and_no_database(words, folder):
    assert not loaded_by_command(words, folder) & (SERVERS | DATABASES)


@pytest.mark.parametrize("words", OF_DATABASES)
def test_a_command_that_opens_a_database_loads_no_server(words, folder):
    assert not loaded_by_command(words, folder) & {"fastapi", "starlette", "uvicorn"}
