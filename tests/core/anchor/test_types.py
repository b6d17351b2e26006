"""The table of entry types: one row a type, and all that is said of a type agrees with it."""

import re
from pathlib import Path

import pytest

from did_service.core.anchor import bodies
from did_service.core.anchor.bodies.void import parse_void
from did_service.core.anchor.entry import parse_entry
from did_service.core.anchor.region import year_of
from did_service.core.anchor.rules import check
from did_service.core.anchor.types import TYPES, LogKind, takes_back
from did_service.core.encoding import jcs
from did_service.core.encoding.strict_json import loads
from tests.architecture import source
from tests.support.counter import Scene
from tests.support.federation import founded
from tests.support.moving import movable, move, observe, void, web_document
from tests.support.optional import CHECKOUT

SHARED = {"__init__", "members", "other_log", "void"}


@pytest.fixture(scope="module")
def logs():
    fed = founded(rules=2)
    scene = Scene(federation=fed)
    fed.batch(scene.agency, [b"1"])
    office = movable(fed, "dg.gd.example")
    fed.tick()
    move(fed, office, "cs.hn.example")
    void(fed, "gd.example/reg", scene.grant)
    seen = "did:web:ministry.example"
    observe(fed, fed.root("gd"), seen, web_document(seen))
    scene.publish()
    return fed.logs


def test_every_type_has_a_rule_and_a_body_and_no_other_has():
    files = {path.stem for path in Path(bodies.__file__).parent.glob("*.py")} - SHARED
    assert set(TYPES) == set(check._RULES) == files


def read_body(entry):
    """The body of an entry, a void's by its own parser."""
    if takes_back(entry.type, entry.body):
        return parse_void(entry.type, entry.body)
    return TYPES[entry.type].parse(entry.body)


def test_every_body_in_a_log_is_read_and_written_back(logs):
    seen = set()
    for log in logs.values():
        for placed in log.entries:
            kind, entry = TYPES[placed.entry.type], parse_entry(placed.entry.encode())
            body = {n: v for n, v in entry.body.items() if n != "proof" or not kind.is_signed}
            assert jcs.encode(read_body(entry).encode()) == jcs.encode(body)
            seen.add(entry.type)
    assert seen == set(TYPES)


def test_entries_stand_where_their_type_says_with_the_members_that_it_says(logs):
    for origin, log in logs.items():
        wanted = LogKind.CONTROL if year_of(origin) is None else LogKind.DATA
        for entry in (placed.entry for placed in log.entries):
            kind = TYPES[entry.type]
            assert kind.log is wanted
            assert (entry.digest is not None) == kind.has_digest
            assert ("proof" in entry.body) == kind.is_signed


def test_what_has_no_second_yet_is_another_type():
    (policy, *_) = founded().logs["gd.example/reg"].entries
    submission = policy.entry.submission()
    assert not hasattr(submission, "at")
    assert "a" not in loads(submission.encode())
    assert submission.sequenced(policy.entry.at) == policy.entry
    assert submission != policy.entry


LOOSE = re.compile(
    r"entry\.body(?:\.get\(|\[)|Fields\([\w.]*entry\.body|in [\w.]*entry\.body\b"
)


def test_nobody_reads_a_body_member_by_member():
    """But `entry`, which signs and names what it does not read."""
    paths = {*source.modules(*source.PACKAGES)} - {Path("did_service/core/anchor/entry.py")}
    assert {str(path) for path in paths if LOOSE.search((CHECKOUT / path).read_text())} == set()
    assert LOOSE.search('size = Fields(heads.entry.body, "heads").integer("size")')
    assert LOOSE.search('if "x" in entry.body and former is not None:')
