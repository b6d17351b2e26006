"""Reading the project's own source: modules as syntax trees, and the rules laid on them.

Each rule takes one module and yields the places that break it, so that a test can hold it to
the real tree and to a planted fault alike.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.optional import CHECKOUT

PACKAGES = ("did_service", "wallet_cli")
MAX_LINES = 300
MAX_STATEMENTS = 40
CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def modules(*rooms: str) -> list[Path]:
    """Every Python file of the rooms that exist, as paths from the checkout."""
    found = [path for room in rooms for path in sorted((CHECKOUT / room).rglob("*.py"))]
    return [path.relative_to(CHECKOUT) for path in found]


def parse(path: Path) -> ast.Module:
    return ast.parse((CHECKOUT / path).read_text(encoding="utf-8"))


def async_functions(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef):
            yield node.name


def undocumented(tree: ast.Module) -> Iterator[str]:
    """Public modules, classes, functions and methods without a docstring."""
    if ast.get_docstring(tree) is None:
        yield "module"
    yield from _undocumented_members(tree, "")


def _undocumented_members(parent: ast.Module | ast.ClassDef, prefix: str) -> Iterator[str]:
    for node in parent.body:
        if not isinstance(node, (ast.ClassDef, *FUNCTIONS)) or node.name.startswith("_"):
            continue
        name = f"{prefix}{node.name}"
        if ast.get_docstring(node) is None:
            yield name
        if isinstance(node, ast.ClassDef):
            yield from _undocumented_members(node, f"{name}.")


def long_functions(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS):
            inner = sum(isinstance(each, ast.stmt) for each in ast.walk(node)) - 1
            if inner - (ast.get_docstring(node) is not None) > MAX_STATEMENTS:
                yield node.name


def unstable_codes(tree: ast.Module, errors: set[str]) -> Iterator[int]:
    """Lines that raise one of `errors` without a literal code, or an error that is not ours.

    A code may be handed on: as `error.code`, or by a function that was given it as `code`.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            name = ast.unparse(node.exc.func)
            if name not in errors or not (node.exc.args and _is_code(node.exc.args[0])):
                yield node.lineno


def _is_code(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=str(text)):
            return CODE.fullmatch(text) is not None
        case ast.Attribute(attr="code") | ast.Name(id="code"):
            return True
    return False
