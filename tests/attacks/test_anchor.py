"""Attacks that validators stop before they cosign, by the names of the threat model."""

import random
from dataclasses import replace

import pytest

from did_service.core.anchor import entry as entries
from did_service.core.anchor import rules_number
from did_service.core.anchor.bodies.authority import parse_authority, subject_of
from did_service.core.anchor.bodies.policy import check_first, check_successor, parse_policy
from did_service.core.anchor.rules import check
from did_service.core.anchor.streams import stream_id
from did_service.core.anchor.territory import covers
from did_service.core.anchor.view import RuleContext
from did_service.core.crypto import multikey
from did_service.core.did.syntax import did_id
from did_service.core.did.webvh import write
from did_service.core.encoding import b64, timestamps
from did_service.core.errors import (
    DidServiceError,
    MalformedError,
    OrderError,
    PolicyError,
    ProofError,
    RuleError,
    UnavailableError,
)
from did_service.core.log.cosignature import Cosigner
from did_service.core.log.note import parse_note
from tests.support.dids import key
from tests.support.federation import RESIDENCE, Federation
from tests.support.founding import FEDERATION, TERRITORY, governor, log_policy, witness
from tests.support.memory_log import MemoryLog
from tests.support.refusals import refused

REG, EV = "gd.example/reg", "gd.example/ev/2026"


@pytest.fixture
def issuer(fed, gd):
    """An agency with a grant and gd's root as custodian of its lists, since a minute."""
    agency = fed.agency("gz.gd.example")
    fed.grant(gd, agency, status_custodian=gd.did)
    fed.tick(60)
    return agency


def grant_of(fed, agency, origin=REG):
    (placed,) = fed.logs[origin].statements_about(agency.did)
    return placed


def heads(fed, about=REG, **changes):
    log = fed.logs[about]
    size = changes.get("size", log.size())
    snapshot = log.snapshot(size)
    body = {
        "size": size,
        "count": len(snapshot.records),
        "root": b64.encode_url(snapshot.root),
        "at": fed.now,
        **changes,
    }
    if about != REG:
        body["tree"] = b64.encode_url(log.root(size))
    return fed.compose(REG, "heads", about, body)


# --- region, log operator --------------------------------------------------------------------


def test_home_region_cosignature_never_counts(fed):
    """A log's own region cosigns in place of another: by key, and by a twin of its name."""
    fed.cosign(REG, dict.fromkeys(("gd", "hn", "zj"), fed.now))
    with refused("quorum_not_met", ProofError):
        fed.policy.log_policy(REG).verify(fed.notes[REG])
    own = log_policy("hn.example/reg").encode().decode().replace("hn.example/reg", REG)
    regions = [dict(each) for each in fed.policy.members["regions"]]
    regions[0]["logs"] = {**regions[0]["logs"], REG: own}
    with pytest.raises((PolicyError, MalformedError)):
        parse_policy({**fed.policy.members, "regions": regions})


def test_heads_must_cover_up_to_itself(fed, gd, issuer):
    """The operator leaves the end of a grant out of the heads: the grant looks newest."""
    before = fed.logs[REG].size()
    fed.end(grant_of(fed, issuer), gd)
    with refused("heads_size_wrong", RuleError):
        fed.submit(REG, heads(fed, size=before))
    fed.submit(REG, heads(fed))


def test_heads_of_ev_must_cover_what_was_cosigned(fed, issuer):
    """The operator keeps an ev list that all have seen out of the heads about ev."""
    fed.status_list(issuer)
    fed.cosign(EV)
    fed.tick(120)
    fed.submit(REG, heads(fed, EV, size=0))  # its clock may be two minutes behind
    fed.tick(1)
    with refused("heads_size_wrong", RuleError):
        fed.submit(REG, heads(fed, EV, size=0))
    fed.submit(REG, heads(fed, EV))


def test_heads_at_in_future(fed):
    """Heads dated ahead would stay fresh for as long."""
    with refused("heads_time_wrong", RuleError):
        fed.submit(REG, heads(fed, at=fed.now + 3_600))
    ahead = heads(fed, at=fed.now + 3_600).sequenced(fed.now + 3_600)
    with refused("time_ahead", RuleError):
        check.check(ahead, fed.logs[REG], fed.world)


def test_record_time_outside_period(fed, issuer):
    """A record of another year is put into a log that is frozen, or not yet open."""
    for days in (-400, 400):
        entry = entries.compose("evidence", "urn:x", {}, digest=bytes(32))
        log = MemoryLog(EV)
        at = fed.now + days * 86_400
        world = fed.world._replace(now=at)
        with refused("time_outside_period", RuleError):
            check.check(entry.sequenced(at), log, world)


def test_second_child(fed, gd, issuer):
    """Two versions of one DID, two ends of one grant: the later one has no place."""
    grant = grant_of(fed, issuer)
    fed.end(grant, gd)
    body = {**grant.entry.body, "state": "suspended"}
    body.pop("proof")
    child = entries.compose("authority", grant.entry.subject, body, after=grant)
    with refused("out_of_order", OrderError):
        fed.submit(REG, fed.sign(child, gd))
    other = write.rotate(
        issuer.state,
        key("gz.gd.example update 2"),
        issuer.state.version.parameters.next_key_hashes,
        now=timestamps.from_posix(fed.now),
    )
    first = fed.logs[REG].newest("did", issuer.id)
    fed.rotate(issuer)
    body = {"did": issuer.did, "entry": other}
    with refused("out_of_order", OrderError):
        fed.submit(REG, entries.compose("did", issuer.id, body, after=first))


def test_ended_subject_cannot_restart(fed, gd, issuer):
    """What has ended begins again: as the next number, as a new chain, as a new DID entry."""
    grant = fed.end(grant_of(fed, issuer), gd)
    for begins in (grant.entry.body["from"], fed.now):
        with pytest.raises(RuleError) as again:
            fed.restate(grant, gd, state="active", since=None, **{"from": begins})
        assert again.value.code in {"ended_stays_ended", "state_wrong"}
    body = fed.statement(gd, issuer)
    anew = entries.compose("authority", grant.entry.subject, body)
    with refused("out_of_order", OrderError):
        fed.submit(REG, fed.sign(anew, gd))
    fed.deactivate(issuer)
    fed.tick()
    with refused("did_deactivated", RuleError):
        fed.rotate(issuer)


def test_grant_by_granter_revoked_elsewhere(fed):
    """A ministry's agency lost its role in the ministry's log and grants in another region."""
    office, police = fed.agency("gz.gd.example"), fed.agency("police.cn.example")
    hands_on = {"roles": ["granter", "issuer"], "territory": ["440000"]}
    fed.grant(fed.root("cn"), police, **hands_on)
    fed.publish("cn")
    stale = fed.x("cn")
    fed.end(grant_of(fed, police, "cn.example/reg"), fed.root("cn"))
    fed.publish("cn")
    with refused("grant_too_wide", RuleError):
        fed.grant(police, office, x=fed.x("cn"))
    fed.tick(3_601)
    with refused("x_wrong", RuleError):
        fed.grant(police, office, x=stale)


def test_did_spelling_variants_one_subject(fed, gd, issuer):
    """One subject under two names would have two histories and two sets of grants."""
    scid = issuer.id
    for spelling in (
        f"did:webvh:{scid}:GZ.gd.example",
        f"did:webvh:{scid}:gz.gd.example.",
        f"did:webvh:{scid}:gz%2Egd.example",
        f"did:webvh:{scid}:gz.gd.example:",
    ):
        for kind, body in (
            ("did", {"did": spelling, "entry": {}}),
            ("authority", {**fed.statement(gd, issuer), "grantee": spelling, "proof": {}}),
        ):
            with pytest.raises(MalformedError):
                fed.submit(REG, fed.compose(REG, kind, scid, body))
    port = f"did:webvh:{scid}:gz.gd.example%3A443"  # the grammar has it, our logs do not
    granted = {**fed.statement(gd, issuer), "grantee": port, "proof": {}}
    subject = subject_of(granted["granter"], port, granted["scope"])
    for kind, named, body in (
        ("did", scid, {"did": port, "entry": {}}),
        ("authority", subject, granted),
    ):
        with refused("did_not_canonical", MalformedError):
            fed.submit(REG, fed.compose(REG, kind, named, body))
    other = f"did:webvh:{scid}:sz.gd.example"
    assert did_id(other) == scid  # the same subject, which is not known by this name
    with refused("signer_unknown", RuleError):
        fed.grant(gd, replace(issuer, did=other), scope="again")


def test_host_suffix_label_boundary(fed):
    """`evilgd.example` ends in `gd.example` and is not below it."""
    home = fed.policy.region_of_host
    assert home("gz.gd.example").id == "gd"
    for stranger in ("evilgd.example", "gd.example.evil", "example", "", "gd.example."):
        with refused("home_unknown", PolicyError):
            home(stranger)
    for prefix in ("https://gd.example.evil/x", "https://gd.exampleevil/x"):
        with refused("home_unknown", PolicyError):
            fed.policy.home_of_schema(prefix)


def test_region_floods_mirrors(fed, issuer):
    """A region writes more than its day's share; all others would have to keep it for ever."""
    regions = [dict(each) for each in fed.policy.members["regions"]]
    regions[0] |= {"daily_entries": 20}
    fed.policy = parse_policy({**fed.policy.members, "regions": regions})
    with refused("quota_used_up", RuleError):
        for _ in range(21):
            fed.batch(issuer, [])
    regions[0] |= {"daily_entries": 1_000_000, "daily_bytes": 50_000}
    fed.policy = parse_policy({**fed.policy.members, "regions": regions})
    fed.tick(days=2)
    with refused("quota_used_up", RuleError):  # contents that come along count as well
        for _ in range(50):
            fed.status_list(issuer, revoked=random.Random(1).sample(range(131_072), 20_000))
            fed.tick()


def test_policy_skip(fed):
    """A step is left out, and with it the governance that would have had to sign."""
    second = fed.next_policy()
    third = fed.next_policy(seq=3, previous=b64.encode_url(second.digest))
    with refused("policy_skipped", PolicyError):
        check_successor(fed.policy, third)
    for origin in (REG, "hn.example/reg"):
        with refused("policy_skipped", PolicyError):
            body = {"policy": third.members}
            fed.submit(origin, fed.compose(origin, "policy", FEDERATION, body))


def test_policy_fork(fed):
    """Two valid second policies: whoever holds one refuses the other and says so."""
    one, two = fed.next_policy(), fed.next_policy(demo=False)
    with refused("policy_forked", PolicyError):
        check_successor(one, two)
    fed.policy = one
    with refused("policy_forked", PolicyError):
        fed.submit(REG, fed.compose(REG, "policy", FEDERATION, {"policy": two.members}))


def test_policy_signed_by_old_only(fed):
    """The old governance names a new one that has never agreed, or the new one names itself."""
    fresh = [key(f"fresh {number}") for number in range(5)]
    names = [multikey.encode_ed25519(each.public) for each in fresh]
    governance = {"k": 3, "keys": names}
    old = [governor(region) for region in ("gd", "hn", "zj")]
    for signers in (old, fresh[:3]):
        with refused("policy_signatures_missing", PolicyError):
            check_successor(fed.policy, fed.next_policy(signers, governance=governance))


def test_stream_squatting(fed, gd, issuer):
    """Another agency takes an issuer's stream, or begins it first under its own signature."""
    squatter = fed.agency("squat.gd.example")
    fed.grant(gd, squatter)
    for owner in (squatter, issuer):
        body = {"owner": owner.did, "kind": "issuance"}
        stream = stream_id(issuer.did, "issuance")
        entry = fed.sign(fed.compose(EV, "evidence", stream, body, bytes(32)), squatter)
        with pytest.raises(RuleError) as taken:
            fed.submit(EV, entry)
        assert taken.value.code in {"subject_wrong", "signer_wrong"}


# --- issuer ----------------------------------------------------------------------------------


def test_removed_issuer_clears_revocation(fed, gd, issuer):
    """An issuer that was removed publishes an empty list over its revocations."""
    fed.status_list(issuer, revoked=[7])
    fed.end(grant_of(fed, issuer), gd)
    fed.tick()
    with refused("signer_wrong", RuleError):
        fed.status_list(issuer)


def test_stolen_key_clears_a_revocation(fed, issuer, gd, monkeypatch):
    """Whoever holds the issuer's key, or is its custodian, un-revokes nobody under rules 2."""
    monkeypatch.setattr(rules_number, "RULES", 2)
    fed.policy = fed.next_policy(rules=2)
    fed.status_list(issuer, revoked=[7])
    fed.tick()
    with refused("revocation_cleared", RuleError):
        fed.status_list(issuer, revoked=[8])
    fed.end(grant_of(fed, issuer), gd)
    fed.tick()
    with refused("revocation_cleared", RuleError):
        fed.status_list(issuer, by=gd)
    assert fed.status_list(issuer, revoked=[7, 8], by=gd).entry.number == 2


def test_custodian_list_accepted(fed, gd, issuer):
    """After the end the custodian, and nobody else, goes on revoking."""
    fed.status_list(issuer, revoked=[7])
    fed.tick()
    with refused("signer_wrong", RuleError):
        fed.status_list(issuer, revoked=[7, 8], by=gd)
    fed.end(grant_of(fed, issuer), gd)
    fed.tick()
    assert fed.status_list(issuer, revoked=[7, 8], by=gd).entry.number == 2
    fed.tick()
    other = fed.agency("other.gd.example")
    fed.tick()
    with refused("signer_wrong", RuleError):
        fed.status_list(issuer, by=other)


def test_equal_iat_two_lists(fed, issuer):
    """Two lists of one second, of which either could be shown as the newest."""
    fed.status_list(issuer, revoked=[7])
    with refused("status_time_falls", RuleError):
        fed.status_list(issuer)


def test_status_stream_across_years():
    """On 1 January a list begins anew, and last year's revocations seem never to have been."""
    eve = Federation(years=(2026, 2027), now=1_798_761_500)
    agency = eve.agency("gz.gd.example")
    eve.grant(eve.root("gd"), agency)
    eve.tick()
    eve.status_list(agency, revoked=[7])
    eve.tick(days=1)
    with refused("out_of_order", OrderError):
        eve.status_list(agency)


def test_unregistered_list_uri(fed, issuer):
    """A list stands at a URL that no statement names, though it may look the same."""
    url = issuer.list_url()
    for other in (f"{url}0", f"{url}/", url.upper(), url.replace("https", "http"), f"{url}#x"):
        with refused("list_not_registered", RuleError):
            fed.status_list(issuer, url=other)


def test_list_of_another_issuer(fed, gd, issuer):
    """An issuer signs the list of its neighbour, under the neighbour's name or its own."""
    fed.status_list(issuer, revoked=[7])
    thief = fed.agency("thief.gd.example")
    fed.grant(gd, thief)
    fed.tick()
    with refused("signer_wrong", RuleError):
        fed.status_list(issuer, by=thief)
    with refused("signer_wrong", RuleError):
        fed.status_list(thief, url=issuer.list_url())
    with refused("list_not_registered", RuleError):
        fed.status_list(thief, url=issuer.list_url(2))
    fed.restate(grant_of(fed, thief), gd, status_lists=[issuer.list_url()])
    fed.tick()
    with refused("signer_wrong", RuleError):
        fed.status_list(thief, url=issuer.list_url())


def test_status_list_signed_by_retired_key(fed, issuer):
    """The thief of a key that was rotated out publishes a list."""
    thief = replace(issuer)
    fed.tick()
    fed.rotate(issuer)
    fed.tick()
    with refused("key_not_listed", ProofError):
        fed.status_list(issuer, by=thief)
    fed.status_list(issuer)


def test_pre_rotation_dropped(fed, issuer):
    """The registry refuses a version that commits to no next key, or to a key already shown."""
    now = timestamps.from_posix(fed.now)
    signer = key("gz.gd.example update 2")
    shown = issuer.state.version.parameters.next_key_hashes
    for hashes, code in ((), "pre_rotation_dropped"), (shown, "next_key_revealed"):
        entry = write.rotate(issuer.state, signer, list(hashes), now=now)
        with refused(code, RuleError):
            fed.submit(REG, fed.did_entry(issuer, entry))


def test_grant_wider_than_granter(fed, gd):
    """Each hop lies within the one above, also where the sum of two would cover it."""
    bureau, office = fed.agency("bureau.gd.example"), fed.agency("gz.gd.example")
    until = fed.now + 86_400
    fed.grant(gd, bureau, roles=["granter", "issuer"], territory=["440100"], until=until)
    fed.grant(
        gd, bureau, scope="school", roles=["granter"], types=["urn:x:school"], until=until,
        territory=["440300"],
    )  # fmt: skip
    for wider in (
        {"types": [RESIDENCE, "urn:x:school"]},
        {"territory": ["440000"]},
        {"territory": ["440100", "440300"]},
        {"roles": ["issuer", "publisher"]},
        {"until": until + 1},
    ):
        with refused("grant_too_wide", RuleError):
            fed.grant(bureau, office, **{"until": until, **wider})
    fed.grant(bureau, office, until=until)


def test_retroactive_grant(fed, gd, issuer):
    """What was issued without right becomes right later: by date, by widening, by an end."""
    other = fed.agency("sz.gd.example")
    fed.tick(days=30)
    with refused("grant_retroactive", RuleError):
        fed.grant(gd, other, begins=fed.now - 86_400)
    placed = grant_of(fed, issuer)
    for state in ("active", "suspended", "ended"):
        with refused("grant_retroactive", RuleError):
            fed.restate(placed, gd, state=state, territory=["440000"])


def test_two_granters_do_not_overwrite(fed, issuer):
    """A ministry ends its own grant; the region's to the same agency stays as it was."""
    fed.publish("cn")
    second = fed.grant(fed.root("cn"), issuer, x=fed.x("cn"))
    statements = fed.logs[REG].statements_about(issuer.did)
    assert len({placed.entry.subject for placed in statements}) == 2
    fed.end(second, fed.root("cn"))
    states = {
        parse_authority(placed.entry.body).granter: placed.entry.body["state"]
        for placed in fed.logs[REG].statements_about(issuer.did)
    }
    assert states == {fed.root("gd").did: "active", fed.root("cn").did: "ended"}
    first = next(placed for placed in statements if placed is not second)
    with refused("signer_wrong", RuleError):
        fed.restate(first, fed.root("cn"), state="ended", x=fed.x("cn"))


def test_territory_prefix_trick(fed, gd):
    """Codes that share digits but not a level: 440100 does not reach to 440000."""
    assert not covers("440100", "440000")
    assert not covers("440110", "440100")
    assert not covers("100000", "110000")
    assert not covers("440000", "44000")
    agency = fed.agency("gz.gd.example")
    for trick in (["450000"], ["040000"], ["000000"], ["400000"]):
        with refused("grant_too_wide", RuleError):
            fed.grant(gd, agency, territory=trick)
    for malformed in (["44"], ["4400"], ["44000０"], ["440000 "], ["-40000"]):
        with refused("member_invalid", MalformedError):
            fed.grant(gd, agency, territory=malformed)


# --- cosigners, suppliers --------------------------------------------------------------------


def test_validator_returns_after_partition(fed, gd, issuer):
    """Back after a month, a validator accepts what was right then, up to the same roots."""
    fed.status_list(issuer)
    fed.batch(issuer, [b"before"])
    fed.publish()
    fed.tick(days=20)
    fed.rotate(issuer)
    fed.end(grant_of(fed, issuer), gd)
    fed.publish()
    fed.tick(days=10)
    copies = {origin: MemoryLog(origin) for origin in fed.logs}
    world = RuleContext(fed.policy, copies.__getitem__, fed.now, fed.contents.get)
    for _ in range(3):
        for origin in (REG, EV):
            for placed in fed.logs[origin].entries[copies[origin].size() :]:
                try:
                    copies[origin].append(placed.entry, world)
                except UnavailableError:
                    break
    for origin in (REG, EV):
        assert copies[origin].checkpoint() == fed.logs[origin].checkpoint()


def test_validators_agree_with_unequal_mirrors(fed):
    """One validator has seen more of the ministry's log than another; both judge as of `x`."""
    office, police = fed.agency("gz.gd.example"), fed.agency("police.cn.example")
    hands_on = {"roles": ["granter", "issuer"], "territory": ["440000"]}
    fed.grant(fed.root("cn"), police, **hands_on)
    fed.publish("cn")
    named = fed.x("cn")
    cn = fed.logs["cn.example/reg"]
    shorter = MemoryLog(cn.origin)
    for placed in cn.entries[: named["size"]]:
        shorter.force(placed.entry)
    fed.end(grant_of(fed, police, cn.origin), fed.root("cn"))

    def verdict(copy, x):
        body = fed.statement(police, office, x=x)
        entry = fed.compose(REG, "authority", parse_authority(body).subject, body)
        logs = {**fed.logs, cn.origin: copy}
        world = RuleContext(fed.policy, logs.__getitem__, fed.now, fed.contents.get)
        try:
            check.check(fed.sign(entry, police).sequenced(fed.now), fed.logs[REG], world)
        except DidServiceError as error:
            return error.code
        return "accepted"

    assert verdict(shorter, named) == verdict(cn, named) == "accepted"
    fed.publish("cn")
    assert verdict(cn, fed.x("cn")) == "grant_too_wide"
    assert verdict(shorter, fed.x("cn")) == "log_behind"  # no judgement, not another one


def test_validator_makes_no_request_to_issuer(fed, issuer):
    """All that a rule may use is handed to it; what is missing is said, not fetched."""
    placed = fed.status_list(issuer)
    asked = []
    world = RuleContext(fed.policy, fed.logs.__getitem__, fed.now, asked.append)
    with refused("content_missing", UnavailableError):
        check.check(placed.entry, MemoryLog(EV), world)
    assert asked == [placed.entry.digest]


def test_pin_without_fingerprint(fed):
    """A policy is pinned with nothing, half, or another one's fingerprint."""
    other = fed.next_policy(seq=1, previous=None, demo=False)
    for fingerprint in ("", " ", fed.policy.fingerprint[:20], other.fingerprint):
        with refused("fingerprint_wrong", PolicyError):
            check_first(fed.policy, fingerprint)
    check_first(fed.policy, fed.policy.fingerprint)


def test_test_federation_cosigners(fed):
    """Cosigners of a test federation bear the names of the real ones, not their keys."""
    text = parse_note(fed.cosign(REG)).text
    twins = [
        Cosigner(f"{region}.example/witness", key(f"{region} test federation"))
        for region in TERRITORY
    ]
    note = parse_note(fed.cosign(REG, {}))
    note = note.with_lines(twin.cosign(text, fed.now) for twin in twins)
    with refused("quorum_not_met", ProofError):
        fed.policy.log_policy(REG).verify(note.encode())
    mixed = note.with_lines(witness(r).cosign(text, fed.now) for r in ("hn", "zj"))
    with refused("quorum_not_met", ProofError):
        fed.policy.log_policy(REG).verify(mixed.encode())
