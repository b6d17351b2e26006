"""No class name is defined twice, and nothing in the product is there for its tests alone."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

from tests.architecture import names, source
from tests.support.optional import CHECKOUT

PRODUCT = source.modules(*source.PACKAGES)
PARSED = {path: source.parse(path) for path in (*PRODUCT, *source.modules("scripts"))}
PAGES = "".join(path.read_text() for path in sorted(CHECKOUT.glob("docs/*.md")))

# What nothing here calls, and why it stays.
HOOKS = {  # a framework calls them
    "did_service/program/click_commands.py::SpokenCommand.format_options",
    "did_service/program/click_commands.py::SpokenCommand.format_usage",
    "did_service/verify_cli/parser.py::Parser._check_value",
    "did_service/verify_cli/parser.py::Parser._print_message",
    "did_service/web/protocol.py::Protocol.send_400_response",
}
STEPS = {  # alembic reads them of each revision
    f"{path}::{name}"
    for path in PRODUCT
    if path.parent.name == "migrations" and path.parent.parent.name != "storage"
    if path.name != "__init__.py"
    for name in ("revision", "down_revision")
}
FOR_OTHERS: dict[str, str] = {
    "did_service/client/registry.py::RegistryClient.submit_batch": (
        "the route takes batches, and an agency with many entries has no other client for it"
    ),
}
# Two in one house: an alias of a pair in the core, and what the vault seals.
ALIASES_THAT_MEET = {"Record"}


def test_no_class_name_is_defined_twice():
    places = defaultdict(list)
    for path in PRODUCT:
        for name in names.classes(PARSED[path]):
            places[name].append(str(path))
    twice = {name: where for name, where in places.items() if len(where) > 1}
    assert twice.keys() == ALIASES_THAT_MEET, twice


def test_nothing_is_there_for_its_tests_alone():
    assert names.unused(PRODUCT, PARSED, PAGES) == HOOKS | STEPS | FOR_OTHERS.keys()


# --- the rules catch what is planted ----------------------------------------------------------


def test_planted_classes_are_seen_wherever_they_stand():
    text = "class A: pass\nclass _Bc: pass\ndef f():\n class Cd: pass\nDe = dict\nEF = 1\nx = 2"
    assert [*names.classes(ast.parse(text))] == ["A", "_Bc", "Cd", "De"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("def f(): pass", {"f"}),
        ("def f(): pass\nf()", set()),
        ("def _f(): pass", {"_f"}),
        ("LIMIT = 3", {"LIMIT"}),
        ("class A:\n def m(self): pass\na = A()\na", {"A.m"}),
        ("class A:\n def m(self): pass\nA().m", set()),
        ("class A:\n x: int = 1\nA", set()),
        ("@app.get('/')\ndef f(): pass", set()),
        ("@property\ndef f(): pass", {"f"}),
        ("place = 'here.module:f'\nplace\ndef f(): pass", set()),
        ("def __len__(): pass", set()),
        ("def printed(): pass", set()),
    ],
)
def test_planted_names_that_nobody_reads_are_found(text, found):
    path = Path("a.py")
    unused = names.unused([path], {path: ast.parse(text)}, "call `did_service.a.printed`")
    assert unused == {f"a.py::{name}" for name in found}
