"""Rules of ev entries: status lists and evidence batches."""

import pytest

from did_service.core.anchor import entry as entries
from did_service.core.anchor.rules import check
from did_service.core.anchor.streams import stream_id
from did_service.core.anchor.view import LogPrefix, RuleContext
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import b64, jcs, timestamps
from did_service.core.encoding.strict_json import load_object
from did_service.core.errors import (
    MalformedError,
    OrderError,
    ProofError,
    RuleError,
    UnavailableError,
)
from tests.support.federation import Federation
from tests.support.refusals import refused

EV = "gd.example/ev/2026"


@pytest.fixture
def issuer(fed, gd):
    agency = fed.agency("gz.gd.example")
    fed.grant(gd, agency, status_custodian=gd.did)
    fed.tick()
    return agency


@pytest.fixture
def grant(fed, issuer):
    (placed,) = fed.logs["gd.example/reg"].statements_about(issuer.did)
    return placed


# --- status lists ----------------------------------------------------------------------------


def test_lists_follow_each_other(fed, issuer):
    for number in (1, 2, 3):
        assert fed.status_list(issuer, revoked=[number]).entry.number == number
        fed.tick()


@pytest.mark.parametrize("later", [0, -1])
def test_a_list_is_younger_than_the_one_before(fed, issuer, later):
    fed.tick(10)
    fed.status_list(issuer)
    fed.now += later
    content = fed.list_content(issuer, issuer.list_url(), [5])
    fed.now -= later
    with refused("status_time_falls", RuleError):
        issued = fed.now + later
        times = {"iat": issued, "exp": issued + 604_800}
        fed.anchor_list(issuer, issuer.list_url(), content, **times)


def test_a_list_is_not_of_the_future(fed, issuer):
    fed.tick(121)
    content = fed.list_content(issuer, issuer.list_url())
    times = {"iat": fed.now, "exp": fed.now + 604_800}
    fed.tick(-121)
    with refused("status_time_ahead", RuleError):
        fed.anchor_list(issuer, issuer.list_url(), content, **times)
    fed.tick()
    fed.anchor_list(issuer, issuer.list_url(), content, **times)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exp": 5}, "status_time_falls"),
        ({"exp": 2_000_000_000}, "list_mismatch"),
        ({"iat": 5}, "list_mismatch"),
        ({"bits": 131_071}, "member_invalid"),
        ({"ttl": 0}, "member_invalid"),
        ({"kind": "token"}, "kind_unknown"),
        ({"kind": 1}, "member_invalid"),
        ({"more": 1}, "member_unknown"),
        ({"x": {"log": EV, "index": 0}}, "x_wrong"),
    ],
)
def test_the_entry_says_what_the_list_says(fed, issuer, changes, code):
    content = fed.list_content(issuer, issuer.list_url())
    with refused(code):
        fed.anchor_list(issuer, issuer.list_url(), content, **changes)


def test_a_list_lasts_longer_than_no_time(fed, issuer):
    content = fed.list_content(issuer, issuer.list_url())
    with refused("status_time_falls", RuleError):
        fed.anchor_list(issuer, issuer.list_url(), content, exp=fed.now)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"id": "https://gz.gd.example/agencies/a/status/2"}, "list_mismatch"),
        ({"validFrom": None}, "list_mismatch"),
        ({"validUntil": 7}, "list_mismatch"),
        ({"validFrom": "soon"}, "time_invalid"),
        ({"proof": None}, "proof_missing"),
        ({"description": "added later"}, "signature_invalid"),
    ],
)
def test_a_changed_list_is_refused(fed, issuer, changes, code):
    listed = load_object(fed.list_content(issuer, issuer.list_url()))
    content = jcs.encode({**listed, **changes})
    with refused(code):
        fed.anchor_list(issuer, issuer.list_url(), content)


def test_a_list_names_its_signer_and_has_one_proof_to_assert(fed, issuer, gd):
    listed = load_object(fed.list_content(issuer, issuer.list_url()))
    proof = listed.pop("proof")
    url = issuer.list_url()
    with refused("list_mismatch", RuleError):
        fed.anchor_list(issuer, url, jcs.encode({**listed, "proof": [proof, proof]}))
    with refused("list_mismatch", RuleError):
        wrong = fed.secure(listed, issuer, proofPurpose="authentication")
        fed.anchor_list(issuer, url, wrong)
    with refused("list_mismatch", RuleError):
        fed.anchor_list(issuer, url, fed.secure({**listed, "issuer": gd.did}, issuer))


def test_a_judge_without_the_content_asks_again_later(fed, issuer):
    placed = fed.status_list(issuer)
    fed.logs[EV] = type(fed.logs[EV])(EV)
    world = RuleContext(fed.policy, fed.logs.__getitem__, fed.now, {}.get)
    with refused("content_missing", UnavailableError):
        check.check(placed.entry, fed.logs[EV], world)
    world = RuleContext(fed.policy, fed.logs.__getitem__, fed.now, lambda digest: b"other")
    with refused("digest_wrong", RuleError):
        check.check(placed.entry, fed.logs[EV], world)


def test_a_suspended_issuer_still_publishes_status(fed, issuer, gd, grant):
    fed.restate(grant, gd, state="suspended")
    fed.status_list(issuer)


def test_after_its_period_the_custodian_publishes(fed, issuer, gd, grant):
    fed.restate(grant, gd, until=fed.now + 86_400)
    fed.tick(days=2)
    with refused("signer_wrong", RuleError):
        fed.status_list(issuer)
    fed.status_list(issuer, by=gd)


def test_a_period_ends_with_the_second_before_until(fed, issuer, gd, grant):
    fed.restate(grant, gd, until=fed.now + 100)
    fed.tick(99)
    fed.status_list(issuer)
    fed.tick()
    with refused("signer_wrong", RuleError):
        fed.status_list(issuer)


def test_without_custodian_a_lapsed_list_stays_as_it_is(fed, issuer, gd, grant):
    fed.restate(grant, gd, status_custodian=None, until=fed.now + 100)
    fed.tick(100)
    with refused("signer_wrong", RuleError):
        fed.status_list(issuer)


def test_an_end_counts_whatever_other_statement_names_the_list(fed, issuer, gd, grant):
    fed.grant(gd, issuer, scope="school")
    fed.end(grant, gd)
    fed.tick()
    with refused("signer_wrong", RuleError):
        fed.status_list(issuer)
    fed.status_list(issuer, by=gd)


def test_without_custodian_an_ended_list_stays_as_it_is(fed, issuer, gd, grant):
    placed = fed.restate(grant, gd, status_custodian=None)
    fed.end(placed, gd)
    fed.tick()
    for by in (issuer, gd):
        with refused("signer_wrong", RuleError):
            fed.status_list(issuer, by=by)


def test_a_list_changes_hands_once_its_issuer_no_longer_has_it(fed, issuer, gd, grant):
    fed.status_list(issuer)
    heir = fed.agency("heir.gd.example")
    fed.grant(gd, heir, status_lists=[issuer.list_url()])
    fed.tick()
    with refused("signer_wrong", RuleError):
        fed.status_list(heir, url=issuer.list_url())
    fed.restate(grant, gd, status_lists=[])
    fed.status_list(heir, url=issuer.list_url())


# --- from year to year -----------------------------------------------------------------------


@pytest.fixture
def eve():
    """A federation in the last seconds of 2026, with the logs of both years."""
    return Federation(years=(2026, 2027), now=1_798_761_590)


def turn(eve):
    issuer = eve.agency("gz.gd.example")
    eve.grant(eve.root("gd"), issuer)
    last = eve.status_list(issuer)
    eve.tick(days=1)
    link = {"log": EV, "index": last.index}
    return issuer, eve.list_content(issuer, issuer.list_url()), last, link


def anchored(eve, issuer, content, after, **changes):
    times = {"iat": eve.now, "exp": eve.now + 604_800, "ttl": 60, "bits": 131_072}
    body = {"issuer": issuer.did, "kind": "bitstring", **times, **changes}
    entry = entries.compose(
        "status", issuer.list_url(), body, after=after, digest=sha256(content)
    )
    return eve.submit("gd.example/ev/2027", entry, content)


def test_a_list_goes_on_in_the_new_year(eve):
    issuer, content, last, link = turn(eve)
    first = anchored(eve, issuer, content, last, x=link)
    assert first.entry.number == 2
    eve.tick()
    content = eve.list_content(issuer, issuer.list_url())
    with refused("x_wrong", RuleError):
        anchored(eve, issuer, content, first, x=link)
    anchored(eve, issuer, content, first)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        ({"log": "gd.example/ev/2025"}, "x_wrong"),
        ({"index": 1}, "x_wrong"),
        ({"index": True}, "member_invalid"),
        ({"more": 1}, "member_unknown"),
    ],
)
def test_the_new_year_names_the_last_entry_of_the_old_one(eve, spoil, code):
    issuer, content, last, link = turn(eve)
    with refused("x_wrong", RuleError):
        anchored(eve, issuer, content, last)
    with refused(code):
        anchored(eve, issuer, content, last, x={**link, **spoil})


def test_a_list_does_not_begin_anew_with_the_year(eve):
    issuer, content, _, link = turn(eve)
    with refused("out_of_order", OrderError):
        anchored(eve, issuer, content, None, x=link)


# --- evidence --------------------------------------------------------------------------------


def test_batches_of_one_owner_form_a_stream(fed, issuer):
    numbers = [fed.batch(issuer, [record]).placed.entry.number for record in (b"1", b"2")]
    assert numbers == [1, 2]
    assert fed.batch(issuer, [], "audit").placed.entry.number == 1


@pytest.mark.parametrize("state", ["suspended", "ended"])
def test_who_may_not_issue_anchors_no_issuances(fed, issuer, gd, grant, state):
    fed.restate(grant, gd, state=state)
    fed.tick()
    with refused("role_missing", RuleError):
        fed.batch(issuer, [b"backdated"])
    fed.batch(issuer, [b"what it decided before"], "audit")


def test_a_window_keeps_its_receipts_even_after_its_end(fed, gd):
    device = fed.device("window")
    duty = {"roles": ["counter"], "types": [], "items": ["permit"], "status_lists": []}
    placed = fed.grant(gd, device, scope="window", **duty)
    origin = EV
    for _ in range(2):
        body = {"owner": device.did, "kind": "receipt"}
        stream = stream_id(device.did, "receipt")
        entry = fed.compose(origin, "evidence", stream, body, bytes(32))
        fed.submit(origin, fed.sign(entry, device))
        if placed.entry.number == 1:
            placed = fed.end(placed, gd)


def test_a_device_has_no_issuances(fed):
    device = fed.device("window")
    body = {"owner": device.did, "kind": "issuance"}
    stream = stream_id(device.did, "issuance")
    entry = fed.compose(EV, "evidence", stream, body, bytes(32))
    with refused("role_missing", RuleError):
        fed.submit(EV, fed.sign(entry, device))


@pytest.mark.parametrize("kind", ["receipt", "issuance"])
def test_a_stream_needs_the_role_that_goes_with_it(fed, gd, kind):
    agency = fed.agency("sz.gd.example")
    with refused("role_missing", RuleError):
        fed.batch(agency, [], kind)
    role = {"receipt": "issuer", "issuance": "counter"}[kind]
    fed.grant(gd, agency, roles=[role])
    with refused("role_missing", RuleError):
        fed.batch(agency, [], kind)


@pytest.mark.parametrize("changes", [{"kind": "poem"}, {"count": 3}, {"owner": None}])
def test_another_shape_is_refused(fed, issuer, changes):
    body = {"owner": issuer.did, "kind": "issuance", **changes}
    stream = stream_id(issuer.did, "issuance")
    entry = fed.compose(EV, "evidence", stream, body, bytes(32))
    with pytest.raises(MalformedError):
        fed.submit(EV, fed.sign(entry, issuer))


# --- by which state of reg -------------------------------------------------------------------


def test_an_entry_is_judged_by_reg_as_it_stood_in_its_second(fed, issuer):
    """A validator that returns after a rotation accepts what was right when it was logged."""
    placed = fed.batch(issuer, [b"record"]).placed
    fed.tick()
    fed.rotate(issuer)
    fed.tick()
    copy = type(fed.logs[EV])(EV)
    copy.append(placed.entry, fed.world)
    assert copy.root(1) == fed.logs[EV].root(1)


def test_an_operator_cannot_set_an_entry_back_before_the_newest_heads(fed, issuer):
    old = (issuer.key, issuer.method)
    then = fed.now
    fed.tick(2)
    fed.rotate(issuer)
    entry = entries.compose("evidence", stream_id(issuer.did, "issuance"), {
        "owner": issuer.did, "kind": "issuance",
    }, digest=bytes(32))  # fmt: skip
    entry = entries.sign(entry, *old, timestamps.from_posix(then)).sequenced(then)
    check.check(entry, fed.logs[EV], fed.world)
    fed.heads("gd.example/reg", EV)
    with refused("key_not_listed", ProofError):
        check.check(entry, fed.logs[EV], fed.world)


def test_heads_that_cover_an_entry_say_nothing_about_reg_at_its_time(fed, issuer, gd, grant):
    """Whoever checks it later, as a new validator does, sees what was right at that time."""
    placed = fed.batch(issuer, [b"record"]).placed
    fed.tick()
    fed.end(grant, gd)
    fed.heads("gd.example/reg", EV)
    copy = type(fed.logs[EV])(EV)
    copy.append(placed.entry, fed.world)


def test_within_one_second_either_order_is_right(fed, issuer):
    fed.tick()
    placed = fed.batch(issuer, [b"record"]).placed
    fed.rotate(issuer)
    copy = type(fed.logs[EV])(EV)
    copy.append(placed.entry, fed.world)
    fed.batch(issuer, [b"another, with the new key"])


def test_a_log_as_of_a_second_holds_all_entries_of_that_second(fed):
    control = fed.logs["gd.example/reg"]
    assert LogPrefix.as_of(control, fed.now).size == 2
    assert LogPrefix.as_of(control, fed.now - 1).size == 0
    assert LogPrefix.now(control).size == 2


def test_leaf_of_the_batch_is_what_the_entry_anchors(fed, issuer):
    batch = fed.batch(issuer, [b"record"])
    item = batch.item(b"record")
    assert item["record"] == b64.encode_url(sha256(b"record"))
    assert item["index"] == batch.placed.index
