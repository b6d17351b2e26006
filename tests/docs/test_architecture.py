"""docs/architecture.md against the tree: every room stands in its table, and no other."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.docs import pages

PAGE = pages.read("architecture.md")
ROOMS = [
    name for row in pages.rows(pages.section(PAGE, "Rooms")) for name in pages.ticked(row[0])
]
CORE, SERVICE = Path("did_service/core"), Path("did_service")


def rooms_in(folder):
    """Return the rooms below a folder: packages, and modules with a name of their own."""
    found = [path for path in folder.iterdir() if not path.is_symlink()]
    packages = {path.name for path in found if (path / "__init__.py").exists()}
    return packages | {path.stem for path in found if path.suffix == ".py"} - {"__init__"}


def folders_at_the_top():
    """Return the folders of the repository that are kept."""
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True)
    tops = {line.split("/")[0] for line in listed.stdout.splitlines() if "/" in line}
    return {name for name in tops if not name.startswith(".")}


@pytest.mark.clock
def test_every_room_stands_in_the_table_once_and_no_other():
    core = {f"core/{name}" for name in rooms_in(CORE)}
    expected = core | (rooms_in(SERVICE) - {"core"}) | (folders_at_the_top() - {"did_service"})
    assert sorted(ROOMS) == sorted(expected)


def test_every_room_is_drawn_on_its_floor():
    drawing = pages.section(PAGE, "Layers")
    drawn = set(re.findall(r"[a-z_]+", drawing.split("```")[1]))
    rooms = rooms_in(CORE) | rooms_in(SERVICE) | {"wallet_cli"}
    assert rooms <= drawn


def test_the_floors_are_those_of_the_import_contracts():
    contracts = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["importlinter"]
    layers = {each["id"]: each.get("layers", []) for each in contracts["contracts"]}
    below = [re.findall(r"[a-z_]+", floor) for floor in layers["core"]]
    drawing = pages.section(PAGE, "Layers").split("═")[-1].split("```")[0]
    drawn = [re.findall(r"\b[a-z_]+\b", line.split("(")[0]) for line in drawing.splitlines()]
    order = [name for line in drawn for name in line]
    built = [[name for name in floor if name in rooms_in(CORE)] for floor in below]
    assert order == [name for floor in built for name in floor]


def test_what_is_said_not_to_exist_does_not():
    refused = re.search(r"What does not exist: (.*?), plugin", PAGE, re.DOTALL)[1]
    modules = {path.stem for path in [*SERVICE.rglob("*"), *Path("wallet_cli").rglob("*")]}
    assert len(pages.ticked(refused)) == 5
    assert not modules & set(pages.ticked(refused))
