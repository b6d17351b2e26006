"""Evidence of a later release: what this one knows it judges, the rest it leaves open.

never FAILED because of it      never accepted by an older statement      the item named
"""

import pytest

from did_service.core.anchor.bodies.authority import subject_of
from did_service.core.anchor.bodies.policy import parse_policy
from did_service.core.anchor.entry import LoggedEntry, parse_carried
from did_service.core.encoding import jcs
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.evidence.bundle import encode_bundle, parse_bundle
from did_service.core.evidence.proofs import verify_evidence
from did_service.core.evidence.sets import parse_evidence
from did_service.core.verification.codes import FAULTS
from did_service.core.verification.report import Outcome
from tests.support.counter import (
    INDEX,
    Scene,
    all_codes,
    codes,
    headless,
    joined,
    sets,
    whole_log,
)
from tests.support.evidence import evidence_item, kept
from tests.support.later import (
    GD,
    UNREADABLE,
    complete,
    future_entry,
    grant_later,
    some_digest,
    state_later,
)

pytestmark = pytest.mark.offline


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.fed.tick()
    made.publish()
    return made


def details(report) -> str:
    return " ".join(check.detail or "" for check in report.checks)


def published(scene: Scene) -> None:
    scene.fed.tick()
    scene.publish()


# --- a known type that cannot be read ---------------------------------------------------------


UNDECIDED = {
    "did": "issuer_evidence_missing",
    "authority": "authority_missing",
    "schema": "schema_missing",
    "status": "status_missing",
}


@pytest.mark.parametrize("how", ["staple", "with the older", "no head", "whole log", "both"])
@pytest.mark.parametrize("case", UNREADABLE)
def test_what_rests_on_an_unreadable_newest_statement_is_undecided(scene, case, how):
    kind, members, code = UNREADABLE[case]
    older = scene.staple()
    scene.fed.tick()
    state_later(scene, kind, members)
    published(scene)
    sources = {
        "staple": [scene.staple()],
        "with the older": [scene.staple(), older],
        "no head": [headless(scene.staple()), older],
        "whole log": [complete(scene)],
        "both": [older, complete(scene)],
    }[how]
    report = scene.check(staple=None, evidence=sets(*sources))
    assert report.outcome is Outcome.UNDECIDED
    assert UNDECIDED[kind] in codes(report)
    assert not set(FAULTS.values()) & set(codes(report))
    if how != "no head" or kind in ("did", "authority"):
        assert code in details(report)


@pytest.mark.parametrize("case", UNREADABLE)
def test_an_older_statement_alone_still_counts_as_long_as_the_tier_lets_it(scene, case):
    """What nobody has shown to this counter changes nothing here."""
    kind, members, _ = UNREADABLE[case]
    older = scene.staple()
    scene.fed.tick()
    state_later(scene, kind, members)
    published(scene)
    assert scene.check(staple=older).outcome is Outcome.ACCEPTED


def test_an_unreadable_entry_between_two_hides_what_is_behind_it(scene):
    """Issued under the first statement; the second cannot be read, the third grants nothing."""
    fed = scene.fed
    early = complete(scene)
    scene.log_issuance()
    fed.tick()
    state_later(scene, "authority", {"more": 1})
    fed.tick()
    published(scene)
    middle = complete(scene)
    newest = fed.logs[GD].newest("authority", scene.grant.entry.subject)
    body = {n: v for n, v in newest.entry.body.items() if n not in ("more", "proof")}
    entry = fed.compose(GD, "authority", newest.entry.subject, {**body, "types": []})
    fed.logs[GD].force(entry.sequenced(fed.now))
    published(scene)
    report = scene.check(staple=None, evidence=sets(early, middle, complete(scene)))
    assert "authority_missing" in codes(report)
    assert report.outcome is Outcome.UNDECIDED


def test_what_another_statement_grants_does_not_rest_on_the_unreadable_one(scene):
    root = scene.fed.root("gd")
    body = scene.fed.statement(root, scene.agency, scope="other", status_lists=[], more=1)
    grant_later(scene, body)
    published(scene)
    report = scene.check(staple=None, bundle=complete(scene))
    assert report.outcome is Outcome.ACCEPTED


def test_unreadable_statement_that_names_the_list_may_have_ended_it(scene):
    body = scene.fed.statement(scene.fed.root("gd"), scene.agency, scope="other", more=1)
    grant_later(scene, body)
    published(scene)
    report = scene.check(staple=None, bundle=complete(scene))
    assert codes(report) == ["status_missing"]


STRANGE: dict[str, JsonObject] = {
    "about the issuer": {},
    "about nobody knows whom": {"grantee": 7},
    "of another scope than its subject": {"scope": "another"},
    "about another one than its subject": {"grantee": "did:web:elsewhere.example"},
}


@pytest.mark.parametrize("case", STRANGE)
def test_an_unreadable_grant_may_be_the_one_that_is_missing(case):
    """The whole log is at hand and grants nothing that can be read: what does this grant?"""
    scene = Scene(types=[])
    scene.fed.tick()
    scene.publish()
    assert "type_not_granted" in codes(scene.check(staple=None, bundle=complete(scene)))
    body = scene.fed.statement(scene.fed.root("gd"), scene.agency, scope="other", more=1)
    subject = subject_of(body["granter"], body["grantee"], body["scope"])
    grant_later(scene, {**body, **STRANGE[case]}, subject)
    published(scene)
    scene.credential = scene.issue()
    report = scene.check(staple=None, bundle=complete(scene))
    assert "authority_missing" in codes(report)
    assert "type_not_granted" not in codes(report)
    assert "member_" in details(report)
    assert report.outcome is Outcome.UNDECIDED


def test_an_unreadable_grant_to_another_one_changes_no_negative():
    scene = Scene(types=[])
    stranger = scene.fed.agency("sz.gd.example")
    body = scene.fed.statement(scene.fed.root("gd"), stranger, more=1)
    grant_later(scene, body)
    published(scene)
    assert "type_not_granted" in codes(scene.check(staple=None, bundle=complete(scene)))


def test_a_revoking_list_that_can_be_read_counts_behind_one_that_cannot(scene):
    """Nothing later mends a revocation."""
    scene.fed.status_list(scene.agency, revoked=[INDEX])
    published(scene)
    older = scene.staple()
    scene.fed.tick()
    state_later(scene, "status", {"more": 1})
    published(scene)
    report = scene.check(evidence=sets(older))
    assert "revoked" in codes(report)


def test_a_list_of_another_kind_revokes_nobody(scene):
    scene.fed.status_list(scene.agency, revoked=[INDEX])
    published(scene)
    scene.fed.tick()
    state_later(scene, "status", {"kind": "token"})
    published(scene)
    report = scene.check()
    assert codes(report) == ["status_missing"]


def test_a_batch_of_a_stream_that_cannot_be_read_is_left_out_and_named(scene):
    scene.log_issuance()
    log = scene.fed.logs[scene.fed.data_of(scene.agency.did)]
    placed = log.entries[-1]
    body = {**placed.entry.body, "more": 1}
    entry = parse_carried(jcs.encode({**placed.entry.members, "b": body}))
    log.entries[-1] = LoggedEntry(entry, placed.index, entry.leaf())
    published(scene)
    proven = verify_evidence(sets(scene.staple()), scene.fed.policy)
    assert proven.issued == {}
    assert [each.code for each in proven.dropped] == ["member_unknown"]


# --- heads ------------------------------------------------------------------------------------


def with_heads(scene: Scene, *without: str, **members: object) -> None:
    """Publish heads whose newest entry about gd's reg is written by a later release."""
    published(scene)
    log = scene.fed.logs[GD]
    newest = log.newest("heads", GD)
    scene.fed.tick()
    body = {**newest.entry.body, "size": log.size(), "at": scene.fed.now, **members}
    body = {name: value for name, value in body.items() if name not in without}
    entry = scene.fed.compose(GD, "heads", GD, body)
    log.force(entry.sequenced(scene.fed.now))
    scene.fed.cosign(GD)


def test_unknown_members_of_a_heads_entry_are_passed_over_and_the_known_ones_count(scene):
    with_heads(scene, quorum={"k": 2}, tree="A" * 43)
    report = scene.check()
    assert report.outcome is Outcome.ACCEPTED
    whole = verify_evidence(sets(whole_log(scene)), scene.fed.policy)
    assert whole.complete[GD] == scene.fed.now


@pytest.mark.parametrize(
    ("without", "members", "code"),
    [
        (("root",), {}, "member_missing"),
        ((), {"count": "7"}, "member_invalid"),
        ((), {"at": 1}, "heads_size_wrong"),
        ((), {"size": 1}, "heads_size_wrong"),
    ],
)
def test_heads_entry_without_its_known_members_is_dropped(scene, without, members, code):
    staple = scene.staple()
    with_heads(scene, *without, more=1, **members)
    log = scene.fed.logs[GD]
    item = evidence_item(log, log.entries[-1], log.size())
    more = {**staple, "items": [item], "checkpoints": [scene.fed.notes[GD].decode()]}
    proven = verify_evidence(sets(joined(staple, more)), scene.fed.policy)
    assert [each.code for each in proven.dropped] == [code]


# --- types of later releases ------------------------------------------------------------------


def with_future_types(scene: Scene) -> None:
    future_entry(scene.fed, "asset", "urn:asset:1")
    future_entry(scene.fed, "asset", "urn:asset:2", digest=some_digest())
    data_log = scene.fed.data_of(scene.agency.did)
    future_entry(scene.fed, "access", "urn:access:1", origin=data_log, digest=some_digest())
    published(scene)


def test_an_entry_of_an_unknown_type_is_proven_kept_named_and_answers_nothing(scene):
    with_future_types(scene)
    bundle = complete(scene)
    proven = verify_evidence(sets(bundle), scene.fed.policy)
    assert proven.dropped == ()
    assert [(each.kind, each.subject) for each in proven.strange] == [
        ("asset", "urn:asset:1"),
        ("asset", "urn:asset:2"),
    ]
    assert GD in proven.complete
    held = kept(proven)
    again = verify_evidence([("kept", parse_bundle(encode_bundle(held)))], scene.fed.policy)
    assert GD in again.complete
    assert len(list(again.strange)) == 2
    report = scene.check(staple=None, bundle=bundle)
    assert report.outcome is Outcome.ACCEPTED
    named = [check for check in report.checks if check.code == "evidence_of_other_type"]
    assert [(check.detail, check.basis.source) for check in named] == [("asset: 2", "bundle")]


def test_the_whole_log_says_no_with_unknown_types_in_it():
    scene = Scene(types=[])
    scene.fed.tick()
    with_future_types(scene)
    report = scene.check(staple=None, bundle=complete(scene))
    assert "type_not_granted" in codes(report)


def test_without_the_entry_of_an_unknown_type_a_log_is_not_complete(scene):
    with_future_types(scene)
    bundle = complete(scene)
    fewer = {**bundle, "items": [i for i in bundle["items"] if i["entry"]["t"] != "asset"]}
    assert GD not in verify_evidence(sets(fewer), scene.fed.policy).complete


@pytest.mark.parametrize("name", ["Asset", "a" * 33, "", "a b", "资产", "-a"])
def test_what_is_no_name_of_a_type_is_left_out(scene, name):
    staple = scene.staple()
    item = {**staple["items"][0]}
    item["entry"] = {**item["entry"], "t": name}
    spoilt = parse_evidence({**staple, "items": [*staple["items"], item]})
    assert [each.what for each in spoilt.left_out] == ["item"]


# --- rules of later releases ------------------------------------------------------------------


def test_a_counter_goes_by_a_policy_whose_rules_it_does_not_know(scene):
    following = scene.fed.next_policy(rules=2)
    assert parse_policy(following.members).rules == 2
    report = scene.check(policy=following)
    assert report.outcome is Outcome.ACCEPTED
    assert "policy_current" in all_codes(report)
