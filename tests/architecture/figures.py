"""The product in figures, room by room: `python -m tests.architecture.figures`.

Counted are physical lines; a function from its `def` to its last line; a comment where it has
a line to itself; imports wherever they stand, those for types and in functions too.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from statistics import median, quantiles

from tests.architecture import source
from tests.support.optional import CHECKOUT

_HEAD = f"{'':30}{'lines':>7}{'files':>6}   {'med / p90 / max':18}{'functions':16}  comm    doc"
_DOCUMENTED = (ast.Module, ast.ClassDef, *source.FUNCTIONS)


def function_lines(trees: Iterable[ast.Module]) -> list[int]:
    """Return how many lines each function has, methods and inner functions too."""
    return [
        (node.end_lineno or 0) - node.lineno + 1
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, source.FUNCTIONS)
    ]


def docstring_lines(tree: ast.Module) -> int:
    """Count the lines of all docstrings of a module."""
    return sum(
        len(ast.get_docstring(node, clean=False).splitlines())
        for node in ast.walk(tree)
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node)
    )


def comment_lines(text: str) -> int:
    """Count the lines of a module that hold a comment and nothing else."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return sum(t.type == tokenize.COMMENT and t.line.lstrip()[0] == "#" for t in tokens)


def imports(trees: Mapping[str, ast.Module]) -> dict[str, set[str]]:
    """Return what each module imports of the others, by their dotted names.

    A package counts as what its `__init__` imports. What a module imports of its own package
    leads to the module named, not to the package.
    """
    return {name: {*_imported(tree, trees)} - {name} for name, tree in trees.items()}


def _imported(tree: ast.Module, known: Mapping[str, ast.Module]) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names if each.name in known)
            case ast.ImportFrom(module=str(room), names=names, level=0):
                inner = {f"{room}.{each.name}" for each in names}
                yield from inner & known.keys() or {room} & known.keys()


def cycle(graph: Mapping[str, set[str]]) -> list[str]:
    """Return modules that import each other in a circle; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def dotted(path: Path) -> str:
    """Return the name under which a module is imported."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _row(room: str, paths: list[Path]) -> str:
    texts = [(CHECKOUT / path).read_text(encoding="utf-8") for path in paths]
    trees = [ast.parse(text) for text in texts]
    files = [len(text.splitlines()) for text in texts]
    functions = function_lines(trees)
    lines = sum(files)
    comments = sum(map(comment_lines, texts)) / lines
    documented = sum(map(docstring_lines, trees)) / lines
    return (
        f"{room:30}{lines:7}{len(paths):6}   {_spread(files):18}{_spread(functions):16}"
        f"{comments:6.1%}{documented:7.1%}"
    )


def _spread(values: list[int]) -> str:
    ninth = quantiles(values, n=10)[-1] if len(values) > 1 else max(values, default=0)
    return f"{median(values or [0]):.0f} / {ninth:.0f} / {max(values, default=0)}"


def main() -> None:
    """Print a row for the whole and one for each room."""
    paths = source.modules(*source.PACKAGES)
    graph = imports({dotted(path): source.parse(path) for path in paths})
    rooms: dict[str, list[Path]] = {}
    for path in paths:
        depth = 3 if path.parts[1] == "core" else 2
        rooms.setdefault("/".join(path.parts[:-1][:depth]), []).append(path)
    rows = [_row("all", paths), *(_row(room, inside) for room, inside in rooms.items())]
    number = sum(map(len, graph.values()))
    rows.append(f"{number} imports, in a circle: {cycle(graph) or 'none'}")
    sys.stdout.write("\n".join([_HEAD, *rows, ""]))


if __name__ == "__main__":
    main()
