"""A federation is founded by files, from five folders; every changed file is found out."""

import json
import shutil
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from did_service.core.anchor.bodies.policy import check_current, check_first, check_successor
from did_service.core.anchor.fingerprint import read_fingerprint, spoken
from did_service.core.crypto.keyring import KeyRole
from did_service.core.did.webvh.profile import Profile, check_profile
from did_service.core.did.webvh.state import accept
from did_service.core.did.webvh.witness import check_witness_proofs
from did_service.core.encoding import timestamps
from did_service.core.errors import DidServiceError
from did_service.core.log.checkpoint import Checkpoint, sign_checkpoint
from did_service.core.log.note import parse_note
from did_service.node.federation.draft import parse_draft_file, thresholds
from did_service.node.federation.drafting import (
    ChosenTerms,
    first_draft,
    next_draft,
    same_draft,
)
from did_service.node.federation.member import parse_member
from did_service.node.federation.region_folder import write_carried
from did_service.node.federation.region_keys import Rotation
from did_service.node.federation.signatures import merged, missing, parse_signatures, settle
from did_service.node.federation.signing import sign
from tests.support.ceremony import FEDERATION, FIVE, Machines
from tests.support.cosigners import signed_by


@contextmanager
def refused(code):
    with pytest.raises(DidServiceError) as caught:
        yield caught
    assert caught.value.code == code


@pytest.fixture(scope="module")
def founded(tmp_path_factory):
    """Five machines, the draft that they agreed on, and what each has signed."""
    machines = Machines(tmp_path_factory.mktemp("five"))
    draft = machines.draft()
    return machines, draft, machines.signed(draft)


def install(machines, draft, signatures, former=None):
    """What finishing leaves in each folder, without a network."""
    settled = settle(draft, former, merged(draft, signatures))
    for region in draft.regions:
        folder = machines.by_region[region.id].folder
        folder.keep_standing(draft)
        folder.keep_policy(settled.policy)
    return settled.policy


@pytest.fixture
def standing(tmp_path):
    """Five machines on which policy 1 stands."""
    machines = Machines(tmp_path)
    draft = machines.draft()
    policy = install(machines, draft, machines.signed(draft))
    return machines, draft, policy


# --- the first policy -------------------------------------------------------------------------


def test_policy_1_stands_when_all_have_signed(founded):
    machines, draft, signatures = founded
    settled = settle(draft, None, merged(draft, signatures))
    check_first(settled.policy, draft.policy.fingerprint)
    check_current(settled.policy, machines.edge.clock())
    assert [region.id for region in settled.policy.regions] == list(FIVE)
    assert len(settled.policy.proofs) == len(FIVE)


def test_each_root_is_approved_by_the_four_other_regions(founded):
    _, draft, signatures = founded
    settled = settle(draft, None, merged(draft, signatures))
    for region in settled.policy.regions:
        root = settled.roots[region.id]
        state = accept(None, root.version, now=draft.created)
        assert state.did == region.root
        check_profile(state, Profile.AUTHORITY)
        check_witness_proofs(state, root.approvals)
        assert len(root.approvals) == 4


def test_every_machine_reads_the_same_fingerprint_from_its_copy(founded):
    _, draft, _ = founded
    copies = {parse_draft_file(draft.encode()).policy.fingerprint for _ in FIVE}
    assert copies == {draft.policy.fingerprint}
    words = spoken(draft.policy.fingerprint)
    assert len(words.en.split()) == 8
    assert len(words.zh.replace(" ", "")) == 16


def test_a_fingerprint_read_out_says_every_byte():
    assert spoken("7f00 0001" + "00" * 12).en.startswith("lusab babad")  # arXiv:0901.4016
    said = {spoken(f"{byte:02x}" + "00" * 15).zh[0] for byte in range(256)}
    assert len(said) == 256
    said = {spoken(f"{byte:02x}" + "00" * 15).en for byte in range(256)}
    assert len(said) == 256


def test_each_step_can_be_run_again_and_gives_the_same_file(founded):
    machines, draft, signatures = founded
    again = machines.draft()
    assert again.encode() == draft.encode()
    assert [file.encode() for file in machines.signed(draft)] == [
        file.encode() for file in signatures
    ]


def test_a_second_draft_of_the_same_files_is_the_first_one(founded):
    _, draft, _ = founded
    later = draft.created + timedelta(hours=1)
    made = first_draft(FEDERATION, draft.regions, ChosenTerms(), later, demo=True)
    assert made.policy.fingerprint != draft.policy.fingerprint
    assert same_draft(draft.encode(), made).encode() == draft.encode()
    with refused("draft_differs"):
        same_draft(draft.encode(), replace(made, terms=replace(made.terms, demo=False)))


def test_a_file_that_is_there_is_written_over_by_nothing(tmp_path):
    file = tmp_path / "gd.member.json"
    assert write_carried(file, b"one")
    assert not write_carried(file, b"one")
    with refused("carried_file_differs"):
        write_carried(file, b"another")


@pytest.mark.parametrize("absent", FIVE)
def test_a_policy_does_not_stand_while_one_region_has_not_signed(founded, absent):
    _, draft, signatures = founded
    others = [file for file in signatures if absent not in file.by_region]
    with refused("signatures_missing") as caught:
        settle(draft, None, merged(draft, others))
    assert f'"{absent}"' in caught.value.message, "quoted, so Chinese words name it too"
    assert missing(draft, merged(draft, others)) == (absent,)


def test_nobody_signs_under_another_fingerprint(founded):
    machines, draft, _ = founded
    machine = machines.by_region["gd"]
    wrong = draft.policy.fingerprint.replace(draft.policy.fingerprint[0], "e", 1) + "0"
    assert read_fingerprint(wrong) != read_fingerprint(draft.policy.fingerprint)
    with refused("fingerprint_wrong"):
        sign(machine.folder, machine.keyring, draft, wrong, machine.edge)


def test_a_region_signs_one_first_policy_unless_all_gave_the_other_up(founded):
    machines, draft, _ = founded
    later = draft.created + timedelta(hours=1)
    other = first_draft(FEDERATION, draft.regions, ChosenTerms(), later, demo=True)
    machine = machines.by_region["gd"]
    with refused("other_draft_signed"):
        machine.sign(other)
    assert machine.sign(other, instead=True).policy == other.policy.digest
    assert machine.sign(draft, instead=True).policy == draft.policy.digest


def test_a_region_that_signed_does_not_change_its_member_file(founded):
    machines, _, _ = founded
    with refused("draft_signed"):
        machines.by_region["gd"].join(years=(2029,))


def test_a_region_without_name_or_territory_cannot_join(tmp_path):
    machine = Machines(tmp_path).add("gd")
    with refused("member_undescribed"):
        machine.join(name=None)


def test_three_regions_are_the_fewest(founded):
    _, draft, _ = founded
    now = draft.created
    with refused("members_few"):
        first_draft(FEDERATION, draft.regions[:2], ChosenTerms(), now, demo=True)
    with refused("member_repeated"):
        twice = (*draft.regions, draft.regions[0])
        first_draft(FEDERATION, twice, ChosenTerms(), now, demo=True)


@pytest.mark.parametrize(
    ("regions", "expected"),
    [(4, (2, 0)), (5, (3, 1)), (6, (4, 1)), (7, (4, 1)), (8, (5, 2)), (11, (7, 3))],
)
def test_thresholds_are_those_of_the_design(regions, expected):
    assert thresholds(regions)[:2] == expected


# --- every carried file, changed --------------------------------------------------------------


def edited(data, path, value):
    """The file with one place set to another value; `None` takes the member out."""
    tree = json.loads(data)
    *way, last = path
    place = tree
    for step in way:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value(place[last]) if callable(value) else value
    return json.dumps(tree).encode()


def swapped(text):
    return text[:-1] + ("2" if text[-1] != "2" else "3")


MEMBER_EDITS = [
    (("format",), "didsvc-member/2", "member_invalid"),
    (("id",), "xx", "member_proof_wrong"),
    (("name", "zh"), "别处", "member_proof_wrong"),
    (("territory",), ["110000"], "member_proof_wrong"),
    (("hosts",), ["evil.example"], "member_proof_wrong"),
    (("hosts",), [], "member_invalid"),
    (("prefixes",), ["https://evil.example/"], "member_proof_wrong"),
    (("native",), lambda key: key[:-1], "key_type_unknown"),
    (("root", "next"), "Qm", "member_proof_wrong"),
    (("root", "keys"), [], "member_invalid"),
    (("daily_bytes",), 1, "member_proof_wrong"),
    (("daily_bytes",), 0, "member_invalid"),
    (("logs",), {}, "member_proof_wrong"),
    (("extra",), 1, "member_unknown"),
    (("witness",), None, "member_missing"),
    (("proof",), [], "member_proof_missing"),
    (("proof",), lambda proofs: proofs[1:], "member_proof_missing"),
    (("proof",), lambda proofs: [*proofs, proofs[0]], "member_proof_wrong"),
    (("proof", 0, "proofPurpose"), "authentication", "member_proof_wrong"),
    (("proof", 0, "proofValue"), swapped, "member_proof_wrong"),
    (("proof", 0, "created"), "2020-01-01T00:00:00Z", "member_proof_wrong"),
]


@pytest.mark.parametrize(("path", "value", "code"), MEMBER_EDITS)
def test_a_changed_member_file_is_refused(founded, path, value, code):
    _, draft, _ = founded
    data = json.dumps(draft.regions[1].members)
    assert parse_member(json.loads(data)).id == "gd"
    if path == ("extra",):
        changed = json.dumps({**json.loads(data), "extra": 1}).encode()
    else:
        changed = edited(data, path, value)
    with refused(code):
        parse_member(json.loads(changed))


def test_a_key_of_somebody_else_cannot_be_brought_in(founded):
    _, draft, _ = founded
    mine, other = draft.regions[1].members, draft.regions[2].members
    for name in ("native", "governance", "witness"):
        with refused("member_proof_wrong"):
            parse_member({**mine, name: other[name]})


ROOT = "did:webvh:QmcoGkRsbHdNFvSE5Hrpue8LSVbVV5AnPoShVvoXnHtkxt:gd.example"

DRAFT_EDITS = [
    (("format",), "didsvc-policy/1", "member_invalid"),
    (("terms", "demo"), 0, "member_invalid"),
    (("terms", "quorum"), 2, "quorum_unsafe"),
    (("terms", "governors"), 2, "governance_unsafe"),
    (("terms", "seq"), 2, "policy_skipped"),
    (("terms", "extra"), 1, "member_unknown"),
    (("roots",), {"gd": "did:webvh:QmSCID:gd.example"}, "did_invalid"),
    (("roots",), {"xx": ROOT}, "member_invalid"),
    (("members",), lambda members: members[3:], "threshold_invalid"),
    (("members",), lambda members: [*members, members[0]], "name_repeated"),
    (("members", 0, "id"), "gd", "member_proof_wrong"),
    (("created",), None, "member_missing"),
]


@pytest.mark.parametrize(("path", "value", "code"), DRAFT_EDITS)
def test_a_changed_draft_is_no_draft(founded, path, value, code):
    _, draft, _ = founded
    if path[-1] == "extra":
        tree = json.loads(draft.encode())
        tree["terms"]["extra"] = 1
        changed = json.dumps(tree).encode()
    else:
        changed = edited(draft.encode(), path, value)
    with refused(code):
        parse_draft_file(changed)


QUIET_EDITS = [
    (("created",), "2026-11-30T00:00:01Z"),
    (("terms", "demo"), False),
    (("terms", "federation"), "urn:didsvc:federation:evil"),
    (("terms", "expires"), "2027-06-01T00:00:00Z"),
    (("terms", "rules"), 1),
    (("terms", "quorum"), 4),
    (("terms", "governors"), 4),
    (("terms", "tiers"), {"online": 300, "day": 86_400, "field": 700_000}),
    (("members",), lambda members: [members[1], members[0], *members[2:]]),
    (("members",), lambda members: members[1:]),
]


@pytest.mark.parametrize(("path", "value"), QUIET_EDITS)
def test_a_draft_that_says_anything_else_has_another_fingerprint(founded, path, value):
    machines, draft, signatures = founded
    other = parse_draft_file(edited(draft.encode(), path, value))
    assert other.policy.fingerprint != draft.policy.fingerprint
    machine = machines.by_region["gd"]
    with refused("fingerprint_wrong"):
        sign(machine.folder, machine.keyring, other, draft.policy.fingerprint, machine.edge)
    with refused("signature_of_other_draft"):
        merged(other, signatures)


def test_a_region_does_not_sign_a_draft_in_which_it_is_described_otherwise(tmp_path):
    machines = Machines(tmp_path)
    former = machines.draft()
    machines.by_region["gd"].join(years=(2029,))
    with refused("member_changed"):
        machines.by_region["gd"].sign(former)
    assert machines.by_region["hn"].sign(former).by_region.keys() == {"hn"}


SIGNATURE_EDITS = [
    (("format",), "didsvc-policy-signatures/2", "member_invalid"),
    (("signatures", 0, "region"), "xx", "region_unknown"),
    (("signatures", 0, "region"), "hn", "signature_repeated"),
    (("signatures", 0, "policy"), [], "signature_wrong"),
    (("signatures", 0, "policy", 0, "proofValue"), swapped, "signature_wrong"),
    (("signatures", 0, "root"), {}, "signature_wrong"),
    (("signatures", 0, "root", "proofValue"), swapped, "signature_wrong"),
    (("signatures", 0, "approvals"), {}, "signature_wrong"),
    (("signatures", 0, "approvals", "hn", "proofValue"), swapped, "signature_wrong"),
    (("signatures", 0, "approvals", "hn"), None, "signature_wrong"),
    (("signatures", 0, "more"), 1, "member_unknown"),
    (("signatures",), lambda signed: signed * 2, "signature_repeated"),
]


@pytest.mark.parametrize(("path", "value", "code"), SIGNATURE_EDITS)
def test_a_changed_signature_file_is_found_out(founded, path, value, code):
    _, draft, signatures = founded
    own = next(file for file in signatures if "gd" in file.by_region)
    others = [file for file in signatures if file is not own]
    tree = json.loads(own.encode())
    if path[-1] == "more":
        tree["signatures"][0]["more"] = 1
        data = json.dumps(tree).encode()
    else:
        data = edited(own.encode(), path, value)
    with refused(code):
        settle(draft, None, merged(draft, [*others, parse_signatures(data)]))


# --- later policies ---------------------------------------------------------------------------


def checkpoint_by(machines, draft, origin, regions):
    """A checkpoint of a log with the cosignatures of these regions, by keys of now."""
    host = origin.partition("/")[0].partition(".")[0]
    signer = machines.by_region[host].keyring.log(origin)
    note = sign_checkpoint(Checkpoint(origin, 7, bytes(32)), signer)
    for region in regions:
        cosigner = machines.by_region[region].keyring.cosigner(f"{region}.example/witness")
        parsed = parse_note(note)
        note = parsed.with_lines([cosigner.cosign(parsed.text, machines.now)]).encode()
    return note


def following(machines, standing, policy, *members, removed=(), **chosen):
    now = timestamps.from_posix(machines.now)
    return next_draft(standing, policy, members, removed, ChosenTerms(**chosen), now)


def test_a_sixth_region_joins_by_policy_2(standing):
    machines, draft, policy = standing
    sixth = machines.add("fj").join()
    made = following(machines, draft, policy, sixth)
    assert made.terms.quorum == 4
    assert [*made.new_roots] == ["fj"]
    second = install(machines, made, machines.signed(made), policy)
    check_successor(policy, second)
    assert {region.id for region in second.regions} == {*FIVE, "fj"}
    assert second.regions[0].root == policy.regions[0].root


def test_a_later_policy_stands_without_those_who_do_not_sign(standing):
    machines, draft, policy = standing
    made = following(machines, draft, policy, rules=2, expires=draft.terms.expires)
    signed = [machines.by_region[each].sign(made) for each in ("cn", "gd", "hn")]
    check_successor(policy, settle(made, policy, merged(made, signed)).policy)
    with refused("policy_signatures_missing"):
        settle(made, policy, merged(made, signed[:2]))
    with refused("signatures_missing"):
        settle(made, policy, merged(made, []))


def test_a_new_region_brings_no_name_of_another(standing):
    machines, draft, policy = standing
    without = install_signed(machines, draft, policy, removed=["zj"])
    for host in ("fj.gd.example", "zj.example", "fj.zj.example"):
        sixth = machines.add("fj", host).join()
        with refused("host_moved"):
            following(machines, *without, sixth)
        shutil.rmtree(machines.path / "fj")


def test_the_hosts_of_regions_that_left_stay_retired(standing):
    machines, draft, policy = standing
    second, signed = install_signed(machines, draft, policy, removed=["zj"])
    third, _ = install_signed(machines, second, signed, machines.add("fj").join())
    assert third.policy.retired == second.policy.retired == ("zj.example",)
    assert draft.policy.retired == ()
    with refused("home_unknown"):
        third.policy.region_of_host("sz.zj.example")


def test_nobody_signs_a_draft_that_frees_a_name(standing):
    machines, draft, policy = standing
    made = following(machines, draft, policy, removed=["zj"])
    freed = replace(made, terms=replace(made.terms, retired=()))
    with refused("host_moved"):
        machines.by_region["gd"].sign(freed)


def install_signed(machines, standing, policy, *members, **changes):
    """The next draft and its policy, signed by all its members."""
    made = following(machines, standing, policy, *members, **changes)
    return made, install(machines, made, machines.signed(made), policy)


def test_a_region_leaves_by_a_policy(standing):
    machines, draft, policy = standing
    made = following(machines, draft, policy, removed=["zj"])
    assert [each.id for each in made.regions] == ["cn", "gd", "hn", "sc"]
    assert made.terms.quorum == 2
    with refused("region_unknown"):
        following(machines, draft, policy, removed=["fj"])


def test_a_key_of_a_log_is_replaced_and_what_it_signed_still_counts(standing):
    machines, draft, policy = standing
    origin = "gd.example/reg"
    before = checkpoint_by(machines, draft, origin, ("cn", "hn", "sc", "zj"))
    policy.log_policy(origin).verify(before)
    changed = machines.by_region["gd"].join(Rotation(logs=(origin,)))
    made = following(machines, draft, policy, changed)
    second = install(machines, made, machines.signed(made), policy)
    after = checkpoint_by(machines, made, origin, ("cn", "hn", "sc", "zj"))
    for note in (before, after):
        second.log_policy(origin).verify(note)
    with refused("log_signature_missing"):
        policy.log_policy(origin).verify(after)
    third = following(
        machines,
        made,
        second,
        machines.by_region["gd"].join(Rotation(drop_former=True)),
    )
    third.policy.log_policy(origin).verify(after)
    with refused("log_signature_missing"):
        third.policy.log_policy(origin).verify(before)


def rotated(standing):
    """Policy 2 stands, by which the control log of gd has a new key beside the former one."""
    machines, draft, policy = standing
    changed = machines.by_region["gd"].join(Rotation(logs=("gd.example/reg",)))
    made, second = install_signed(machines, draft, policy, changed)
    return machines, made, second


def test_a_former_log_key_is_not_dropped_while_the_log_signs_with_it(standing):
    machines, _, _ = standing
    gd, origin = machines.by_region["gd"], "gd.example/reg"
    with refused("drop_early"):
        gd.join(Rotation(logs=(origin,), drop_former=True))
    assert len(gd.keyring.all(KeyRole.LOG, origin)) == 1  # nor was a key made
    gd.join(Rotation(logs=(origin,)))
    with refused("drop_early"):
        gd.join(Rotation(drop_former=True))


def test_a_log_key_that_was_dropped_is_not_named_again(standing):
    machines, draft, second = rotated(standing)
    gd = machines.by_region["gd"]
    kept = draft.region("gd").logs
    assert gd.join(years=(2028,)).logs["gd.example/reg"] == kept["gd.example/reg"]
    third, policy = install_signed(machines, draft, second, gd.join(Rotation(drop_former=True)))
    named = third.region("gd").logs["gd.example/reg"]
    assert named == kept["gd.example/reg"][:1]
    assert gd.join(years=(2029,)).logs["gd.example/reg"] == named
    again = gd.join(Rotation(logs=("gd.example/reg",))).logs["gd.example/reg"]
    assert again[1:] == named
    following(machines, third, policy, gd.join())


def test_where_no_former_key_is_named_none_is_dropped(standing):
    machines, draft, policy = standing
    with refused("draft_unchanged"):
        following(
            machines, draft, policy, machines.by_region["gd"].join(Rotation(drop_former=True))
        )


def test_a_witness_key_is_replaced_and_a_quorum_of_the_others_still_counts(standing):
    machines, draft, policy = standing
    origin = "hn.example/reg"
    before = checkpoint_by(machines, draft, origin, ("cn", "gd", "sc", "zj"))
    changed = machines.by_region["gd"].join(Rotation(witness=True))
    made = following(machines, draft, policy, changed)
    second = install(machines, made, machines.signed(made), policy)
    assert len(signed_by(second.log_policy(origin), before)) == 3
    after = checkpoint_by(machines, made, origin, ("gd", "sc", "zj"))
    assert len(signed_by(second.log_policy(origin), after)) == 3


def test_so_many_witnesses_do_not_change_at_once_that_logs_would_stop(standing):
    machines, draft, policy = standing
    changed = [machines.by_region[each].join(Rotation(witness=True)) for each in ("gd", "hn")]
    following(machines, draft, policy, changed[0])
    with refused("rotation_too_wide"):
        following(machines, draft, policy, *changed)


def test_a_governance_key_is_replaced_and_both_sign(standing):
    machines, draft, policy = standing
    changed = machines.by_region["gd"].join(Rotation(governance=True))
    made = following(machines, draft, policy, changed)
    signed = [machines.by_region[each].sign(made) for each in ("cn", "gd", "hn")]
    assert len(signed[1].by_region["gd"].policy) == 2
    check_successor(policy, settle(made, policy, merged(made, signed)).policy)


def test_rotating_again_before_the_policy_stands_makes_no_second_key(standing):
    machines, _, _ = standing
    machine = machines.by_region["gd"]
    one = machine.join(Rotation(witness=True))
    assert machine.join(Rotation(witness=True)) == one
    assert len(machine.keyring.all(KeyRole.COSIGNER, "gd.example/witness")) == 2


def test_a_year_is_added_by_the_regions_that_have_its_keys(standing):
    machines, draft, policy = standing
    changed = [machines.by_region[each].join(years=(2028,)) for each in FIVE]
    made = following(machines, draft, policy, *changed)
    second = install(machines, made, machines.signed(made), policy)
    assert all(
        f"{each}.example/ev/2028" in second.region_of_log(f"{each}.example/reg").logs
        for each in FIVE
    )


def test_nothing_is_drafted_that_changes_nothing(standing):
    machines, draft, policy = standing
    with refused("draft_unchanged"):
        following(machines, draft, policy)
    with refused("standing_differs"):
        later = following(machines, draft, policy, rules=3)
        following(machines, later, policy, rules=3)


def test_a_key_is_not_replaced_before_there_is_a_policy(tmp_path):
    machine = Machines(tmp_path).add("gd")
    machine.join()
    with refused("rotation_early"):
        machine.join(Rotation(witness=True))


def test_a_region_signs_no_policy_that_does_not_follow_the_one_in_force(standing):
    machines, draft, policy = standing
    second = following(machines, draft, policy, rules=3)
    third = parse_draft_file(edited(second.encode(), ("terms", "seq"), 3))
    with refused("policy_skipped"):
        machines.by_region["gd"].sign(third)
    moved = parse_draft_file(edited(second.encode(), ("roots", "gd"), ROOT))
    with refused("roots_changed"):
        machines.by_region["hn"].sign(moved)


def test_a_region_does_not_sign_what_has_expired_or_lasts_too_long(standing):
    machines, draft, policy = standing
    now = timestamps.from_posix(machines.now)
    for end, code in ((-1, "policy_expired"), (500, "policy_lifetime")):
        made = following(machines, draft, policy, rules=3, expires=now + timedelta(days=end))
        with refused(code):
            machines.by_region["gd"].sign(made)
