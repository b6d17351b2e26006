"""What is really published fits the published schemas: logs, policy, evidence, files."""

import json
from pathlib import Path

import pytest

from did_service.core.credentials import schema_check
from did_service.core.encoding import strict_json
from tests.support.counter import Scene

SCHEMAS = Path("schemas")


def misfits(name, value):
    schema = strict_json.load_object((SCHEMAS / f"{name}.json").read_bytes())
    return [str(found) for found in schema_check.check(schema, value)]


@pytest.fixture(scope="module")
def scene():
    """A federation in which everything was logged that an office logs."""
    made = Scene()
    made.log_issuance()
    made.fed.rotate(made.agency)
    made.publish()
    made.fed.tick(60)
    made.fed.end(made.grants[0], made.fed.root("gd"))
    made.publish()
    return made


def test_every_entry_of_every_log_fits(scene):
    kinds = set()
    for log in scene.fed.logs.values():
        for placed in log.entries:
            assert misfits("entry", placed.entry.members) == []
            kinds.add(placed.entry.type)
            if placed.entry.type == "authority":
                assert misfits("authority", placed.entry.body) == []
    assert kinds == {"did", "schema", "authority", "policy", "heads", "status", "evidence"}


def test_the_policy_fits(scene):
    assert misfits("policy", scene.fed.policy.members) == []


def test_evidence_and_the_presentation_file_fit(scene):
    assert misfits("evidence", scene.staple()) == []
    assert misfits("presentation-file", json.loads(scene.file())) == []
