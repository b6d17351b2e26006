"""A long log in small: grown in pieces by the real registry, examined, read by a verifier."""

import re
import sqlite3
from contextlib import closing

import pytest

from did_service.core.anchor.entry import compose, parse_entry
from did_service.core.anchor.types import TYPES, type_of
from did_service.core.limits import MAX_BATCH_ENTRIES
from did_service.replica import statements
from did_service.replica.store import ReplicaStore, prepare
from did_service.storage import database
from tests import long_log
from tests.support import grown_log, read_log
from tests.support.memory_log import MemoryLog

pytestmark = pytest.mark.clock  # its parts are processes

SIZE = 10_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A log that was cut off after its first hour, and went on."""
    folder = tmp_path_factory.mktemp("long") / "log"
    assert long_log.soak(folder, SIZE, minutes=0.0001, entries=20) == 2
    with grown_log.opened(folder) as log:
        assert 0 < log.size() < SIZE
    return folder


def test_a_log_that_was_cut_off_goes_on_and_everybody_finds_it_sound(folder, capfd):
    assert long_log.soak(folder, SIZE, minutes=10, entries=20) == 0
    said = capfd.readouterr().out
    assert "10,000 of 10,000 entries" in said
    assert re.search(r"^evidence: 20 entries, paths of 1[34], ", said, re.MULTILINE)
    for name in ("build", "fsck", "read", "evidence", "bundle"):
        assert re.search(
            rf'^{name}: exit 0, {{"seconds": \d+, .*"MB": [1-9]', said, re.MULTILINE
        )


def test_the_hours_of_a_long_log_keep_below_the_daily_quota(folder):
    hours = 25  # begin within 24 hours, both ends counted
    (region,) = (each for each in read_log.policy_of(folder).regions if each.id == "gd")
    assert hours * grown_log.BATCHES * MAX_BATCH_ENTRIES < region.daily_entries


def test_a_changed_byte_of_a_long_log_is_noticed_by_whoever_reads_it(folder, capfd):
    bundle = folder / "data" / "ev" / "2026" / "tile" / "entries" / "007"
    held = bundle.read_bytes()
    bundle.write_bytes(held.replace(b'"v":1}', b'"v":2}', 1))
    assert long_log.soak(folder, SIZE, minutes=10, entries=20) == 1
    said = capfd.readouterr().out
    assert re.search(r"^fsck: exit [1-9]", said, re.MULTILINE)
    assert re.search(r"^read: exit 1", said, re.MULTILINE)
    bundle.write_bytes(held)


def test_every_entry_says_its_type_at_its_end():
    for kind in TYPES:
        subject = '","t":"heads","v":1}' if kind == "schema" else "urn:x"
        digest = bytes(32) if TYPES[kind].has_digest else None
        data = compose(kind, subject, {"t": "heads"}, digest=digest).sequenced(1).encode()
        assert type_of(data) == parse_entry(data).type == kind


def test_a_snapshot_of_before_reads_a_chain_from_its_end(tmp_path):
    engine = database.open_database(database.file_url(tmp_path / "log.sqlite"))
    prepare(engine)
    log = MemoryLog("gd.example/reg")
    for at in range(600):
        after = log.newest("schema", "urn:x")
        log.force(compose("schema", "urn:x", {}, after=after).sequenced(at))
    ReplicaStore(engine, log.origin).append(log.entries, {})
    with database.reading(engine) as connection:
        statement = statements.FORMER._for(connection)
    steps = []
    with closing(sqlite3.connect(tmp_path / "log.sqlite")) as driver:
        driver.set_progress_handler(lambda: steps.append(1), 1)
        ((_, number, *_),) = driver.execute(
            statement.text, {**statement._fixed, "log": log.origin, "size": 598}
        )
    assert number == 598
    assert len(steps) < 300  # a walk through the whole chain takes ten times as many
