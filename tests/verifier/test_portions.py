"""A bundle is taken in by portions: each proven once, outside of the lock, kept by itself."""

import fcntl
import gzip
import random
from base64 import b64encode
from collections import Counter

import pytest
from nacl import bindings

from did_service.core.encoding import timestamps
from did_service.core.errors import LimitError
from did_service.core.evidence import checked
from did_service.core.evidence.bundle import encode_bundle, encode_pieces
from did_service.core.evidence.sets import parse_evidence
from did_service.core.log.policy import LogPolicy
from did_service.verifier import directory, importing, portions, shelves
from did_service.verifier.portions import open_bundle
from tests.support.counter import Scene
from tests.support.desk import Desk

pytestmark = pytest.mark.offline


@pytest.fixture
def scene():
    made = Scene()
    made.publish()
    for number in range(6):
        agency = made.fed.agency(f"a{number}.gd.example")
        made.fed.grant(made.fed.root("gd"), agency)
    made.fed.tick(30)
    made.publish()
    return made


@pytest.fixture
def desks(tmp_path, scene):
    """Makes desks of this world, each with the policy pinned."""

    def make(name):
        made = Desk(tmp_path / name, scene)
        made.folder.mkdir(exist_ok=True)
        assert made.pin().exit == 0
        return made

    return make


@pytest.fixture
def small(monkeypatch):
    """Portions of three items."""
    monkeypatch.setattr(portions, "MAX_PORTION_PIECES", 3)


def everything(scene):
    entries = [placed for log in scene.fed.logs.values() for placed in log.entries]
    known = {(p.entry.type, p.entry.subject) for p in entries if p.entry.type != "heads"}
    return {**scene.fed.evidence(*sorted(known)), "batches": scene.staple()["batches"]}


def pieces(desk):
    return sorted(encode_pieces(desk.trust.evidence()))


def imported(desk, evidence):
    run = desk.run("trust", "import", desk.save_bundle(evidence), "--json")
    assert run.exit == 0, run.err
    counts = {name: run.report[name] for name in ("newer", "same", "older", "dropped")}
    return counts, run.report["good_until"]


@pytest.mark.parametrize("limit", ["pieces", "bytes"])
@pytest.mark.parametrize("size", ["small", "large"])
def test_portions_make_the_directory_that_the_whole_bundle_makes(
    desks, scene, monkeypatch, limit, size
):
    evidence = everything(scene)
    whole, parts = desks("whole"), desks("parts")
    expected = imported(whole, evidence)
    if limit == "pieces":
        monkeypatch.setattr(portions, "MAX_PORTION_PIECES", 3)
    else:
        monkeypatch.setattr(portions, "MAX_PORTION_BYTES", 3)
    if size == "large":
        monkeypatch.setattr(directory, "MAX_CHAINS_WHOLE", -1)
    counts, good_until = imported(parts, evidence)
    assert counts == expected[0]
    assert size == "large" or good_until == expected[1]
    assert pieces(parts) == pieces(whole)
    again, _ = imported(parts, evidence)
    assert (again["newer"], again["older"], again["dropped"]) == (0, 0, 0)
    assert pieces(parts) == pieces(whole)


def test_the_order_and_the_spelling_of_the_lines_do_not_matter(tmp_path, scene, small):
    evidence = parse_evidence(everything(scene))
    first, *lines = gzip.decompress(encode_bundle(evidence)).splitlines()
    lines = [line.replace(b'"t":"heads"', b'"t":"\\u0068eads"') for line in lines]
    lines = [
        b" " + line.replace(b":", b" : ", 1) if n % 5 == 0 else line
        for n, line in enumerate(lines)
    ]
    random.Random(7).shuffle(lines)
    with open_bundle(gzip.compress(b"\n".join([first, *lines])), tmp_path) as bundle:
        found = [*bundle.portions]
    assert len(found) > 1
    assert {piece for each in found for piece in encode_pieces(each)} == {
        *encode_pieces(evidence)
    }
    heads = {item for item in evidence.items if item.entry.type == "heads"}
    assert all(heads <= {*each.items} for each in found)


def test_what_cannot_be_read_is_counted_once(desks, scene, small):
    evidence = parse_evidence(everything(scene))
    lines = gzip.decompress(encode_bundle(evidence)).splitlines()
    lines += [b'{"item":{}}', b'{"content":1}', b'{"batch":[]}', b'{"checkpoint":7}', b"", b"{"]
    desk = desks("one")
    path = desk.save("spoilt", gzip.compress(b"\n".join(lines)))
    run = desk.run("trust", "import", path, "--json")
    assert (run.exit, run.report["dropped"]) == (0, 6)


def test_an_import_that_was_cut_goes_on(desks, scene, small, monkeypatch):
    evidence = everything(scene)
    whole, desk = desks("whole"), desks("cut")
    imported(whole, evidence)
    kept = []

    def stopped(*arguments):
        kept.append(arguments)
        if len(kept) > 2:
            raise ZeroDivisionError
        return keep(*arguments)

    keep = shelves.keep
    with monkeypatch.context() as patched:
        patched.setattr(shelves, "keep", stopped)
        assert desk.run("trust", "import", desk.save_bundle(evidence)).exit == 70
    held = pieces(desk)
    assert held
    assert {*held} < {*pieces(whole)}
    assert desk.document(desk.shown(None)).exit == 0
    imported(desk, evidence)
    assert pieces(desk) == pieces(whole)


def test_each_quorum_and_each_path_is_checked_once(desks, scene, small, monkeypatch):
    signatures, paths = Counter(), Counter()
    verify, include = bindings.crypto_sign_open, checked.check_inclusion
    desk, evidence = desks("one"), everything(scene)
    bundle = desk.save_bundle(evidence)

    def counted_signature(signed, public):
        signatures[signed, public] += 1
        return verify(signed, public)

    def counted_path(leaf, index, size, path, root):
        paths[leaf, index, size, root] += 1
        return include(leaf, index, size, path, root)

    monkeypatch.setattr(bindings, "crypto_sign_open", counted_signature)
    monkeypatch.setattr(checked, "check_inclusion", counted_path)
    now = timestamps.from_posix(scene.fed.now + 1)
    with open_bundle(bundle.read_bytes(), desk.path) as opened:
        taken = importing.import_bundle(desk.trust, opened, now, "boot")
    assert taken.counts.newer > 6
    quorums = [number for (signed, _), number in signatures.items() if b"/reg\n" in signed]
    assert {*quorums} == {1}
    heads = {leaf for leaf, *_ in paths} & {
        each.leaf
        for log in scene.fed.logs.values()
        for each in log.entries
        if each.entry.type == "heads"
    }
    once = [number for (leaf, *_), number in paths.items() if leaf not in heads]
    assert {*once} == {1}


def test_nothing_is_proven_under_the_lock(desks, scene, small, monkeypatch):
    desk = desks("one")
    proven = []

    def unlocked(*arguments, **options):
        with (desk.path / "lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        proven.append(arguments)
        return prove(*arguments, **options)

    prove = importing.prove
    monkeypatch.setattr(importing, "prove", unlocked)
    imported(desk, everything(scene))
    assert len(proven) > 3


def test_what_another_window_changes_meanwhile_is_not_undone(desks, scene, small, monkeypatch):
    """Between reading and writing of a portion, the newer bundle is imported by another."""
    desk, expected = desks("one"), desks("expected")
    older = everything(scene)
    scene.fed.tick(60)
    scene.publish()
    newer = everything(scene)
    imported(expected, newer)
    imported(expected, older)
    begun = []

    def slow(*arguments, **options):
        if not begun:
            begun.append(True)
            imported(desk, newer)
        return prove(*arguments, **options)

    prove = importing.prove
    monkeypatch.setattr(importing, "prove", slow)
    imported(desk, older)
    assert pieces(desk) == pieces(expected)


def test_a_checkpoint_that_was_refused_is_not_verified_again(desks, scene, small, monkeypatch):
    """Otherwise a few kilobytes of refused checkpoints are verified in each portion anew."""
    desk, evidence = desks("one"), everything(scene)
    text, _, signatures = scene.fed.notes["gd.example/reg"].decode().partition("\n\n")
    log = signatures.split("\n", maxsplit=1)[0]
    strangers = [b64encode(bytes([n]) * 68).decode() for n in range(1, 6)]
    notes = [f"{text}\n\n{log}\n— x.example/{n} {line}\n" for n, line in enumerate(strangers)]
    other_order = f"{text}\n\n— x.example/0 {strangers[0]}\n{log}\n"
    junk = ["", f"{text}\n\n{log}", "unknown.example/reg\n4\nAAAA\n\n" + log + "\n"]
    evidence["checkpoints"] = [*evidence["checkpoints"], *notes, other_order, *junk]
    judged, verify = Counter(), LogPolicy.verify_parsed

    def counted(policy, parsed, note):
        judged[parsed.text, frozenset(parsed.signatures)] += 1
        return verify(policy, parsed, note)

    monkeypatch.setattr(LogPolicy, "verify_parsed", counted)
    counts, _ = imported(desk, evidence)
    assert counts["dropped"] == len(notes) + len(junk)
    again = [number for (_, lines), number in judged.items() if len(lines) == 2]
    assert again == [1] * len(notes)


def test_unknown_kinds_are_counted_as_one_and_what_all_share_is_bounded(
    tmp_path, small, monkeypatch
):
    """Each line of a kind of its own met no count: 15 MB packed took more than a gigabyte."""
    lines = [b"%x:\n" % number for number in range(64)]
    data = gzip.compress(b'{"format":"didsvc-bundle/1"}\n' + b"".join(lines))
    with open_bundle(data, tmp_path) as bundle:
        assert len(bundle.shared.left_out) == 64
    with monkeypatch.context() as limits:
        limits.setattr(portions, "MAX_EVIDENCE_ITEMS", 63)
        with pytest.raises(LimitError), open_bundle(data, tmp_path):
            pass
    monkeypatch.setattr(portions, "MAX_SHARED_BYTES", 100)
    with pytest.raises(LimitError), open_bundle(data, tmp_path):
        pass
