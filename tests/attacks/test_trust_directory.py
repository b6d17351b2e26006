"""Attacks by what stands in a trust directory, or is to be kept there."""

import os
import random
import shutil
import sqlite3
from contextlib import closing

import pytest

from did_service.core.credentials.bitstring_status_list import (
    BitstringStatusList,
    ListDescription,
    Purpose,
    status_list_credential,
)
from did_service.core.encoding import timestamps
from did_service.core.errors import LimitError
from did_service.core.evidence import bundle
from did_service.core.limits import MAX_HEADS_TRIED
from did_service.verifier import lines
from tests.support.counter import INDEX, KEEP, SCHEMA, Scene, headless, joined
from tests.support.desk import COUNTER, Desk
from tests.support.evidence import evidence_item

pytestmark = pytest.mark.offline


@pytest.fixture
def desk(tmp_path, scene):
    scene.publish()
    made = Desk(tmp_path, scene)
    made.pin()
    return made


def subjects(desk):
    return {(item.entry.type, item.entry.subject) for item in desk.trust.evidence().items}


# --- megabytes of strangers -------------------------------------------------------------------


def fat_lists(fed, agency, urls):
    """Lists that no packing makes smaller, of the least size, anchored under their URLs."""
    for number, url in enumerate(urls):
        begins, ends = (timestamps.from_posix(fed.now + after) for after in (0, 604_800))
        told = ListDescription(url, agency.did, Purpose.REVOCATION, begins, ends, 3_600)
        bits = BitstringStatusList(random.Random(number).randbytes(16_384))
        fed.anchor_list(agency, url, fed.secure(status_list_credential(told, bits), agency))
    fed.tick()


def test_lists_of_one_agency_blind_nobody(tmp_path, monkeypatch):
    """Past what is read at once, each check, import and `trust show` ended with `too_large`."""
    monkeypatch.setattr(bundle, "MAX_BUNDLE_BYTES", 250_000)
    monkeypatch.setattr(lines, "MAX_BUNDLE_BYTES", 250_000)
    monkeypatch.setattr(lines, "MAX_BYTES_WHOLE", 100_000)
    scene = Scene()
    fat = scene.fed.agency("fat.gd.example")
    urls = [fat.list_url(number) for number in range(1, 17)]
    scene.fed.grant(scene.fed.root("gd"), fat, status_lists=urls)
    fat_lists(scene.fed, fat, urls)
    scene.publish()
    desk = Desk(tmp_path, scene)
    desk.pin()
    assert desk.run("trust", "import", desk.save_bundle()).exit == 0
    for first in range(0, len(urls), 4):
        part = scene.fed.evidence(*(("status", url) for url in urls[first : first + 4]))
        assert desk.run("trust", "import", desk.save_bundle(part)).exit == 0
    for staple in (None, KEEP):
        run = desk.document(desk.shown(None, staple=staple))
        assert (run.exit, run.report["outcome"]) == (0, "document")
    assert desk.run("trust", "show", "--json").exit == 0
    assert desk.run("trust", "import", desk.save_bundle()).exit == 0
    with pytest.raises(LimitError) as caught:
        desk.trust.evidence()
    assert caught.value.code == "too_much_to_check"


# --- rows that something else has written -----------------------------------------------------

REOPENED = """
CREATE TRIGGER evil AFTER UPDATE ON nonces WHEN NEW.state = 'used'
BEGIN UPDATE nonces SET state = 'open', answered = NULL WHERE nonce = NEW.nonce; END
"""
ENDLESS = """
CREATE VIEW facts AS WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r)
SELECT 'k' || x AS name, x AS value FROM r
"""
ALTERED = {
    "a trigger of its own": [REOPENED],
    "no trigger of ours": ["DROP TRIGGER nonce_given"],
    "a view that never ends": ["DROP TABLE facts", ENDLESS],
    "a column more": ["ALTER TABLE logs ADD COLUMN z INTEGER AS (abs(size)) VIRTUAL"],
    "a line longer than any": ["UPDATE pieces SET line = zeroblob(40000000) WHERE id = 1"],
    "a text for a count": ["UPDATE facts SET value = 'abc' WHERE name = 'chains'"],
    "no end of a count": ["UPDATE facts SET value = 1e400 WHERE name = 'bytes'"],
    "less than nothing": ["UPDATE facts SET value = -1 WHERE name = 'bytes'"],
    "no count": ["DELETE FROM facts WHERE name = 'shared'"],
    "bytes for a time": ["UPDATE facts SET value = x'ff' WHERE name = 'witnessed'"],
    "no time": ["UPDATE logs SET time = -1"],
    "neither open nor used": ["UPDATE nonces SET state = 'weird'"],
    "a verdict that there is not": ["UPDATE nonces SET outcome = 'weird'"],
    "an answer without a verdict": ["UPDATE nonces SET outcome = NULL"],
}


@pytest.mark.parametrize("statements", ALTERED.values(), ids=ALTERED)
def test_altered_state_is_damage_and_nothing_in_it_is_run(desk, statements):
    """A trigger opened each spent code again; others ended in an internal fault, or never."""
    assert desk.run("trust", "import", desk.save_bundle()).exit == 0
    answer = desk.shown(desk.challenge())
    assert desk.check(answer).report["outcome"] == "accepted"
    with closing(sqlite3.connect(desk.path / "state.sqlite")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    run = desk.check(answer)
    assert (run.exit, run.envelope["error"]["code"]) == (11, "trust_damaged")


@pytest.mark.parametrize("end", ["-journal", "-wal", "-shm"])
def test_link_in_the_place_of_what_sqlite_opens_beside_it_is_refused(desk, tmp_path, end):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    with closing(sqlite3.connect(desk.path / "state.sqlite")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    beside = desk.path / f"state.sqlite{end}"
    beside.unlink(missing_ok=True)
    beside.symlink_to(victim)
    assert desk.run("trust", "show", "--json").envelope["error"]["code"] == "file_not_read"
    assert victim.read_text() == "precious"


# --- evidence of strangers --------------------------------------------------------------------


def crowded() -> Scene:
    """A federation with agencies that have nothing to do with the permit."""
    scene = Scene()
    for number in range(12):
        agency = scene.fed.agency(f"a{number}.gd.example")
        scene.fed.grant(scene.fed.root("gd"), agency)
    scene.fed.tick()
    scene.publish()
    return scene


def everything(scene):
    entries = [placed for log in scene.fed.logs.values() for placed in log.entries]
    known = {(p.entry.type, p.entry.subject) for p in entries if p.entry.type != "heads"}
    return scene.fed.evidence(*sorted(known))


def test_true_evidence_of_strangers_is_not_kept(tmp_path):
    """One visitor brought 400 records: each later check took five times as long, for good."""
    desk = Desk(tmp_path, crowded())
    desk.pin()
    assert desk.document(desk.shown(None)).exit == 0
    before = subjects(desk)
    assert desk.document(desk.shown(None, staple=everything(desk.scene))).exit == 0
    assert subjects(desk) == before
    assert desk.document(desk.shown(None, staple=None)).exit == 0


def test_unsigned_credential_leaves_nothing_behind(tmp_path):
    """Who signs nothing may name any issuer: what that one needs is not kept."""
    desk = Desk(tmp_path, crowded())
    desk.pin()
    scene = desk.scene
    unsigned = scene.file(scene.unsigned(), everything(scene))
    assert desk.document(desk.save("unsigned.json", unsigned)).exit != 0
    assert {kind for kind, _ in subjects(desk)} <= {"heads"}


def newer_heads(scene, count):
    """So many true heads entries that came since, each of another snapshot, and no more."""
    fed, regions = scene.fed, ("cn", "gd")
    for number in range(count):
        fed.tick()
        fed.agency(f"n{number}.gd.example")
        fed.schema(fed.root("cn"), f"urn:didsvc:schema:n{number}:1", {"type": "object"})
        fed.publish(*regions)
    items, notes = [], [fed.notes[f"{region}.example/reg"].decode() for region in regions]
    for region in regions:
        log = fed.logs[f"{region}.example/reg"]
        heads = [placed for placed in log.entries if placed.entry.type == "heads"]
        items += [evidence_item(log, placed, log.size()) for placed in heads]
    return {"format": "didsvc-evidence/1", "checkpoints": notes, "items": items}


def test_newer_heads_take_no_place_from_those_of_the_counter(desk, scene):
    """Seventy public heads entries made a counter forget what was the latest, for good."""
    desk.run("trust", "import", desk.save_bundle())
    assert desk.document(desk.shown(None, staple=None)).exit == 0
    unsigned = scene.file(scene.unsigned(), newer_heads(scene, MAX_HEADS_TRIED + 2))
    assert desk.document(desk.save("unsigned.json", unsigned)).codes == ["proof_unreadable"]
    assert desk.document(desk.shown(None, staple=None)).exit == 0


def lists_since(scene, *revoked):
    """Two newer lists of the agency, as published one after the other."""
    sets = []
    for _ in range(2):
        scene.fed.tick(600)
        scene.fed.status_list(scene.agency, revoked=revoked)
        scene.publish()
        sets.append(scene.fed.evidence(("status", scene.agency.list_url())))
    return joined(*sets)


def content_held_back(evidence):
    return {**evidence, "contents": {}}


@pytest.mark.parametrize("spoilt", [content_held_back, headless])
def test_newer_list_with_a_part_held_back_stands_in_nobodys_way(desk, scene, spoilt):
    """Public items, stripped: the next citizens' permits had no status, until a new bundle."""
    desk.run("trust", "import", desk.save_bundle())
    assert desk.document(desk.shown(None, staple=None)).exit == 0
    unsigned = scene.file(scene.unsigned(), spoilt(lists_since(scene)))
    assert desk.document(desk.save("unsigned.json", unsigned)).exit == 5
    assert desk.document(desk.shown(None, staple=None)).exit == 0


def test_newer_lists_without_their_content_make_no_revocation_forgotten(desk, scene):
    """Two of them pushed the list that revokes out of the directory."""
    scene.fed.status_list(scene.agency, revoked=[INDEX])
    scene.publish()
    desk.run("trust", "import", desk.save_bundle())
    assert desk.document(desk.shown(None, staple=None)).codes == ["revoked"]
    stripped = content_held_back(lists_since(scene, INDEX))
    desk.run("trust", "import", desk.save_bundle(stripped))
    assert desk.document(desk.shown(None, staple=None)).codes == ["revoked"]


def test_newer_evidence_of_what_is_known_is_kept_whoever_brings_it(desk, scene):
    """A revocation that a stranger's visit brought is not forgotten."""
    assert desk.document(desk.shown(None)).exit == 0
    scene.fed.tick(30)
    scene.fed.status_list(scene.agency, revoked=[INDEX])
    scene.publish()
    brought = desk.save("unsigned.json", scene.file(scene.unsigned(), everything(scene)))
    assert desk.document(brought, later=60).exit == 1
    old = desk.shown(None, staple=None)
    assert desk.document(old, later=60).codes == ["revoked"]


def test_bundle_of_the_counter_is_kept_whole(tmp_path):
    desk = Desk(tmp_path, crowded())
    desk.pin()
    bundle = desk.save_bundle(everything(desk.scene))
    assert desk.document(desk.shown(None), "--bundle", bundle).exit == 0
    assert {kind for kind, _ in subjects(desk)} >= {"did", "authority", "schema", "status"}
    assert len(subjects(desk)) > 24
    assert ("schema", SCHEMA) in subjects(desk)


# --- files that are none of ours --------------------------------------------------------------


def test_temporary_files_of_other_programs_survive(desk, tmp_path):
    """`--trust` may name any folder: what stands there is not ours to sweep."""
    folder = tmp_path / "home"
    (folder / "project" / "sub").mkdir(parents=True)
    names = (".thesis.docx.tmp", "project/.draft.tmp", "project/sub/.important.tmp")
    for name in names:
        (folder / name).write_text("only copy")
    assert desk.run("challenge", "--audience", COUNTER, "--trust", folder).exit == 0
    assert [(folder / name).read_text() for name in names] == ["only copy"] * 3


@pytest.mark.parametrize(
    "name", ["policy.json", "evidence.json.gz", "memory.json", "state.sqlite"]
)
def test_pipe_in_the_trust_directory_holds_up_nobody(desk, name):
    """Reading it would wait for a writer for ever, with the lock held."""
    path = desk.path / name
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    run = desk.document(desk.shown(None))
    assert run.envelope["error"]["code"] == "file_not_read"
    assert run.exit not in (0, 1)


def test_link_in_the_trust_directory_is_not_followed(desk, tmp_path):
    elsewhere = tmp_path / "elsewhere.json"
    shutil.move(desk.path / "policy.json", elsewhere)
    (desk.path / "policy.json").symlink_to(elsewhere)
    assert desk.document(desk.shown(None)).envelope["error"]["code"] == "file_not_read"


def test_lock_that_leads_elsewhere_makes_no_file(desk, tmp_path):
    (desk.path / "lock").unlink()
    (desk.path / "lock").symlink_to(tmp_path / "outside.txt")
    run = desk.run("challenge", "--audience", COUNTER, "--json")
    assert run.envelope["error"]["code"] == "file_not_written"
    assert not (tmp_path / "outside.txt").exists()


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_directory_that_others_may_change_is_named(desk, mode):
    """Who may write there decides what is trusted: each verdict says so."""
    nonce = desk.challenge()
    assert "trust_exposed" not in desk.document(desk.shown(None)).report["unsafe"]
    desk.path.chmod(mode)
    run = desk.answer(nonce)
    assert run.exit == 0
    assert "trust_exposed" in run.report["unsafe"]
    given = desk.run("challenge", "--json").report
    assert given["unsafe"] == ["trust_exposed"]
