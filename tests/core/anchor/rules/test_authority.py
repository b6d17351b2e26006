"""Rules of `authority` entries: who may say what about whom, and what may follow."""

from dataclasses import replace

import pytest

from did_service.core.anchor.bodies.authority import parse_authority
from did_service.core.anchor.entry import parse_submission
from did_service.core.anchor.grants import ForeignGranter, Grants
from did_service.core.anchor.rules import check
from did_service.core.anchor.view import LogPrefix, RuleContext, at_home_in
from did_service.core.encoding.timestamps import MAX_POSIX_SECONDS
from did_service.core.errors import (
    DidServiceError,
    MalformedError,
    PolicyError,
    ProofError,
    RuleError,
    UnavailableError,
    UnsupportedError,
)
from tests.support.federation import RESIDENCE
from tests.support.memory_log import MemoryLog
from tests.support.refusals import refused

REG = "gd.example/reg"
HANDS_ON = {"roles": ["granter", "issuer"], "territory": ["440000"]}


@pytest.fixture
def bureau(fed, gd):
    """An agency that may hand on what it holds."""
    agency = fed.agency("bureau.gd.example")
    fed.grant(gd, agency, **HANDS_ON)
    return agency


@pytest.fixture
def office(fed):
    """An agency that holds nothing yet."""
    return fed.agency("gz.gd.example")


def statement_about(fed, agency, origin=REG):
    (placed,) = fed.logs[origin].statements_about(agency.did)
    return placed


# --- who signs -------------------------------------------------------------------------------


def test_a_root_grants_and_its_agency_grants_on(fed, bureau, office):
    fed.grant(bureau, office)
    grants = Grants(
        fed.policy,
        at_home_in(LogPrefix.now(fed.logs[REG]), fed.world),
        ForeignGranter.REFUSED,
        fed.now,
    )
    assert [held.types for held in grants.standing(office.did)] == [(RESIDENCE,)]


@pytest.mark.parametrize("signer", ["office", "hn"])
def test_the_first_statement_is_signed_by_its_granter(fed, bureau, office, signer):
    by = {"office": office, "hn": fed.root("hn")}[signer]
    with pytest.raises(RuleError):
        fed.grant(bureau, office, by=by)


def test_the_root_does_not_speak_first_in_its_agencys_name(fed, gd, bureau, office):
    with refused("signer_wrong", RuleError):
        fed.grant(bureau, office, by=gd)


def test_those_above_the_granter_may_end_what_it_granted(fed, gd, bureau, office):
    placed = fed.grant(bureau, office)
    fed.end(placed, gd)


@pytest.mark.parametrize("by", ["office", "other"])
def test_grantee_and_neighbours_have_no_say(fed, gd, bureau, office, by):
    placed = fed.grant(bureau, office)
    other = fed.agency("other.gd.example")
    fed.grant(gd, other, **HANDS_ON)
    with refused("signer_wrong", RuleError):
        fed.end(placed, {"office": office, "other": other}[by])


def test_a_small_grant_to_a_granter_buys_no_say_over_it(fed, gd, bureau, office):
    """Who grants a trifle to the bureau does not stand above what the bureau grants."""
    placed = fed.grant(bureau, office)
    climber = fed.agency("climber.gd.example")
    fed.grant(gd, climber, roles=["granter"], territory=["440300"], types=[])
    fed.grant(climber, bureau, scope="trifle", roles=["granter"], territory=[], types=[])
    with refused("signer_wrong", RuleError):
        fed.end(placed, climber)


@pytest.mark.parametrize("state", ["suspended", "ended"])
def test_a_granter_out_of_office_is_silent_and_its_superior_speaks(
    fed, gd, bureau, office, state
):
    placed = fed.grant(bureau, office)
    fed.restate(statement_about(fed, bureau), gd, state=state)
    with refused("signer_wrong", RuleError):
        fed.end(placed, bureau)
    with refused("signer_wrong", RuleError):
        fed.restate(placed, bureau)
    fed.end(placed, gd)


def test_a_narrowed_granter_still_ends_what_it_granted_before(fed, gd, bureau, office):
    placed = fed.grant(bureau, office)
    fed.restate(statement_about(fed, bureau), gd, territory=["440300"])
    with refused("grant_too_wide", RuleError):
        fed.restate(placed, bureau)
    fed.end(placed, bureau)


def test_every_proof_has_to_verify(fed, gd, office):
    body = fed.statement(gd, office)
    subject = parse_authority(body).subject
    entry = fed.compose(REG, "authority", subject, body)
    forged = fed.sign(entry, gd, replace(office, key=fed.device("thief").key))
    with refused("signature_invalid", ProofError):
        fed.submit(REG, forged)
    fed.submit(REG, fed.sign(entry, gd, office))


def test_a_proof_serves_no_other_number_of_the_chain(fed, gd, office):
    first = fed.grant(gd, office)
    replayed = fed.compose(REG, "authority", first.entry.subject, first.entry.body)
    with refused("signature_invalid", ProofError):
        fed.submit(REG, replayed)


def test_a_key_that_was_rotated_out_signs_no_more(fed, gd, office):
    old = replace(gd)
    fed.tick()
    fed.rotate(gd)
    with refused("key_not_listed", ProofError):
        fed.grant(gd, office, by=old)
    fed.grant(gd, office)


# --- what it may say -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wider",
    [
        {"roles": ["issuer", "counter"]},
        {"types": ["urn:didsvc:education:1"]},
        {"items": ["permit"]},
        {"prefixes": ["https://gd.example/"]},
        {"territory": ["450000"]},
        {"until": MAX_POSIX_SECONDS},
    ],
    ids=str,
)
def test_nobody_grants_more_than_it_holds(fed, bureau, office, wider):
    with refused("grant_too_wide", RuleError):
        fed.grant(bureau, office, **wider)


@pytest.mark.parametrize(
    "wider",
    [
        {"territory": ["430000"]},
        {"territory": ["440100", "000000"]},
        {"roles": ["publisher"], "prefixes": ["urn:didsvc:"]},
        {"roles": ["publisher"], "prefixes": ["https://hn.example/"]},
        {"roles": ["publisher"], "prefixes": ["https://bj.example/"]},
    ],
    ids=str,
)
def test_a_root_keeps_to_its_region(fed, gd, office, wider):
    with refused("grant_too_wide", RuleError):
        fed.grant(gd, office, **wider)


def test_who_holds_nothing_grants_nothing(fed, office):
    other = fed.agency("other.gd.example")
    with refused("grant_too_wide", RuleError):
        fed.grant(other, office)


def test_an_issuer_does_not_hand_on(fed, gd, office):
    fed.grant(gd, office)
    with refused("grant_too_wide", RuleError):
        fed.grant(office, fed.agency("other.gd.example"))


def test_a_chain_has_four_statements_at_most(fed, gd):
    until = fed.now + 100_000
    above = gd
    for number in range(4):
        below = fed.agency(f"level{number}.gd.example")
        fed.grant(above, below, until=until, **HANDS_ON)
        above = below
    with refused("grant_too_wide", RuleError):
        fed.grant(above, fed.agency("level4.gd.example"), until=until)


def test_a_circle_of_grants_hangs_in_the_air(fed, gd, bureau):
    """Two agencies that confirm each other are worth nothing once their root has spoken."""
    until = fed.now + 100_000
    friend = fed.agency("friend.gd.example")
    fed.grant(bureau, friend, until=until, **HANDS_ON)
    fed.grant(friend, bureau, until=until, scope="returned", **HANDS_ON)
    first = next(
        placed
        for placed in fed.logs[REG].statements_about(bureau.did)
        if placed.entry.body["granter"] == gd.did
    )
    fed.end(first, gd)
    for granter in (bureau, friend):
        with refused("grant_too_wide", RuleError):
            fed.grant(
                granter, fed.agency(f"new{granter.id[-4:].lower()}.gd.example"), until=until
            )


def test_subject_is_the_hash_of_its_parties(fed, gd, office):
    body = fed.statement(gd, office)
    entry = fed.compose(REG, "authority", "0" * 64, body)
    with refused("subject_wrong", RuleError):
        fed.submit(REG, fed.sign(entry, gd))


def test_a_statement_stands_where_its_grantee_is_at_home(fed, gd):
    elsewhere = fed.agency("cs.hn.example")
    body = fed.statement(gd, elsewhere)
    entry = fed.compose(REG, "authority", parse_authority(body).subject, body)
    with refused("not_at_home", RuleError):
        fed.submit(REG, fed.sign(entry, gd))


def test_nobody_is_granted_anything_before_it_is_in_the_log(fed, gd, office):
    stranger = replace(office, did=office.did.replace("gz.gd", "sz.gd"))
    with refused("signer_unknown", RuleError):
        fed.grant(gd, stranger)


def test_a_deactivated_did_is_granted_nothing_and_signs_nothing(fed, gd, bureau, office):
    fed.tick()
    fed.deactivate(bureau)
    with refused("signer_unknown", RuleError):
        fed.grant(gd, bureau, scope="again")
    with refused("signer_unknown", RuleError):
        fed.grant(bureau, office)
    fed.end(statement_about(fed, bureau), gd)


def test_a_custodian_is_known_and_another_than_the_issuer(fed, gd, office):
    custodian = fed.agency("archive.gd.example")
    placed = fed.grant(gd, office, status_custodian=custodian.did)
    with refused("custodian_wrong", RuleError):
        fed.restate(placed, gd, status_custodian=office.did)
    with refused("signer_unknown", RuleError):
        fed.restate(placed, gd, status_custodian=fed.root("hn").did)


# --- devices ---------------------------------------------------------------------------------


def test_a_device_is_registered_in_its_granters_home_log(fed, gd):
    agency = fed.agency("window.gd.example")
    roles = ["granter", "counter", "issuer"]
    fed.grant(gd, agency, roles=roles, types=[], items=["permit"])
    device = fed.device("window")
    duty = {"scope": "window", "types": [], "items": ["permit"], "until": fed.now + 10}
    placed = fed.grant(agency, device, roles=["counter"], **duty)
    assert fed.logs[REG].entries[placed.index] is placed
    with refused("grant_too_wide", RuleError):
        fed.grant(agency, fed.device("second"), roles=["issuer"], **duty)


def test_a_device_grants_nothing(fed, office):
    device = fed.device("window")
    body = {**fed.statement(fed.root("gd"), office), "granter": device.did}
    entry = fed.compose(REG, "authority", parse_authority(body).subject, body)
    with refused("did_method_unknown", UnsupportedError):
        fed.submit(REG, fed.sign(entry, device))


# --- time and states -------------------------------------------------------------------------


def test_from_may_lie_an_hour_back_for_the_way_to_the_log(fed, gd, office):
    with refused("grant_retroactive", RuleError):
        fed.grant(gd, office, begins=fed.now - 3_601)
    fed.grant(gd, office, begins=fed.now - 3_600)
    fed.grant(gd, office, scope="later", begins=fed.now + 86_400)


@pytest.mark.parametrize("state", ["suspended", "ended"])
def test_a_chain_begins_active(fed, gd, office, state):
    with refused("state_wrong", RuleError):
        fed.grant(gd, office, state=state)


def test_a_suspended_statement_comes_back_as_it_was_or_smaller(fed, gd, office):
    placed = fed.grant(gd, office, territory=["440100", "440300"])
    fed.tick(days=1)
    placed = fed.restate(placed, gd, state="suspended", since=fed.now - 60)
    placed = fed.restate(placed, gd, state="active", since=None, territory=["440100"])
    with refused("grant_retroactive", RuleError):
        fed.restate(placed, gd, territory=["440100", "440300"])


def test_more_is_granted_with_a_new_from(fed, gd, office):
    placed = fed.grant(gd, office)
    fed.tick(days=30)
    wider = {"types": [RESIDENCE, "urn:didsvc:education:1"]}
    with refused("grant_retroactive", RuleError):
        fed.restate(placed, gd, **wider)
    with refused("grant_retroactive", RuleError):
        fed.restate(placed, gd, **wider, **{"from": fed.now - 86_400})
    fed.restate(placed, gd, **wider, **{"from": fed.now})


@pytest.mark.parametrize("state", ["suspended", "ended"])
def test_an_end_grants_nothing_backwards(fed, gd, office, state):
    placed = fed.grant(gd, office)
    fed.tick(days=30)
    with refused("grant_retroactive", RuleError):
        fed.restate(placed, gd, state=state, types=[RESIDENCE, "urn:didsvc:education:1"])
    with refused("state_wrong", RuleError):
        fed.restate(placed, gd, state=state, **{"from": fed.now})


def test_a_period_is_prolonged_while_it_lasts(fed, gd, office):
    placed = fed.grant(gd, office, until=fed.now + 86_400)
    placed = fed.restate(placed, gd, until=fed.now + 2 * 86_400)
    fed.tick(days=3)
    with refused("grant_retroactive", RuleError):
        fed.restate(placed, gd, until=fed.now + 86_400)
    fed.restate(placed, gd, until=fed.now + 86_400, **{"from": fed.now})


def test_what_has_lapsed_is_restated_and_ended_but_not_prolonged(fed, gd, office):
    placed = fed.grant(gd, office, until=fed.now + 100)
    fed.tick(100)
    with refused("grant_retroactive", RuleError):
        fed.restate(placed, gd, until=fed.now + 1)
    fed.end(fed.restate(placed, gd), gd)


def test_an_ended_statement_does_not_begin_anew(fed, gd, office):
    placed = fed.end(fed.grant(gd, office), gd)
    fed.tick(60)
    with refused("ended_stays_ended", RuleError):
        fed.restate(placed, gd, state="active", since=None, **{"from": fed.now})


def test_an_end_may_lie_in_the_second_of_its_entry(fed, gd, office):
    placed = fed.grant(gd, office)
    fed.tick(60)
    fed.end(placed, gd, since=fed.now)


def test_an_end_lies_not_ahead_and_moves_only_back(fed, gd, office):
    placed = fed.grant(gd, office)
    fed.tick(days=30)
    with refused("state_wrong", RuleError):
        fed.end(placed, gd, since=fed.now + 1)
    placed = fed.end(placed, gd, since=fed.now - 60)
    for since in (None, fed.now - 59):
        with refused("ended_stays_ended", RuleError):
            fed.restate(placed, gd, since=since)
    fed.restate(placed, gd, since=fed.now - 61)


def test_an_end_without_since_counts_from_its_entry(fed, gd, office):
    placed = fed.end(fed.grant(gd, office), gd)
    ended = fed.now
    fed.tick(60)
    with refused("ended_stays_ended", RuleError):
        fed.restate(placed, gd, since=ended + 1)
    fed.restate(placed, gd, since=ended)


def test_a_grant_that_has_lapsed_is_worth_nothing(fed, gd, bureau, office):
    fed.restate(statement_about(fed, bureau), gd, until=fed.now + 100)
    fed.tick(100)
    with refused("grant_too_wide", RuleError):
        fed.grant(bureau, office, begins=fed.now - 50, until=fed.now)


def test_a_log_at_a_size_knows_nothing_later(fed, gd, office):
    log = fed.logs[REG]
    before = LogPrefix.now(log)
    placed = fed.grant(gd, office)
    then = LogPrefix.now(log)
    fed.end(placed, gd)
    assert before.chain("authority", placed.entry.subject) == []
    assert before.statements_about(office.did) == []
    assert then.chain("authority", placed.entry.subject) == [placed]
    assert then.statements_about(office.did) == [placed]
    assert then.newest("authority", placed.entry.subject) is placed


# --- across regions --------------------------------------------------------------------------


@pytest.fixture
def ministry(fed):
    fed.publish("cn")
    return fed.root("cn")


def test_a_grant_across_regions_rests_on_a_checkpoint(fed, ministry, office):
    with refused("x_missing", RuleError):
        fed.grant(ministry, office)
    fed.grant(ministry, office, x=fed.x("cn"))


def test_an_agency_of_another_region_is_judged_as_of_the_checkpoint(fed, ministry, office):
    agency = fed.agency("police.cn.example")
    with refused("signer_unknown", RuleError):
        fed.grant(agency, office, x=fed.x("cn"))
    fed.grant(ministry, agency, **HANDS_ON)
    fed.publish("cn")
    fed.grant(agency, office, x=fed.x("cn"))


def test_a_superior_of_another_region_speaks_with_its_checkpoint(fed, ministry, office):
    police, local = fed.agency("police.cn.example"), fed.agency("police.gd.example")
    until = fed.now + 1_000
    fed.grant(ministry, police, **HANDS_ON)
    fed.publish("cn")
    fed.grant(police, local, x=fed.x("cn"), until=until, **HANDS_ON)
    with refused("x_missing", RuleError):
        fed.grant(local, office, until=until)
    placed = fed.grant(local, office, x=fed.x("cn"), until=until)
    body = {**placed.entry.body, "state": "suspended"}
    body.pop("proof")
    fed.state(body, police)
    body.pop("x")
    with refused("signer_unknown", RuleError):
        fed.state(body, police)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        ({"origin": "hn.example/reg"}, "log_signature_missing"),
        ({"origin": "bj.example/reg"}, "log_unknown"),
        ({"origin": "cn.example/ev/2026"}, "x_wrong"),
        ({"origin": REG}, "x_wrong"),
        ({"size": 1}, "x_wrong"),
        ({"root": "A" * 43}, "x_wrong"),
        ({"proof": "no note"}, "note_invalid"),
    ],
)
def test_a_checkpoint_that_is_not_that_logs_is_refused(fed, ministry, office, spoil, code):
    with refused(code):
        fed.grant(ministry, office, x={**fed.x("cn"), **spoil})


def test_a_checkpoint_without_quorum_is_no_ground(fed, ministry, office):
    fed.cosign("cn.example/reg", {"gd": fed.now, "hn": fed.now})
    size = fed.logs["cn.example/reg"].size()
    x = {**_x_unchecked(fed), "size": size}
    with refused("quorum_not_met", ProofError):
        fed.grant(ministry, office, x=x)


def _x_unchecked(fed):
    note = fed.notes["cn.example/reg"]
    fed.cosign("cn.example/reg")
    return {**fed.x("cn"), "proof": note.decode()}


def test_a_checkpoint_is_at_most_an_hour_old(fed, ministry, office):
    x = fed.x("cn")
    fed.tick(3_600)
    fed.grant(ministry, office, x=x)
    fed.tick(1)
    with refused("x_wrong", RuleError):
        fed.grant(ministry, office, x=x, scope="late")


def test_a_judge_whose_copy_is_behind_asks_again_later(fed, ministry, office):
    entry = _signed(fed, ministry, office, x=fed.x("cn"))
    shorter = MemoryLog("cn.example/reg")
    logs = {**fed.logs, "cn.example/reg": shorter}
    world = RuleContext(fed.policy, logs.__getitem__, fed.now, fed.contents.get)
    with refused("log_behind", UnavailableError):
        check.check(entry, fed.logs[REG], world)


def test_a_judge_whose_copy_differs_has_found_a_fork(fed, ministry, office):
    entry = _signed(fed, ministry, office, x=fed.x("cn"))
    other = MemoryLog("cn.example/reg")
    for placed in fed.logs["hn.example/reg"].entries * 2:
        other.force(placed.entry)
    logs = {**fed.logs, "cn.example/reg": other}
    world = RuleContext(fed.policy, logs.__getitem__, fed.now, fed.contents.get)
    with refused("log_forked", PolicyError):
        check.check(entry, fed.logs[REG], world)


def _signed(fed, granter, grantee, **changes):
    body = fed.statement(granter, grantee, **changes)
    entry = fed.compose(REG, "authority", parse_authority(body).subject, body)
    return fed.sign(entry, granter).sequenced(fed.now)


def test_a_proof_for_another_purpose_does_not_count(fed, gd, office):
    signed = _signed(fed, gd, office).submission()
    proof = {**signed.body["proof"], "proofPurpose": "authentication"}
    entry = parse_submission({**signed.members, "b": {**signed.body, "proof": proof}})
    with refused("purpose_wrong", RuleError):
        fed.submit(REG, entry)


@pytest.mark.parametrize("proof", [None, [], {"type": "Other"}, 7])
def test_a_statement_without_readable_proof_is_malformed(fed, gd, office, proof):
    body = {**fed.statement(gd, office), "proof": proof}
    entry = fed.compose(REG, "authority", parse_authority(body).subject, body)
    with pytest.raises((MalformedError, DidServiceError)):
        fed.submit(REG, entry)


def test_a_grant_that_has_not_begun_grants_nothing_yet(fed):
    one, two = fed.agency("a1.gd.example"), fed.agency("a2.gd.example")
    day = 86_400
    wide = {"roles": ["granter", "issuer"], "status_lists": []}
    fed.grant(fed.root("gd"), one, begins=fed.now + day, **wide)
    with refused("grant_too_wide", RuleError):
        fed.grant(one, two, begins=fed.now + 2 * day, until=fed.now + 9 * day)
    fed.tick(days=1)
    fed.grant(one, two, begins=fed.now + day, until=fed.now + 9 * day)


def test_an_ended_statement_is_not_merely_suspended_from_earlier_on(fed):
    agency, root = fed.agency("a3.gd.example"), fed.root("gd")
    granted = fed.grant(root, agency)
    fed.tick(60)
    ended = fed.end(granted, root)
    with refused("ended_stays_ended", RuleError):
        fed.restate(ended, root, state="suspended", since=fed.now - 60)
