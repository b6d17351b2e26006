"""What is shipped: the locks, the commands beside the interpreter, the content of the wheel."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.support.optional import CHECKOUT

LOCKS = [*CHECKOUT.glob("requirements/*.lock"), CHECKOUT / "tests/interop/package-lock.json"]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
MAKEFILE = (CHECKOUT / "Makefile").read_text()
BUILD = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d"]  # as `make wheel`
DATED = {**os.environ, "SOURCE_DATE_EPOCH": "315532800"}


def built(folder: Path, umask: int) -> Path:
    subprocess.run([*BUILD, folder], cwd=CHECKOUT, check=True, env=DATED, umask=umask)
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def release(tmp_path_factory) -> Path:
    return built(tmp_path_factory.mktemp("wheel"), 0o022)


@pytest.fixture(scope="module")
def wheel(release) -> set[str]:
    return set(zipfile.ZipFile(release).namelist())


def sources(package: str) -> set[str]:
    return {str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / package).rglob("*.py")}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_locks_pin_hashes_and_name_no_registry(lock: Path):
    text = lock.read_text()
    if lock.suffix == ".lock":
        assert "://" not in text
        for package in re.split(r"\n(?=\S)", text.strip()):
            assert "--hash=sha256:" in package
    else:
        assert '"resolved"' not in text


def test_every_dependency_is_bounded_in_run_in():
    bounded = re.findall(
        r"^([a-z0-9-]+)>=", (CHECKOUT / "requirements/run.in").read_text(), re.MULTILINE
    )
    assert set(bounded) == set(PROJECT["dependencies"])


@pytest.mark.clock
@pytest.mark.parametrize("package", ["did_service", "wallet_cli"])
def test_the_wheel_holds_every_module_and_its_types(wheel, package):
    assert sources(package) <= wheel
    assert f"{package}/py.typed" in wheel


@pytest.mark.clock
def test_the_wheel_holds_the_schemas_as_package_data(wheel):
    schemas = {
        f"did_service/{path.relative_to(CHECKOUT)}"
        for path in CHECKOUT.glob("schemas/**/*.json*")
    }
    assert schemas <= wheel


@pytest.mark.clock
def test_the_wheel_holds_the_words_as_package_data(wheel):
    words = {
        str(path.relative_to(CHECKOUT))
        for path in CHECKOUT.glob("did_service/program/words/*/*.json")
    }
    assert len(words) > 10
    assert words <= wheel


@pytest.mark.clock
def test_the_wheel_holds_nothing_else(wheel):
    assert {name.split("/")[0].split("-")[0] for name in wheel} == {"did_service", "wallet_cli"}


@pytest.mark.clock
def test_the_same_tree_gives_the_same_bytes(release, tmp_path):
    assert built(tmp_path, 0o077).read_bytes() == release.read_bytes()


def test_make_wheel_runs_this_very_command():
    words = " ".join(BUILD[1:])
    recipe = f"SOURCE_DATE_EPOCH={DATED['SOURCE_DATE_EPOCH']} $(PY) {words} dist"
    assert f"\t@{recipe}" in MAKEFILE


def test_make_names_no_place_that_is_gone():
    named = re.findall(r"(?:tests|scripts|requirements)/[\w/.-]+", MAKEFILE)
    made = re.compile(r".*/(node_modules|\.installed).*")
    assert [
        each for each in named if not made.match(each) and not Path(CHECKOUT, each).exists()
    ] == []


@pytest.mark.parametrize("command", PROJECT["scripts"])
def test_commands_stand_beside_the_interpreter(command):
    assert Path(sys.executable).with_name(command).is_file()
