"""Attacks that a second review found at the counter: by holders, issuers, thieves of keys.

Each was tried for real against the verdict and runs again with no network (docs/threat-model.md
§3: false acceptance, a refusal that a third party could cause, or work without bound).
"""

import copy

import pytest

from did_service.core.credentials.bitstring_status_list import (
    BitstringStatusList,
    ListDescription,
    Purpose,
    status_list_credential,
)
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import jcs, timestamps
from did_service.core.verification.report import Outcome
from tests.support.counter import (
    INDEX,
    SCHEMA,
    Scene,
    all_codes,
    clock_at,
    codes,
    forced,
    items_of,
    request,
    sets,
    status_entry,
    whole_log,
    with_keeper,
)
from tests.support.federation import RESIDENCE, founded

pytestmark = pytest.mark.offline
DAY = 86_400
DIALECT = "https://json-schema.org/draft/2020-12/schema"


# --- holder ---------------------------------------------------------------------------------


def test_list_time_written_as_a_fraction(scene):
    """7.0 has the leaf hash of 7: no second spelling of `iat` may hide a list's age."""
    scene.fed.tick(days=3)
    scene.fed.restate(scene.grant, scene.fed.root("gd"), basis={"zh": "新", "en": "new"})
    scene.fed.tick()
    scene.publish()
    staple = scene.staple()
    (listed,) = items_of(staple, "status")
    listed["entry"]["b"]["iat"] = float(listed["entry"]["b"]["iat"])
    assert codes(scene.check(staple=staple)) == ["status_stale"]


def test_subject_without_a_region_beside_one_with_it(scene):
    """What is said of the second subject would be issued for nowhere."""
    scene.publish()
    here = {"id": scene.holder.did, "jurisdiction": "440100", "familyName": "王"}
    for elsewhere in ({}, {"jurisdiction": ["110000"]}, {"jurisdiction": 110_000}):
        two = [here, {**here, "jurisdiction": None, **elsewhere}]
        shown = scene.present(scene.issue(credentialSubject=two, at=scene.fed.now - 1))
        assert "authority_missing" in codes(scene.check(shown))
        assert "region_not_granted" in codes(scene.check(shown, bundle=whole_log(scene)))


def test_waiver_lets_an_old_suspension_pass(scene):
    """A waiver of staleness stands in for a fresh "clear", not for a fresh "suspended"."""
    fed, url = scene.fed, scene.agency.list_url(2)
    fed.restate(scene.grant, fed.root("gd"), status_lists=[scene.agency.list_url(), url])
    bits = BitstringStatusList.empty()
    bits.set(INDEX)
    begins, ends = (timestamps.from_posix(fed.now + age) for age in (0, 604_800))
    described = ListDescription(url, scene.agency.did, Purpose.SUSPENSION, begins, ends, 3_600)
    fed.anchor_list(
        scene.agency, url, fed.secure(status_list_credential(described, bits), scene.agency)
    )
    fed.tick()
    scene.publish()
    waivers = [
        {"item": "x", "code": code, "max_seconds": 9 * DAY}
        for code in ("status_stale", "evidence_stale")
    ]
    entries = [
        status_entry(scene.agency),
        status_entry(scene.agency, purpose="suspension", url=url),
    ]
    report = scene.check(
        scene.present(scene.issue(credentialStatus=entries)),
        staple=scene.staple(lists=[scene.agency.list_url(), url]),
        policy=fed.next_policy(waivers=waivers),
        request=request(item="x"),
        clock=scene.clock(2 * DAY),
    )
    assert "status_missing" in codes(report)
    assert report.outcome is Outcome.UNDECIDED


def test_age_of_the_end_hidden(custodial):
    """Without its heads record a statement has no age: the end may have moved since."""
    custodial.log_issuance()
    custodial.publish()
    early = custodial.staple()
    custodial.fed.tick(days=1)
    custodial.fed.end(custodial.grant, custodial.fed.root("gd"))
    custodial.fed.tick()
    custodial.fed.status_list(custodial.agency, by=custodial.keeper)
    custodial.publish()
    late = with_keeper(custodial)
    assert custodial.check(staple=late, bundle=early).outcome is Outcome.ACCEPTED
    for item in items_of(late, "authority"):
        item.pop("head")
    assert codes(custodial.check(staple=late, bundle=early)) == ["authority_missing"]


# --- issuer, and thief of its key -----------------------------------------------------------


def test_grant_that_has_not_begun():
    """Dated ahead, or not at all, a credential would use a grant of next month today."""
    fed = founded()
    scene = Scene(federation=fed, begins=fed.now + 30 * DAY)
    fed.tick()
    scene.publish()
    ahead = scene.issue(at=fed.now + 31 * DAY)
    for credential in (ahead, scene.undated()):
        assert codes(scene.check(scene.present(credential))) == ["authority_missing"]
    fed.tick(days=30)
    fed.status_list(scene.agency)
    scene.publish()
    report = scene.check(scene.present(scene.undated()))
    assert report.outcome is Outcome.ACCEPTED


@pytest.mark.parametrize("home", ["cn", "hn"])
def test_schema_of_the_issuers_own_choosing(home):
    """What a type demands stands in its schema: another one would demand nothing."""
    scene = Scene()
    scene.fed.restate(scene.grant, scene.fed.root("gd"), status_lists=[])
    demands = {"type": RESIDENCE, "status": "required", "issuance_logged": True}
    scene.fed.schema(scene.fed.root("cn"), SCHEMA, {"$schema": DIALECT, "x-didsvc": demands})
    lax = {"type": RESIDENCE, "status": "none"} if home == "hn" else None
    own = "https://hn.example/schemas/own" if home == "hn" else "urn:didsvc:schema:own:1"
    content = {"$schema": DIALECT} if lax is None else {"$schema": DIALECT, "x-didsvc": lax}
    scene.fed.schema(scene.fed.root(home), own, content)
    scene.fed.tick()
    scene.publish()
    chosen = {"id": own, "type": "JsonSchema"}
    credential = scene.issue(credentialSchema=chosen, credentialStatus=None)
    report = scene.check(scene.present(credential), staple=scene.staple(schemas=[own]))
    assert codes(report) == ["schema_missing", "status_missing"]
    both = scene.issue(
        credentialSchema=[chosen, {"id": SCHEMA, "type": "JsonSchema"}],
        credentialStatus=None,
        at=scene.fed.now - 1,
    )
    report = scene.check(scene.present(both), staple=scene.staple(schemas=[own, SCHEMA]))
    assert codes(report) == ["issuance_time_not_proven", "status_entry_missing"]


def test_code_list_in_place_of_a_schema(scene):
    """Registered by the right owner, but as something else: it may demand nothing."""
    content = {"$schema": DIALECT, "x-didsvc": {"type": RESIDENCE, "status": "none"}}
    name = "urn:didsvc:schema:list:1"
    scene.fed.schema(scene.fed.root("cn"), name, content, kind="code-list")
    scene.fed.tick()
    scene.publish()
    shown = scene.present(scene.issue(credentialSchema={"id": name, "type": "JsonSchema"}))
    report = scene.check(shown, staple=scene.staple(schemas=[name]))
    assert codes(report) == ["schema_missing"]


def anchor(scene, content, issuer, **changes):
    """Let a lying log anchor a list under the agency's address."""
    fed, url = scene.fed, scene.agency.list_url()
    times = {"iat": fed.now, "exp": fed.now + 604_800, "ttl": 3_600, "bits": 131_072}
    body = {"issuer": issuer.did, "kind": "bitstring", **times, **changes}
    origin, digest = fed.ev_of(issuer.did), sha256(content)
    fed.contents[digest] = content
    entry = fed.compose(origin, "status", url, body, digest).sequenced(fed.now)
    fed.logs[origin].force(entry, content)
    scene.publish()


def test_neighbour_revokes_at_the_same_address(scene):
    """A list speaks for the credentials of its own issuer, whatever its address."""
    scene.publish()
    other = scene.fed.agency("fs.gd.example")
    scene.fed.tick()
    content = scene.fed.list_content(other, scene.agency.list_url(), [INDEX])
    anchor(scene, content, other)
    assert codes(scene.check()) == ["status_missing"]


def test_list_that_lapsed_before_it_was_old(scene):
    """Its issuer gave it a minute; `exp` is the first second after."""
    scene.publish()
    scene.fed.tick()
    content = scene.fed.list_content(scene.agency, scene.agency.list_url())
    anchor(scene, content, scene.agency, exp=scene.fed.now + 60)
    file = scene.file()
    assert scene.check(data=file, clock=scene.clock(59)).outcome is Outcome.ACCEPTED
    assert codes(scene.check(data=file, clock=scene.clock(60))) == ["status_stale"]


def test_lapsed_issuer_goes_on_with_its_list():
    """Once the period is over only the custodian signs, also where a lying log takes more."""
    fed = founded()
    keeper = fed.agency("sz.gd.example")
    lapse = fed.now + DAY
    scene = Scene(federation=fed, until=lapse, status_custodian=keeper.did)
    scene.keeper = keeper
    scene.log_issuance()
    fed.tick()
    scene.publish()
    early, url = scene.staple(), scene.agency.list_url()
    for signer, code in ((scene.agency, "status_missing"), (keeper, "status_clear")):
        fed.now = max(lapse, fed.now + 1)
        anchor(scene, fed.list_content(signer, url), scene.agency)
        report = scene.check(staple=with_keeper(scene), bundle=early)
        assert code in all_codes(report)


def test_list_of_an_issuer_that_had_ended_already(custodial):
    """Its list is of day 6; on day 10 it is said to have ended on day 4."""
    fed, begun = custodial.fed, custodial.fed.now
    custodial.log_issuance()
    custodial.publish()
    early = custodial.staple()
    fed.tick(days=6)
    fed.status_list(custodial.agency)
    fed.tick(3_600)
    fed.end(custodial.grant, fed.root("gd"), since=begun + 4 * DAY)
    fed.tick()
    custodial.publish()
    report = custodial.check(bundle=early)
    assert codes(report) == ["status_missing"]


def test_retired_key_shown_with_the_state_that_listed_it(scene):
    """While an issuer lives only its newest state names its keys, whatever else is at hand."""
    fed, stolen = scene.fed, copy.copy(scene.agency)
    scene.publish()
    early = scene.staple()
    fed.tick(days=1)
    fed.rotate(scene.agency)
    fed.tick()
    fed.status_list(scene.agency)
    scene.publish()
    forged = scene.present(scene.issue(signer=stolen, at=scene.grant.entry.at + 10))
    assert codes(scene.check(forged, bundle=early)) == ["key_not_listed"]


def test_deactivated_issuer_backdates(scene):
    """Its grant still stands; the keys it had when it ended can date anything."""
    scene.log_issuance()
    scene.publish()
    early = scene.staple()
    scene.fed.tick(60)
    scene.fed.deactivate(scene.agency)
    scene.fed.tick()
    scene.publish()
    assert scene.check(bundle=early).outcome is Outcome.ACCEPTED
    backdated = scene.present(scene.issue(at=scene.grant.entry.at + 10))
    assert codes(scene.check(backdated, bundle=early)) == ["issuance_time_not_proven"]


def test_state_between_two_left_out(custodial):
    """Only the very last state before the end speaks; the one before it had lost the key."""
    fed = custodial.fed
    custodial.log_issuance()
    custodial.publish()
    early = custodial.staple()
    fed.tick(days=1)
    fed.rotate(custodial.agency)
    fed.tick()
    fed.end(custodial.grant, fed.root("gd"))
    fed.deactivate(custodial.agency)
    fed.status_list(custodial.agency, by=custodial.keeper)
    fed.tick()
    custodial.publish()
    report = custodial.check(staple=with_keeper(custodial), bundle=early)
    assert codes(report) == ["key_not_listed"]


def test_end_moved_earlier_and_narrowed_at_once(custodial):
    """The statement that moves the end to day 4 no longer names the type; it counts still."""
    fed, root, begun = custodial.fed, custodial.fed.root("gd"), custodial.fed.now
    fed.tick(days=5)
    custodial.credential = custodial.issue(at=begun + 3 * DAY)
    custodial.log_issuance()
    custodial.publish()
    early = fed.evidence(batches=custodial.batches)
    fed.tick(days=5)
    ended = fed.end(custodial.grant, root)
    fed.tick()
    fed.status_list(custodial.agency, by=custodial.keeper)
    custodial.publish()
    middle = with_keeper(custodial)
    assert custodial.check(evidence=sets(early, middle)).outcome is Outcome.ACCEPTED
    fed.restate(ended, root, since=begun + 4 * DAY, types=[])
    custodial.publish()
    report = custodial.check(staple=with_keeper(custodial), evidence=sets(early, middle))
    assert codes(report) == ["issuance_time_not_proven"]


def test_type_taken_out_and_ended_long_before(custodial):
    """The type left on day 5; on day 6 everything is said to have ended on day 2."""
    fed, root, begun = custodial.fed, custodial.fed.root("gd"), custodial.fed.now
    fed.tick(days=3)
    custodial.credential = custodial.issue(at=begun + DAY)
    custodial.log_issuance()
    custodial.publish()
    early = custodial.staple()
    fed.tick(days=2)
    narrowed = fed.restate(custodial.grant, root, types=[])
    fed.tick()
    custodial.publish()
    middle = custodial.staple()
    assert "issued_while_authorised" in all_codes(custodial.check(evidence=sets(early, middle)))
    fed.tick(days=1)
    fed.end(narrowed, root, since=begun + 2 * DAY)
    fed.tick()
    custodial.publish()
    report = custodial.check(evidence=sets(early, middle))
    assert "issuance_time_not_proven" in codes(report)


@pytest.mark.parametrize("role", ["publisher", "granter", "counter"])
def test_another_role_is_taken_for_the_issuers(role):
    scene = Scene(roles=[role])
    scene.fed.tick()
    scene.publish()
    assert codes(scene.check()) == ["authority_missing"]


def test_issuer_hands_on_what_it_may_only_use(scene):
    """A lying log takes the grant of an issuer that is no granter."""
    fed, other = scene.fed, scene.fed.agency("fs.gd.example")
    body = fed.statement(scene.agency, other)
    scene.grants.append(forced(scene, body, scene.agency))
    fed.status_list(other)
    fed.tick()
    scene.publish()
    subject = {**scene.unsigned(issuer=other.did), "credentialStatus": status_entry(other)}
    shown = scene.present(scene.secure(subject, other))
    report = scene.check(shown, staple=fed.staple(other, *scene.grants, schemas=[SCHEMA]))
    assert codes(report) == ["authority_missing"]


def test_suspended_and_narrowed_at_once(scene):
    """The type was taken out; that the rest is suspended and may come back is another thing."""
    scene.publish()
    before = scene.staple()
    scene.fed.tick(60)
    scene.fed.restate(scene.grant, scene.fed.root("gd"), state="suspended", types=[])
    scene.fed.tick()
    scene.publish()
    report = scene.check(bundle=before)
    assert codes(report) == ["issuance_time_not_proven"]


def test_suspension_lifted_without_the_type(scene):
    """Suspended, it signs on and logs that under another grant; the type never returns."""
    fed, root = scene.fed, scene.fed.root("gd")
    scene.grants.append(fed.grant(root, scene.agency, scope="other", types=[]))
    stopped = fed.restate(scene.grant, root, state="suspended")
    fed.tick(60)
    scene.credential = scene.issue(at=fed.now)
    scene.log_issuance()
    scene.publish()
    middle = scene.staple()
    fed.tick(3_600)
    fed.restate(stopped, root, state="active", types=[])
    fed.status_list(scene.agency)
    fed.tick()
    scene.publish()
    report = scene.check(evidence=sets(middle, whole_log(scene)))
    assert codes(report) == ["issued_after_end"]


def test_grant_in_the_very_second_of_its_lapse():
    """`until` is the first second after, for whoever shows a credential in it."""
    scene = Scene(until=founded().now + DAY)
    scene.fed.tick()
    scene.publish()
    lapse = scene.grant.entry.at + DAY
    file = scene.file()
    last, over = (scene.check(data=file, clock=clock_at(at)) for at in (lapse - 1, lapse))
    assert "authority_held" in all_codes(last)
    assert "issuance_time_not_proven" in codes(over)


def test_granter_hands_on_a_type_that_it_lacks(scene):
    """Refused where nothing is missing, since the lying log has it all; else undecided."""
    fed, upper = scene.fed, scene.fed.agency("sz.gd.example")
    other = {"roles": ["granter"], "types": ["urn:didsvc:education:1"], "status_lists": []}
    above = fed.grant(fed.root("gd"), upper, **other)
    fed.end(scene.grant, fed.root("gd"), since=scene.grant.entry.at)
    body = fed.statement(upper, scene.agency, scope="below")
    scene.grants = [forced(scene, body, upper), above]
    fed.tick()
    scene.credential = scene.issue()
    scene.publish()
    assert codes(scene.check()) == ["authority_missing"]
    assert "issued_after_end" in codes(scene.check(bundle=whole_log(scene)))


def test_evidence_in_a_shorter_log(custodial):
    """After the end a friend in another region anchors it: low numbers there prove nothing."""
    fed = custodial.fed
    friend = fed.agency("cs.hn.example")
    fed.grant(fed.root("hn"), friend, territory=["430100"])
    for number in range(9):  # 广东's log is the longer one
        fed.agency(f"a{number}.gd.example")
    fed.tick(days=9)
    fed.end(custodial.grant, fed.root("gd"))
    fed.tick()
    backdated = custodial.issue(at=custodial.grant.entry.at + DAY)
    record = jcs.encode(backdated)
    custodial.batches = [fed.batch(friend, [record]).item(record)]
    fed.status_list(custodial.agency, by=custodial.keeper)
    custodial.publish()
    report = custodial.check(custodial.present(backdated), staple=with_keeper(custodial))
    assert custodial.batches
    assert codes(report) == ["issuance_time_not_proven"]


def test_seen_in_the_very_second_of_the_end(custodial):
    """Before an end means before: its own second is the first that no longer counts."""
    fed, root = custodial.fed, custodial.fed.root("gd")
    fed.tick(days=2)
    custodial.log_issuance()
    custodial.publish()
    early, seen = custodial.staple(), fed.now
    fed.tick(days=1)
    ended = fed.end(custodial.grant, root, since=seen + 1)
    fed.tick()
    custodial.publish()
    assert "issued_while_authorised" in all_codes(custodial.check(bundle=early))
    fed.end(ended, root, since=seen)
    custodial.publish()
    assert "issuance_time_not_proven" in codes(custodial.check(bundle=early))
