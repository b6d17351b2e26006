"""Attacks by what is true with something huge beside it, which a trust directory would keep."""

from base64 import b64encode

import pytest

from did_service.core.limits import MAX_NOTE_BYTES
from did_service.verifier import directory, lines
from tests.support.desk import Desk
from tests.support.evidence import evidence_item
from tests.support.later import future_entry

pytestmark = pytest.mark.offline

GD = "gd.example/reg"


@pytest.fixture
def desk(tmp_path, scene):
    scene.publish()
    made = Desk(tmp_path, scene)
    made.pin()
    return made


def held_bytes(desk):
    asked = "SELECT sum(length(line)) FROM pieces"
    return desk.trust.read(lambda rows: rows.one(asked), None)[0]


# --- lines of nobody below a checkpoint -------------------------------------------------------


def padded(note, number=0):
    """A true note with as many lines of nobody as it may have, as long as they may be."""
    room = (MAX_NOTE_BYTES - len(note.encode())) // 50
    raw = b64encode(b"\0\0\0\1" + number.to_bytes(4) + bytes(room * 3 // 4 - 48)).decode()
    more = (f"\u2014 nobody{each} {raw}\n" for each in range(50))
    return note + "".join(more)


def test_checkpoint_is_kept_without_the_lines_of_nobody(desk, scene):
    """131 KB of true note and of nobody's lines were kept, and read again, for each size."""
    staple = scene.staple()
    notes = [padded(note, each) for each, note in enumerate(staple["checkpoints"])]
    assert min(map(len, notes)) > 100_000
    twice = [note + note.split("\n\n")[1] for note in staple["checkpoints"]]
    for given in (notes, twice, [*twice, *notes, *staple["checkpoints"]]):
        bundle = desk.save_bundle({**staple, "checkpoints": given})
        assert desk.run("trust", "import", bundle).exit == 0
        kept = {note.decode() for note in desk.trust.evidence().checkpoints}
        assert kept == {*staple["checkpoints"]}
    assert desk.document(desk.shown(None, staple=None)).exit == 0


def test_bundles_of_padded_checkpoints_end_no_later_import(desk, scene, monkeypatch):
    """Three of 1.3 MB: what all share fitted no more, and each later import ended for good."""
    good = desk.save_bundle(name="good")
    monkeypatch.setattr(lines, "MAX_BUNDLE_BYTES", 400_000)
    for number in range(3):
        notes, items = [], []
        for each in range(3):
            placed = future_entry(scene.fed, "note", f"urn:x:{number}-{each}")
            notes.append(padded(scene.fed.cosign(GD).decode(), each))
            log = scene.fed.logs[GD]
            items.append(evidence_item(log, placed, log.size()))
        bundle = {"format": "didsvc-evidence/1", "checkpoints": notes, "items": items}
        assert desk.run("trust", "import", desk.save_bundle(bundle)).exit == 0
    assert len(desk.trust.evidence().items) == 9
    assert held_bytes(desk) < 40_000
    monkeypatch.setattr(directory, "MAX_CHAINS_WHOLE", -1)
    assert desk.run("trust", "import", good).exit == 0
    assert desk.document(desk.shown(None, staple=None)).exit == 0
