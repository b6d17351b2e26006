"""Evidence in rows: what is kept proves itself, and a check reads what it needs by key."""

import gzip
from codecs import BOM_UTF8
from dataclasses import replace
from functools import partial

import pytest

from did_service.core.encoding import b64
from did_service.core.errors import DidServiceError
from did_service.core.evidence.bundle import encode_bundle, encode_pieces, is_of_heads
from did_service.core.evidence.proofs import verify_evidence
from did_service.core.evidence.sets import UnverifiedEvidence, parse_evidence
from did_service.verifier import directory, lines, shelves
from did_service.verifier.cells import counted
from did_service.verifier.chain_keys import Wanted
from did_service.verifier.directory import TrustDirectory
from did_service.verifier.quorums import basis_of
from tests.support.counter import INDEX, whole_log

pytestmark = pytest.mark.offline


def pieces(evidence):
    """The pieces of a set, in no order."""
    return sorted(encode_pieces(evidence))


def crowd(scene, count=12):
    """Agencies that have nothing to do with the permit."""
    for number in range(count):
        agency = scene.fed.agency(f"a{number}.gd.example")
        scene.fed.grant(scene.fed.root("gd"), agency)
    scene.fed.tick(30)
    scene.publish()


def everything(scene):
    entries = [placed for log in scene.fed.logs.values() for placed in log.entries]
    known = {(p.entry.type, p.entry.subject) for p in entries if p.entry.type != "heads"}
    return {**scene.fed.evidence(*sorted(known)), "batches": scene.staple()["batches"]}


@pytest.fixture(params=["whole", "by key"])
def reading(request, monkeypatch):
    """A directory that is read whole, and one that is too large for that."""
    if request.param == "by key":
        monkeypatch.setattr(directory, "MAX_CHAINS_WHOLE", -1)
    return request.param


# --- what is kept -----------------------------------------------------------------------------


def test_evidence_of_the_former_release_is_taken_over_whole(desk, scene):
    evidence = parse_evidence(scene.staple())
    (desk.path / "evidence.json.gz").write_bytes(encode_bundle(evidence))
    assert pieces(desk.trust.evidence()) == pieces(evidence)
    assert not (desk.path / "evidence.json.gz").exists()
    assert pieces(TrustDirectory(desk.path).evidence()) == pieces(evidence)


def test_evidence_that_was_taken_over_serves_and_is_sorted_by_the_next_merge(
    desk, scene, reading
):
    (desk.path / "evidence.json.gz").write_bytes(encode_bundle(parse_evidence(scene.staple())))
    assert desk.document(desk.shown(None, staple=None)).exit == 0
    scene.fed.tick(60)
    scene.publish()
    assert desk.run("trust", "import", desk.save_bundle()).exit == 0
    assert desk.document(desk.shown(None, staple=None)).exit == 0


def test_evidence_that_cannot_be_written_leaves_the_former(desk, scene, monkeypatch):
    assert desk.run("trust", "import", desk.save_bundle()).exit == 0
    before = pieces(desk.trust.evidence())
    scene.fed.tick(60)
    scene.publish()
    written = []

    def stopped(rows, line):
        written.append(line)
        if len(written) > 4:
            raise ZeroDivisionError
        return shelved(rows, line)

    shelved = shelves._piece
    monkeypatch.setattr(shelves, "_piece", stopped)
    assert desk.run("trust", "import", desk.save_bundle()).exit == 70
    assert pieces(desk.trust.evidence()) == before


def test_piece_goes_with_the_last_chain_that_needs_it(desk, scene):
    for _ in range(3):
        scene.fed.tick(60)
        scene.fed.status_list(scene.agency)
        scene.publish()
        assert desk.run("trust", "import", desk.save_bundle()).exit == 0
    held = desk.trust.evidence()
    used = {item.size for item in held.items if item.log == "gd.example/reg"}
    origin = b"gd.example/reg\n"
    notes = [note for note in held.checkpoints if note.startswith(origin)]
    assert {int(note.split(b"\n")[1]) for note in notes} == used
    desk.trust.keep_chains(held, [], "")
    assert desk.trust.evidence() == UnverifiedEvidence()


def test_heads_file_that_no_longer_counts_gives_way_to_one_that_does(desk, scene):
    """Another release may have kept it; the root is the same, the packed file is not."""
    bundle = whole_log(scene)
    ((root, file),) = bundle["heads_files"].items()
    padded = gzip.compress(b"", mtime=0) * 15 + b64.decode_url(file) + bytes(20_000)
    before = parse_evidence({**bundle, "heads_files": {root: b64.encode_url(padded)}})
    assert desk.run("trust", "import", desk.save_bundle(bundle)).exit == 0
    kept = verify_evidence([("own", parse_evidence(bundle))], scene.fed.policy)
    chains = [
        (key, replace(own, heads_files=dict.fromkeys(own.heads_files, padded)))
        for key, own in kept.kept_chains()
    ]
    desk.trust.keep_chains(UnverifiedEvidence(), chains, basis_of(scene.fed.policy))
    assert desk.trust.evidence().heads_files == before.heads_files
    assert desk.run("trust", "import", desk.save_bundle(bundle)).exit == 0
    assert desk.trust.evidence().heads_files == parse_evidence(bundle).heads_files


# --- what is read -----------------------------------------------------------------------------


def test_check_of_a_large_directory_reads_what_it_needs_and_no_stranger(
    desk, scene, monkeypatch
):
    crowd(scene)
    bundle = desk.save_bundle(everything(scene))
    assert desk.run("trust", "import", bundle).exit == 0
    monkeypatch.setattr(directory, "MAX_CHAINS_WHOLE", -1)
    shown = desk.shown(None, staple=None)
    whole, read = desk.trust.evidence(), desk.trust.evidence(Wanted((shown.read_bytes(),)))
    assert len(read.items) < len(whole.items) / 2
    assert desk.document(shown).exit == 0


def test_revocation_that_is_held_counts_whatever_a_visitor_brings(desk, scene, reading):
    """He brings the list of yesterday; the directory holds today's."""
    older = desk.shown(None).read_bytes()
    scene.fed.tick(30)
    scene.fed.status_list(scene.agency, revoked=[INDEX])
    crowd(scene)
    assert desk.run("trust", "import", desk.save_bundle(everything(scene))).exit == 0
    run = desk.document(desk.save("older.json", older))
    assert (run.exit, run.codes) == (1, ["revoked"])


def test_mark_before_the_text_hides_no_key(desk, scene, reading):
    older = desk.shown(None).read_bytes()
    scene.fed.tick(30)
    scene.fed.status_list(scene.agency, revoked=[INDEX])
    crowd(scene)
    assert desk.run("trust", "import", desk.save_bundle(everything(scene))).exit == 0
    for marks in (BOM_UTF8, 2 * BOM_UTF8):
        run = desk.document(desk.save("older.json", marks + older))
        assert run.report["outcome"] == "refused"


def test_end_of_an_authority_that_is_held_counts_whatever_a_visitor_brings(
    desk, scene, reading
):
    older = desk.shown(None).read_bytes()
    scene.fed.tick(30)
    for grant in scene.grants:
        scene.fed.end(grant, scene.fed.root("gd"))
    crowd(scene)
    assert desk.run("trust", "import", desk.save_bundle(everything(scene))).exit == 0
    run = desk.document(desk.save("older.json", older))
    assert run.exit in (1, 5)
    assert run.report["outcome"] != "accepted"


def test_end_that_is_held_counts_whatever_a_bundle_beside_it_brings(desk, scene, reading):
    """Only the older bundle leads to the granter whose DID has ended by what is held."""
    older = desk.save_bundle(name="older")
    shown = desk.shown(None, staple=None)
    scene.fed.tick(30)
    scene.fed.deactivate(scene.agency)
    crowd(scene)
    held = scene.fed.evidence(("did", scene.agency.id))
    assert desk.run("trust", "import", desk.save_bundle(held)).exit == 0
    run = desk.document(shown, "--bundle", older)
    assert run.report["outcome"] != "accepted"


def test_check_that_would_need_too_much_is_not_judged_by_a_part(desk, scene, monkeypatch):
    assert desk.run("trust", "import", desk.save_bundle()).exit == 0
    monkeypatch.setattr(directory, "MAX_CHAINS_WHOLE", -1)
    monkeypatch.setattr(shelves, "MAX_CHAINS_AT_ONCE", 2)
    run = desk.document(desk.shown(None))
    assert (run.exit, run.envelope["error"]["code"]) == (5, "too_much_to_check")


def test_directory_is_large_by_its_bytes_and_checkpoints_as_well(desk, monkeypatch):
    assert desk.run("trust", "import", desk.save_bundle()).exit == 0
    assert not desk.trust.is_large
    with monkeypatch.context() as limits:
        limits.setattr(lines, "MAX_BYTES_WHOLE", 2)
        assert desk.trust.is_large
        assert desk.document(desk.shown(None)).exit == 0
    monkeypatch.setattr(lines, "MAX_EVIDENCE_CHECKPOINTS", 2)
    assert desk.trust.is_large
    assert desk.document(desk.shown(None)).exit == 0


def test_file_counts_its_bytes_and_what_all_share(desk, scene):
    for _ in range(3):
        scene.fed.tick(60)
        scene.fed.status_list(scene.agency)
        scene.publish()
        assert desk.run("trust", "import", desk.save_bundle()).exit == 0
    asked = "SELECT sum(length(line)), sum(shared) FROM pieces"
    size, shared = desk.trust.read(lambda rows: rows.one(asked), None)
    for name, number in (("bytes", size), ("shared", shared)):
        assert desk.trust.read(partial(counted, name=name), 0) == number > 0
    desk.trust.keep_chains(desk.trust.evidence(), [], "")
    assert [desk.trust.read(partial(counted, name=n), 1) for n in ("bytes", "shared")] == [0, 0]


def test_check_that_would_read_too_many_bytes_is_not_judged_by_a_part(desk, monkeypatch):
    assert desk.run("trust", "import", desk.save_bundle()).exit == 0
    monkeypatch.setattr(lines, "MAX_BYTES_WHOLE", 0)
    monkeypatch.setattr(lines, "MAX_BUNDLE_BYTES", 5_000)
    run = desk.document(desk.shown(None))
    assert (run.exit, run.envelope["error"]["code"]) == (5, "too_much_to_check")


def test_checkpoints_that_all_share_are_read_as_far_as_they_can_be(desk, scene, monkeypatch):
    crowd(scene)
    assert desk.run("trust", "import", desk.save_bundle(everything(scene))).exit == 0
    held = desk.trust.evidence()
    monkeypatch.setattr(lines, "MAX_EVIDENCE_CHECKPOINTS", 1)
    read = desk.trust.evidence_of(UnverifiedEvidence())
    assert len(read.checkpoints) == 1 < len(held.checkpoints)
    kinds = [[i for i in each.items if i.entry.type == "heads"] for each in (held, read)]
    assert len(kinds[0]) == len(kinds[1]) > 0


def test_what_all_share_is_read_as_far_as_there_is_room(desk, scene, monkeypatch):
    crowd(scene)
    assert desk.run("trust", "import", desk.save_bundle(everything(scene))).exit == 0
    shared = desk.trust.evidence_of(UnverifiedEvidence())
    size = sum(map(len, encode_pieces(shared)))
    monkeypatch.setattr(lines, "MAX_SHARED_BYTES", size)
    assert pieces(desk.trust.evidence_of(UnverifiedEvidence())) == pieces(shared)
    monkeypatch.setattr(lines, "MAX_SHARED_BYTES", size - 1)
    newest = pieces(desk.trust.evidence_of(UnverifiedEvidence()))
    assert {*newest} < {*pieces(shared)}
    assert len(newest) == len(pieces(shared)) - 1
    monkeypatch.setattr(lines, "MAX_BUNDLE_BYTES", 0)
    assert desk.trust.evidence_of(UnverifiedEvidence()) == UnverifiedEvidence()


def test_import_of_a_large_directory_touches_only_what_the_bundle_has(desk, scene, monkeypatch):
    crowd(scene)
    assert desk.run("trust", "import", desk.save_bundle(everything(scene))).exit == 0
    whole = len(desk.trust.evidence().items)
    monkeypatch.setattr(directory, "MAX_CHAINS_WHOLE", -1)
    scene.fed.tick(60)
    scene.publish()
    offered = parse_evidence(scene.staple())
    assert len(desk.trust.evidence_of(offered).items) < whole / 2
    assert desk.run("trust", "import", desk.save_bundle()).exit == 0
    assert len(desk.trust.evidence().items) >= whole


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 500, b'"did:webvh:x"', b"1e999"])
def test_what_cannot_be_read_has_no_keys_or_its_own(data):
    try:
        keys = Wanted((data,)).keys
    except DidServiceError:
        keys = None
    assert keys is not None


def test_heads_entry_is_told_by_its_type_and_by_no_word_inside(scene):
    """Else a DID document with `"t":"heads"` is read with everybody's checkpoints."""
    evidence = parse_evidence(scene.staple())
    lines = [line for line in encode_pieces(evidence) if line.startswith(b'{"item":')]
    told = {(is_of_heads(line), b'"t":"heads"' in line) for line in lines}
    assert told == {(True, True), (False, False)}
    did = next(line for line in lines if b'"t":"did"' in line)
    assert not is_of_heads(did.replace(b'"b":{', b'"b":{"x":{"t":"heads"},', 1))
