"""The shape of the source, as far as no setting of a tool says it."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from did_service.core import errors
from did_service.core.errors import DidServiceError
from tests.architecture import source
from tests.support.optional import CHECKOUT

ALL = source.modules(*source.PACKAGES)
STRICT = source.modules("did_service/core", "did_service/verifier", "did_service/verify_cli")
TESTS = [
    path
    for path in source.modules("tests", "bench", "scripts", "examples")
    if not {"node_modules", "architecture"} & {*path.parts}  # these plant what they look for
]
TEXTS = [
    path.relative_to(CHECKOUT)
    for pattern in ("*.md", "*.toml", "docs/**/*.md", "deploy/**/*", "schemas/**/*.json")
    for path in CHECKOUT.glob(pattern)
    if path.is_file()
]

# Where a request waits for a batch, a peer or raw bytes; everything else is synchronous.
ASYNC = {
    "did_service/web/": "middleware and request bodies come in pieces",
    "did_service/registry/": "a submission waits for its batch or its quorum",
    "did_service/resolver/": "what is at home elsewhere has threads of its own",
    "did_service/witness/": "add-checkpoint reads a raw body and waits for the mirror's thread",
}

# Files that may be longer than 300 lines, each with its reason.
LONG_FILES: dict[str, str] = {}

# Functions that may have more than 40 statements, each with its reason.
LONG_FUNCTIONS: dict[str, str] = {}

VAGUE_NAMES = {"utils", "util", "helpers", "common", "base", "manager", "misc", "shared"}
MARKERS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError")
MACHINE_PATHS = re.compile(r"(?<![\w.:/])/(root|mnt|wor[k])/")


def text_of(path: Path) -> str:
    return (CHECKOUT / path).read_text(encoding="utf-8")


# --- the real tree ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ALL, ids=str)
def test_async_functions_stand_only_where_something_is_awaited(path):
    if not str(path).startswith(tuple(ASYNC)):
        assert list(source.async_functions(source.parse(path))) == []


@pytest.mark.parametrize(
    "path", source.modules("did_service/core", "did_service/verifier"), ids=str
)
def test_every_public_name_has_a_docstring(path):
    assert list(source.undocumented(source.parse(path))) == []


@pytest.mark.parametrize("path", ALL, ids=str)
def test_files_are_short(path):
    if str(path) not in LONG_FILES:
        assert len(text_of(path).splitlines()) <= source.MAX_LINES


@pytest.mark.parametrize("path", ALL, ids=str)
def test_functions_are_short(path):
    found = {f"{path}::{name}" for name in source.long_functions(source.parse(path))}
    assert found <= LONG_FUNCTIONS.keys()


def test_no_exception_outlives_its_cause():
    for name in LONG_FILES:
        assert len(text_of(Path(name)).splitlines()) > source.MAX_LINES
    for name in LONG_FUNCTIONS:
        path, function = name.split("::")
        assert function in source.long_functions(source.parse(Path(path)))


@pytest.mark.parametrize("path", STRICT, ids=str)
def test_errors_are_ours_and_their_codes_stable(path):
    ours = {name for name, value in vars(errors).items() if inspect.isclass(value)}
    assert list(source.unstable_codes(source.parse(path), ours)) == []


@pytest.mark.parametrize("path", ALL, ids=str)
def test_modules_have_names_that_say_something(path):
    assert not VAGUE_NAMES & {path.stem, *path.parts}


@pytest.mark.parametrize("path", [*ALL, *TESTS, *TEXTS], ids=str)
def test_nothing_is_left_unfinished_and_no_machine_is_named(path):
    text = text_of(path)
    assert MARKERS.search(text) is None
    assert MACHINE_PATHS.search(text) is None


def test_every_limit_has_its_reason_and_somebody_who_keeps_it():
    limits = re.findall(
        r"^(\w+) = [^#\n]*(#.*)?$", text_of(Path("did_service/core/limits.py")), re.MULTILINE
    )
    users = " ".join(text_of(path) for path in ALL if path.name != "limits.py")
    used = {*re.findall(r"\w+", users)}
    for name, reason in limits:
        assert reason, name
        assert name in used, name


# --- the drawn tree of errors -----------------------------------------------------------------


def drawn_parents() -> dict[str, str | None]:
    """Read the picture in the docstring of `core.errors`: each class and the one above it."""
    above: list[str] = []
    parents: dict[str, str | None] = {}
    for indent, name in re.findall(r"^([ │├└─]*)(\w+Error)\b", errors.__doc__, re.MULTILINE):
        depth = (len(indent) - 4) // 4
        parents[name] = above[depth - 1] if depth else None
        above[depth:] = [name]
    return parents


def test_the_drawn_error_tree_is_the_real_one():
    classes = [value for value in vars(errors).values() if inspect.isclass(value)]
    real = {
        each.__name__: each.__base__.__name__ if each is not DidServiceError else None
        for each in classes
        if issubclass(each, DidServiceError)
    }
    assert drawn_parents() == real


def test_no_other_file_defines_errors_of_its_own():
    for path in ALL:
        if path.name == "errors.py" and path.parent.name == "core":
            continue
        for node in ast.walk(source.parse(path)):
            if isinstance(node, ast.ClassDef):
                bases = {ast.unparse(base) for base in node.bases}
                assert not bases & {"Exception", "ValueError", "RuntimeError"}, path
                assert not {base for base in bases if base.endswith("Error")}, path


# --- the rules catch what is planted ----------------------------------------------------------


def planted(text: str) -> ast.Module:
    return ast.parse(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('raise MalformedError("size_wrong", "x")', []),
        ("raise MalformedError(code, 'x')", []),
        ("raise MalformedError(error.code, 'x') from error", []),
        ("raise", []),
        ("raise error", []),
        ('raise MalformedError("Size wrong", "x")', [1]),
        ('raise MalformedError("size-wrong", "x")', [1]),
        ('raise MalformedError(f"size_{n}", "x")', [1]),
        ("raise MalformedError()", [1]),
        ('raise ValueError("size_wrong")', [1]),
    ],
)
def test_planted_codes_are_judged(text, expected):
    assert list(source.unstable_codes(planted(text), {"MalformedError"})) == expected


def test_planted_names_without_docstring_are_found():
    text = "class A:\n '''x'''\n def b(self): pass\n def _c(self): pass\ndef d(): pass"
    assert list(source.undocumented(planted(text))) == ["module", "A.b", "d"]


def test_planted_long_functions_are_found():
    body = "\n ".join(["x = 1"] * 40)
    assert list(source.long_functions(planted(f"def f():\n '''doc'''\n {body}"))) == []
    assert list(source.long_functions(planted(f"def f():\n x = 2\n {body}"))) == ["f"]


def test_planted_async_functions_are_found():
    assert list(source.async_functions(planted("class A:\n async def f(self): pass"))) == ["f"]


@pytest.mark.parametrize("text", ["# TODO later", "raise NotImplementedError"])
def test_planted_markers_are_found(text):
    assert MARKERS.search(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [("see /mnt/x", True), ("'/mnt/y'", True), ("a /network/ b", False)],
)
def test_planted_machine_paths_are_found(text, found):
    assert bool(MACHINE_PATHS.search(text)) is found
