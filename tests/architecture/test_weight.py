"""Light programs stay light: what a fresh interpreter has loaded after importing a room."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

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
