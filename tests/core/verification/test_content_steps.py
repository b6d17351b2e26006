"""Steps 7 to 10: schema, time, status, holder."""

from dataclasses import replace

import pytest

from did_service.core.anchor.bodies.policy import parse_policy
from did_service.core.credentials.bitstring_status_list import (
    BitstringStatusList,
    ListDescription,
    Purpose,
    status_list_credential,
)
from did_service.core.encoding import strict_json, timestamps
from did_service.core.verification.report import NowFrom, Outcome
from did_service.core.verification.request import Clock, NonceState
from did_service.core.verification.verify import verify
from tests.support import optional
from tests.support.counter import (
    INDEX,
    SCHEMA,
    all_codes,
    clock_at,
    codes,
    items_of,
    joined,
    request,
    status_entry,
    without,
)
from tests.support.federation import RESIDENCE

pytestmark = pytest.mark.offline
DAY = 86_400


# --- 7 schema -------------------------------------------------------------------------------


def test_schema_that_is_not_at_hand_leaves_the_content_undecided(scene):
    report = scene.check(staple=without(scene.staple(), "schema"))
    assert codes(report) == ["schema_missing"]
    bare = scene.issue(credentialSchema=None)
    assert "schema_missing" in codes(scene.check(scene.present(bare)))


def test_content_that_breaks_the_schema_is_refused(scene):
    subject = {"id": scene.holder.did, "jurisdiction": "440100"}
    report = scene.check(
        scene.present(scene.issue(credentialSubject=subject, at=scene.fed.now))
    )
    assert codes(report) == ["schema_violated"]
    assert report.checks[6].detail == '"/credentialSubject"'


def test_schema_of_another_type_is_no_schema_of_this_one(scene):
    described = {"type": "urn:didsvc:education:1", "status": "none"}
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "x-didsvc": described}
    scene.fed.schema(scene.fed.root("cn"), "urn:didsvc:schema:education:1", schema)
    scene.fed.tick()
    scene.publish()
    wrong = {"id": "urn:didsvc:schema:education:1", "type": "JsonSchema"}
    staple = scene.staple(schemas=["urn:didsvc:schema:education:1"])
    shown = scene.present(scene.issue(credentialSchema=wrong))
    assert codes(scene.check(shown, staple=staple)) == ["schema_violated"]


def test_schema_that_cannot_be_used_is_missing(scene):
    scene.fed.schema(scene.fed.root("cn"), "urn:didsvc:schema:odd:1", {"$schema": "urn:other"})
    scene.fed.tick()
    scene.publish()
    odd = {"id": "urn:didsvc:schema:odd:1", "type": "JsonSchema"}
    staple = scene.staple(schemas=["urn:didsvc:schema:odd:1"])
    report = scene.check(scene.present(scene.issue(credentialSchema=odd)), staple=staple)
    assert codes(report) == ["schema_missing"]


def test_schema_without_heads_is_not_shown_to_be_the_latest(scene):
    staple = scene.staple()
    for item in items_of(staple, "schema"):
        item.pop("head")
    assert codes(scene.check(staple=staple)) == ["schema_missing"]


def test_schema_id_of_nobody(scene):
    alien = {"id": "https://elsewhere.example/s", "type": "JsonSchema"}
    report = scene.check(scene.present(scene.issue(credentialSchema=alien)))
    assert codes(report) == ["schema_missing"]


# --- 8 time ---------------------------------------------------------------------------------


def test_validity_is_judged_to_the_second(scene):
    file, now = scene.file(), scene.fed.now
    begin = now - 1
    assert scene.check(data=file)
    report = scene.check(data=file, clock=clock_at(begin + 365 * DAY))
    assert "expired" not in codes(report)
    report = scene.check(data=file, clock=clock_at(begin + 365 * DAY + 1))
    assert "expired" in codes(report)
    soon = scene.issue(validFrom=timestamps.encode(timestamps.from_posix(now + 400)))
    shown = scene.present(soon)
    assert codes(scene.check(shown, clock=clock_at(now + 99))) == ["not_yet_valid"]
    early = scene.check(shown, clock=clock_at(now + 100))
    assert (bool(early), "within_clock_skew" in all_codes(early)) == (True, True)
    begun = scene.check(shown, clock=clock_at(now + 400))
    assert (bool(begun), "within_validity" in all_codes(begun)) == (True, True)


def test_given_time_stands_in_unsafe(scene):
    clock = Clock(timestamps.from_posix(scene.fed.now + 1), NowFrom.GIVEN)
    report = scene.check(clock=clock)
    assert "now_given" in report.unsafe
    assert report.encode()["now_from"] == "given"


# --- 9 status -------------------------------------------------------------------------------


def test_lost_list_is_neither_revoked_nor_clear(scene):
    for staple in (
        without(scene.staple(), "status"),
        {**scene.staple(), "contents": {}},
    ):
        report = scene.check(staple=staple)
        assert codes(report) == ["status_missing"]
        assert report.outcome is Outcome.UNDECIDED


def test_list_without_heads_is_not_shown_to_be_the_latest(scene):
    staple = scene.staple()
    for item in items_of(staple, "status"):
        item.pop("head")
    assert codes(scene.check(staple=staple)) == ["status_missing"]


def test_index_beyond_the_list_cannot_be_told(scene):
    entry = status_entry(scene.agency, index=131_072)
    report = scene.check(scene.present(scene.issue(credentialStatus=entry)))
    assert codes(report) == ["index_out_of_range"]


def test_purpose_that_the_list_does_not_have(scene):
    entry = status_entry(scene.agency, purpose="suspension")
    both = [status_entry(scene.agency), entry]
    report = scene.check(scene.present(scene.issue(credentialStatus=both)))
    assert codes(report) == ["status_missing"]


def test_foreign_status_type_is_named(scene):
    entry = {"type": "TokenStatusList", "id": "urn:x:1"}
    report = scene.check(scene.present(scene.issue(credentialStatus=entry)))
    assert codes(report) == ["status_unsupported"]


@pytest.mark.parametrize(
    "change",
    [
        {"statusListIndex": "-1"},
        {"statusListIndex": 7},
        {"statusPurpose": None},
        {"statusSize": 2},
        {"statusListCredential": "did:web:gz.gd.example/status/1"},
        {"statusListCredential": "http://gz.gd.example/status/1"},
        {"type": "StatusList2021Entry"},
    ],
)
def test_status_entry_of_another_form_is_neither_missing_nor_clear(scene, change):
    entry = {**status_entry(scene.agency), **change}
    report = scene.check(scene.present(scene.issue(credentialStatus=entry)))
    assert codes(report) == ["status_unsupported"]
    assert report.outcome is Outcome.UNDECIDED


def test_lapsed_list_is_stale(scene):
    report = scene.check(request=request(tier="field"), clock=scene.clock(6 * DAY))
    assert report.outcome is Outcome.ACCEPTED
    report = scene.check(request=request(tier="field"), clock=scene.clock(7 * DAY))
    assert "status_stale" in codes(report)


def test_suspended_counts_only_while_fresh(scene):
    """Unlike revoked, a suspension may have been lifted since."""
    fed, url = scene.fed, scene.agency.list_url(2)
    scene.fed.tick()
    fed.restate(scene.grant, fed.root("gd"), status_lists=[scene.agency.list_url(), url])
    bits = BitstringStatusList.empty()
    bits.set(INDEX)
    begins, ends = (timestamps.from_posix(fed.now + age) for age in (0, 604_800))
    described = ListDescription(url, scene.agency.did, Purpose.SUSPENSION, begins, ends, 3_600)
    content = fed.secure(status_list_credential(described, bits), scene.agency)
    fed.anchor_list(scene.agency, url, content)
    scene.fed.tick()
    scene.publish()
    entries = [
        status_entry(scene.agency),
        status_entry(scene.agency, purpose="suspension", url=url),
    ]
    shown = scene.present(scene.issue(credentialStatus=entries))
    staple = scene.staple(lists=[scene.agency.list_url(), url])
    assert codes(scene.check(shown, staple=staple)) == ["suspended"]
    late = scene.check(shown, staple=staple, clock=scene.clock(2 * DAY))
    assert "suspended" not in codes(late)
    assert late.outcome is Outcome.UNDECIDED


# --- 10 holder ------------------------------------------------------------------------------


def test_unsigned_presentation_proves_no_holder(scene):
    bare = {name: value for name, value in scene.present().items() if name != "proof"}
    assert codes(scene.check(bare)) == ["holder_proof_missing"]
    unasked = scene.check(bare, request=request(nonce=None))
    assert (unasked.outcome, bool(unasked)) == (Outcome.DOCUMENT, False)


def test_altered_presentation_is_refused_even_if_nobody_asked(scene):
    altered = scene.present()
    altered["id"] = "urn:uuid:5d0a2f0e-5f3a-4c9d-9a30-1f5c2f1f9a13"
    report = scene.check(altered, request=request(nonce=None))
    assert codes(report) == ["holder_proof_invalid"]


def test_holder_of_another_did_method_is_named(scene):
    shown = scene.present(
        holder=replace(scene.holder, did=scene.agency.did, method=scene.agency.method)
    )
    report = scene.check(shown)
    assert codes(report) == ["unsupported"]
    (named,) = [check for check in report.checks if check.code == "unsupported"]
    assert named.step == 10
    assert named.detail.startswith("did_method_unknown: ")


def test_weakened_demands_stand_in_the_report(scene):
    asked = request(nonce_state=NonceState.NOT_REMEMBERED, audience=None)
    report = scene.check(request=asked)
    assert {"nonce_not_remembered", "audience_not_asked"} <= set(report.unsafe)


def test_schema_older_than_the_credential_refuses_nothing(scene):
    """A newer schema may allow what the one at hand does not."""
    bundle = scene.staple()
    scene.fed.tick(3_600)
    subject = {"id": scene.holder.did, "jurisdiction": "440100"}
    shown = scene.present(scene.issue(credentialSubject=subject))
    assert codes(scene.check(shown, staple=None, bundle=bundle)) == ["schema_missing"]


def test_list_from_before_the_end_is_still_the_issuers(scene):
    scene.log_issuance()
    scene.publish()
    early = scene.staple()
    scene.fed.tick(3_600)
    scene.fed.end(scene.grant, scene.fed.root("gd"))
    scene.fed.tick()
    scene.publish()
    report = scene.check(bundle=early)
    assert report.outcome is Outcome.ACCEPTED
    assert {"issued_while_authorised", "status_clear"} <= set(all_codes(report))


# --- 9, 7 what a status entry is for, and what a publisher says of a schema ------------------


@pytest.mark.parametrize("purpose", ["refresh", "message"])
def test_a_status_entry_that_does_not_concern_validity_never_blocks(scene, purpose):
    """Bitstring Status List §2.1; `message` has statuses of several bits of its own."""
    beside = {**status_entry(scene.agency, purpose=purpose), "statusSize": 2}
    report = scene.check(
        scene.present(scene.issue(credentialStatus=[status_entry(scene.agency), beside]))
    )
    assert report.outcome is Outcome.ACCEPTED
    assert {"status_clear", "status_passed_over"} <= set(all_codes(report))


def test_a_refresh_entry_of_the_field_is_passed_over():
    folder = optional.case("18-refresh-entry")
    policy = (folder.parent / "world" / "policy.json").read_bytes()
    report = verify(
        (folder / "shown.json").read_bytes(),
        policy=parse_policy(strict_json.loads(policy)),
        evidence=(),
        request=request(tier="field"),
        clock=Clock(timestamps.parse("2026-11-21T08:00:02Z")),
    )
    assert report.outcome is Outcome.ACCEPTED


def test_a_purpose_that_nobody_knows_may_concern_validity(scene):
    odd = status_entry(scene.agency, purpose="quarantine")
    report = scene.check(
        scene.present(scene.issue(credentialStatus=[status_entry(scene.agency), odd]))
    )
    assert codes(report) == ["status_unsupported"]


def test_a_form_of_entry_that_nobody_knows_may_be_the_one_demanded(scene):
    """So its lack is not authentic: undecided, not refused."""
    odd = {"type": "TokenStatusList", "statusPurpose": "refresh"}
    report = scene.check(scene.present(scene.issue(credentialStatus=odd)))
    assert report.outcome is Outcome.UNDECIDED


def test_a_type_without_status_keeps_an_entry_that_does_not_concern_validity(scene):
    publish_schema(scene, {"type": RESIDENCE})
    entry = status_entry(scene.agency, purpose="refresh")
    report = scene.check(scene.present(scene.issue(credentialStatus=entry)))
    assert report.outcome is Outcome.ACCEPTED
    assert {"status_not_required", "status_passed_over"} <= set(all_codes(report))


def test_suspended_refuses_only_while_its_signers_record_is_fresh(scene):
    """A key replaced since might have been a thief's: an old record settles nothing."""
    fed, url = scene.fed, scene.agency.list_url()
    scene.publish()
    record = fed.evidence(("did", scene.agency.id))
    fed.tick(days=2)
    fed.agency("stranger.gd.example")
    bits = BitstringStatusList.empty()
    bits.set(INDEX)
    begins, ends = (timestamps.from_posix(fed.now + age) for age in (0, 604_800))
    described = ListDescription(url, scene.agency.did, Purpose.SUSPENSION, begins, ends, 3_600)
    content = fed.secure(status_list_credential(described, bits), scene.agency)
    fed.anchor_list(scene.agency, url, content)
    scene.publish()
    entry = status_entry(scene.agency, purpose="suspension")
    shown, fresh = scene.present(scene.issue(credentialStatus=entry)), scene.staple()
    assert "suspended" in codes(scene.check(shown, staple=fresh))
    late = joined(without(fresh, "did"), record)
    assert "suspended" not in codes(scene.check(shown, staple=late))


def test_a_deprecated_schema_still_speaks_and_says_so(scene):
    publish_schema(scene, {"type": RESIDENCE, "status": "required"}, state="deprecated")
    report = scene.check()
    assert report.outcome is Outcome.ACCEPTED
    assert {"schema_met", "schema_deprecated"} <= set(all_codes(report))
    publish_schema(scene, {"type": RESIDENCE, "status": "required"})
    assert "schema_deprecated" not in all_codes(scene.check())


def publish_schema(scene, terms, **changes):
    """The next version of the permit's schema, with these terms of its type."""
    content = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "x-didsvc": terms,
        "type": "object",
    }
    scene.fed.tick()
    scene.fed.schema(scene.fed.root("cn"), SCHEMA, content, **changes)
    scene.publish()
