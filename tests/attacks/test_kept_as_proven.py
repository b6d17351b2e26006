"""Attacks by what is true with something huge beside it, which a trust directory would keep."""

import gzip
import json
from base64 import b64encode

import pytest

from did_service.core.encoding import b64
from did_service.core.evidence.sets import parse_evidence
from did_service.core.limits import MAX_NOTE_BYTES
from did_service.verifier import directory, lines
from tests.support.counter import whole_log
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


# --- megabytes of nothing in a heads file -----------------------------------------------------

ROOM = 100_000  # the records of these logs have some hundred bytes


def with_header(flag, more):
    """Whoever packs puts optional fields into the header (RFC 1952 §2.3.1)."""

    def pack(records):
        plain = gzip.compress(records, mtime=0)
        return plain[:3] + bytes([plain[3] | flag]) + plain[4:10] + more + plain[10:]

    return pack


NOTHING = b"\0\0\0\xff\xff"  # a stored block without a byte, not the last
PADDED = {
    "a file name": with_header(8, b"a" * ROOM + b"\0"),
    "a comment": with_header(16, b"a" * ROOM + b"\0"),
    "extra fields": with_header(4, b"\xff\xff" + bytes(65_535)),
    "blocks of nothing": with_header(0, NOTHING * (ROOM // 5)),
    "a member of nothing": lambda records: (
        gzip.compress(records, mtime=0) + with_header(8, b"a" * ROOM + b"\0")(b"")
    ),
}


@pytest.mark.parametrize("pack", PADDED.values(), ids=PADDED)
def test_heads_file_with_padding_is_not_kept(desk, scene, pack):
    """25 MB of a file name for each log: no check and no import could read them any more."""
    bundle = whole_log(scene)
    ((root, file),) = bundle["heads_files"].items()
    padding = b64.encode_url(pack(gzip.decompress(b64.decode_url(file))))
    for given, kept in ((padding, {}), (file, bundle["heads_files"])):
        offered = desk.save_bundle({**bundle, "heads_files": {root: given}})
        run = desk.run("trust", "import", offered, "--json")
        assert (run.exit, run.report["dropped"]) == (0, given == padding)
        assert (
            desk.trust.evidence().heads_files
            == parse_evidence({**bundle, "heads_files": kept}).heads_files
        )


@pytest.mark.parametrize("level", [0, 1, 9])
def test_heads_file_is_kept_however_well_it_is_packed(desk, scene, level):
    bundle = whole_log(scene)
    ((root, file),) = bundle["heads_files"].items()
    packed = gzip.compress(gzip.decompress(b64.decode_url(file)), level)
    offered = {**bundle, "heads_files": {root: b64.encode_url(packed)}}
    assert desk.run("trust", "import", desk.save_bundle(offered)).exit == 0
    assert desk.trust.evidence().heads_files == {b64.decode_url(root): packed}


# --- anything at all among the proofs of a policy ---------------------------------------------


def nested(values):
    """A few bytes each; in a file for people each has a line of its own, far to the right."""
    found = ["a" * 16] * values
    for _ in range(24):
        found = [found]
    return found


JUNK = {
    "text": {"x": "a" * 900_000},
    "values of which each has a line": {"x": nested(15_000)},
    "no more than a stranger's": {"verificationMethod": "did:key:z6Mk", "x": 1},
}


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
@pytest.mark.parametrize("way", ["pinned first", "pinned next", "imported", "checked"])
def test_policy_is_kept_with_the_proofs_that_count(tmp_path, scene, way, junk):
    """The true next policy with megabytes beside its signatures made a directory unreadable."""
    scene.publish()
    desk, second = Desk(tmp_path, scene), scene.fed.next_policy()
    if way != "pinned first":
        assert desk.pin().exit == 0
    spoilt = {**second.members, "proof": [junk, *second.members["proof"]]}
    file = desk.save("policy.json", json.dumps(spoilt).encode())
    staple = {**scene.staple(), "policies": [{"policy": spoilt}]}
    if way == "imported":
        run = desk.run("trust", "import", desk.save_bundle(staple))
    elif way == "checked":
        run = desk.document(desk.shown(None, staple=staple))
        assert [*desk.trust.evidence().policies] == [second.members]
        return
    else:
        given = ("--fingerprint", second.fingerprint) if way == "pinned first" else ()
        run = desk.run("trust", "pin", file, *given)
    assert run.exit == 0
    assert json.loads(desk.trust.read_policy()) == second.members
    assert desk.run("trust", "show").exit == 0
