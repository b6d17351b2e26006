"""Attacks on what a document is: signatures turned, doubled, dropped or added by anybody.

A policy is public and whoever likes may hand it in, so these need no key and one request. None
of them may make a second policy of one, at a log, a witness, a counter or a wallet, at any time
of a roll-out (docs/adr/0024).
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from did_service.core.anchor.bodies.policy import Policy, check_successor, parse_policy
from did_service.core.anchor.entry import compose, identity, parse_submission
from did_service.core.anchor.streams import stream_id
from did_service.core.credentials.bitstring_status_list import Purpose
from did_service.core.credentials.record import record_of
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import b64, strict_json, timestamps
from did_service.core.errors import PolicyError, RuleError
from did_service.core.evidence.bundle import encode_bundle
from did_service.core.evidence.sets import parse_evidence
from did_service.core.log.checkpoint import checkpoint_in
from did_service.issuer.states import Verb
from tests.support.counter import Scene, codes
from tests.support.desk import Desk
from tests.support.dids import hash_of
from tests.support.evidence import kept
from tests.support.federation import Federation, founded
from tests.support.founding import FEDERATION, TERRITORY, governor
from tests.support.live import LiveFederation, running
from tests.support.memory_log import MemoryLog
from tests.support.offices import EV, Office, index_of
from tests.support.purse import Purse
from tests.support.refusals import refused
from tests.support.rewriting import JUNK, rewritten

REG = "gd.example/reg"
OTHERS = [region for region in TERRITORY if region != "gd"]
ALL = [governor(region) for region in TERRITORY]


def successors(fed) -> tuple[Policy, Policy]:
    """Policies 2 and 3, each signed by all five governors where three are enough."""
    first = fed.policy
    second = fed.next_policy(ALL)
    fed.policy = second
    third = fed.next_policy(ALL)
    fed.policy = first
    return second, third


def part_of(policy: Policy) -> Policy:
    """The policy with the three signatures that it needs; the bearer chooses which."""
    return parse_policy({**policy.members, "proof": policy.members["proof"][-3:]})


def hand_in(fed: LiveFederation, members, origin: str = REG):
    """What an anonymous POST to a log is answered."""
    entry = fed.compose(origin, "policy", FEDERATION, {"policy": members})
    return fed.client(origin).submit(entry)


def upgrade(fed: LiveFederation, policy: Policy, *regions: str) -> None:
    """Restart regions on another policy."""
    for region in regions:
        fed.stop(region)
    fed.policy = policy
    for region in regions:
        fed.start(region)


def published(fed: LiveFederation) -> int:
    """Publish gd's logs, which needs three cosigners; return the size of its control log."""
    fed.tick()
    fed.publish("gd")
    return checkpoint_in(fed.reader(REG).checkpoint()).size


@contextmanager
def no_alarm(fed: LiveFederation) -> Iterator[None]:
    """Nobody takes the log for a liar meanwhile."""
    yield
    for region in OTHERS:
        assert fed.witness(region).store.alarms() == []


# --- the log ----------------------------------------------------------------------------------


def test_policy_handed_in_with_its_proofs_rewritten(tmp_path):
    """Before, between and after the genuine ones: the log refuses it or has it already."""
    with running(tmp_path) as fed:
        second, third = successors(fed)
        for policy in (second, third):
            for members in rewritten(policy.members).values():
                with refused("policy_proofs_wrong", RuleError):
                    hand_in(fed, members)
            taken = hand_in(fed, policy.members)
            for members in rewritten(policy.members).values():
                assert hand_in(fed, members) == taken
        size = published(fed)
        for members in rewritten(second.members).values():
            assert hand_in(fed, members).index < size
        assert len(fed.logs[REG].chain("policy", FEDERATION)) == 3


def test_policy_handed_in_with_the_fewest_proofs_first(tmp_path):
    """Whoever comes first says which signatures a log holds; the genuine ones go on there."""
    with running(tmp_path) as fed:
        second, third = successors(fed)
        first_in = hand_in(fed, part_of(second).members)
        assert hand_in(fed, second.members) == first_in
        assert hand_in(fed, third.members).index == first_in.index + 1
        assert hand_in(fed, second.members) == first_in
        published(fed)


def test_strangers_words_in_a_policy_entry(fed):
    """A log is for ever: nobody but governors writes a byte of a policy in it."""
    second = fed.next_policy()
    proofs = second.members["proof"]
    talking = [{**proofs[0], "comment": "x"}, {**proofs[0], "proofPurpose": "authentication"}]
    for extra in ([JUNK], talking[:1], talking[1:], [proofs[0]]):
        for listed in ([*extra, *proofs], [*proofs, *extra]):
            with refused("policy_proofs_wrong", RuleError):
                body = {"policy": {**second.members, "proof": listed}}
                fed.submit(REG, fed.compose(REG, "policy", FEDERATION, body))
    fed.submit(REG, fed.compose(REG, "policy", FEDERATION, {"policy": second.members}))


# --- the roll-out -----------------------------------------------------------------------------


def test_policy_with_other_proofs_in_the_middle_of_a_roll_out(tmp_path):
    """Four regions are on policy 2, gd is on 1, and somebody hands 2 in to gd's log."""
    with running(tmp_path) as fed, no_alarm(fed):
        second, third = successors(fed)
        published(fed)
        upgrade(fed, second, *OTHERS)
        hand_in(fed, part_of(second).members)
        before = published(fed)
        upgrade(fed, second, "gd")
        fed.agency("bb.gd.example")
        assert published(fed) > before
        hand_in(fed, third.members)
        fed.policy = third
        assert published(fed) > before + 2


def test_policy_with_other_proofs_and_a_mirror_lost_afterwards(tmp_path):
    """All were on policy 1 when it came; a witness that begins again takes it for policy 2."""
    with running(tmp_path) as fed, no_alarm(fed):
        second, _ = successors(fed)
        hand_in(fed, part_of(second).members)
        published(fed)
        upgrade(fed, second, *TERRITORY)
        before = published(fed)
        for region in ("hn", "sc"):
            fed.stop(region)
            forget(fed, region)
            fed.start(region)
        fed.agency("cc.gd.example")
        assert published(fed) > before


def forget(fed: LiveFederation, region: str) -> None:
    """Lose a witness's database and mirror, which is documented to heal."""
    folder = fed.folder / region
    for path in [*folder.rglob("witness.sqlite*"), *folder.rglob("mirror")]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


# --- counter and wallet -----------------------------------------------------------------------


VARIANTS = [*rewritten(founded().next_policy().members), "fewest"]


def variant(policy: Policy, how: str):
    return part_of(policy).members if how == "fewest" else rewritten(policy.members)[how]


@pytest.fixture
def scene() -> Scene:
    scene = Scene()
    scene.publish()
    return scene


@pytest.mark.parametrize("how", VARIANTS)
@pytest.mark.parametrize("way", ["pinned", "imported"])
def test_policy_with_other_proofs_at_the_counter(tmp_path, scene, way, how):
    """A supplier brings policy 2 in other bytes: the genuine 2 is the same, and 3 follows."""
    desk, (second, third) = Desk(tmp_path, scene), successors(scene.fed)
    desk.pin()

    def take(members, name: str):
        if way == "pinned":
            return desk.run("trust", "pin", desk.save(name, json.dumps(members).encode()))
        evidence = {**scene.staple(), "policies": [{"policy": members}]}
        bundle = desk.save(name, encode_bundle(parse_evidence(evidence)))
        return desk.run("trust", "import", bundle)

    for members, number in (
        (variant(second, how), 2),
        (second.members, 2),
        (variant(second, how), 2),
        (third.members, 3),
        (variant(third, how), 3),
    ):
        assert take(members, "policy").exit == 0
        assert json.loads(desk.trust.read_policy())["seq"] == number


@pytest.mark.parametrize("how", VARIANTS)
@pytest.mark.clock
def test_policy_with_other_proofs_at_the_wallet(tmp_path, how):
    fed, purse = founded(), Purse(tmp_path)
    second, third = successors(fed)
    now = timestamps.from_posix(fed.now)
    first = purse.save("first.json", json.dumps(fed.policy.members))
    pinning = ("trust", "pin", first, "--fingerprint", fed.policy.fingerprint)
    assert purse.run(*pinning, clock=now).exit == 0
    turned = purse.save("turned.json", json.dumps(variant(fed.policy, how)))
    assert purse.run("trust", "pin", turned, *pinning[3:], clock=now).exit == 0
    for members, number in (
        (variant(second, how), 2),
        (second.members, 2),
        (third.members, 3),
    ):
        file = purse.save("policy.json", json.dumps(members))
        run = purse.json("trust", "import", file, clock=now)
        assert (run.exit, run.data["seq"]) == (0, number)


def test_policy_pinned_again_without_its_signatures(tmp_path, scene):
    """The same policy stripped of its signatures is the same policy, and changes nothing."""
    desk = Desk(tmp_path, scene)
    desk.pin()
    held = desk.trust.read_policy()
    members = {**scene.fed.policy.members, "proof": [JUNK]}
    stripped = desk.save("stripped.json", json.dumps(members).encode())
    assert desk.run("trust", "pin", stripped).exit == 0
    assert desk.trust.read_policy() == held


def test_policy_with_other_proofs_is_no_second_policy(scene):
    """A presenter brings policy 2 in every form at once."""
    second, _ = successors(scene.fed)
    forms = [second.members, *(variant(second, how) for how in VARIANTS)]
    staple = {**scene.staple(), "policies": [{"policy": each} for each in forms]}
    report = scene.check(staple=staple)
    assert (codes(report), len(kept(report.evidence).policies)) == ([], 1)


def test_other_signatures_make_no_successor(fed):
    """Identity is over what is signed; whether enough have signed is asked all the same."""
    second = fed.next_policy()
    for proofs in ([JUNK], second.members["proof"][:2], fed.policy.members["proof"]):
        weak = parse_policy({**second.members, "proof": proofs})
        assert weak.digest == second.digest
        with refused("policy_signatures_missing", PolicyError):
            check_successor(fed.policy, weak)


# --- other entries ----------------------------------------------------------------------------


def test_registration_handed_in_by_a_stranger_first(tmp_path):
    """Whoever reads a did.jsonl hands it in, its proof doubled; that shuts nobody out."""
    with running(tmp_path) as fed:
        actor, logged = fed._create(
            "aa.gd.example", {"nextKeyHashes": [hash_of("aa update 2")]}
        )
        own = fed.did_entry(actor, logged)
        doubled = fed.did_entry(actor, {**logged, "proof": logged["proof"] * 2})
        theirs = fed.client(REG).submit(doubled)
        assert fed.client(REG).submit(own) == theirs
        assert len(fed.logs[REG].chain("did", doubled.subject)) == 1


@pytest.mark.parametrize("how", ["turned", "doubled", "junk", "a stranger's"])
def test_registration_with_other_witness_proofs(fed, how):
    """Nobody but the witnesses that are asked writes beside a root's entry in the log."""
    root = fed.root("gd")
    placed = fed.logs[REG].chain("did", root.id)[0]
    document = {
        "versionId": root.state.version.version_id,
        "proof": placed.entry.body["witness"],
    }
    body = {**placed.entry.body, "witness": rewritten(document)[how]["proof"]}
    entry = compose("did", root.id, body)
    assert identity(entry) == identity(placed.entry)
    log, empty = fed.logs[REG], MemoryLog(REG)
    fed.logs[REG] = empty
    if how == "turned":
        fed.submit(REG, entry)
    else:
        with refused("witness_not_asked", RuleError):
            fed.submit(REG, entry)
    fed.logs[REG] = log


@pytest.mark.parametrize("published", [True, False])
def test_batch_whose_proof_was_doubled_on_its_way(tmp_path, published):
    """Somebody between agency and log rewrites an entry; the agency takes it for its own."""
    office = Office(Federation(), tmp_path)
    office.issuer.tick()
    credential = office.issue()["credential"]
    office.log.down = True
    with refused("log_unreachable"):
        office.issuer.evidence.tick()
    row = office.store.ledger.chain("evidence", stream_of(office))
    sent = strict_json.load_object(row.pending)
    doubled = {**sent["b"], "proof": [sent["b"]["proof"]] * 2}
    there = office.fed.submit(EV, parse_submission({**sent, "b": doubled}))
    office.log.down, office.log.published = False, published
    if not published:
        with refused("log_elsewhere"):
            office.issuer.evidence.tick()
        office.log.published = True
    office.issuer.evidence.tick()
    assert office.issuer.evidence.proof(record_of(credential))["index"] == there.index


def test_list_handed_in_first_in_other_words(tmp_path):
    """Somebody between agency and log spells a list anew: the agency goes on from that one."""
    office = Office(Federation(), tmp_path)
    office.issuer.tick()
    credential = office.issue()["credential"]
    office.log.down = True
    office.fed.tick()
    with refused("status_pending"):
        office.issuer.statuses.change(credential["id"], Verb.REVOKE, "qian")
    row = office.store.ledger.chain("status", office.agency.list_url(Purpose.REVOCATION))
    sent = strict_json.load_object(row.pending)
    spelled = json.dumps(json.loads(row.content), indent=1).encode()
    other = {**sent, "d": b64.encode_url(sha256(spelled))}
    office.fed.submit(EV, parse_submission(other), spelled)
    office.log.down = False
    office.issuer.tick()
    assert office.bits() == {index_of(credential)}
    assert office.issuer.statuses.served("1") == spelled
    office.fed.tick(600)
    office.issuer.tick()
    numbers = [placed.entry.number for placed in office.chain()]
    assert numbers == list(range(1, len(numbers) + 1))


def stream_of(office: Office) -> str:
    return stream_id(office.actor.did, "issuance")
