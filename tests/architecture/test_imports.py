"""The contracts of pyproject.toml hold, and would not hold if an arrow were wrong."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.optional import CHECKOUT

pytestmark = pytest.mark.clock

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [LINT_IMPORTS, "--no-cache", "--config", CHECKOUT / "pyproject.toml"]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)


def house(folder: Path, files: dict[str, str]) -> Path:
    """A small house with one module a room, so that planted imports can be judged."""
    rooms = ["errors", "limits", "encoding", "crypto", "integrity", "log", "did"]
    for module in ["wallet_cli", "did_service", "did_service/core", "did_service/client"]:
        (folder / module).mkdir()
        (folder / module / "__init__.py").touch()
    for room in rooms:
        (folder / "did_service/core" / f"{room}.py").touch()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(text)
    return folder


def test_every_contract_holds():
    result = lint(CHECKOUT)
    assert result.returncode == 0, result.stdout


def test_an_empty_house_holds(tmp_path):
    result = lint(house(tmp_path, {}))
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("did_service/core/encoding.py", "import did_service.core.crypto"),
        ("did_service/core/log.py", "import did_service.core.did"),
        ("did_service/core/did.py", "import os"),
        ("did_service/core/common.py", ""),
        ("did_service/core/crypto.py", "import base58"),
        ("did_service/verifier/directory.py", "import did_service.client"),
        ("did_service/verifier/nonces.py", "import sqlite3"),
        ("did_service/verify_cli/main.py", "import did_service.client"),
        ("did_service/web/problems.py", "import httpx"),
        ("did_service/registry/app.py", "import did_service.issuer.app"),
        ("did_service/replica/check.py", "import did_service.core.anchor.rules.did"),
        ("wallet_cli/config.py", "import fastapi"),
        (
            "did_service/core/limits.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n import did_service.core.did",
        ),
    ],
    ids=lambda value: value if value.endswith(".py") else "",
)
def test_a_planted_import_breaks_a_contract(tmp_path, file, text):
    rule = {"did_service/core/anchor/view.py": "", "did_service/core/anchor/rules/did.py": ""}
    planted = {"did_service/issuer/app.py": "", **rule, file: text}
    result = lint(house(tmp_path, planted))
    assert result.returncode == 1, result.stdout + result.stderr
    assert "BROKEN" in result.stdout
