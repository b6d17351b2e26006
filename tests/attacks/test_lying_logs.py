"""Attacks by logs and those who speak for them: heads, checkpoints, policies and what is kept.

Each was tried for real against the verdict and runs again with no network (docs/threat-model.md
§3: false acceptance, a refusal that a third party could cause, or work without bound).
"""

import copy
import gzip

import pytest

from did_service.core.anchor.snapshot import HeadRecord
from did_service.core.encoding import b64
from did_service.core.evidence import bundle
from did_service.core.evidence.proofs import verify_evidence
from did_service.core.evidence.sets import parse_evidence
from did_service.core.verification.report import Outcome
from tests.support.counter import (
    INDEX,
    codes,
    items_of,
    sets,
    whole_log,
    without,
)
from tests.support.evidence import collect_evidence, evidence_item, kept
from tests.support.founding import governor
from tests.support.refusals import refused

pytestmark = pytest.mark.offline


def test_policy_with_its_proofs_in_another_order(scene):
    """Anybody can write the pinned policy's signatures in another order: that forks nothing."""
    scene.publish()
    members = copy.deepcopy(scene.fed.policy.members)
    members["proof"].reverse()
    staple = {**scene.staple(), "policies": [{"policy": members}]}
    assert scene.check(staple=staple).outcome is Outcome.ACCEPTED


def test_unsigned_policies_are_not_kept(scene):
    """What a holder's staple holds besides proofs would fill the counter's directory."""
    scene.publish()
    following = scene.fed.next_policy()
    forged = {**following.members, "proof": scene.fed.policy.members["proof"]}
    members = [{"a": "x" * 1_000}, forged, following.members, following.members]
    staple = {**scene.staple(), "policies": [{"policy": each} for each in members]}
    report = scene.check(staple=staple)
    assert report.outcome is Outcome.ACCEPTED
    assert kept(report.evidence).policies == (following.members,)


def test_foreign_region_evicts_a_list_from_what_is_kept(scene):
    """Another region numbers its lists of the same URL higher: the home's list must stay."""
    fed, url = scene.fed, scene.agency.list_url()
    other = fed.agency("cs.hn.example")
    fed.grant(fed.root("hn"), other, territory=["430100"], status_lists=[url])
    theirs = {origin: log for origin, log in fed.logs.items() if origin.startswith("hn.")}
    fed.status_list(scene.agency, revoked=[INDEX])
    bundles = []
    for number in range(4):
        fed.tick()
        fed.status_list(other, url=url)
        scene.publish()
        bundle = collect_evidence(theirs, fed.notes, fed.contents, [("status", url)], [])
        bundles.append((f"bundle {number}", parse_evidence(bundle)))
    held = kept(scene.check(evidence=bundles).evidence)
    report = scene.check(staple=None, bundle=held.encode())
    assert "revoked" in codes(report)


def test_old_heads_files_do_not_pile_up(scene):
    """Each hour has a heads file of its own; whoever brings them all fills the directory."""
    bundles = []
    for hour in range(3):
        scene.publish()
        bundles.append((f"hour {hour}", parse_evidence(whole_log(scene))))
        scene.fed.tick(3_600)
        scene.fed.restate(
            scene.grant, scene.fed.root("gd"), basis={"zh": "新", "en": f"{hour}"}
        )
        scene.grant = scene.fed.logs["gd.example/reg"].entries[-1]
    scene.publish()
    bundles.append(("last", parse_evidence(whole_log(scene))))
    evidence = scene.check(evidence=bundles).evidence
    assert len(evidence.heads_files) == 4
    held = kept(evidence)
    assert held.heads_files.keys() == bundles[-1][1].heads_files.keys()
    assert "gd.example/reg" in scene.check(evidence=[("kept", held)]).evidence.complete


def test_directory_never_holds_more_than_it_can_read(scene, monkeypatch):
    scene.publish()
    held = kept(scene.check().evidence)
    monkeypatch.setattr(bundle, "MAX_BUNDLE_BYTES", 1_000)
    with refused("too_large"):
        bundle.encode_bundle(held)


def test_heads_that_say_a_later_time_than_their_own(scene):
    """A lying log makes its snapshot look younger than the second in which it wrote it."""
    fed, control = scene.fed, "gd.example/reg"
    scene.publish()
    log, later = fed.logs[control], fed.now + 3_600
    snapshot = log.snapshot(log.size())
    root = b64.encode_url(snapshot.root)
    body = {"size": log.size(), "count": len(snapshot.records), "root": root, "at": later}
    log.force(fed.compose(control, "heads", control, body).sequenced(fed.now))
    fed.now = later
    fed.cosign(control)
    report = scene.check()
    assert "heads_size_wrong" in {each.code for each in report.evidence.dropped}
    assert "issuer_not_latest" in codes(report)


def test_heads_file_without_the_grant(scene):
    """Cut out of the list of everything, a grant would seem never to have been made."""
    scene.publish()
    bundle = whole_log(scene)
    (root,) = bundle["heads_files"]
    records = gzip.decompress(b64.decode_url(bundle["heads_files"][root]))
    gone = HeadRecord.of(scene.grant).encode()
    fewer = gzip.compress(records.replace(gone, b""), mtime=0)
    items = without(bundle, "authority")["items"]
    lie = {**bundle, "items": items, "heads_files": {root: b64.encode_url(fewer)}}
    report = scene.check(staple=without(scene.staple(), "authority"), bundle=lie)
    assert "digest_wrong" in {each.code for each in report.evidence.dropped}
    assert report.outcome is Outcome.UNDECIDED


def test_heads_file_beside_an_older_entry(scene):
    """The list names the end; the statement before it is not the latest by standing beside."""
    scene.publish()
    before = items_of(scene.staple(), "authority")
    scene.fed.tick()
    scene.fed.end(scene.grant, scene.fed.root("gd"))
    scene.publish()
    bundle = without(whole_log(scene), "authority")
    log = scene.fed.logs["gd.example/reg"]
    old = evidence_item(log, scene.grant, bundle["items"][0]["size"])
    assert before[0]["entry"] == old["entry"]
    report = scene.check(
        staple=without(scene.staple(), "authority"),
        bundle={**bundle, "items": [*bundle["items"], old]},
    )
    assert codes(report) == ["authority_missing", "status_missing"]


def test_control_log_names_two_trees_of_one_size(scene):
    """Its heads entries contradict each other about the data log: a fork, by its own word."""
    fed, control, data_log = scene.fed, "gd.example/reg", "gd.example/ev/2026"
    scene.publish()
    log = fed.logs[control]
    first = log.newest("heads", data_log)
    body = {**first.entry.body, "tree": b64.encode_url(bytes(32)), "at": fed.now}
    second = log.force(fed.compose(control, "heads", data_log, body).sequenced(fed.now))
    fed.heads(control)
    fed.cosign(control)
    staple = scene.staple()
    both = [evidence_item(log, each, log.size()) for each in (first, second)]
    report = scene.check(staple={**staple, "items": [*staple["items"], *both]})
    assert "log_forked" in codes(report)
    assert report.outcome is Outcome.UNDECIDED


def test_data_log_of_a_region_whose_control_log_has_forked(scene):
    """What a forked log orders is in doubt as well, also under a checkpoint of its own."""
    fed = scene.fed
    scene.publish()
    data_log = fed.logs["gd.example/ev/2026"]
    item, note = (
        evidence_item(data_log, data_log.entries[0], data_log.size()),
        fed.notes[data_log.origin].decode(),
    )
    own = {"format": "didsvc-evidence/1", "checkpoints": [note], "items": [item]}
    assert verify_evidence(sets(own), fed.policy).entries
    forked = frozenset({"gd.example/reg"})
    assert verify_evidence(sets(own), fed.policy, forked=forked).entries == ()


def test_older_note_of_the_same_tree_first(scene):
    """Of several notes about one tree the freshest tells its age, in any order."""
    fed = scene.fed
    scene.publish()
    older = scene.staple()
    fed.tick(60)
    newer = fed.cosign("gd.example/reg").decode()
    for notes in ([*older["checkpoints"], newer], [newer, *older["checkpoints"]]):
        evidence = verify_evidence(sets({**older, "checkpoints": notes}), fed.policy)
        assert evidence.fresh_at == fed.now


def test_two_policies_that_both_come_next(scene):
    """Both are signed by the pinned governance: which one follows is for people to find out."""
    scene.publish()
    signers = [governor(region) for region in ("gd", "hn", "zj")]
    twins = [
        scene.fed.next_policy(signers, tiers={"online": 300, "day": day, "field": 604_800})
        for day in (86_400, 86_401)
    ]
    staples = [
        {**scene.staple(), "policies": [{"policy": each.members} for each in some]}
        for some in (twins[:1], twins)
    ]
    assert scene.check(staple=staples[0]).outcome is Outcome.ACCEPTED
    assert codes(scene.check(staple=staples[1])) == ["policy_forked"]
