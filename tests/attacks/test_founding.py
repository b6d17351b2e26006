"""Files of a ceremony pass through many hands: who changes, swaps or repeats one gains nothing.

The attacker carries the files, drafts, or is one of the members with keys of its own.
"""

import copy
import json
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from did_service.client.routes import Routes
from did_service.client.transport import Transport
from did_service.core.crypto import multikey
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.crypto.keyring import KeyRole
from did_service.core.encoding import timestamps
from did_service.core.errors import DidServiceError
from did_service.core.log.note import NoteSigner
from did_service.node.federation.draft import parse_draft_file
from did_service.node.federation.drafting import ChosenTerms, first_draft, next_draft
from did_service.node.federation.finishing import finish
from did_service.node.federation.member import parse_member, sign_member
from did_service.node.federation.possession import proofs_of, prove
from did_service.node.federation.region_folder import RegionFolder, encode_member
from did_service.node.federation.region_keys import CeremonyKeys, Rotation
from did_service.node.federation.signatures import (
    DraftSignatures,
    merged,
    parse_signatures,
    settle,
)
from did_service.node.federation.signing import sign, take_approvals
from did_service.node.federation.witness_part import parse_witness_part
from did_service.node.restored_mark import mark_ceremony
from did_service.node.setting_table import ServiceKind
from tests.support.ceremony import FEDERATION, FIVE, Machines


@contextmanager
def refused(*codes):
    with pytest.raises(DidServiceError) as caught:
        yield
    assert caught.value.code in codes, caught.value


@pytest.fixture(scope="module")
def founded(tmp_path_factory):
    """Five machines, the draft that they agreed on, and what each has signed."""
    machines = Machines(tmp_path_factory.mktemp("five"))
    draft = machines.draft()
    return machines, draft, machines.signed(draft)


@pytest.fixture
def five(tmp_path):
    """Five machines and their draft, which nobody has signed."""
    machines = Machines(tmp_path)
    return machines, machines.draft()


@pytest.fixture
def standing(five):
    """Five machines on which policy 1 stands."""
    machines, draft = five
    return machines, draft, install(machines, draft, machines.signed(draft))


def install(machines, draft, signatures, former=None):
    """What finishing leaves in each folder, without a network."""
    settled = settle(draft, former, merged(draft, signatures))
    for region in draft.regions:
        folder = machines.by_region[region.id].folder
        folder.keep_standing(draft)
        folder.keep_policy(settled.policy)
    return settled.policy


def following(machines, standing, policy, *members, **chosen):
    now = timestamps.from_posix(machines.now)
    return next_draft(standing, policy, members, (), ChosenTerms(**chosen), now)


def told_again(machines, member, **said):
    """What a member says of itself otherwise, signed anew by all of its own keys."""
    machine = machines.by_region[member.id]
    keys = CeremonyKeys(machine.keyring, machine.folder.host)
    return sign_member({**member.document, **said}, keys.proving, machine.edge.clock())


def first(machines, members):
    now = timestamps.from_posix(machines.now)
    return first_draft(FEDERATION, members, ChosenTerms(), now, demo=True)


def with_one(draft, member):
    return [member if each.id == member.id else each for each in draft.regions]


def places(value, way=()):
    """Every place of a JSON value that holds no further one."""
    if isinstance(value, dict | list) and value:
        steps = value.items() if isinstance(value, dict) else enumerate(value)
        for step, below in steps:
            yield from places(below, (*way, step))
    else:
        yield way


def changed(value):
    if isinstance(value, bool) or value is None:
        return value is None
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value[:-2] + ("1" if value[-2:-1] != "1" else "2") + value[-1:]
    return [*value, "x"] if isinstance(value, list) else {"x": 1}


def edited(tree, way):
    made = copy.deepcopy(tree)
    place = made
    for step in way[:-1]:
        place = place[step]
    place[way[-1]] = changed(place[way[-1]])
    return json.dumps(made).encode()


def signed_things(draft):
    """All that members sign below a draft."""
    return draft.policy.document, draft.new_roots


def test_no_place_of_a_draft_changes_what_is_signed_under_one_fingerprint(founded):
    _, draft, _ = founded
    tree = json.loads(draft.encode())
    ways = [way for way in places(tree) if way[0] != "members" or way[1] == 1]
    assert len(ways) > 60
    for way in ways:
        try:
            other = parse_draft_file(edited(tree, way))
        except DidServiceError:
            continue
        same = other.policy.fingerprint == draft.policy.fingerprint
        assert same is (signed_things(other) == signed_things(draft)), way


@pytest.mark.parametrize(
    "said",
    [
        {"name": {"zh": "别处", "en": "gd"}},
        {"territory": ["110000"]},
        {"hosts": ["gd.example", "more.example"]},
        {"prefixes": ["https://evil.example/"]},
        {"daily_entries": 1},
        {"daily_bytes": 1},
        {"native": "governance"},
        {"root": "keys"},
        {"root": "next"},
    ],
    ids=str,
)
def test_a_member_that_says_otherwise_after_all_compared_moves_the_fingerprint(founded, said):
    """Also where only its root, or its part in the roots of others, follows from it."""
    machines, draft, _ = founded
    member = draft.region("gd")
    root = member.members["root"]
    update = root["update"]
    special = {
        "governance": {"native": member.governance},
        "keys": {"root": {**root, "keys": [*root["keys"], update]}},
        "next": {"root": {**root, "next": changed(root["next"])}},
    }
    (value,) = said.values()
    told = special[value] if isinstance(value, str) else said
    other = first(machines, with_one(draft, told_again(machines, member, **told)))
    assert other.policy.fingerprint != draft.policy.fingerprint


@pytest.mark.parametrize("name", ["native", "governance", "witness", "root", "logs"])
def test_a_key_of_another_member_is_claimed_with_its_own_proofs(founded, name):
    """The proof that its holder gave is of the holder's file, wherever it is copied to."""
    _, draft, _ = founded
    mine, other = draft.region("gd").members, draft.region("hn").members
    claimed = {**mine, name: other[name]}
    for proofs in (mine["proof"], other["proof"], [*mine["proof"], *other["proof"]]):
        with refused("member_proof_wrong", "member_proof_missing", "too_large"):
            parse_member({**claimed, "proof": proofs})


def test_a_witness_file_of_another_region_is_brought_in(five):
    """Its two keys say for which region and host they stand, and for no other."""
    machines, draft = five
    foreign = draft.region("hn").part
    registry = machines.add("fj", kind=ServiceKind.REGISTRY)
    with refused("witness_file_of_other"):
        registry.join(part=foreign)
    for said in ({"id": "fj"}, {"host": "fj.example"}, {"id": "fj", "host": "fj.example"}):
        with refused("member_proof_wrong"):
            parse_witness_part(replace(foreign, **said).encode())
        with refused("member_proof_wrong", "witness_file_of_other"):
            registry.join(part=replace(foreign, **said))


@pytest.fixture
def apart(tmp_path):
    """Four regions, one of which has its witness on another host, and their draft."""
    machines = Machines(tmp_path)
    witness = machines.add("gd", kind=ServiceKind.WITNESS)
    registry = machines.add("gd", kind=ServiceKind.REGISTRY)
    registry.join(part=witness.tell())
    return machines, registry, witness, machines.draft(("cn", "gd", "hn", "sc"))


def test_a_witness_alone_signs_no_draft_that_names_another_key_as_its_own(apart):
    machines, registry, witness, draft = apart
    other = Machines(machines.path / "other")
    other.path.mkdir()
    registry.join(part=other.add("gd", kind=ServiceKind.WITNESS).tell())
    false = machines.draft(("cn", "gd", "hn", "sc"))
    assert false.region("gd").witness != draft.region("gd").witness
    with refused("member_changed"):
        witness.approve(false)


def test_an_old_witness_file_puts_a_replaced_key_back(apart):
    """It stands in the first draft; a policy without new roots does not ask the witness."""
    machines, registry, witness, draft = apart
    names, old = ("cn", "gd", "hn", "sc"), witness.tell()
    take_approvals(registry.folder, draft, witness.approve(draft))

    def install_signed(made, former):
        signed = [machines.by_region[each].sign(made) for each in names]
        policy = install(machines, made, signed, former)
        witness.folder.keep_standing(made)
        return policy

    policy = install_signed(draft, None)
    assert registry.join(part=old).part.witness == old.witness
    machines.now += 60
    new = witness.tell(rotate=True)
    second = following(machines, draft, policy, registry.join(part=new))
    policy = install_signed(second, policy)
    machines.now += 60
    keys = CeremonyKeys(witness.keyring, witness.folder.host)
    stolen = prove(old.document, keys.proving([old.witness.public]), witness.edge.clock())
    whole = multikey.decode_ed25519(old.native)
    half = replace(old, proofs=(*stolen, *proofs_of(old.proofs, [whole])))
    assert parse_witness_part(half.encode()) == half
    for file in (old, half):
        with refused("witness_file_old"):
            registry.join(part=file)
    assert registry.join(part=new).part.witness == new.witness
    machines.now += 60
    assert registry.join(part=witness.tell(rotate=True)).part.witness != new.witness


def test_what_a_witness_approved_is_taken_for_another_draft(apart):
    _, registry, witness, draft = apart
    later = draft.created + timedelta(hours=1)
    other = first_draft(FEDERATION, draft.regions, ChosenTerms(), later, demo=True)
    approved = witness.approve(draft)
    with refused("other_draft_signed"):
        witness.approve(other)
    with refused("signature_of_other_draft"):
        take_approvals(registry.folder, other, approved)
    with refused("witness_file_missing"):
        registry.sign(other)
    with refused("signature_wrong"):
        take_approvals(registry.folder, other, replace(approved, policy=other.policy.digest))


def test_approvals_that_leave_a_root_out_or_are_of_another_witness(apart):
    machines, registry, witness, draft = apart
    approved = witness.approve(draft)
    fewer = {name: proof for name, proof in approved.approvals.items() if name != "hn"}
    foreign = machines.by_region["hn"].sign(draft).by_region["hn"].approvals
    swapped = {**approved.approvals, "cn": foreign["cn"]}
    more = {**approved.approvals, "gd": foreign["gd"]}
    for made in (fewer, swapped, more):
        with refused("signature_wrong"):
            take_approvals(registry.folder, draft, replace(approved, approvals=made))
    with refused("witness_file_of_other"):
        take_approvals(registry.folder, draft, replace(approved, region="hn"))
    take_approvals(registry.folder, draft, approved)
    settle(draft, None, merged(draft, [registry.sign(draft), *others(machines, draft)]))


def others(machines, draft):
    return [machines.by_region[each].sign(draft) for each in ("cn", "hn", "sc")]


def claiming(machines, draft):
    """The member file of gd, in which somebody's key stands behind its log's own."""
    member, origin = draft.region("gd"), "gd.example/reg"
    foreign = NoteSigner(origin, SigningKey(bytes(32))).verifier_key.encode()
    logs = {**member.members["logs"]}
    return told_again(machines, member, logs={**logs, origin: [*logs[origin], foreign]})


def test_a_former_log_key_is_claimed_in_a_first_policy(five):
    """It would count for the log, and whoever names it need not have it."""
    machines, draft = five
    with refused("member_proof_missing"):
        first(machines, with_one(draft, claiming(machines, draft)))


def test_a_former_log_key_is_claimed_that_no_policy_knows(standing):
    machines, draft, policy = standing
    made = following(machines, draft, policy, claiming(machines, draft))
    with refused("member_proof_missing"):
        machines.by_region["hn"].sign(made)


def test_a_log_key_is_left_out_while_the_log_signs_with_it(standing):
    """The log could show that policy to nobody: it would stand still for good."""
    machines, draft, policy = standing
    gd, origin = machines.by_region["gd"], "gd.example/reg"
    named = gd.join(Rotation(logs=(origin,)))
    logs = {**named.document["logs"], origin: named.document["logs"][origin][:1]}
    alone = told_again(machines, named, logs=logs)
    with refused("drop_early"):
        following(machines, draft, policy, alone)
    made = following(machines, draft, policy, named)  # by a program that looks at nothing
    regions = tuple(alone if each.id == "gd" else each for each in made.regions)
    with refused("drop_early"):
        machines.by_region["hn"].sign(replace(made, regions=regions))


def test_a_log_key_that_was_taken_out_comes_back(standing):
    """A stolen key has ended for good: neither by mistake nor by a draft is it named again."""
    machines, draft, policy = standing
    gd, origin = machines.by_region["gd"], "gd.example/reg"
    for rotation in (Rotation(logs=(origin,)), Rotation(drop_former=True)):
        draft = following(machines, draft, policy, gd.join(rotation))
        policy = install(machines, draft, machines.signed(draft), policy)
    named = draft.region("gd").logs[origin]
    assert gd.join(years=(2030,)).logs[origin] == named
    stolen = [
        NoteSigner(origin, kept.key).verifier_key.encode()
        for kept in reversed(gd.keyring.all(KeyRole.LOG, origin))
    ]
    member = draft.region("gd")
    logs = {**member.document["logs"], origin: stolen}
    made = following(machines, draft, policy, told_again(machines, member, logs=logs))
    with refused("member_proof_missing"):
        machines.by_region["hn"].sign(made)


def test_a_first_draft_names_a_root_that_another_holds(founded):
    """The fingerprint would be compared, and one region would stand there without its root."""
    _, draft, _ = founded
    tree = json.loads(draft.encode())
    tree["roots"] = {"gd": draft.root_of("hn").replace("hn.example", "gd.example")}
    with refused("roots_changed"):
        parse_draft_file(json.dumps(tree).encode())


def test_a_joining_region_is_given_a_root_that_another_holds(standing):
    machines, draft, policy = standing
    made = following(machines, draft, policy, machines.add("fj").join())
    root = made.root_of("hn").replace("hn.example", "fj.example")
    moved = replace(made, roots={**made.roots, "fj": root})
    moved = parse_draft_file(moved.encode())
    with refused("roots_changed"):
        machines.by_region["fj"].sign(moved)


def test_a_signature_is_moved_to_another_draft(founded):
    """Its file says what it is for; who writes another digest there has no proof of that."""
    _, draft, signatures = founded
    other = replace(draft, terms=replace(draft.terms, quorum=4))
    moved = [replace(each, policy=other.policy.digest) for each in signatures]
    with refused("signature_of_other_draft"):
        merged(other, signatures)
    with refused("signature_wrong"):
        settle(other, None, merged(other, moved))


def test_a_signature_is_handed_in_for_another_region(founded):
    _, draft, signatures = founded
    own = signatures[1].by_region["gd"]
    others = [each for each in signatures if "hn" not in each.by_region]
    forged = DraftSignatures(draft.policy.digest, {"hn": replace(own, region="hn")})
    with refused("signature_wrong"):
        settle(draft, None, merged(draft, [*others, forged]))


def test_a_further_region_is_slipped_in(founded, tmp_path):
    """Into the draft it moves the fingerprint, into the signatures it belongs to nobody."""
    machines, draft, signatures = founded
    sixth = Machines(tmp_path).add("fj").join()
    other = first(machines, [*draft.regions, sixth])
    assert other.policy.fingerprint != draft.policy.fingerprint
    machine = machines.by_region["gd"]
    fingerprint = draft.policy.fingerprint
    with refused("fingerprint_wrong"):
        sign(machine.folder, machine.keyring, other, fingerprint, machine.edge)
    tree = json.loads(signatures[1].encode())
    tree["signatures"].append({**tree["signatures"][0], "region": "fj"})
    with refused("region_unknown"):
        merged(draft, [parse_signatures(json.dumps(tree).encode())])


@pytest.mark.parametrize("said", [{}, {"id": "xx"}], ids=["same id", "another id"])
def test_a_member_stands_in_the_place_of_another(founded, tmp_path, said):
    """With keys of its own, all of them proven, but under the id or the host of another."""
    machines, draft, _ = founded
    elsewhere = Machines(tmp_path)
    double = told_again(elsewhere, elsewhere.add("gd").join(), **said)
    with refused("member_repeated", "operator_repeated"):
        first(machines, [*draft.regions, double])


def refuses_to_finish(machine, draft, signatures, *codes):
    with Transport(Routes({})) as transport, refused(*codes):
        finish(machine.folder, draft, signatures, transport, 1)
    assert machine.folder.policy() is None


def test_a_draft_that_all_gave_up_is_finished_with_its_old_signatures(five):
    """Whoever kept the files of the first attempt hands them to one region alone."""
    machines, former = five
    old = machines.signed(former)
    later = former.created + timedelta(hours=1)
    draft = first_draft(FEDERATION, former.regions, ChosenTerms(), later, demo=True)
    for each in FIVE:
        machines.by_region[each].sign(draft, instead=True)
    refuses_to_finish(machines.by_region["gd"], former, old, "draft_unsigned")


def test_a_policy_of_strangers_is_finished_in_a_region_that_signed_another(five, tmp_path):
    """All five regions of that draft, and their signatures, are the carrier's own."""
    machines, draft = five
    (tmp_path / "strangers").mkdir()
    strangers = Machines(tmp_path / "strangers")
    false = strangers.draft()
    machine = machines.by_region["gd"]
    refuses_to_finish(machine, false, strangers.signed(false), "draft_unsigned")
    machine.sign(draft)
    refuses_to_finish(machine, false, strangers.signed(false), "draft_unsigned")


def test_an_older_policy_is_published_while_a_newer_one_comes(standing):
    """Two commands at once: the slower one waits for witnesses, and puts its policy last."""
    machines, draft, policy = standing
    second = following(machines, draft, policy, rules=3)
    signatures = machines.signed(second)
    held = install(machines, second, signatures, policy)
    third = following(machines, second, held, quorum=4)
    later = machines.signed(third)

    class Meanwhile(RegionFolder):
        """Somebody publishes the next one as soon as this one was looked at."""

        def policy(self):
            found = super().policy()
            if found.sequence == held.sequence:
                install(machines, third, later, held)
            return found

    own = machines.by_region["gd"].folder
    folder = Meanwhile(own.path, own.configuration, own.environment)
    with Transport(Routes({})) as transport:
        told = finish(folder, second, signatures, transport, 1)
    assert not told.installed
    assert own.policy().digest == third.policy.digest
    assert own.standing().policy.digest == third.policy.digest


def test_an_old_draft_is_signed_again_after_its_policy_was_followed(standing):
    machines, draft, policy = standing
    second = following(machines, draft, policy, rules=3)
    install(machines, second, machines.signed(second), policy)
    machine = machines.by_region["gd"]
    with refused("policy_skipped"):
        machine.sign(draft)
    with refused("policy_skipped"):
        machine.sign(replace(draft, terms=replace(draft.terms, quorum=4)))


def test_an_old_member_file_puts_a_replaced_key_back(standing):
    """The others may not see it; without the region's own signature it does not stand."""
    machines, draft, policy = standing
    old = draft.region("gd")
    new = machines.by_region["gd"].join(Rotation(witness=True, governance=True))
    second = following(machines, draft, policy, new)
    policy = install(machines, second, machines.signed(second), policy)
    third = following(machines, second, policy, parse_member(json.loads(encode_member(old))))
    with refused("member_changed"):
        machines.by_region["gd"].sign(third)
    signed = [machines.by_region[each].sign(third) for each in FIVE if each != "gd"]
    with refused("signatures_missing"):
        settle(third, policy, merged(third, signed))


def test_restored_region_signs_no_second_draft_unasked(standing):
    """A backup forgets what was signed after it; two policies of one number must not stand."""
    machines, draft, policy = standing
    gd = machines.by_region["gd"]
    second = following(machines, draft, policy, rules=3)
    signed = gd.sign(second)
    federation = gd.folder.path / "federation"
    for name in ("draft.json", "signatures.json"):
        (federation / name).unlink()  # yesterday's backup has them not
    machines.now += 60
    mark_ceremony(federation, timestamps.from_posix(machines.now))
    other = following(machines, draft, policy, quorum=4)
    for asked in (other, second):
        with refused("signed_unknown"):
            gd.sign(asked)
    assert gd.sign(second, instead=True).encode() != b""
    assert gd.sign(second).policy == signed.policy  # known again

    # Whoever follows a policy that was drafted after the restore is not asked any more.
    install(machines, second, machines.signed(second), policy)
    third = following(machines, second, gd.folder.policy(), quorum=4)
    with refused("signed_unknown"):
        gd.sign(third)
    machines.now += 60
    third = following(machines, second, gd.folder.policy(), quorum=4)
    files = [machines.by_region[each].sign(third, instead=each == "gd") for each in FIVE]
    install(machines, third, files, gd.folder.policy())
    fourth = following(machines, third, gd.folder.policy(), quorum=3)
    assert gd.sign(fourth).by_region.keys() == {"gd"}


def test_damaged_mark_of_a_restored_ceremony_signs_nothing(standing):
    machines, draft, policy = standing
    gd = machines.by_region["gd"]
    mark_ceremony(gd.folder.path / "federation", timestamps.from_posix(machines.now))
    (gd.folder.path / "federation" / "restored").write_bytes(b"tomorrow\n")
    with refused("time_invalid"):
        gd.sign(following(machines, draft, policy, rules=3))
