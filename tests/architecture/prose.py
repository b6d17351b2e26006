"""Docstrings and comments of the product, and the names and pages that they mention."""

import ast
import importlib
import inspect
import io
import re
import sys
import tokenize
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from tests.architecture import source

_DOTTED = re.compile(r"`([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)`")
_RECORD = re.compile(r"docs/adr[ /](\d+)")
_SECTION = re.compile(r"docs/([a-z-]+\.md)(?: §(\d+))?")
_FILES = re.compile(r".*\.(json|jsonl|example)")


def prose(text: str) -> Iterator[str]:
    """Yield each docstring, text that stands as one, and comment of a module's source."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield str(node.value.value)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def endings(paths: list[Path]) -> Mapping[str, list[str]]:
    """Return modules, and classes in them, by each way to say their dotted name."""
    found: dict[str, list[str]] = {}
    for path in paths:
        parts = path.with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        for start in range(len(parts)):
            found.setdefault(".".join(parts[start:]), []).append(".".join(parts))
        for node in source.parse(path).body:
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(".".join((*parts, node.name)))
    return found


def mentioned(text: str) -> Iterator[str]:
    """Yield the dotted names in backticks, as `module.function`; names of files are none."""
    for piece in prose(text):
        yield from (name for name in _DOTTED.findall(piece) if not _FILES.fullmatch(name))


def is_there(name: str, text: str, known: Mapping[str, list[str]]) -> bool:
    """Say whether a dotted name leads anywhere: by `known`, or by what the source names."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        for place in known.get(".".join(parts[:end]), ()):
            if _leads(".".join((place, *parts[end:]))):
                return True
    own = {*re.findall(r"\w+", _code(text))}
    return parts[0] in sys.stdlib_module_names or (parts[0] in own and parts[0] not in known)


def _leads(full: str) -> bool:
    parts = full.split(".")
    found, at = None, len(parts)
    while found is None:
        with suppress(ModuleNotFoundError):
            found = importlib.import_module(".".join(parts[:at]))
            break
        at -= 1
    for part in parts[at:]:
        if part in getattr(found, "__annotations__", {}):
            return True
        if not hasattr(found, part):  # what instances alone have stands in the class's source
            return isinstance(found, type) and f"self.{part}" in inspect.getsource(found)
        found = getattr(found, part)
    return True


def _code(text: str) -> str:
    """Return a source without what it says in words."""
    return ast.unparse(_Silent().visit(ast.parse(text)))


class _Silent(ast.NodeTransformer):
    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant(0) if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.JoinedStr:
        return ast.JoinedStr(
            [each for each in node.values if isinstance(each, ast.FormattedValue)]
        )


def records(text: str) -> set[int]:
    """Return the numbers of the records of docs/adr that a module mentions."""
    return {int(number) for piece in prose(text) for number in _RECORD.findall(piece)}


def sections(text: str) -> set[tuple[str, str]]:
    """Return the pages of docs/ that a module mentions, each with the number of its section."""
    return {pair for piece in prose(text) for pair in _SECTION.findall(piece)}
