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

# What nothing here calls, and why it stays: file::name.
KEPT = {
    "did_service/client/registry.py::RegistryClient.submit_batch": "",
}


def test_no_class_name_is_defined_twice():
    places = defaultdict(list)
    for path in PRODUCT:
        for name in names.classes(PARSED[path]):
            places[name].append(str(path))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_nothing_is_there_for_its_tests_alone():
    assert names.unused(PRODUCT, PARSED, PAGES) == KEPT.keys()
