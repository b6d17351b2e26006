"""No excuse outlives its cause: every exception that pyproject.toml makes is still needed.

What stands in a source line is seen by the tools themselves: an unused `noqa` by ruff (RUF100),
an unused `type: ignore` and an override that matches no module by mypy's strict mode.
"""

import gc
import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
import warnings
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path

import httpcore
import pytest

from tests.architecture import source
from tests.architecture.test_shape import ASYNC
from tests.support.optional import CHECKOUT

TEXT = (CHECKOUT / "pyproject.toml").read_text()
CONFIGURED = tomllib.loads(TEXT)
TOOLS = CONFIGURED["tool"]
LINT = TOOLS["ruff"]["lint"]
PER_FILE = [(p, code) for p, codes in LINT["per-file-ignores"].items() for code in codes]
SOURCES = [CHECKOUT / path for path in source.modules(*source.PACKAGES)]


# --- dependencies -----------------------------------------------------------------------------


def imported() -> set[str]:
    """The top-level names that the project imports."""
    text = "\n".join(path.read_text() for path in SOURCES)
    return set(re.findall(r"^\s*(?:from|import) (\w+)", text, re.MULTILINE))


def modules_of(package: str) -> set[str]:
    """The names under which a package is imported."""
    files = importlib.metadata.files(package) or []
    return {
        path.parts[0].removesuffix(".py") for path in files if path.suffix in (".py", ".so")
    }


EXTRAS = CONFIGURED["project"]["optional-dependencies"].values()
OPTIONAL = [package.partition("[")[0] for extra in EXTRAS for package in extra]
DECLARED = [*CONFIGURED["project"]["dependencies"], *OPTIONAL]
# Imported by name, but never without the package that is made of it.
COMES_WITH = {"starlette": "fastapi", "pydantic": "fastapi", "sqlalchemy": "sqlmodel"}


@pytest.mark.parametrize("package", DECLARED)
def test_every_declared_dependency_is_imported(package):
    assert modules_of(package) & imported()


def test_every_import_is_declared():
    declared = {module for package in DECLARED for module in modules_of(package)}
    others = imported() - declared - sys.stdlib_module_names - {*source.PACKAGES}
    assert others == COMES_WITH.keys()


@pytest.mark.parametrize(("module", "package"), COMES_WITH.items())
def test_what_is_imported_undeclared_comes_with_what_is_declared(module, package):
    assert package in DECLARED
    needed = importlib.metadata.requires(package) or []
    assert any(re.match(rf"{module}\b", each, re.IGNORECASE) for each in needed)


# --- contracts of imports ---------------------------------------------------------------------


@pytest.mark.clock
def test_every_ignored_import_is_there(tmp_path):
    """The alert is off in the file itself: small houses are tested with it."""
    strict = tmp_path / "strict.toml"
    strict.write_text(TEXT.replace('alerting = "none"', 'alerting = "error"'))
    lint_imports = Path(sys.executable).with_name("lint-imports")
    command = [lint_imports, "--no-cache", "--config", strict]
    done = subprocess.run(command, cwd=CHECKOUT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# --- lint -------------------------------------------------------------------------------------


def violations(*options: str) -> Iterator[tuple[str, str]]:
    """What ruff finds with these options: file and code."""
    ruff = Path(sys.executable).with_name("ruff")
    command = [
        ruff,
        "check",
        ".",
        "--no-cache",
        "--exit-zero",
        "--output-format=json",
        *options,
    ]
    done = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True)
    for found in json.loads(done.stdout):
        yield str(Path(found["filename"]).relative_to(CHECKOUT)), found["code"]


@pytest.fixture(scope="module")
def unexcused():
    return set(violations("--config", "lint.per-file-ignores={}"))


def matches(path: str, pattern: str) -> bool:
    """A pattern of ruff's, of which we use `*` and one brace."""
    before, brace, rest = pattern.partition("{")
    inside, _, after = rest.partition("}")
    choices = inside.split(",") if brace else [""]
    return any(fnmatch(path, f"{before}{choice}{after}") for choice in choices)


@pytest.mark.clock
@pytest.mark.parametrize(("pattern", "code"), PER_FILE)
def test_every_rule_left_out_for_a_file_would_be_broken_there(unexcused, pattern, code):
    assert any(found.startswith(code) and matches(path, pattern) for path, found in unexcused)


@pytest.mark.clock
def test_every_rule_left_out_everywhere_would_be_broken_somewhere():
    left_out = LINT["ignore"]
    broken = {code for _, code in violations("--isolated", f"--select={','.join(left_out)}")}
    assert broken == set(left_out)


# --- types, coverage, warnings ----------------------------------------------------------------


def test_no_package_that_has_types_is_excused_from_them():
    for override in TOOLS["mypy"]["overrides"]:
        if override.get("ignore_missing_imports") or override.get("ignore_errors"):
            for pattern in override["module"]:
                package = find_spec(pattern.partition(".")[0])
                assert not Path(package.origin).with_name("py.typed").exists(), pattern


@pytest.mark.parametrize("pattern", TOOLS["coverage"]["report"]["exclude_also"])
def test_every_line_left_out_of_coverage_is_there(pattern):
    assert any(re.search(pattern, path.read_text(), re.MULTILINE) for path in SOURCES)


def test_every_room_that_may_be_asynchronous_is():
    for room in ASYNC:
        trees = [source.parse(path) for path in source.modules(room)]
        assert any(list(source.async_functions(tree)) for tree in trees), room


def provoke_alias():
    """The text as pydantic writes it: two threads are needed to see it."""
    text = Path(find_spec("pydantic").origin).parent / "_internal" / "_generate_schema.py"
    if "attribute with value" in text.read_text():
        warnings.warn("The 'alias' attribute with value 'x'", UserWarning, stacklevel=1)


def provoke_unclosed(tmp_path):
    with pytest.raises(httpcore.ConnectError):
        httpcore.ConnectionPool(uds=str(tmp_path / "nobody")).request("GET", "http://x/")
    gc.collect()


def provoke_left_open():
    """The text as psycopg writes it: it takes a server to see it."""
    text = Path(find_spec("psycopg").origin).with_name("_connection_base.py").read_text()
    if "was deleted while still open" in text:
        told = "<psycopg.Connection [IDLE] at 0x1> was deleted while still open"
        warnings.warn(told, ResourceWarning, stacklevel=1)


def test_every_warning_that_is_passed_over_still_comes(tmp_path):
    ignored = [f for f in TOOLS["pytest"]["ini_options"]["filterwarnings"] if ":" in f]
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        provoke_alias()
        provoke_unclosed(tmp_path)
        provoke_left_open()
    for line in ignored:
        text = line.split(":")[1]
        assert any(re.match(text, str(warning.message)) for warning in seen), line
    assert len(ignored) == 3
