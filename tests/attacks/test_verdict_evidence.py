"""Attacks by cosigners, and by whoever carries evidence (docs/threat-model.md §6).

A liar among the cosigners, a lying log, a mirror, a supplier of bundles: none gains more than
"cannot tell". Each attack is tried for real and runs again with no network.
"""

import copy
from dataclasses import replace

import pytest

from did_service.core.anchor.bodies.policy import parse_policy, sign_policy
from did_service.core.anchor.entry import compose
from did_service.core.encoding import b64, timestamps
from did_service.core.evidence.proofs import verify_evidence
from did_service.core.evidence.proven import Latest
from did_service.core.evidence.sets import parse_evidence
from did_service.core.log.checkpoint import (
    Checkpoint,
    checkpoint_in,
    sign_checkpoint,
)
from did_service.core.log.cosignature import Cosigner
from did_service.core.log.note import parse_note
from did_service.core.verification.report import Outcome
from did_service.core.verification.request import Clock
from did_service.program.language import Language
from did_service.verifier.verdict_text import Reader, render
from tests.support.counter import (
    INDEX,
    all_codes,
    clock_at,
    codes,
    request,
)
from tests.support.dids import key
from tests.support.evidence import encode_hashes, evidence_item, kept
from tests.support.founding import governor, log_signer

pytestmark = pytest.mark.offline
DAY = 86_400


def republish(scene, times):
    """Publish what the logs hold, with cosignatures of chosen regions at chosen times."""
    scene.fed.heads("gd.example/reg", "gd.example/ev/2026")
    scene.fed.heads("gd.example/reg")
    return scene.fed.cosign("gd.example/reg", times)


def test_too_few_cosigners(scene):
    scene.publish()
    republish(scene, dict.fromkeys(["hn", "zj"], scene.fed.now))
    forged = scene.fed.notes["gd.example/reg"].decode()
    scene.publish()
    staple = scene.staple()
    staple["checkpoints"] = [
        forged if note.startswith("gd.example/reg") else note for note in staple["checkpoints"]
    ]
    report = scene.check(staple=staple)
    assert report.outcome is Outcome.UNDECIDED
    assert "quorum_not_met" in codes(report)


def test_one_liar_cannot_freshen_an_old_tree(scene):
    """Three honest cosignatures of long ago and one of now: the age is that of long ago."""
    now = scene.fed.now
    republish(scene, {**dict.fromkeys(["hn", "zj", "sc"], now), "cn": now + 30 * DAY})
    scene.fed.cosign("cn.example/reg")
    gd = parse_evidence(scene.fed.evidence(("did", scene.agency.id)))
    evidence = verify_evidence([("staple", gd)], scene.fed.policy)
    assert evidence.fresh_at == now


def test_two_roots_one_size_at_the_counter(scene):
    """The log and a quorum sign two trees of one size: everything of that log is in doubt."""
    scene.publish()
    good = scene.staple()
    forked = copy.deepcopy(scene.fed.logs["gd.example/reg"])
    last = forked.entries[-1]
    forked.entries[-1] = replace(last, leaf=b"\x00" * 32)
    scene.fed.logs["gd.example/reg"] = forked
    other = scene.fed.cosign("gd.example/reg").decode()
    bundle = {**good, "checkpoints": [other], "items": []}
    report = scene.check(staple=good, bundle=bundle)
    assert report.outcome is Outcome.UNDECIDED
    assert "log_forked" in codes(report)
    fork = report.evidence.forks[0]
    assert fork.origin == "gd.example/reg"
    assert {note.decode() for note in fork.notes} == {other, good["checkpoints"][1]}


def test_stolen_log_key_after_max_size(scene):
    """A thief of a log's key signs an enormous tree: it has no quorum and changes nothing."""
    scene.publish()
    huge = Checkpoint("gd.example/reg", 2**40, bytes(32))
    note = sign_checkpoint(huge, log_signer("gd.example/reg")).decode()
    staple = scene.staple()
    report = scene.check(staple={**staple, "checkpoints": [note, *staple["checkpoints"]]})
    assert report.outcome is Outcome.ACCEPTED
    assert max(each.checkpoint.size for each in report.evidence.checkpoints) < 2**40


def test_last_entry_by_stranger(scene):
    """A did entry that a stranger signed does not speak for the DID, whoever anchored it."""
    fed = scene.fed
    stranger = fed.agency("fs.gd.example")
    placed = fed.logs["gd.example/reg"].newest("did", scene.agency.id)
    logged = copy.deepcopy(placed.entry.body["entry"])
    logged["proof"] = copy.deepcopy(
        fed.logs["gd.example/reg"].newest("did", stranger.id).entry.body["entry"]["proof"]
    )
    body = {"did": scene.agency.did, "entry": logged}
    entry = fed.compose("gd.example/reg", "did", scene.agency.id, body).sequenced(fed.now)
    fed.logs["gd.example/reg"].force(entry)
    scene.publish()
    report = scene.check()
    assert report.outcome is Outcome.UNDECIDED
    assert "issuer_evidence_missing" in codes(report)


def test_heads_must_cover_up_to_itself(scene):
    """A lying log passes off an old snapshot as one of now."""
    fed, control = scene.fed, "gd.example/reg"
    log = fed.logs[control]
    scene.publish()
    size = log.size()
    snapshot = log.snapshot(size)
    fed.end(scene.grant, fed.root("gd"))
    fed.tick()
    body = {
        "size": size,
        "count": len(snapshot.records),
        "root": b64.encode_url(snapshot.root),
        "at": fed.now,
    }
    log.force(fed.compose(control, "heads", control, body).sequenced(fed.now))
    fed.cosign(control)
    grant = evidence_item(log, scene.grant, log.size())
    position = snapshot.find("authority", scene.grant.entry.subject)
    head = {
        "position": position,
        "record": b64.encode_url(snapshot.records[position].encode()),
        "path": encode_hashes(snapshot.path(position)),
    }
    heads = evidence_item(log, log.newest("heads", control), log.size())
    lie = {
        "format": "didsvc-evidence/1",
        "checkpoints": [fed.notes[control].decode()],
        "items": [{**grant, "head": head}, heads],
    }
    evidence = verify_evidence([("staple", parse_evidence(lie))], fed.policy)
    assert {each.code for each in evidence.dropped} == {"heads_size_wrong", "head_unproven"}
    assert not any(isinstance(each, Latest) for each in evidence.entries)


def test_staple_older_than_bundle_is_used(scene):
    scene.publish()
    staple = scene.staple()
    scene.fed.tick(days=2)
    scene.publish()
    bundle = scene.fed.evidence(("did", scene.agency.id))
    report = scene.check(staple=staple, bundle=bundle)
    assert set(codes(report)) == {"evidence_stale", "status_stale"}
    sources = {c.step: c.basis.source for c in report.checks if c.basis is not None}
    assert (sources[4], sources[6]) == ("bundle", "staple")


def test_newer_staple_does_not_poison_counter(scene):
    """What a staple showed of the log's size does not make an older bundle worthless."""
    scene.publish()
    bundle = scene.staple()
    scene.fed.tick(3_600)
    scene.publish()
    assert scene.check(bundle=bundle).outcome is Outcome.ACCEPTED
    newest = scene.check(bundle=bundle).evidence.checkpoints
    assert len({each.checkpoint.size for each in newest}) > 1
    assert scene.check(staple=None, bundle=bundle).outcome is Outcome.ACCEPTED


def test_bundle_omits_newer_list(scene):
    scene.publish()
    bundle = scene.staple()
    scene.fed.tick(3_600)
    scene.fed.status_list(scene.agency, revoked=[INDEX])
    scene.publish()
    assert codes(scene.check(bundle=bundle)) == ["revoked"]
    report = scene.check(staple=None, bundle=bundle)
    assert report.outcome is Outcome.ACCEPTED  # its age is in the verdict, and it ends
    late = scene.check(staple=None, bundle=bundle, clock=scene.clock(2 * DAY))
    assert late.outcome is Outcome.UNDECIDED


def test_bundle_omits_the_granting_statement(scene):
    """Whoever supplies evidence cannot turn a good credential into a refused one."""
    scene.fed.grant(
        scene.fed.root("gd"), scene.agency, scope="other", types=["urn:didsvc:education:1"]
    )
    other = scene.fed.logs["gd.example/reg"].entries[-1]
    scene.publish()
    scene.grants = [other]
    report = scene.check()
    assert report.outcome is Outcome.UNDECIDED
    assert codes(report) == ["authority_missing"]


def test_mixed_bundle_and_staple_never_older(scene):
    scene.publish()
    old = scene.staple()
    scene.fed.tick(3_600)
    scene.publish()
    new = scene.staple()
    sets = [("bundle", parse_evidence(old)), ("staple", parse_evidence(new))]
    both = verify_evidence(sets, scene.fed.policy)
    fresh = verify_evidence(sets[1:], scene.fed.policy)
    for held in fresh.entries:
        found = both.latest(held.kind, held.subject, home(scene, held.origin))
        assert found.as_of == held.as_of
    again = verify_evidence([("kept", kept(both)), *sets[:1]], scene.fed.policy)
    for held in fresh.entries:
        found = again.latest(held.kind, held.subject, home(scene, held.origin))
        assert found.as_of == held.as_of


def home(scene, origin):
    return scene.fed.policy.region_of_log(origin)


def test_witness_keys_inside_staple(scene):
    """A staple signed by witnesses of its own brings no trust of its own, policy included."""
    scene.publish()
    staple = scene.staple()
    rogue = [
        Cosigner(f"{r}.example/witness", key(f"rogue {r}")) for r in ("hn", "zj", "sc", "cn")
    ]
    notes = []
    for note in staple["checkpoints"]:
        text = parse_note(note.encode()).text
        origin = text.split(b"\n")[0].decode()
        signed = parse_note(
            sign_checkpoint(scene.fed.logs[origin].checkpoint(), log_signer(origin))
        )
        lines = [each.cosign(signed.text, scene.fed.now) for each in rogue]
        notes.append(signed.with_lines(lines).encode().decode())
    members = {n: v for n, v in scene.fed.policy.members.items() if n != "proof"}
    own = sign_policy(members, [key("rogue governor")], timestamps.from_posix(scene.fed.now))
    report = scene.check(
        staple={**staple, "checkpoints": notes, "policies": [{"policy": own.members}]}
    )
    assert report.outcome is Outcome.UNDECIDED
    assert "quorum_not_met" in codes(report)
    assert "policy_current" in all_codes(report)


def test_broken_staple_with_good_bundle_passes(scene):
    scene.publish()
    bundle = scene.staple()
    broken = copy.deepcopy(bundle)
    for item in broken["items"]:
        item["index"] += 1
    report = scene.check(staple=broken, bundle=bundle)
    assert report.outcome is Outcome.ACCEPTED
    assert "evidence_left_out" in all_codes(report)
    report = scene.check(staple={"format": "didsvc-evidence/1"}, bundle=bundle)
    assert report.outcome is Outcome.ACCEPTED
    assert "evidence_left_out" in all_codes(report)


def test_bundle_iat_cannot_move_floor(scene):
    """Only a quorum's time moves the clock's floor, not what a list or credential says."""
    scene.publish()
    ahead = scene.issue(at=scene.fed.now + 400 * DAY)
    report = scene.check(scene.present(ahead))
    assert report.evidence.fresh_at == scene.fed.now
    assert "clock_behind" not in codes(report)


def test_clock_set_back(scene):
    scene.publish()
    report = scene.check(clock=clock_at(scene.fed.now - 301))
    assert report.outcome is Outcome.UNDECIDED
    assert codes(report) == ["clock_behind"]
    assert scene.check(clock=clock_at(scene.fed.now - 300)).outcome is Outcome.ACCEPTED
    later = timestamps.from_posix(scene.fed.now + 1_000)
    for remembered in ({"witnessed": later}, {"decided": later}):
        clock = Clock(timestamps.from_posix(scene.fed.now), **remembered)
        assert codes(scene.check(clock=clock)) == ["clock_behind"]


def test_dead_battery_says_so(scene):
    scene.publish()
    report = scene.check(clock=clock_at(0))
    assert codes(report) == ["clock_behind"]
    assert any("时钟" in line for line in render(report, Reader(Language.ZH)))


def test_fresh_fetch_always_meets_online_tier(scene):
    """Heads every 120 s and a checkpoint a minute: what was just fetched is never stale."""
    scene.publish()
    report = scene.check(request=request(tier="online"), clock=scene.clock(180))
    assert report.outcome is Outcome.ACCEPTED
    late = scene.check(request=request(tier="online"), clock=scene.clock(301))
    assert late.outcome is Outcome.UNDECIDED


def test_policy_of_the_same_number(scene):
    scene.publish()
    members = {n: v for n, v in scene.fed.policy.members.items() if n != "proof"}
    members["tiers"] = {"online": 300, "day": 86_400, "field": 604_799}
    signers = [governor(region) for region in ("gd", "hn", "zj")]
    twin = sign_policy(members, signers, timestamps.from_posix(scene.fed.now))
    staple = {**scene.staple(), "policies": [{"policy": twin.members}]}
    report = scene.check(staple=staple)
    assert report.outcome is Outcome.UNDECIDED
    assert codes(report) == ["policy_forked"]
    unsigned = parse_policy({**twin.members, "proof": twin.members["proof"][:1]})
    staple = {**scene.staple(), "policies": [{"policy": unsigned.members}]}
    assert scene.check(staple=staple).outcome is Outcome.ACCEPTED


def test_did_at_a_foreign_log(scene):
    """Another region's log, with a true quorum, anchors a newer version: it is not its home."""
    fed, control = scene.fed, "gd.example/reg"
    own = fed.logs[control].newest("did", scene.agency.id)
    thief = fed.device("thief")
    logged = copy.deepcopy(own.entry.body["entry"])
    logged["state"]["verificationMethod"][0]["publicKeyMultibase"] = thief.did.split(":")[2]
    body = {"did": scene.agency.did, "entry": logged}
    entry = compose("did", scene.agency.id, body, after=own).sequenced(fed.now)
    placed = fed.logs["hn.example/reg"].force(entry)
    scene.publish()
    log = fed.logs["hn.example/reg"]
    size = checkpoint_in(fed.notes[log.origin]).size
    lie = {
        "format": "didsvc-evidence/1",
        "checkpoints": [fed.notes[log.origin].decode()],
        "items": [evidence_item(log, placed, size)],
    }
    forged = scene.issue(signer=replace(scene.agency, key=thief.key))
    assert scene.check(scene.present(forged), bundle=lie).outcome is Outcome.REFUSED
    assert scene.check(bundle=lie).outcome is Outcome.ACCEPTED
