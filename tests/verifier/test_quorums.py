"""What a trust directory holds was verified when it was taken in: no check counts it again.

What a row says counts for the policy and the rules by which it was said, and for signatures
alone: trees, paths and forks are looked at anew (docs/adr/0043).
"""

from collections import Counter

import pytest
from nacl import bindings

from did_service.core.errors import LimitError
from did_service.core.evidence.bundle import encode_bundle
from did_service.core.evidence.sets import parse_evidence
from did_service.verifier import chain_keys, directory, quorums, shelves
from did_service.verifier.chain_keys import Wanted
from did_service.verifier.database import writing
from did_service.verifier.directory import TrustDirectory
from did_service.verifier.state import STATE_FILE
from tests.support.counter import INDEX

pytestmark = pytest.mark.offline


@pytest.fixture
def desk(desk):
    """The same, which has imported a bundle."""
    assert desk.run("trust", "import", desk.save_bundle()).exit == 0
    return desk


@pytest.fixture(params=["whole", "by key"])
def reading(request, monkeypatch):
    """A directory that is read whole, and one that is too large for that."""
    if request.param == "by key":
        monkeypatch.setattr(directory, "MAX_CHAINS_WHOLE", -1)
    return request.param


@pytest.fixture
def signatures(monkeypatch):
    """How often each signature is verified."""
    counted = Counter()
    verify = bindings.crypto_sign_open

    def counting(signed, public):
        counted[signed, public] += 1
        return verify(signed, public)

    monkeypatch.setattr(bindings, "crypto_sign_open", counting)
    return counted


def checked(desk):
    run = desk.document(desk.shown(None, staple=None))
    assert (run.exit, run.report["outcome"]) == (0, "document")


def change(desk, statement, *values):
    """Alter the rows as somebody with an editor would."""
    with writing(desk.path / STATE_FILE) as rows:
        rows.change(statement, *values)


def test_check_counts_no_quorum_that_the_import_has_counted(desk, reading, signatures):
    checked(desk)
    few = signatures.total()
    change(desk, "UPDATE pieces SET fresh_at = NULL")
    signatures.clear()
    checked(desk)
    assert signatures.total() == few + 2 * (1 + 4)  # two checkpoints: a log and four regions


def test_what_a_visitor_brought_is_counted_once_as_well(desk, scene, reading, signatures):
    scene.fed.tick(60)
    scene.publish()
    shown = desk.shown(None)
    assert desk.document(shown).exit == 0
    first = signatures.total()
    signatures.clear()
    assert desk.document(desk.save("again", shown.read_bytes())).exit == 0
    assert signatures.total() < first


def test_another_policy_and_newer_rules_count_anew(
    desk, scene, reading, signatures, monkeypatch
):
    checked(desk)
    few = signatures.total()
    for void in (
        lambda: desk.pin(scene.fed.next_policy()),
        lambda: monkeypatch.setattr(quorums, "RULES", quorums.RULES + 1),
    ):
        void()
        signatures.clear()
        checked(desk)
        assert signatures.total() >= few + 2 * (1 + 4)
    signatures.clear()
    assert desk.run("trust", "import", desk.save_bundle()).exit == 0
    signatures.clear()
    checked(desk)
    assert signatures.total() == few


def test_verdict_of_another_policy_never_comes_back(desk, scene):
    """Who held the directory under one policy leaves nothing for the next: rows are emptied."""
    former = quorums.basis_of(scene.fed.policy)
    assert desk.pin(scene.fed.next_policy()).exit == 0
    held = {*desk.trust.evidence().checkpoints}
    assert desk.trust.recalled(held, former).keys() == held
    change(desk, "UPDATE pieces SET fresh_at = 1, existed_by = 1 WHERE shared")
    assert desk.run("trust", "import", desk.save_bundle()).exit == 0
    assert desk.trust.recalled(held, former) == {}
    with writing(desk.path / STATE_FILE) as rows:
        assert [*rows.all("SELECT 1 FROM pieces WHERE fresh_at = 1")] == []


def test_row_makes_no_path_and_no_other_tree_true(desk, scene, reading):
    """A quorum that a row claims serves the very note, and nothing that is not in its tree."""
    lie = scene.staple()
    for item in lie["items"]:
        if item["path"]:
            item["path"][0] = "A" * 43
    before = desk.trust.evidence()
    change(desk, "DELETE FROM chains")
    forged = parse_evidence(lie)
    with writing(desk.path / STATE_FILE) as rows:
        shelves.add_unsorted(rows, forged)
        now = scene.fed.now
        rows.change("UPDATE pieces SET fresh_at = ?, existed_by = ?", now, now)
    assert before.items
    run = desk.document(desk.shown(None, staple=None))
    assert run.exit == 5


def test_damaged_row_is_judged_as_any_note(desk, scene):
    note = desk.trust.evidence().checkpoints[0]
    basis = quorums.basis_of(scene.fed.policy)
    assert desk.trust.recalled([note, b"no note at all"], basis).keys() == {note}
    change(desk, "UPDATE pieces SET fresh_at = ?", 2**40)
    assert desk.trust.recalled([note], basis) == {}
    checked(desk)


def test_fork_on_record_voids_what_a_row_says(desk, reading):
    fork = (
        b'{"format":"didsvc-fork/1","policy":1,"origin":"gd.example/reg","size":1,"notes":[],'
        b'"remembered":null}\n'
    )
    checked(desk)
    desk.trust.keep_fork("a.json", fork)
    run = desk.document(desk.shown(None, staple=None))
    assert (run.exit, run.codes[0]) == (5, "evidence_dropped")


# --- told without being read ------------------------------------------------------------------


def test_large_directory_tells_the_same_morning(desk, scene, monkeypatch):
    def shown():
        run = desk.run("trust", "show", "--json")
        return run.exit, {name: run.report[name] for name in ("as_of", "good_until", "logs")}

    def whole(_):
        raise MemoryError("read whole")

    small = shown()
    monkeypatch.setattr(directory, "MAX_CHAINS_WHOLE", -1)
    monkeypatch.setattr(shelves, "read_all", whole)
    assert shown() == small


def test_large_directory_of_another_policy_tells_no_time(desk, scene, monkeypatch):
    monkeypatch.setattr(directory, "MAX_CHAINS_WHOLE", -1)
    assert desk.pin(scene.fed.next_policy()).exit == 0
    assert desk.run("trust", "show", "--json").report["as_of"] is None
    assert desk.run("trust", "import", desk.save_bundle()).exit == 0
    assert desk.run("trust", "show", "--json").report["as_of"] is not None


# --- keys -------------------------------------------------------------------------------------


def test_keys_are_looked_for_before_the_lock_and_bounded(desk, scene, monkeypatch):
    monkeypatch.setattr(directory, "MAX_CHAINS_WHOLE", -1)
    monkeypatch.setattr(chain_keys, "MAX_KEYS_WANTED", 3)
    found = []
    locked = TrustDirectory.locked

    def noted(self):
        found.append("lock")
        return locked(self)

    monkeypatch.setattr(TrustDirectory, "locked", noted)
    run = desk.document(desk.shown(None))
    assert (run.exit, run.envelope["error"]["code"]) == (5, "too_much_to_check")
    assert found == []
    with pytest.raises(LimitError):
        _ = Wanted((b'{"a":1,"b":2,"c":3,"d":4}',)).keys


def test_bundle_that_is_too_large_for_a_check_is_to_be_imported(desk, scene, monkeypatch):
    monkeypatch.setattr(directory, "MAX_CHAINS_WHOLE", -1)
    scene.fed.tick(30)
    scene.fed.status_list(scene.agency, revoked=[INDEX])
    scene.publish()
    bundle = desk.save("b", encode_bundle(parse_evidence(scene.staple())))
    shown = desk.shown(None, staple=None)
    with monkeypatch.context() as patched:
        patched.setattr(chain_keys, "MAX_KEYS_WANTED", 150)
        run = desk.document(shown, "--bundle", bundle)
        error = run.envelope["error"]
        assert (run.exit, error["code"]) == (5, "bundle_to_import")
        assert desk.run("trust", "import", bundle).exit == 0
        assert desk.document(shown).codes == ["revoked"]
