"""Which tests depend on the day: read from their source, as a syntax tree.

A test depends on the day if it, a fixture that it asks for, or a function, class or constant of
the tests that one of these names, does one of three things:

- reads the real clock: `time.time()`, `datetime.now(…)`, `date.today()` and their kin, or the
  edge of a server, `did_service.program.clock.SYSTEM`;
- starts a child process, which has no other clock: whatever stands in `subprocess`,
  `multiprocessing` or `pty`, or `os.fork` and its kin;
- runs one of our programs in this process without the argument `clock`.

A class counts as a whole, since a syntax tree does not know which object a method belongs to.
A fixed date is a danger beside one of these and nowhere else, so it is no sign by itself.
One child decides nothing by its clock: the server of `tests.support.postgres`, which no
statement of ours asks for the time. What such a test has to carry is `pytest.mark.clock`, as
a decorator, or for the whole file in `pytestmark`: `.ci/run` repeats the marked ones on other
days (tests/days.py).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

REAL_CLOCKS = {
    *(f"time.{name}" for name in ("time", "time_ns", "localtime", "gmtime", "ctime")),
    *(f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")),
    "datetime.date.today",
    "did_service.program.clock.SYSTEM",
}
CHILDREN = {"os.fork", "os.forkpty", "os.system", "os.popen", "os.posix_spawn"}
CHILD_MODULES = ("subprocess", "multiprocessing", "pty")
PROGRAMS = {
    "did_service.cli.__main__.main",
    "did_service.cli.__main__.run",
    "did_service.verify_cli.__main__.main",
    "wallet_cli.__main__.main",
    "wallet_cli.__main__.run",
}
TIMELESS = {"tests.support.postgres"}  # its child is asked for rows, never for the time
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_Definition = ast.stmt


@dataclass(frozen=True)
class Module:
    """One module of the tests.

    Attributes:
        name: Dotted.
        tree: Its source.
    """

    name: str
    tree: ast.Module

    @cached_property
    def imported(self) -> Mapping[str, str]:
        """What the names stand for that are imported anywhere in the module."""
        found = {}
        for node in ast.walk(self.tree):
            match node:
                case ast.Import(names=names):
                    found |= {a.asname or a.name.partition(".")[0]: a.name for a in names}
                case ast.ImportFrom(module=str(module), names=names):
                    found |= {a.asname or a.name: f"{module}.{a.name}" for a in names}
        return found

    @cached_property
    def definitions(self) -> Mapping[str, _Definition]:
        """Functions, classes and constants of the module by name."""
        found: dict[str, _Definition] = {}
        for node in self.tree.body:
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    found[node.name] = node
                case ast.Assign(targets=targets):
                    found |= {t.id: node for t in targets if isinstance(t, ast.Name)}
                case ast.AnnAssign(target=ast.Name(id=name)):
                    found[name] = node
        return found

    def dotted(self, node: ast.expr) -> str:
        """Return what a name or a chain of attributes stands for, with its module."""
        match node:
            case ast.Name(id=name):
                return self.imported.get(name, f"{self.name}.{name}")
            case ast.Attribute(value=value, attr=attr):
                before = self.dotted(value)
                return f"{before}.{attr}" if before else ""
        return ""


class Suite:
    """All modules of the tests, `tests` being the folder that holds them."""

    def __init__(self, folder: Path) -> None:
        self.modules: dict[str, Module] = {}
        for path in sorted(folder.rglob("*.py")):
            if "node_modules" not in path.parts:
                parts = path.relative_to(folder.parent).with_suffix("").parts
                name = ".".join(parts).removesuffix(".__init__")
                self.modules[name] = Module(name, ast.parse(path.read_text(encoding="utf-8")))
        self._known: dict[str, bool] = {}

    def unmarked(self) -> Iterator[str]:
        """Name the tests that depend on the day and do not say so."""
        for module, test in self._tests():
            marked = _marks(module.tree) or _decorated(test)
            if not marked and self.depends(module, test.name):
                yield f"{module.name}::{test.name}"

    def marked_without_cause(self) -> Iterator[str]:
        """Name the tests that are marked, and the files in which none needs the mark."""
        for module, test in self._tests():
            if _decorated(test) and not self.depends(module, test.name):
                yield f"{module.name}::{test.name}"
        for module in self.modules.values():
            tests = [test for each, test in self._tests() if each is module]
            if _marks(module.tree) and not any(self.depends(module, t.name) for t in tests):
                yield module.name

    def depends(self, module: Module, name: str) -> bool:
        """Say whether a definition depends on the day, by itself or by what it names."""
        key = f"{module.name}.{name}"
        if key not in self._known:
            self._known[key] = False  # while it is looked at: it may name itself
            node = module.definitions[name]
            self._known[key] = _by_itself(module, node) or any(
                self.depends(other, used) for other, used in self._used(module, node)
            )
        return self._known[key]

    def _tests(self) -> Iterator[tuple[Module, ast.FunctionDef]]:
        for module in self.modules.values():
            if module.name.rpartition(".")[2].startswith("test_"):
                for node in module.tree.body:
                    if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                        yield module, node

    def _used(self, module: Module, node: _Definition) -> Iterator[tuple[Module, str]]:
        """Find the definitions that a node names, and the fixtures that it asks for."""
        for each in ast.walk(node):
            if isinstance(each, (ast.Name, ast.Attribute)):
                where, _, name = module.dotted(each).rpartition(".")
                if where in self.modules and name in self.modules[where].definitions:
                    yield self.modules[where], name
        if isinstance(node, _FUNCTIONS) and (node.name.startswith("test_") or _fixture(node)):
            yield from self._fixtures(module, node)

    def _fixtures(self, module: Module, node: ast.FunctionDef) -> Iterator[tuple[Module, str]]:
        asked = {argument.arg for argument in node.args.args + node.args.kwonlyargs}
        asked |= {
            text.value
            for decorator in node.decorator_list
            if "usefixtures" in ast.unparse(decorator)
            for text in ast.walk(decorator)
            if isinstance(text, ast.Constant)
        }
        for place in self._places(module):
            for name, definition in place.definitions.items():
                if _fixture(definition) and (name in asked or _autouse(definition)):
                    yield place, name

    def _places(self, module: Module) -> Iterator[Module]:
        """The modules whose fixtures a test may ask for: its own, each conftest above it."""
        yield module
        folder = module.name
        while folder:
            folder = folder.rpartition(".")[0]
            if f"{folder}.conftest" in self.modules:
                yield self.modules[f"{folder}.conftest"]


def _by_itself(module: Module, node: _Definition) -> bool:
    if module.name in TIMELESS:
        return False
    for each in ast.walk(node):
        if isinstance(each, (ast.Name, ast.Attribute)):
            name = module.dotted(each)
            if name in REAL_CLOCKS | CHILDREN or name.partition(".")[0] in CHILD_MODULES:
                return True
        if (
            isinstance(each, ast.Call)
            and module.dotted(each.func) in PROGRAMS
            and not any(given.arg == "clock" for given in each.keywords)
        ):
            return True
    return False


def _fixture(node: _Definition) -> bool:
    return isinstance(node, _FUNCTIONS) and any(
        "fixture" in ast.unparse(decorator) for decorator in node.decorator_list
    )


def _autouse(node: _Definition) -> bool:
    return isinstance(node, _FUNCTIONS) and any(
        "autouse=True" in ast.unparse(decorator) for decorator in node.decorator_list
    )


def _decorated(node: ast.FunctionDef) -> bool:
    return any("mark.clock" in ast.unparse(decorator) for decorator in node.decorator_list)


def _marks(tree: ast.Module) -> bool:
    """Say whether `pytestmark` marks the whole file."""
    return any(
        isinstance(node, ast.Assign)
        and ast.unparse(node.targets[0]) == "pytestmark"
        and "mark.clock" in ast.unparse(node.value)
        for node in tree.body
    )
