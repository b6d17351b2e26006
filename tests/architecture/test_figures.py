"""Figures that the house is held to: no circle of imports, and short functions."""

import ast
from pathlib import Path
from statistics import median

import pytest

from tests.architecture import figures, source

PATHS = source.modules(*source.PACKAGES)
TREES = {figures.dotted(path): source.parse(path) for path in PATHS}

MOST_LINES_OF_HALF = 7


def test_no_module_imports_another_in_a_circle():
    """Types and late imports too: a circle that is cut at runtime is one for the reader."""
    assert figures.cycle(figures.imports(TREES)) == []


def test_half_of_all_functions_have_seven_lines_or_fewer():
    assert median(figures.function_lines(TREES.values())) <= MOST_LINES_OF_HALF


# --- the rules catch what is planted ----------------------------------------------------------


@pytest.mark.parametrize(
    "back",
    [
        "import a.b",
        "from a import b",
        "from a.b import f",
        "def g():\n from a.b import f",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n from a.b import f",
    ],
)
def test_planted_circles_are_found(back):
    trees = {"a": "", "a.b": "from a import c", "a.c": back}
    graph = figures.imports({name: ast.parse(text) for name, text in trees.items()})
    assert {*figures.cycle(graph)} == {"a.b", "a.c"}


def test_planted_lines_are_counted():
    text = "'''One\ntwo.'''\n# three\nx = 1  # beside\n\ndef f():\n return '# text'\n"
    assert figures.comment_lines(text) == 1
    assert figures.docstring_lines(ast.parse(text)) == 2
    assert figures.function_lines([ast.parse(text)]) == [2]
    assert figures.dotted(Path("a/b/__init__.py")) == "a.b"
