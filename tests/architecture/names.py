"""Names of the product: which are defined twice, and which nobody uses.

A use is the bare name, wherever the product or a script reads it, or a page of docs/ prints it
in backticks for programs of others. That is coarse, since one name may stand for several;
it finds what is left over all the same.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_CLASS = re.compile(r"_?[A-Z]\w*[a-z]\w*")


def classes(tree: ast.Module) -> Iterator[str]:
    """Yield each name that a class has, or an alias of a type at the top of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name) and _CLASS.fullmatch(target.id):
                    yield target.id


def definitions(tree: ast.Module) -> Iterator[str]:
    """Yield functions, classes, methods, and constants of the module, as `Class.method`.

    What is decorated by a call is registered somewhere by it, and fields are data: neither
    counts.
    """
    yield from _defined(tree.body, "")


def _defined(body: Iterable[ast.stmt], owner: str) -> Iterator[str]:
    for node in body:
        if isinstance(node, _DEFINITIONS):
            registered = any(isinstance(each, ast.Call) for each in node.decorator_list)
            if not registered or isinstance(node, ast.ClassDef):
                yield f"{owner}{node.name}"
            if isinstance(node, ast.ClassDef):
                yield from _defined(node.body, f"{node.name}.")
        elif not owner and isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (each.id for each in targets if isinstance(each, ast.Name))


def read_names(tree: ast.Module) -> Iterator[str]:
    """Yield each name that a module reads, also as an attribute or an argument's name."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()) | ast.Attribute(attr=name):
                yield name
            case ast.keyword(arg=str(name)) | ast.alias(name=name, asname=str(_)):
                yield name
            case ast.Constant(value=str(text)) if ":" in text and " " not in text:
                yield from re.findall(r"\w+", text)  # module:function, imported when called


def unused(product: Iterable[Path], parsed: dict[Path, ast.Module], pages: str) -> set[str]:
    """Return `file::name` of each definition that nothing reads; dunder names are Python's."""
    read = Counter(name for tree in parsed.values() for name in read_names(tree))
    printed = {name for code in re.findall(r"`([\w.]+)`", pages) for name in code.split(".")}
    return {
        f"{path}::{full}"
        for path in product
        for full in definitions(parsed[path])
        if not (name := full.rpartition(".")[2]).startswith("__")
        and not read[name]
        and name not in printed
    }
