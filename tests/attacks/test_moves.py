"""Attacks on what rules 2 bring: DIDs that move, voided entries, observed documents.

By the names of docs/threat-model.md: what a log takes, and what a counter makes of it offline.
"""

import pytest

from did_service.core.anchor.bodies.policy import check_successor
from did_service.core.anchor.logged_policy import logged_form
from did_service.core.anchor.view import LogPrefix, at_home_in, document_of, key_of
from did_service.core.encoding import b64
from did_service.core.errors import DidServiceError, PolicyError, ProofError, RuleError
from did_service.core.log.checkpoint import sign_checkpoint
from did_service.core.log.note import parse_note
from did_service.core.verification.report import Outcome, Result
from tests.support.counter import INDEX, SCHEMA, Scene, codes, joined, status_entry
from tests.support.departing import log_policy, without
from tests.support.evidence import collect_evidence
from tests.support.federation import founded
from tests.support.founding import log_signer, witness
from tests.support.moving import (
    join,
    join_entry,
    leave,
    movable,
    move,
    moved_version,
    observe,
    standing_of,
    void,
    web_document,
)
from tests.support.refusals import refused

pytestmark = pytest.mark.offline

GD, HN, CN = "gd.example/reg", "hn.example/reg", "cn.example/reg"


class MovingScene(Scene):
    """A scene whose agency may move, under rules 2."""

    def __init__(self) -> None:
        fed = founded(rules=2)
        fed.agency = lambda location: movable(fed, location)
        super().__init__(federation=fed)
        self.publish()
        self.before = self.staple()
        fed.tick(60)


@pytest.fixture
def scene():
    return MovingScene()


def evidence_of(fed, region, *subjects):
    """Evidence from the logs of one region."""
    own = {origin: log for origin, log in fed.logs.items() if origin.startswith(region)}
    return collect_evidence(own, fed.notes, fed.contents, subjects, [])


# --- leave and join --------------------------------------------------------------------------


def test_did_after_leave_refused_at_old_home(scene):
    """Whoever has the keys goes on in the old log, so that the DID has two histories."""
    fed, office = scene.fed, scene.agency
    former = office.did
    leave(fed, office, "gz.hn.example")
    fed.tick()
    onward = moved_version(fed, office, "sz.gd.example")
    for body in (
        {"did": onward["state"]["id"], "entry": onward},
        {"did": former, "entry": fed.logs[GD].chain("did", office.id)[0].entry.body["entry"]},
    ):
        with refused("did_left", RuleError):
            fed.submit(GD, fed.compose(GD, "did", office.id, body))
    with refused("signer_unknown", RuleError):
        document_of(former, at_home_in(LogPrefix.now(fed.logs[GD]), fed.world))


def test_left_did_is_never_latest_at_its_old_home(scene):
    """The staple of the old home, whole and fresh, for what was issued under the old name."""
    assert scene.check(staple=scene.before).outcome is Outcome.ACCEPTED
    left = leave(scene.fed, scene.agency, "gz.hn.example")
    scene.publish()
    after_leave = scene.staple()
    join(scene.fed, scene.agency, left)
    scene.publish()
    for staple in (after_leave, joined(scene.before, after_leave), scene.staple()):
        report = scene.check(staple=staple)
        assert report.outcome is not Outcome.ACCEPTED
        assert "issuer_moved" in codes(report)
        assert Result.FAILED not in {check.result for check in report.checks}


def test_leave_left_out_beside_the_join(scene):
    """Whoever presents leaves the leave out; that the DID stands elsewhere is at hand."""
    move(scene.fed, scene.agency, "gz.hn.example")
    scene.publish()
    beyond = evidence_of(scene.fed, "hn", ("did", scene.agency.id))
    report = scene.check(staple=scene.before, bundle=beyond)
    assert report.outcome is Outcome.UNDECIDED
    assert "issuer_moved" in codes(report)


def test_join_without_leave(scene):
    """A region takes in a DID that has not left, or one that went elsewhere."""
    fed, office = scene.fed, scene.agency
    stays = fed.logs[GD].chain("did", office.id)[0]
    fed.publish("gd")
    version = moved_version(fed, office, "gz.hn.example")
    for changes in ({}, {"did": version["state"]["id"], "entry": version}):
        with pytest.raises(RuleError) as refusal:
            fed.submit(HN, join_entry(fed, stays, **changes))
        assert refusal.value.code == "join_without_leave"
    alone = {"did": version["state"]["id"], "entry": version}
    with pytest.raises(DidServiceError):
        fed.submit(HN, fed.compose(HN, "did", office.id, alone))
    left = leave(fed, office, "gz.zj.example")
    fed.publish("gd")
    with pytest.raises(RuleError):
        fed.submit(HN, join_entry(fed, left))


def test_two_joins_of_one_leave(scene):
    """The new home takes the same leave twice, or again after the DID has left it, too."""
    fed, office = scene.fed, scene.agency
    left, _ = move(fed, office, "gz.hn.example")
    with refused("join_repeated", RuleError):
        fed.submit(HN, join_entry(fed, left))
    fed.tick()
    move(fed, office, "gz.zj.example")
    fed.publish("gd")
    with refused("join_repeated", RuleError):
        fed.submit(HN, join_entry(fed, left))


def test_moved_issuer_goes_on_under_its_new_name(scene):
    """Moving takes nothing away for good: the new home grants, and the counter accepts."""
    fed, office = scene.fed, scene.agency
    move(fed, office, "gz.hn.example")
    hn = fed.root("hn")
    scene.grants = [fed.grant(hn, office, territory=["430100"])]
    fed.status_list(office)
    subject = {
        "id": scene.holder.did,
        "jurisdiction": "430100",
        "familyName": "王",
        "givenName": "芳",
    }
    fed.tick()
    scene.credential = scene.issue(credentialSubject=subject)
    scene.publish()
    (grant,) = scene.grants
    subjects = [("did", office.id), ("did", hn.id), ("authority", grant.entry.subject)]
    known = evidence_of(fed, "hn", *subjects, ("status", office.list_url()))
    staple = joined(known, evidence_of(fed, "cn", ("schema", SCHEMA)))
    report = scene.check(staple=staple)
    assert (report.outcome, codes(report)) == (Outcome.ACCEPTED, [])


def test_name_taken_up_again_revives_nothing(scene):
    """What was issued under it, and revoked while its issuer was elsewhere, would be good."""
    fed, office = scene.fed, scene.agency
    former, url = str(office.state.version.did.location), office.list_url()
    move(fed, office, "gz.hn.example")
    fed.tick()
    fed.grant(fed.root("hn"), office, territory=["430100"], status_lists=[url])
    fed.status_list(office, url=url, revoked=[INDEX])
    fed.tick()
    with refused("name_given_up", RuleError):
        leave(fed, office, former)
    move(fed, office, "gy.gd.example")
    scene.publish()
    report = scene.check(staple=joined(scene.before, scene.staple()))
    assert report.outcome is not Outcome.ACCEPTED


@pytest.mark.parametrize("host", ["sz.gd.example", "a.sz.gd.example"])
def test_host_given_to_another_region_revives_no_key(host):
    """Version 1 of a DID, in the log of a region that got its host, needs nobody's key."""
    fed = founded(rules=2)
    office = fed.agency("a.sz.gd.example")
    fed.tick()
    fed.deactivate(office)
    regions = [dict(each) for each in fed.policy.members["regions"]]
    regions[1]["hosts"] = [*regions[1]["hosts"], host]
    second = fed.next_policy(regions=regions)
    with refused("host_moved", PolicyError):
        check_successor(fed.policy, second)
    held, fed.policy = fed.policy, second
    for origin in (GD, HN):
        body = logged_form(second, held).encode()
        with refused("host_moved", PolicyError):
            fed.submit(origin, fed.compose(origin, "policy", second.federation, body))


def test_grant_of_a_region_that_left_supports_nothing(scene):
    """A counter that holds the policy without it accepts nothing that it has granted."""
    fed, agency = scene.fed, scene.agency
    fed.publish("hn")
    there = {"territory": ["430100"], "status_lists": [agency.list_url(2)]}
    grant = fed.grant(fed.root("hn"), agency, x=fed.x("hn"), scope="abroad", **there)
    fed.tick()
    fed.status_list(agency, url=agency.list_url(2))
    status = status_entry(agency, url=agency.list_url(2))
    subject = {**scene.unsigned()["credentialSubject"], "jurisdiction": "430100"}
    scene.credential = scene.issue(credentialSubject=subject, credentialStatus=status)
    scene.grants = [grant]
    scene.log_issuance()
    scene.publish()
    assert scene.check().outcome is Outcome.ACCEPTED
    report = scene.check(policy=without(fed, "hn"))
    assert report.outcome is Outcome.UNDECIDED
    assert "authority_missing" in codes(report)


def test_keys_of_a_region_that_left_add_nothing():
    """Its frozen log is read up to what the joins rest on, whatever is written behind that."""
    fed = founded(rules=2)
    came, late = movable(fed, "gz.gd.example"), movable(fed, "sz.gd.example")
    fed.tick()
    move(fed, came, "gz.hn.example")
    written = fed.logs[GD]
    for placed in written.chain("did", came.id)[:1]:
        written.force(placed.entry)  # its first version once more, behind the leave
    version = moved_version(fed, late, "sz.hn.example")
    body = {"did": late.did, "op": "leave", "entry": version}
    left = written.force(fed.compose(GD, "did", late.id, body).sequenced(fed.now))
    note = sign_checkpoint(written.checkpoint(), log_signer(GD))
    own = witness("gd").cosign(parse_note(note).text, fed.now)
    proof = parse_note(note).with_lines([own]).encode().decode()
    root = b64.encode_url(written.root(written.size()))
    x = {"origin": GD, "size": written.size(), "root": root, "proof": proof}
    joins = join_entry(fed, left, x=x)
    fed.policy = without(fed, "gd")
    with refused("quorum_not_met", ProofError):
        fed.submit(HN, joins)  # a log that has not yet heard of it
    log_policy(fed, HN)
    with refused("log_unknown", PolicyError):
        fed.submit(HN, joins)
    fed.rotate(came)
    assert [each.entry.number for each in fed.logs[HN].chain("did", came.id)] == [3, 4]


# --- void ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["did", "authority", "schema"])
def test_void_moves_head(scene, kind):
    """A heads entry after the void names the bad entry as the latest: no validator takes it."""
    fed = scene.fed
    origin, subject = {
        "did": (GD, scene.agency.id),
        "authority": (GD, scene.grant.entry.subject),
        "schema": (CN, SCHEMA),
    }[kind]
    bad = fed.logs[origin].newest(kind, subject)
    honest = fed.compose_heads(origin)
    voided = void(fed, origin, bad)
    late = dict(honest.members) | {"b": {**honest.body, "size": fed.logs[origin].size()}}
    with pytest.raises(RuleError) as refusal:
        fed.submit(origin, fed.compose(origin, "heads", origin, late["b"]))
    assert refusal.value.code.startswith("heads_")
    assert fed.logs[origin].newest(kind, subject) == voided
    assert standing_of(fed, origin, kind, subject) == []


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("did", "issuer_evidence_missing"),
        ("authority", "authority_missing"),
        ("schema", "schema_missing"),
    ],
)
def test_voided_entry_is_no_evidence(scene, kind, code):
    """A credential rests on an entry that governance has voided, with or without the void."""
    fed = scene.fed
    origin, subject = {
        "did": (GD, scene.agency.id),
        "authority": (GD, scene.grant.entry.subject),
        "schema": (CN, SCHEMA),
    }[kind]
    void(fed, origin, fed.logs[origin].newest(kind, subject))
    scene.publish()
    for staple in (scene.staple(), joined(scene.before, scene.staple())):
        report = scene.check(staple=staple)
        assert report.outcome is Outcome.UNDECIDED
        assert code in codes(report)


def test_grant_stated_anew_after_a_void_supports_again(scene):
    fed = scene.fed
    void(fed, GD, scene.grant)
    fed.tick()
    body = {name: value for name, value in scene.grant.entry.body.items() if name != "proof"}
    scene.grants = [fed.state({**body, "from": fed.now}, fed.root("gd"))]
    fed.tick()
    scene.credential = scene.issue()
    scene.publish()
    assert scene.check().outcome is Outcome.ACCEPTED


# --- observed, not anchored ------------------------------------------------------------------


def test_didweb_is_no_home(scene):
    """An observation is taken for a record: of a signer, of an issuer, of an office."""
    fed, seen = scene.fed, "did:web:gz.gd.example"
    key = {"id": f"{seen}#key-1", "type": "Multikey", "controller": seen}
    observe(fed, fed.root("gd"), seen, web_document(seen, verificationMethod=[]))
    homes = at_home_in(LogPrefix.now(fed.logs[GD]), fed.world)
    with pytest.raises(DidServiceError):
        key_of(key["id"], homes)
    scene.credential = scene.issue(issuer=seen)
    scene.publish()
    evidence = joined(scene.staple(), fed.evidence(("didweb", seen)))
    report = scene.check(staple=evidence)
    assert report.outcome is not Outcome.ACCEPTED
    assert "issuer_unsupported" in codes(report)
