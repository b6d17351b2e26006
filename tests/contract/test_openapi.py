"""openapi.yaml is what the apps say of themselves."""

from pathlib import Path

import yaml

from scripts import make_openapi

COMMITTED = Path("openapi.yaml")


def test_committed_document_is_the_one_that_the_apps_make():
    assert yaml.safe_load(COMMITTED.read_text()) == make_openapi.document()


def test_every_operation_says_what_it_does_and_belongs_to_a_service():
    for path, operations in yaml.safe_load(COMMITTED.read_text())["paths"].items():
        for method, operation in operations.items():
            assert operation.get("summary"), (path, method)
            assert operation.get("tags"), (path, method)
