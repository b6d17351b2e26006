"""Rules that hold for every entry: place, order, time, quota; then policy and heads."""

from dataclasses import replace

import pytest

from did_service.core.anchor import entry as entries
from did_service.core.anchor.bodies.policy import parse_policy
from did_service.core.anchor.rules import check
from did_service.core.anchor.view import RuleContext
from did_service.core.encoding import b64
from did_service.core.errors import (
    OrderError,
    PolicyError,
    RuleError,
    UnavailableError,
    UnsupportedError,
)
from tests.support.dids import key
from tests.support.federation import founded
from tests.support.founding import FEDERATION, governor
from tests.support.refusals import refused

REG, EV = "gd.example/reg", "gd.example/ev/2026"


def heads_body(fed, about=REG, **changes):
    log = fed.logs[about]
    snapshot = log.snapshot(log.size())
    body = {
        "size": log.size(),
        "count": len(snapshot.records),
        "root": b64.encode_url(snapshot.root),
        "at": fed.now,
    }
    if about != REG:
        body["tree"] = b64.encode_url(log.root(log.size()))
    return {**body, **changes}


def submit_heads(fed, about=REG, **changes):
    return fed.submit(REG, fed.compose(REG, "heads", about, heads_body(fed, about, **changes)))


# --- place and order -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "kind"), [(REG, "status"), (REG, "evidence"), (EV, "did"), (EV, "heads")]
)
def test_control_and_data_plane_do_not_mix(fed, origin, kind):
    digest = bytes(32) if kind in {"status", "evidence"} else None
    entry = entries.compose(kind, "urn:x", {}, digest=digest)
    with refused("type_elsewhere", RuleError):
        fed.submit(origin, entry)


def test_an_entry_of_no_known_type_has_no_rules(fed):
    entry = fed.compose(REG, "schema", "urn:x", {}).sequenced(fed.now)
    with refused("type_elsewhere", RuleError):
        check.check(replace(entry, type="didweb"), fed.logs[REG], fed.world)


@pytest.mark.parametrize("number", [2, 3])
def test_a_chain_begins_with_one_and_has_no_gaps(fed, number):
    members = {**fed.compose(REG, "heads", REG, heads_body(fed)).members, "n": number}
    entry = entries.parse_submission({**members, "p": b64.encode_url(bytes(32))})
    with refused("out_of_order", OrderError):
        fed.submit(REG, entry)


def test_the_refusal_of_a_second_child_tells_the_newest(fed):
    submit_heads(fed)
    twin = entries.compose("heads", REG, heads_body(fed))
    with pytest.raises(OrderError) as late:
        fed.submit(REG, twin)
    newest = fed.logs[REG].newest("heads", REG)
    assert late.value.details == {"newest": 1, "leaf": newest.leaf.hex()}


def test_another_parent_is_refused(fed):
    submit_heads(fed)
    members = {**fed.compose(REG, "heads", REG, heads_body(fed)).members}
    members["p"] = b64.encode_url(fed.logs[REG].entries[0].leaf)
    with refused("out_of_order", OrderError):
        fed.submit(REG, entries.parse_submission(members))


def test_time_never_falls(fed):
    fed.tick(-1)
    with refused("time_falls", RuleError):
        submit_heads(fed)


def test_time_leads_the_judge_by_120_seconds_at_most(fed):
    def judged(ahead):
        entry = fed.compose(REG, "heads", REG, heads_body(fed, at=fed.now + ahead))
        check.check(entry.sequenced(fed.now + ahead), fed.logs[REG], fed.world)

    judged(120)
    with refused("time_ahead", RuleError):
        judged(121)


def test_a_late_second_is_accepted(fed):
    entry = fed.compose(REG, "heads", REG, heads_body(fed)).sequenced(fed.now)
    fed.tick(days=30)
    check.check(entry, fed.logs[REG], fed.world)


@pytest.mark.parametrize("quota", [{"daily_entries": 2}, {"daily_bytes": 1_000}])
def test_a_day_has_a_quota(fed, quota):
    regions = [dict(each) for each in fed.policy.members["regions"]]
    regions[0].update(quota)
    fed.policy = parse_policy({**fed.policy.members, "regions": regions})
    with refused("quota_used_up", RuleError):
        submit_heads(fed)
    fed.tick(1, days=1)
    submit_heads(fed)


def test_a_log_that_is_not_in_the_policy_has_no_rules(fed):
    fed.logs[REG].origin = "bj.example/reg"
    with refused("log_unknown", PolicyError):
        submit_heads(fed)


# --- policy entries --------------------------------------------------------------------------


def submit_policy(fed, policy, origin=REG, subject=FEDERATION):
    entry = fed.compose(origin, "policy", subject, {"policy": policy.members})
    return fed.submit(origin, entry)


def test_the_next_policy_comes_into_every_log(fed):
    offered = fed.next_policy()
    for origin in (REG, "hn.example/reg"):
        submit_policy(fed, offered, origin)
    fed.policy = offered
    submit_policy(fed, offered, "zj.example/reg")


def test_a_policy_of_another_federation_stands_nowhere(fed):
    with refused("policy_elsewhere", RuleError):
        submit_policy(fed, fed.policy, subject="urn:didsvc:federation:other")
    other = fed.next_policy(federation="urn:didsvc:federation:other")
    with refused("policy_elsewhere", RuleError):
        submit_policy(fed, other, subject=other.federation)


def test_a_log_begins_with_the_policy_in_force(fed):
    fresh = founded()
    log = fresh.logs[REG] = type(fresh.logs[REG])(REG)
    with refused("policy_skipped", PolicyError):
        submit_policy(fresh, fresh.next_policy())
    submit_policy(fresh, fresh.policy)
    assert log.size() == 1
    with refused("policy_forked", PolicyError):
        pinned = fed.next_policy(seq=1, previous=None, demo=False)
        log = fed.logs[REG] = type(fed.logs[REG])(REG)
        submit_policy(fed, pinned)


def test_a_log_that_begins_earlier_needs_signatures_as_well(fed):
    first, fed.policy = fed.policy, fed.next_policy()
    fed.logs[REG] = type(fed.logs[REG])(REG)
    unsigned = parse_policy({**first.members, "proof": first.members["proof"][:2]})
    with refused("policy_signatures_missing", PolicyError):
        submit_policy(fed, unsigned)
    submit_policy(fed, first)
    submit_policy(fed, fed.policy)


def test_a_policy_that_is_over_does_not_come_into_a_log(fed):
    offered = fed.next_policy(expires="2026-11-21T08:00:00Z")
    with refused("policy_expired", PolicyError):
        submit_policy(fed, offered)


# --- heads entries ---------------------------------------------------------------------------


def test_heads_about_itself_and_about_ev(fed):
    fed.grant(fed.root("gd"), agency := fed.agency("gz.gd.example"))
    fed.batch(agency, [b"record"])
    submit_heads(fed, EV)
    submit_heads(fed)
    submit_heads(fed)


@pytest.mark.parametrize(
    ("about", "changes", "code"),
    [
        (REG, {"size": 1}, "heads_size_wrong"),
        (REG, {"size": 3}, "heads_size_wrong"),
        (REG, {"count": 1}, "heads_root_wrong"),
        (REG, {"root": "A" * 43}, "heads_root_wrong"),
        (REG, {"at": 0}, "heads_time_wrong"),
        (REG, {"tree": "A" * 43}, "member_unknown"),
        (EV, {"tree": "A" * 43}, "heads_root_wrong"),
        (EV, {"count": 5}, "heads_root_wrong"),
        (EV, {"size": 2}, "log_behind"),
        (EV, {"size": 0}, "heads_root_wrong"),
        (EV, {"more": 1}, "member_unknown"),
    ],
)
def test_heads_that_do_not_match_the_log_are_refused(fed, about, changes, code):
    fed.grant(fed.root("gd"), agency := fed.agency("gz.gd.example"))
    fed.batch(agency, [b"record"])
    changes = {**changes, "size": 1} if changes == {"size": 3} else changes
    with refused(code):
        submit_heads(fed, about, **changes)


@pytest.mark.parametrize(
    "about", ["hn.example/reg", "hn.example/ev/2026", "gd.example/ev/2027"]
)
def test_heads_are_about_logs_of_the_same_region(fed, about):
    body = heads_body(fed)
    with refused("not_at_home", RuleError):
        fed.submit(REG, fed.compose(REG, "heads", about, {**body, "tree": body["root"]}))


def test_heads_of_ev_never_cover_less_than_before(fed):
    fed.grant(fed.root("gd"), agency := fed.agency("gz.gd.example"))
    for record in (b"1", b"2"):
        fed.batch(agency, [record])
    submit_heads(fed, EV)
    log = fed.logs[EV]
    smaller = {
        "size": 1,
        "count": 1,
        "root": b64.encode_url(log.snapshot(1).root),
        "tree": b64.encode_url(log.root(1)),
    }
    with refused("heads_size_wrong", RuleError):
        submit_heads(fed, EV, **smaller)


def test_a_judge_without_a_copy_asks_again_later(fed):
    def nothing(origin):
        raise UnavailableError("log_not_mirrored", origin)

    entry = fed.compose(REG, "heads", EV, heads_body(fed, EV)).sequenced(fed.now)
    world = RuleContext(fed.policy, nothing, fed.now, fed.contents.get)
    with refused("log_not_mirrored", UnavailableError):
        check.check(entry, fed.logs[REG], world)


@pytest.mark.parametrize("operation", ["leave", "join", "end", "void"])
def test_operations_on_dids_are_refused_by_name(fed, operation):
    body = {"did": fed.root("gd").did, "op": operation}
    entry = fed.compose(REG, "did", fed.root("gd").id, body)
    with refused("rules_not_in_force", RuleError):
        fed.submit(REG, entry)
    if operation == "end":
        later = founded(rules=2)
        with refused("op_not_supported", UnsupportedError):
            later.submit(REG, later.compose(REG, "did", later.root("gd").id, body))


def test_governance_keys_of_strangers_sign_nothing(fed):
    with refused("policy_signatures_missing", PolicyError):
        submit_policy(fed, fed.next_policy([governor("gd"), key("a"), key("b")]))
