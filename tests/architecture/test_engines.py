"""A file whose tests run over each kind of database makes all that it shares anew for each."""

import ast
from pathlib import Path

import pytest

from tests.architecture.source import CHECKOUT

FILES = [
    path
    for path in sorted((CHECKOUT / "tests").rglob("test_*.py"))
    if 'usefixtures("each_engine")' in path.read_text()
]


def shared_without_engine(text: str) -> list[str]:
    """The fixtures of a module that outlive a test and do not ask for the engine."""
    return [
        node.name
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef)
        and any("scope=" in ast.unparse(each) for each in node.decorator_list)
        and "each_engine" not in {each.arg for each in node.args.args}
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_a_file_shares_is_made_for_each_engine(path: Path):
    """Else the second engine's tests would run over the first one's rows, and prove nothing."""
    assert shared_without_engine(path.read_text()) == []


def test_a_planted_fixture_is_found():
    text = "@pytest.fixture(scope='module')\ndef fed({}): pass"
    assert shared_without_engine(text.format("tmp_path_factory")) == ["fed"]
    assert shared_without_engine(text.format("each_engine")) == []
