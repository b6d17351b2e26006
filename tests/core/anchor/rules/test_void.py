"""Voids: governance takes back what a chain has said, and nobody else does."""

import pytest

from did_service.core.anchor.bodies.authority import parse_authority
from did_service.core.anchor.bodies.void import NAMING
from did_service.core.anchor.grants import ForeignGranter, Grants
from did_service.core.anchor.rules.did import state_of
from did_service.core.anchor.view import LogPrefix, at_home_in, document_of
from did_service.core.did.syntax import did_id
from did_service.core.did.webvh import write
from did_service.core.encoding import timestamps
from did_service.core.errors import MalformedError, ProofError, RuleError
from tests.support.dids import hash_of, key
from tests.support.federation import Actor, founded
from tests.support.moving import REASON, standing_of, void, void_entry
from tests.support.refusals import refused

REG, CN = "gd.example/reg", "cn.example/reg"
SCHEMA = "urn:didsvc:schema:demo:1"


@pytest.fixture
def fed():
    return founded(rules=2)


@pytest.fixture
def office(fed):
    made = fed.agency("gz.gd.example")
    fed.tick()
    return made


def entry_of(fed, kind, office):
    """An entry of a type that can be voided, and its log."""
    match kind:
        case "did":
            return REG, fed.rotate(office)
        case "authority":
            return REG, fed.grant(fed.root("gd"), office)
        case "schema":
            return CN, fed.schema(fed.root("cn"), SCHEMA, {"type": "object"})


def homes(fed):
    return at_home_in(LogPrefix.now(fed.logs[REG]), fed.world)


@pytest.mark.parametrize("kind", NAMING)
def test_the_entry_keeps_its_place_and_the_head_moves(fed, office, kind):
    origin, placed = entry_of(fed, kind, office)
    log, chain = fed.logs[origin], (kind, placed.entry.subject)
    head = log.snapshot(log.size()).find(*chain)
    voided = void(fed, origin, placed)
    snapshot = log.snapshot(log.size())
    assert snapshot.records[head].leaf == voided.leaf
    assert log.entries[placed.index] == placed
    assert placed.entry.number not in standing_of(fed, origin, *chain)


@pytest.mark.parametrize("kind", NAMING)
@pytest.mark.parametrize("signers", [(), ("gd",), ("gd", "hn")])
def test_fewer_than_the_threshold_void_nothing(fed, office, kind, signers):
    origin, placed = entry_of(fed, kind, office)
    with pytest.raises((RuleError, MalformedError)) as refusal:
        fed.submit(origin, void_entry(fed, origin, placed, signers))
    assert refusal.value.code in {"void_not_by_governance", "proof_missing"}


def test_the_root_of_the_region_and_strangers_void_nothing(fed, office):
    origin, placed = entry_of(fed, "authority", office)
    unsigned = void_entry(fed, origin, placed, signers=())
    for signers in ([fed.root("gd")], [fed.device("a"), fed.device("b"), fed.device("c")]):
        with pytest.raises(RuleError) as refusal:
            fed.submit(origin, fed.sign(unsigned, *signers))
        assert refusal.value.code in {"void_not_by_governance", "signer_unknown"}
    enough = void_entry(fed, origin, placed)
    spoilt = Actor("did:key:x", fed.device("d").method, key("another"))
    with refused("signature_invalid", ProofError):
        fed.submit(origin, fed.sign(enough, spoilt))


def test_a_governor_who_signs_thrice_is_one(fed, office):
    origin, placed = entry_of(fed, "schema", office)
    with refused("void_not_by_governance", RuleError):
        fed.submit(origin, void_entry(fed, origin, placed, ("gd", "gd", "gd")))


def test_rules_1_know_no_void(fed, office):
    _, placed = entry_of(fed, "schema", office)
    old = founded()
    with refused("rules_not_in_force", RuleError):
        old.submit(CN, old.compose(CN, "schema", SCHEMA, void_entry(fed, CN, placed).body))


@pytest.mark.parametrize("kind", NAMING)
def test_a_void_is_of_an_entry_that_stands(fed, office, kind):
    origin, placed = entry_of(fed, kind, office)
    for number in (placed.entry.number + 1, placed.entry.number + 7):
        with refused("void_of_nothing", RuleError):
            fed.submit(origin, void_entry(fed, origin, placed, of=number))
    void(fed, origin, placed)
    for number in (placed.entry.number, placed.entry.number + 1):
        with refused("void_of_nothing", RuleError):
            fed.submit(origin, void_entry(fed, origin, placed, of=number))


def test_nothing_is_voided_that_was_never_said(fed, office):
    _, placed = entry_of(fed, "schema", office)
    unborn = void_entry(fed, "hn.example/reg", placed)
    with refused("void_of_nothing", RuleError):
        fed.submit("hn.example/reg", unborn)


def test_a_void_names_the_subject_of_its_chain(fed, office):
    _, placed = entry_of(fed, "authority", office)
    with refused("subject_wrong", RuleError):
        fed.submit(REG, void_entry(fed, REG, placed, scope="another"))
    _, version = entry_of(fed, "did", office)
    with refused("subject_wrong", RuleError):
        fed.submit(REG, void_entry(fed, REG, version, did=fed.root("gd").did))


@pytest.mark.parametrize("members", [{"more": 1}, {"reason": {"zh": "x"}}, {"of": 0}])
def test_another_shape_is_refused(fed, office, members):
    _, placed = entry_of(fed, "authority", office)
    with pytest.raises(MalformedError):
        fed.submit(REG, void_entry(fed, REG, placed, **members))


def test_what_is_no_claim_of_anybody_is_not_voided(fed):
    policy = fed.logs[REG].newest("policy", fed.policy.federation)
    with pytest.raises(MalformedError):
        fed.submit(REG, void_entry(fed, REG, policy))


def test_a_voided_grant_grants_nothing_until_it_is_stated_anew(fed, office):
    placed = fed.grant(fed.root("gd"), office)
    void(fed, REG, placed)
    assert LogPrefix.now(fed.logs[REG]).statements_about(office.did) == []
    grants = Grants(fed.policy, homes(fed), ForeignGranter.ENOUGH, fed.now)
    assert list(grants.standing(office.did)) == []
    with refused("role_missing", RuleError):
        fed.batch(office, [b"x"])
    again = fed.grant(fed.root("gd"), office)
    assert again.entry.number == 3
    fed.batch(office, [b"x"])


def test_what_follows_a_void_is_judged_after_what_stands(fed, office):
    gd = fed.root("gd")
    first = fed.grant(gd, office)
    fed.tick()
    ended = fed.end(first, gd)
    void(fed, REG, ended)
    fed.tick()
    body = {**first.entry.body}
    body.pop("proof")
    again = fed.state(body, gd)
    assert parse_authority(again.entry.body).state == "active"
    wider = {**body, "territory": ["440000"]}
    with refused("grant_retroactive", RuleError):
        fed.state(wider, gd)


def test_a_void_reaches_to_the_end_of_the_chain(fed, office):
    gd = fed.root("gd")
    first = fed.grant(gd, office)
    for _ in range(3):
        fed.tick()
        fed.restate(first, gd)
    void(fed, REG, fed.logs[REG].chain("authority", first.entry.subject)[1])
    assert standing_of(fed, REG, "authority", first.entry.subject) == [1]


def test_a_voided_version_signs_nothing_and_the_one_before_goes_on(fed, office):
    before = office.state
    bad = fed.rotate(office)
    void(fed, REG, bad)
    with refused("signer_unknown", RuleError):
        document_of(office.did, homes(fed))
    with refused("version_voided", RuleError):
        fed.submit(REG, fed.compose(REG, "did", office.id, bad.entry.body))
    fed.tick()
    office.state, office.version = before, 1
    body = {"did": office.did, "entry": next_version(fed, office)}
    fed.submit(REG, fed.compose(REG, "did", office.id, body))
    assert state_of(did_id(office.did), fed.logs[REG]).version.number == 2
    document_of(office.did, homes(fed))


def next_version(fed, office):
    update = key("gz.gd.example update 2")
    now = timestamps.from_posix(fed.now)
    return write.rotate(office.state, update, [hash_of("gz third")], now=now)


def test_a_did_whose_first_version_is_void_does_not_begin_again(fed, office):
    (first,) = fed.logs[REG].chain("did", office.id)
    void(fed, REG, first)
    with refused("version_voided", RuleError):
        fed.submit(REG, fed.compose(REG, "did", office.id, first.entry.body))


def test_the_reason_is_said_in_two_languages(fed, office):
    origin, placed = entry_of(fed, "schema", office)
    assert void(fed, origin, placed).entry.body["reason"] == REASON
