"""The table of mutants fits the source: what it takes out stands there, its tests exist."""

import ast
from pathlib import Path

import pytest

from tests.architecture import source
from tests.mutation.mutant import Mutant
from tests.mutation.table import MUTANTS
from tests.support.optional import CHECKOUT

AT_LEAST = 30


def functions_of(path: str) -> set[str]:
    """Names of the functions of a file."""
    return {
        node.name for node in source.parse(Path(path)).body if isinstance(node, ast.FunctionDef)
    }


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_what_a_mutant_takes_out_stands_in_its_file_once(mutant):
    whole = (CHECKOUT / mutant.file).read_text(encoding="utf-8")
    without = mutant.applied(whole)
    assert ast.dump(ast.parse(without)) != ast.dump(ast.parse(whole))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_names_tests_that_exist(mutant):
    assert mutant.tests
    for path, name in (each.split("::") for each in mutant.tests):
        assert name in functions_of(path)


def test_no_defence_is_listed_twice():
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= AT_LEAST


def test_a_row_that_has_rotted_is_refused():
    row = Mutant("made up", "x.py", (("if a:", "if b:"),), ())
    assert row.applied("if a: pass") == "if b: pass"
    for changed in ("if c: pass", "if a: pass\nif a: pass"):
        with pytest.raises(ValueError, match="made up"):
            row.applied(changed)
