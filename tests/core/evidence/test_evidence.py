"""Evidence sets: reading and writing, bundles, what is kept when sets are merged."""

import copy
import gzip
import json
from contextlib import suppress
from dataclasses import replace
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.encoding import b64, jcs
from did_service.core.encoding.compression import gunzip
from did_service.core.errors import DidServiceError
from did_service.core.evidence import bundle
from did_service.core.evidence.branches import name_branches
from did_service.core.evidence.bundle import encode_bundle, parse_bundle
from did_service.core.evidence.proofs import verify_evidence
from did_service.core.evidence.proven import ProvenEntry
from did_service.core.evidence.proven_set import Dropped, Tree
from did_service.core.evidence.sets import LeftOut, parse_evidence
from did_service.core.limits import (
    MAX_BUNDLE_BYTES,
    MAX_EVIDENCE_POLICIES,
    MAX_JSON_BYTES,
    MAX_NOTE_BYTES,
    MAX_PIECE_VALUES,
    MAX_STAPLE_BYTES,
)
from did_service.core.verification.headline import headline_of
from did_service.core.verification.report import Outcome
from tests.support.counter import Scene, items_of, whole_log
from tests.support.evidence import evidence_item, kept
from tests.support.refusals import refused

pytestmark = pytest.mark.offline
DAY = 86_400


@pytest.fixture(scope="module")
def staple() -> dict:
    scene = Scene()
    scene.fed.tick()
    scene.log_issuance()
    scene.publish()
    return {**scene.staple(), "policies": [{"policy": scene.fed.policy.members}]}


def altered(staple, *path, value=None, drop=False):
    """A copy with one member changed or dropped."""
    copied = copy.deepcopy(staple)
    target = copied
    for step in path[:-1]:
        target = target[step]
    if drop:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    return copied


# --- shapes -----------------------------------------------------------------------------------


def test_parsing_and_encoding_are_inverse(staple):
    evidence = parse_evidence(staple)
    assert parse_evidence(evidence.encode()) == evidence
    data = json.dumps(evidence.encode()).encode()
    assert parse_evidence(data) == evidence


def test_bundle_is_the_same_set_packed(staple):
    evidence = parse_evidence(staple)
    made = encode_bundle(evidence)
    assert parse_bundle(made) == evidence
    text = json.dumps(staple).encode()
    assert parse_bundle(text) == parse_bundle(gzip.compress(text)) == evidence
    assert encode_bundle(evidence) == encode_bundle(parse_bundle(made)) == made


def test_heads_files_travel_with_a_bundle():
    scene = Scene()
    scene.fed.tick()
    scene.publish()
    evidence = parse_evidence(whole_log(scene))
    assert parse_evidence(evidence.encode()) == evidence


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        (("format",), "didsvc-evidence/2", "member_invalid"),
        (("other",), 1, "member_unknown"),
        (("contents",), {"AAAA": "x"}, "length_wrong"),
        (("contents",), {"A" * 43: "\ud800"}, "utf8_invalid"),
        (("heads_files",), {"A" * 43: "?"}, "base64_invalid"),
        (("policies", 0, "more"), 1, "member_unknown"),
        (("checkpoints",), ["x"] * 4_097, "too_large"),
        (("checkpoints",), ["x" * (MAX_NOTE_BYTES + 1)], "too_large"),
    ],
)
def test_other_shapes_are_refused_by_name(staple, path, value, code):
    with pytest.raises(DidServiceError) as caught:
        parse_evidence(altered(staple, *path, value=value))
    assert caught.value.code in (code, "member_invalid")


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        (("items", 0, "other"), 1, "member_unknown"),
        (("items", 0, "size"), 0, "member_invalid"),
        (("items", 0, "path"), ["AA"], "length_wrong"),
        (("items", 0, "path"), ["A" * 43] * 64, "too_large"),
        (("items", 0, "entry", "t"), "Other type", "entry_type_unknown"),
        (("items", 0, "entry", "v"), 2, "member_invalid"),
        (("items", 0, "entry", "more"), 1, "member_unknown"),
        (("items", 0, "head", "record"), "AAAA", "length_wrong"),
        (("batches", 0, "salt"), "AAAA", "length_wrong"),
    ],
)
def test_a_piece_that_cannot_be_read_is_left_out_and_named(staple, path, value, code):
    spoilt = parse_evidence(altered(staple, *path, value=value))
    kind = {"items": "item", "batches": "batch"}[path[0]]
    assert spoilt.left_out == (LeftOut(kind, code),)
    assert len(getattr(spoilt, path[0])) == len(staple[path[0]]) - 1
    dropped = verify_evidence([("staple", spoilt)], Scene().fed.policy).dropped
    assert Dropped("staple", kind, code) in dropped


# --- the bundle, piece by piece ---------------------------------------------------------------


def packed(*lines):
    header = {"format": "didsvc-bundle/1"}
    return gzip.compress(b"".join(jcs.encode(line) + b"\n" for line in (header, *lines)))


def test_bundle_in_two_members_of_gzip_or_in_none_is_the_same(staple):
    data = encode_bundle(parse_evidence(staple))
    plain = gzip.decompress(data)
    cut = plain.index(b"\n") + 1
    halves = gzip.compress(plain[:cut]) + gzip.compress(plain[cut:])
    for spelling in (plain, halves, gzip.compress(plain.replace(b"\n", b"\r\n"))):
        assert parse_bundle(spelling) == parse_bundle(data)


def test_entries_of_a_bundle_are_held_as_bytes_and_read_when_they_are_needed(staple):
    evidence = parse_evidence(staple)
    read = parse_bundle(encode_bundle(evidence))
    for held, item in zip(read.items, evidence.items, strict=True):
        assert held.entry.object is None
        assert held.entry.members == item.entry.members


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ({"landmark": {"size": 3}}, "piece_unknown"),
        ({"item": 3}, "member_invalid"),
        ({"item": {"log": "x"}}, "member_missing"),
        ({"content": 3}, "member_invalid"),
        ({"policy": []}, "member_invalid"),
        ({"checkpoint": "x" * (MAX_NOTE_BYTES + 1)}, "too_large"),
        ({"heads_file": {"root": "A" * 43, "gzip": "?"}}, "base64_invalid"),
        ({"heads_file": {"root": "A" * 43, "gzip": "AA", "more": 1}}, "member_unknown"),
        ({}, "bundle_invalid"),
        ({"content": "a", "policy": {}}, "bundle_invalid"),
        ([], "member_invalid"),
        ({"item": [[]] * MAX_PIECE_VALUES}, "too_large"),
    ],
)
def test_line_of_a_bundle_that_cannot_be_read_is_left_out_and_named(line, code):
    read = parse_bundle(packed(line, {"content": "kept"}))
    assert read.left_out == (LeftOut("piece", code),)
    assert list(read.contents.values()) == [b"kept"]


def test_bundle_with_too_many_pieces_is_refused(monkeypatch):
    monkeypatch.setattr(bundle, "MAX_EVIDENCE_ITEMS", 3)
    assert len(parse_bundle(packed(*[{"content": str(n)} for n in range(3)])).contents) == 3
    for spoilt in ([{"content": str(n)} for n in range(4)], [{"junk": n} for n in range(4)]):
        with refused("too_large"):
            parse_bundle(packed(*spoilt))


def test_bundle_holds_few_policies_as_each_is_kept_as_an_object(scene):
    """A file of 85 kilobytes with 3,330 of them took 1.8 gigabytes."""
    for policy, held in ((scene.fed.policy.members, MAX_EVIDENCE_POLICIES), ({"seq": 1}, 0)):
        lines = [{"policy": policy}] * MAX_EVIDENCE_POLICIES
        assert len(parse_bundle(packed(*lines)).policies) == held
        with refused("too_large"):
            parse_bundle(packed(*lines, lines[0]))


def test_policy_of_a_bundle_is_no_larger_than_any(scene):
    """Sixty of 4 MB with one wide character, and so four bytes for each: a gigabyte."""
    wide = {**scene.fed.policy.members, "federation": "\U0001f4a9" + "a" * 4_000}
    proofs = [*wide["proof"], {"x": "a" * (MAX_JSON_BYTES - len(json.dumps(wide)) - 4_000)}]
    full = {**wide, "proof": proofs}
    more = {**wide, "proof": [*proofs, {"y": "a" * 8_000}]}
    strange = {**wide, "later": True}
    read = parse_bundle(packed({"policy": full}, {"policy": more}, {"policy": strange}))
    assert read.policies == (full,)
    assert {each.code for each in read.left_out} == {"too_large", "member_unknown"}


@pytest.mark.parametrize("wide", [b"\xf0\x9f\x92\xa9", rb"\ud83d\udca9"])
def test_long_line_of_a_bundle_is_plain(wide):
    """A line of 32 MiB with one wide character took 520 MB, of a file of 32 kB."""
    header, long = b'{"format":"didsvc-bundle/1"}\n', b"a" * MAX_STAPLE_BYTES
    spoilt = header + b'{"content":"' + wide + long + b'"}\n{"content":"kept"}\n'
    read = parse_bundle(spoilt)
    assert read.left_out == (LeftOut("piece", "too_large"),)
    assert list(read.contents.values()) == [b"kept"]


def test_heads_files_of_a_bundle_are_counted(monkeypatch):
    monkeypatch.setattr(bundle, "MAX_EVIDENCE_ITEMS", 3)
    roots = [b64.encode_url(bytes([number]) * 32) for number in range(4)]
    lines = [{"heads_file": {"root": root, "gzip": ""}} for root in roots]
    assert len(parse_bundle(packed(*lines[:3])).heads_files) == 3
    with refused("too_large"):
        parse_bundle(packed(*lines))


def test_bundle_is_bounded_by_line_and_as_a_whole_before_it_is_read(monkeypatch):
    monkeypatch.setattr(bundle, "MAX_BUNDLE_LINE_BYTES", 1_000)
    monkeypatch.setattr(bundle, "MAX_BUNDLE_BYTES", 3_000)
    line = {"content": "x" * 900}
    assert parse_bundle(packed(line, line)).contents
    for lines in ((line, line, line, line), ({"content": "x" * 1_000},)):
        with refused("too_large"):
            parse_bundle(packed(*lines))


@given(st.binary(max_size=300))
def test_any_bytes_give_evidence_or_one_of_our_errors(data):
    for parse in (parse_evidence, parse_bundle):
        with suppress(DidServiceError):
            assert parse(data).checkpoints is not None


def test_staple_has_a_limit_before_it_is_parsed():
    with refused("too_large"):
        parse_evidence(b" " * (MAX_STAPLE_BYTES + 1))


def test_bundle_bomb_is_stopped_at_the_cap():
    bomb = gzip.compress(bytes(1_000_000))
    with refused("too_large"):
        gunzip(bomb, 999_999)
    assert len(gunzip(bomb, 1_000_000)) == 1_000_000
    assert MAX_BUNDLE_BYTES == 256 * 1024 * 1024


@pytest.mark.parametrize(
    "data",
    [
        b"\x1f\x8b",
        b"other",
        gzip.compress(b"{}", mtime=0)[:-1],
        gzip.compress(b"{}", mtime=0) + b"more",
    ],
)
def test_damaged_gzip_is_refused(data):
    with refused("gzip_invalid"):
        parse_bundle(data)


# --- merging ----------------------------------------------------------------------------------


def proven(scene, *sets):
    return verify_evidence(
        [(f"set {n}", parse_evidence(each)) for n, each in enumerate(sets)], scene.fed.policy
    )


def test_kept_evidence_proves_the_same_again(scene):
    evidence = proven(scene, scene.staple())
    again = verify_evidence([("kept", kept(evidence))], scene.fed.policy)
    assert {e.rank for e in again.entries} == {e.rank for e in evidence.entries}
    assert kept(again) == kept(evidence)
    assert scene.check(staple=None, evidence=[("kept", kept(evidence))])


def test_older_sets_replace_nothing_newer(scene):
    old = scene.staple()
    scene.fed.tick(days=1)
    scene.fed.status_list(scene.agency)
    scene.publish()
    new = scene.staple()
    for order in ((old, new), (new, old)):
        held = verify_evidence([("kept", kept(proven(scene, *order)))], scene.fed.policy)
        home = scene.fed.policy.region_of_log("gd.example/reg")
        assert held.latest("did", scene.agency.id, home).as_of == scene.fed.now
        lists = held.chain("status", scene.agency.list_url(), home)
        assert [each.number for each in lists] == [2, 1]


def test_omission_deletes_nothing(scene):
    empty = {"format": "didsvc-evidence/1", "checkpoints": [], "items": []}
    assert kept(proven(scene, scene.staple(), empty)) == kept(proven(scene, scene.staple()))


def test_issuance_proofs_are_kept(scene):
    scene.log_issuance()
    scene.publish()
    evidence = proven(scene, scene.staple())
    again = verify_evidence([("kept", kept(evidence))], scene.fed.policy)
    (record,) = again.issued
    assert again.issuances(record, scene.agency.did)[0].owner == scene.agency.did
    assert again.issuances(record, scene.agency.did)[0].control == "gd.example/reg"


def test_heads_files_and_completeness_are_kept(scene):
    evidence = proven(scene, whole_log(scene))
    again = verify_evidence([("kept", kept(evidence))], scene.fed.policy)
    assert evidence.complete == again.complete == {"gd.example/reg": scene.fed.now}


def test_a_log_with_an_entry_missing_is_not_complete(scene):
    bundle = whole_log(scene)
    for kind in ("did", "authority", "policy"):
        fewer = {**bundle, "items": [i for i in bundle["items"] if i["entry"]["t"] != kind]}
        assert proven(scene, fewer).complete == {}


# --- what is dropped, and why ---------------------------------------------------------------


def codes_of(evidence):
    return [(each.what.split()[0], each.code) for each in evidence.dropped]


def test_content_under_a_wrong_digest_is_dropped(scene):
    staple = scene.staple()
    (digest,) = staple["contents"]
    evidence = proven(scene, {**staple, "contents": {digest: "other"}})
    assert codes_of(evidence) == [("content", "digest_wrong")]


def test_item_of_a_tree_without_checkpoint_is_dropped(scene):
    staple = {**scene.staple(), "checkpoints": []}
    evidence = proven(scene, staple)
    assert {code for _, code in codes_of(evidence)} == {"checkpoint_missing"}
    assert evidence.entries == ()


def test_item_of_a_foreign_log_is_dropped(scene):
    staple = scene.staple()
    for item in staple["items"]:
        item["log"] = item["log"].replace("gd.", "xx.")
    evidence = proven(scene, staple)
    assert "log_unknown" in {code for _, code in codes_of(evidence)}


def test_heads_of_another_region_order_nothing(scene):
    """hn's log cannot speak for gd's ev log, whatever it anchors."""
    fed = scene.fed
    data_log = fed.logs["gd.example/ev/2026"]
    snapshot = data_log.snapshot(data_log.size())
    body = {"size": data_log.size(), "count": 1, "at": fed.now}
    body["root"] = b64.encode_url(snapshot.root)
    body["tree"] = b64.encode_url(data_log.root(data_log.size()))
    hn = fed.logs["hn.example/reg"]
    hn.force(fed.compose("hn.example/reg", "heads", data_log.origin, body).sequenced(fed.now))
    fed.cosign("hn.example/reg")
    item = evidence_item(hn, hn.entries[-1], hn.size())
    lie = {
        "format": "didsvc-evidence/1",
        "checkpoints": [fed.notes["hn.example/reg"].decode()],
        "items": [item],
    }
    assert codes_of(proven(scene, lie)) == [("heads", "heads_elsewhere")]


def test_ev_entries_stand_by_a_checkpoint_of_their_own(scene):
    """Without reg an ev log still proves inclusion, though not that anything is the latest."""
    fed = scene.fed
    data_log = fed.logs["gd.example/ev/2026"]
    own = {
        "format": "didsvc-evidence/1",
        "checkpoints": [fed.notes[data_log.origin].decode()],
        "items": [evidence_item(data_log, data_log.entries[0], data_log.size())],
    }
    evidence = proven(scene, own)
    assert [type(each) for each in evidence.entries] == [ProvenEntry]
    assert verify_evidence([("kept", kept(evidence))], fed.policy).entries


def test_ev_tree_that_contradicts_its_checkpoint_is_a_fork(scene):
    fed = scene.fed
    staple = scene.staple()
    data_log = fed.logs["gd.example/ev/2026"]
    forked = copy.deepcopy(data_log)
    forked.entries[-1] = replace(forked.entries[-1], leaf=bytes(32))
    fed.logs[data_log.origin] = forked
    note = fed.cosign(data_log.origin).decode()
    evidence = proven(scene, {**staple, "checkpoints": [*staple["checkpoints"], note]})
    assert [fork.origin for fork in evidence.forks] == [data_log.origin]
    assert not [e for e in evidence.entries if e.kind == "status"]


def branch(scene, *, seen_by=()):
    """The checkpoint of a second version of gd's control log, as long as the true one."""
    fed = scene.fed
    true = fed.logs["gd.example/reg"]
    other = copy.deepcopy(true)
    other.entries[-1] = replace(other.entries[-1], leaf=bytes(32))
    fed.logs[true.origin] = other
    note = fed.cosign(true.origin, dict.fromkeys(seen_by, fed.now)).decode()
    fed.logs[true.origin] = true
    return note


def test_a_second_version_of_a_log_without_witnesses_is_named_and_is_no_fork(scene):
    staple = scene.staple()
    notes = {"checkpoints": [*staple["checkpoints"], branch(scene)]}
    evidence = proven(scene, {**staple, **notes})
    (dropped,) = evidence.dropped
    assert dropped.code == "log_contradicted"
    assert not evidence.forks  # whoever has one key silences no region
    assert scene.check(staple={**staple, **notes}).outcome is Outcome.ACCEPTED
    alone = {**staple, "items": [], "checkpoints": notes["checkpoints"]}
    report = scene.check(staple=alone)
    assert headline_of(report).reason == "log_contradicted"


def test_a_second_version_is_known_by_the_tree_that_is_remembered(scene):
    true = scene.fed.logs["gd.example/reg"].checkpoint()
    lone = {**scene.staple(), "checkpoints": [branch(scene)]}
    for tree, code in (
        (Tree(true.size, true.root), "log_contradicted"),
        (Tree(true.size + 1, true.root), "quorum_not_met"),
    ):
        sources = [("set", parse_evidence(lone))]
        found = verify_evidence(sources, scene.fed.policy, {true.origin: tree})
        assert {each.code for each in found.dropped if "checkpoint" in each.what} == {code}


class Counted(tuple):
    """Checkpoints of a set that count how often somebody went through them."""

    __slots__ = ()
    walks: ClassVar = []

    def __iter__(self):
        self.walks.append(len(self))
        return super().__iter__()


def test_second_versions_are_named_in_one_walk_through_their_sets(scene):
    """Looked for one by one, 4,000 of them cost a counter seconds at each check."""
    staple, lone = scene.staple(), branch(scene).encode()
    true = verify_evidence([("set", parse_evidence(staple))], scene.fed.policy).checkpoints
    evidence = replace(parse_evidence(staple), checkpoints=Counted([lone]))
    for number in (1, 40):
        dropped = [Dropped("set", "checkpoint 0", "quorum_not_met")] * number
        Counted.walks.clear()
        found = [*name_branches(dropped, [("set", evidence)], true, {})]
        assert {each.code for each in found} == {"log_contradicted"}
        assert len(found) == number
        assert Counted.walks == [1]


def test_batches_that_prove_nothing_are_dropped(scene):
    scene.log_issuance()
    scene.publish()
    staple = scene.staple()
    batch = staple["batches"][0]
    for change, code in (
        ({"index": 99}, "entry_missing"),
        ({"salt": "A" * 43}, "inclusion_invalid"),
        ({"position": 99}, "index_out_of_range"),
    ):
        evidence = proven(scene, {**staple, "batches": [{**batch, **change}]})
        assert codes_of(evidence) == [("batch", code)]
        assert evidence.issued == {}


def test_only_issuance_streams_prove_issuance(scene):
    """A counter's receipts are no proof that a credential existed, nor is anybody's audit."""
    batch = scene.fed.batch(scene.agency, [b"record"], "audit")
    scene.batches = [batch.item(b"record")]
    scene.publish()
    evidence = proven(scene, scene.staple())
    assert codes_of(evidence) == [("batch", "stream_kind_wrong")]


def test_every_dropped_piece_is_named_up_to_a_limit(scene):
    staple = scene.staple()
    staple["items"] = [*staple["items"], *(items_of(staple, "did") * 30)]
    for item in staple["items"][-30:]:
        item["path"] = []
    report = scene.check(staple=staple)
    named = [check for check in report.checks if check.code == "evidence_dropped"]
    assert 1 <= len(named) <= 32
