"""Things a test wants that a machine may lack: borrowed inputs, programs, counterparts.

Each function gives the thing or skips the test, naming what to do about it. Call them at module
level or inside a test. Under DIDSVC_REQUIRE_ALL=1, as in CI, every skip is a failure
(tests/conftest.py).
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
INTEROP = CHECKOUT / "tests" / "interop"


def vectors(name: str) -> Path:
    """The folder of borrowed test vectors `name`, from TEST_VECTORS or ../shared/vectors."""
    root = Path(os.environ.get("TEST_VECTORS") or CHECKOUT.parent / "shared" / "vectors")
    return _found(root / name, f"no vectors at {root / name}; set TEST_VECTORS")


def case(name: str) -> Path:
    """The folder of an input from the field, in TEST_CASES or ../shared/cases."""
    root = Path(os.environ.get("TEST_CASES") or CHECKOUT.parent / "shared" / "cases")
    return _found(root / name, f"no case at {root / name}; set TEST_CASES")


def program(name: str) -> Path:
    """The program `name` on PATH."""
    path = shutil.which(name)
    return Path(path) if path else _skip(f"no program {name}; try make test-system")


def postgres_programs() -> Path:
    """The folder of PostgreSQL's programs, of the newest release that is here."""
    return find_postgres() or _skip("no PostgreSQL; try make test-system")


def find_postgres() -> Path | None:
    """The same for whoever is no test: None where there is none."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    on_path = shutil.which("initdb")
    if on_path is not None:
        found.append(Path(on_path).resolve().parent)
    newest = sorted(found, key=lambda path: path.parent.name)
    return newest[-1] if newest else None


def namespaces() -> None:
    """The right to make network namespaces: root's, where the kernel lets it."""
    ip = program("ip")
    name = f"didsvc{os.getpid()}-try"
    made = subprocess.run([ip, "netns", "add", name], capture_output=True, check=False)
    if made.returncode:
        _skip("no network namespaces here; they want root")
    subprocess.run([ip, "netns", "delete", name], check=True)


def node() -> Path:
    """The JavaScript interpreter, with the packages of tests/interop installed."""
    _found(
        INTEROP / "node_modules" / ".installed", "no JavaScript counterparts; run make interop"
    )
    return program("node")


def peers_python() -> Path:
    """The interpreter of the environment that holds requirements/peers.in."""
    python = CHECKOUT / ".venv-peers" / "bin" / "python"
    return _found(python, "no Python counterparts; run make peers")


def site_python() -> Path:
    """The interpreter of the environment that holds requirements/docs.in."""
    python = CHECKOUT / ".venv-docs" / "bin" / "python"
    return _found(python, "nothing that makes the site; run make site")


def run_wheels() -> Path:
    """The wheels of requirements/release.lock."""
    _found(CHECKOUT / ".wheels" / ".run", "no wheels of release.lock; run make wheels")
    return CHECKOUT / ".wheels"


def _found(path: Path, otherwise: str) -> Path:
    return path if path.exists() else _skip(otherwise)


def _skip(reason: str):
    pytest.skip(reason, allow_module_level=True)
