"""Framework internals that we lean on are the ones that were read, and there are no others."""

import ast
from pathlib import Path

import pytest

from tests.architecture import internals, source
from tests.architecture.internals import LEANINGS, MEANT_TO_BE_INHERITED, Leaning
from tests.support.optional import CHECKOUT

PRODUCT = source.modules(*source.PACKAGES)
OTHERS = source.modules("tests", "bench", "scripts")
# A counterpart of our Merkle tree, read to be compared with ours; nothing rests on it.
COUNTERPARTS = {"tests/core/log/test_foreign.py"}


@pytest.mark.parametrize("leaning", LEANINGS, ids=lambda each: f"{each.package}-{each.place}")
def test_what_we_lean_on_is_what_was_read(leaning):
    assert list(internals.problems(leaning)) == []


@pytest.mark.parametrize("leaning", LEANINGS, ids=lambda each: f"{each.package}-{each.place}")
def test_every_leaning_has_its_page_and_its_place(leaning):
    page = (CHECKOUT / "docs/adr/0039-inside-frameworks.md").read_text()
    assert f"`{leaning.place}`" in page
    for name in leaning.read:
        assert name.rpartition(":")[2].partition(".")[0] in page, name
    assert (CHECKOUT / leaning.place).exists()


def test_no_other_class_of_a_framework_is_inherited():
    leaned_on = {leaning.place for leaning in LEANINGS}
    for path in (*PRODUCT, *OTHERS):
        if str(path) not in leaned_on:
            assert {*internals.inherited(source.parse(path))} <= MEANT_TO_BE_INHERITED, path


def test_nothing_private_of_a_package_is_imported():
    for path in (*PRODUCT, *OTHERS):
        if str(path) not in COUNTERPARTS:
            assert list(internals.private_imports(source.parse(path))) == [], path


def test_no_class_is_excused_that_nobody_inherits():
    paths = (*PRODUCT, *OTHERS)
    used = {base for path in paths for base in internals.inherited(source.parse(path))}
    assert used >= MEANT_TO_BE_INHERITED


# --- the rules catch what is planted ----------------------------------------------------------


@pytest.mark.parametrize("name", ["httpx:HTTPTransport.close", "httpx:HTTPTransport.gone"])
def test_a_change_is_told_in_a_sentence_that_names_the_version(name):
    place = "did_service/client/connections.py"
    (told,) = internals.problems(Leaning("httpx", "0.1", place, "a pool", {name: "0" * 12}))
    assert told.startswith(f"httpx {internals.importlib.metadata.version('httpx')}: {name} is ")
    assert f"was {'0' * 12} in 0.1. {place} leans on it for a pool" in told


def test_comments_and_blank_lines_are_no_change(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    for module, text in {
        "plain_one": "class A:\n    def f(self):\n        return 1\n",
        "plain_two": "class A:\n    def f(self):\n        # why\n\n        return 1\n",
        "plain_three": "class A:\n    def f(self):\n        return 2\n",
    }.items():
        Path(tmp_path, f"{module}.py").write_text(text)
    one, two, three = (internals.digest(f"plain_{n}:A.f") for n in ("one", "two", "three"))
    assert one == two != three


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import uvicorn\nclass A(uvicorn.Server): pass", ["uvicorn.Server"]),
        ("from httpx import HTTPTransport as T\nclass A(T): pass", ["httpx.HTTPTransport"]),
        ("from enum import Enum\nclass A(Enum): pass", []),
        ("from did_service.core.errors import RuleError\nclass A(RuleError): pass", []),
        ("class A(Exception): pass", []),
    ],
)
def test_planted_bases_are_found(text, found):
    assert list(internals.inherited(ast.parse(text))) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from httpx._transports import default", ["httpx._transports.default"]),
        ("import uvicorn._compat", ["uvicorn._compat"]),
        ("from httpx import _client", ["httpx._client"]),
        ("from did_service.core import _private", []),
        ("from __future__ import annotations", []),
    ],
)
def test_planted_private_imports_are_found(text, found):
    assert list(internals.private_imports(ast.parse(text))) == found
