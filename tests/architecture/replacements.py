"""What tests put in the place of code, read from their source.

The rule: our own code is replaced only to fail or to be counted. A replacement may also call
what it stands for, and lie about what came out, as a peer would; and a bound may be made small.
Whatever else a test wants of our code it gets by handing something in. The world outside
(files, streams, sockets, the arguments of a process) may be played.

    replacements(module) ──► Replacement(line, target, kind)
"""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum

OURS = ("did_service", "wallet_cli")
_SETTERS = ("setattr", "mock.patch", "mock.patch.object")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Kind(Enum):
    """What a replacement is."""

    OUTSIDE = "stands for code of others"
    BOUND = "a constant"
    FAILS = "raises"
    CALLS = "calls what it stands for"
    OTHER = "does something of its own"


@dataclass(frozen=True)
class Replacement:
    """One replacement: where it stands, what is replaced, and by what kind of thing."""

    line: int
    target: str
    kind: Kind


def replacements(tree: ast.Module) -> Iterator[Replacement]:
    """Yield every replacement of a module of the tests."""
    reader = _Reader(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(_SETTERS):
            yield from reader.read(node)


class _Reader:
    """Knows what the names of one module stand for."""

    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._imported: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                self._imported |= {a.asname or a.name: a.name for a in node.names}
            elif isinstance(node, ast.ImportFrom):
                self._imported |= {
                    a.asname or a.name: f"{node.module}.{a.name}" for a in node.names
                }

    def read(self, call: ast.Call) -> Iterator[Replacement]:
        match call.args:
            case [ast.Constant(value=str(target)), *rest]:
                pass
            case [ast.JoinedStr() as made, *rest]:
                target = ast.unparse(made)
            case [owner, ast.Constant(value=str(name)), *rest]:
                target = f"{self._full(owner)}.{name}"
            case [owner, name, *rest]:
                target = f"{self._full(owner)}.{{{ast.unparse(name)}}}"
            case _:
                return
        value = rest[0] if rest else next((each.value for each in call.keywords), None)
        yield Replacement(call.lineno, target, self._kind(target, value))

    def _full(self, owner: ast.expr) -> str:
        first, dot, rest = ast.unparse(owner).partition(".")
        return f"{self._imported.get(first, first)}{dot}{rest}"

    def _kind(self, target: str, value: ast.expr | None) -> Kind:
        name = target.rpartition(".")[2]
        if not _is_ours(target):
            return Kind.OUTSIDE
        if name.isupper():
            return Kind.BOUND
        bodies = list(self._bodies(value))
        if any(isinstance(node, ast.Raise) for body in bodies for node in ast.walk(body)):
            return Kind.FAILS
        originals = {name, *self._kept(name)}
        called = {
            ast.unparse(node.func).rpartition(".")[2]
            for body in bodies
            for node in ast.walk(body)
            if isinstance(node, ast.Call)
        }
        return Kind.CALLS if called & originals else Kind.OTHER

    def _bodies(self, value: ast.expr | None) -> Iterator[ast.AST]:
        """Yield the source of what is put there: a lambda, or functions by a name."""
        match value:
            case ast.Lambda():
                yield value.body
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield from (
                    node
                    for node in ast.walk(self._tree)
                    if isinstance(node, _FUNCTIONS) and node.name == name
                )
            case ast.Call(func=maker, args=given):
                for each in (maker, *given):
                    yield from self._bodies(each)
            case ast.IfExp(body=one, orelse=other):
                yield from (*self._bodies(one), *self._bodies(other))

    def _kept(self, name: str) -> Iterator[str]:
        """Yield the names under which the module keeps the original."""
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Assign):
                target, value = node.targets[0], node.value
                pairs = (
                    zip(target.elts, value.elts, strict=True)
                    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
                    else [(target, value)]
                )
                for left, right in pairs:
                    text = ast.unparse(right)
                    if text.endswith(f".{name}") or text.startswith("getattr("):
                        yield ast.unparse(left)


def _is_ours(target: str) -> bool:
    """Say whether a name leads to code of ours; one that starts at a fixture counts as ours."""
    parts = target.split(".")
    if parts[0] == "tests" or parts[0] in sys.stdlib_module_names:
        return False
    for end in range(len(parts) - 1, 0, -1):
        with suppress(ImportError, AttributeError):
            found: object = importlib.import_module(".".join(parts[:end]))
            for part in parts[end:]:
                found = getattr(found, part)
            home = inspect.getmodule(found)
            return home is None or home.__name__.startswith(OURS)
    return True
