"""The policy: sound by itself, pinned once, then one signed step after the other."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.anchor.bodies.policy import (
    check_current,
    check_first,
    check_signed,
    check_successor,
    parse_policy,
)
from did_service.core.anchor.logged_policy import logged_form
from did_service.core.anchor.policy_soundness import check_quorum
from did_service.core.anchor.region import control_origin, is_under
from did_service.core.crypto import multikey
from did_service.core.did.key import did_key_method
from did_service.core.did.syntax import parse_webvh
from did_service.core.errors import LimitError, MalformedError, PolicyError, UnsupportedError
from did_service.core.integrity import data_integrity, eddsa_jcs_2022
from did_service.core.limits import POLICY_LIFETIME_DAYS
from did_service.core.log.note import NoteSigner
from did_service.core.log.policy import KnownWitness, LogPolicy, PolicyLog
from did_service.core.log.quorum import Group, Quorum
from tests.support.dids import NOW, key
from tests.support.federation import founded
from tests.support.founding import (
    TERRITORY,
    governor,
    log_policy,
    log_signer,
    witness,
)
from tests.support.refusals import refused
from tests.support.rewriting import rewritten

FED = founded()
POLICY = FED.policy
REG = "gd.example/reg"
OTHERS = [region for region in TERRITORY if region != "gd"]


def changed(region=0, **members):
    """The policy's members with other members of one region."""
    regions = [dict(each) for each in POLICY.members["regions"]]
    regions[region].update(members)
    return {**POLICY.members, "regions": regions}


def with_reg(log: LogPolicy, **members):
    """The policy with another text for gd's reg."""
    logs = {**POLICY.members["regions"][0]["logs"], REG: log.encode().decode()}
    return changed(logs=logs, **members)


def of(k, names, *extra, groups=None):
    """A tlog-policy of gd's reg with these witnesses and a quorum of k."""
    known = [KnownWitness(name, witness(name).verifier_key) for name in names]
    quorum = Quorum.of(k, names) if groups is None else Quorum("top", groups)
    return LogPolicy((PolicyLog(log_signer(REG).verifier_key),), (*known, *extra), quorum)


def outsider(name):
    signer = NoteSigner(f"{name}.org/witness", key(name))
    cosigner = witness("gd")
    return KnownWitness(name, type(cosigner)(signer.name, signer.key).verifier_key)


def test_members_are_kept_and_read_again():
    assert parse_policy(POLICY.members) == POLICY


@pytest.mark.parametrize("how", rewritten(POLICY.members))
def test_a_policy_is_the_same_whatever_proofs_came_with_it(how):
    other = parse_policy(rewritten(POLICY.members)[how])
    assert (other.digest, other.fingerprint) == (POLICY.digest, POLICY.fingerprint)
    check_first(other, POLICY.fingerprint)


@pytest.mark.parametrize("how", ["turned", "doubled"])
def test_proofs_are_read_in_one_order_and_each_once(how):
    assert parse_policy(rewritten(POLICY.members)[how]) == POLICY


def test_a_policy_has_one_to_eight_different_proofs():
    proofs = [{"type": str(number)} for number in range(9)]
    parse_policy({**POLICY.members, "proof": [*proofs[:8], *proofs[:8]]})
    for wrong in (proofs, [], ["proof"]):
        with pytest.raises((LimitError, MalformedError)):
            parse_policy({**POLICY.members, "proof": wrong})


def test_a_log_takes_a_proof_of_each_old_and_new_governor_and_no_other():
    fresh = [key(f"fresh {i}") for i in range(3)]
    governance = {"k": 2, "keys": [multikey.encode_ed25519(each.public) for each in fresh]}
    old = [governor(region) for region in ("gd", "hn", "zj")]
    extra = [key("stranger"), fresh[0]]
    second = FED.next_policy([*old, *fresh[:2], *extra[:1]], governance=governance)
    later = data_integrity.create(
        second.document,
        {
            "created": "2026-12-01T00:00:00Z",
            "verificationMethod": did_key_method(fresh[0].public),
            "proofPurpose": "assertionMethod",
        },
        fresh[0],
        eddsa_jcs_2022,
    )
    gathered = parse_policy({**second.members, "proof": [*second.members["proof"], later]})
    assert len(gathered.proofs) == 7
    step, beginning = logged_form(gathered, POLICY), logged_form(gathered, None)
    assert (len(step.proofs), len(beginning.proofs)) == (5, 2)
    assert step.digest == beginning.digest == second.digest
    check_successor(POLICY, step)
    assert logged_form(step, POLICY) == step


def test_lookups():
    gd = POLICY.region_of_log("gd.example/ev/2026")
    assert gd.id == "gd"
    assert control_origin(gd) == REG
    assert POLICY.log_policy(REG) == gd.logs[REG]
    assert POLICY.region_of_root(gd.root) is gd
    assert POLICY.region_of_root(gd.root + ":x") is None
    assert POLICY.home_of_schema("urn:didsvc:x").id == "cn"
    assert POLICY.home_of_schema("urn:didsvc:schema:education:1").id == "cn"
    assert POLICY.home_of_schema("https://gd.example/schemas/1").id == "gd"
    assert POLICY.home_of_did(parse_webvh(gd.root)) is gd


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda: POLICY.region_of_log("bj.example/reg"), "log_unknown"),
        (lambda: POLICY.region_of_host("gd.example.org"), "home_unknown"),
        (lambda: POLICY.home_of_schema("https://gd.example"), "home_unknown"),
        (lambda: POLICY.home_of_schema("https://bj.example/x"), "home_unknown"),
    ],
)
def test_unknown_names_have_no_home(ask, code):
    with refused(code, PolicyError):
        ask()


def test_a_federation_may_have_no_nation_wide_region():
    with refused("home_unknown", PolicyError):
        parse_policy(changed(region=4, territory=["110000"])).home_of_schema("urn:didsvc:x")


@pytest.mark.parametrize(
    ("members", "kind"),
    [
        ({"format": "didsvc-policy/2"}, MalformedError),
        ({"rules": 0}, MalformedError),
        ({"rules": "2"}, MalformedError),
        ({"demo": "yes"}, MalformedError),
        ({"expires": "2027-11-21T00:00:00+08:00"}, MalformedError),
        ({"tiers": {"online": 300}}, MalformedError),
        ({"proof": {}}, MalformedError),
        ({"faults": {"regions": 1}}, MalformedError),
        ({"faults": {**POLICY.members["faults"], "more": 1}}, MalformedError),
        ({"governance": {**POLICY.members["governance"], "more": 1}}, MalformedError),
        ({"more": 1}, MalformedError),
        ({"seq": 2}, PolicyError),
        ({"previous": "A" * 43}, PolicyError),
    ],
    ids=str,
)
def test_another_shape_is_refused(members, kind):
    with pytest.raises(kind):
        parse_policy({**POLICY.members, **members})


@pytest.mark.parametrize(
    "members",
    [
        {"hosts": ["GD.example"]},
        {"hosts": ["gd.example."]},
        {"hosts": ["gd.example:443"]},
        {"hosts": ["gd.test"]},
        {"prefixes": ["https://gd.example"]},
        {"prefixes": ["http://gd.example/"]},
        {"prefixes": ["urn:didsvc:"]},
        {"territory": ["4400"]},
        {"root": "did:web:gd.example"},
        {"logs": {}},
        {"logs": {"gd.example/ev/2026": log_policy("gd.example/ev/2026").encode().decode()}},
        {"witness": witness("hn").verifier_key.encode()},
        {"witness": log_signer("gd.example/ev/26").verifier_key.encode()},
        {"daily_entries": 0},
        {"more": 1},
    ],
    ids=lambda members: str(members)[:60],
)
def test_a_region_names_its_own_things_in_whole_labels(members):
    with pytest.raises((MalformedError, UnsupportedError)):
        parse_policy(changed(**members))


@pytest.mark.parametrize("extra", ["GD2.example", "gd2.example:443"])
def test_every_host_of_a_region_is_a_host_name(extra):
    with pytest.raises(MalformedError):
        parse_policy(changed(hosts=["gd.example", extra]))


def test_the_control_log_is_known_by_its_name_wherever_it_stands():
    logs = dict(reversed(POLICY.members["regions"][0]["logs"].items()))
    assert next(iter(logs)) != REG
    assert control_origin(parse_policy(changed(logs=logs)).regions[0]) == REG


def test_the_longest_host_and_prefix_say_where_something_is_at_home():
    gd, hn, *others = POLICY.regions
    within = hn._replace(
        hosts=("hn.gd.example", *hn.hosts),
        prefixes=("https://gd.example/hn/", *hn.prefixes),
    )
    for regions in ((gd, within, *others), (within, gd, *others)):
        policy = replace(POLICY, regions=regions)
        assert policy.region_of_host("a.hn.gd.example") is within
        assert policy.region_of_host("a.gd.example") is gd
        assert policy.home_of_schema("https://gd.example/hn/1") is within
        assert policy.home_of_schema("https://gd.example/1") is gd


hosts = st.lists(st.sampled_from(["", "a", "b", "gd"]), min_size=1, max_size=4).map(".".join)


@given(st.lists(hosts, max_size=6, unique=True), hosts)
def test_a_host_belongs_to_the_region_with_the_longest_name_above_it(owned, host):
    """The table is read label by label; held to the rule as it is said."""
    regions = tuple(
        region._replace(hosts=tuple(owned[place :: len(POLICY.regions)]))
        for place, region in enumerate(POLICY.regions)
    )
    policy = replace(POLICY, regions=regions)
    above = [own for own in owned if own and is_under(host, own)]
    if not above:
        with refused("home_unknown", PolicyError):
            policy.region_of_host(host)
        return
    assert max(above, key=len) in policy.region_of_host(host).hosts


@pytest.mark.parametrize("member", ["id", "root", "hosts", "prefixes", "logs"])
def test_nothing_stands_in_a_policy_twice(member):
    value = POLICY.members["regions"][0][member]
    extra = {"hosts": ["gd.example", "hn.example"], "logs": None}.get(member, value)
    with pytest.raises((PolicyError, MalformedError)) as twice:
        parse_policy(changed(region=1, **{member: extra}))
    assert twice.value.code in {"region_repeated", "member_invalid"}


def test_one_key_has_one_role():
    twin = type(witness("gd"))("gd.example/witness", governor("gd")).verifier_key.encode()
    with refused("key_repeated", PolicyError):
        parse_policy(changed(witness=twin))


def test_a_region_may_sign_all_its_logs_with_one_key():
    one = NoteSigner("gd.example/ev/2026", log_signer(REG).key).verifier_key
    text = LogPolicy(
        (PolicyLog(one),),
        tuple(KnownWitness(name, witness(name).verifier_key) for name in OTHERS),
        Quorum.of(3, OTHERS),
    )
    logs = {**POLICY.members["regions"][0]["logs"], one.name: text.encode().decode()}
    assert parse_policy(changed(logs=logs)).log_policy(one.name) == text


@pytest.mark.parametrize(("k", "count"), [(2, 5), (6, 5), (2, 4), (0, 5)])
def test_governance_is_a_majority(k, count):
    keys = [multikey.encode_ed25519(key(str(i)).public) for i in range(count)]
    with pytest.raises((PolicyError, MalformedError)):
        parse_policy({**POLICY.members, "governance": {"k": k, "keys": keys}})


def test_governance_may_ask_for_all_of_its_keys():
    keys = [multikey.encode_ed25519(key(str(i)).public) for i in range(5)]
    parse_policy({**POLICY.members, "governance": {"k": 5, "keys": keys}})


@pytest.mark.parametrize("k", [3, 4])
def test_a_quorum_that_shares_an_honest_cosigner_is_sound(k):
    parse_policy(with_reg(of(k, OTHERS)))


def test_a_quorum_may_ask_for_outsiders_as_well():
    strangers = [outsider("bank"), outsider("press"), outsider("court")]
    groups = (
        Group("regions", 3, tuple(OTHERS)),
        Group("outside", 2, ("bank", "press", "court")),
        Group("top", 2, ("regions", "outside")),
    )
    parse_policy(with_reg(of(3, OTHERS, *strangers, groups=groups)))


@pytest.mark.parametrize(
    ("log", "code"),
    [
        (of(2, OTHERS), "quorum_unsafe"),
        (of(1, OTHERS), "quorum_unsafe"),
        (of(2, OTHERS[:3]), "quorum_unsafe"),
        (of(1, OTHERS[:1]), "quorum_unsafe"),
        (log_policy("gd.example/ev/2026"), "log_unknown"),
        (
            of(3, OTHERS, outsider("a"), outsider("b"), groups=(
                Group("inner", 1, ("a", "b")),
                Group("regions", 3, ("inner", *OTHERS)),
                Group("top", 1, ("regions",)),
            )),
            "operator_repeated",
        ),
        (
            LogPolicy(of(3, OTHERS).logs, of(3, OTHERS).witnesses, Quorum("hn")),
            "quorum_unsafe",
        ),
        (
            of(3, OTHERS, outsider("bank"), groups=(Group("top", 3, (*OTHERS, "bank")),)),
            "operator_repeated",
        ),
        (
            of(3, OTHERS, outsider("a"), outsider("b"), outsider("c"), groups=(
                Group("regions", 3, tuple(OTHERS)),
                Group("outside", 2, ("a", "b", "c")),
                Group("top", 1, ("regions", "outside")),
            )),
            "quorum_unsafe",
        ),
        (
            of(3, [], outsider("a"), outsider("b"), outsider("c"), groups=(
                Group("top", 3, ("a", "b", "c")),
            )),
            "quorum_unsafe",
        ),
        (
            of(3, OTHERS, outsider("a"), outsider("b"), groups=(
                Group("regions", 3, tuple(OTHERS)),
                Group("outside", 1, ("a", "b")),
                Group("top", 2, ("regions", "outside")),
            )),
            "quorum_unsafe",
        ),
    ],
)  # fmt: skip
def test_a_quorum_that_can_split_is_not_pinned(log, code):
    with refused(code, PolicyError):
        parse_policy(with_reg(log))


def test_a_second_witness_of_a_region_is_no_outsider():
    second = type(witness("hn"))("mirror.hn.example/witness", key("second")).verifier_key
    groups = (
        Group("regions", 3, tuple(OTHERS)),
        Group("outside", 1, ("second",)),
        Group("top", 2, ("regions", "outside")),
    )
    log = of(3, OTHERS, KnownWitness("second", second), groups=groups)
    with refused("operator_repeated", PolicyError):
        parse_policy(with_reg(log))


def test_a_region_does_not_vote_for_itself_under_a_second_host():
    own = type(witness("gd"))("gd2.example/witness", key("gd witness")).verifier_key
    names = ("hn", "zj", "sc")
    log = LogPolicy(
        of(3, OTHERS).logs,
        (
            KnownWitness("gd2", own),
            *(KnownWitness(name, witness(name).verifier_key) for name in names),
        ),
        Quorum.of(3, ("gd2", *names)),
    )
    gd, *others = POLICY.regions
    twofold = gd._replace(
        hosts=("gd.example", "gd2.example"), witness=own, logs={**gd.logs, REG: log}
    )
    with refused("operator_repeated", PolicyError):
        check_quorum(REG, (twofold, *others), 1, 0)


# --- pinning and stepping --------------------------------------------------------------------


def test_a_policy_is_pinned_with_its_fingerprint():
    check_first(POLICY, POLICY.fingerprint)
    check_first(POLICY, POLICY.fingerprint.upper().replace(" ", ""))
    with refused("fingerprint_wrong", PolicyError):
        check_first(POLICY, FED.next_policy().fingerprint)


def test_a_policy_without_its_threshold_is_not_pinned():
    weak = FED.next_policy([governor("gd"), governor("hn")])
    with refused("policy_signatures_missing", PolicyError):
        check_first(weak, weak.fingerprint)


def test_one_governor_counts_once_and_strangers_not_at_all():
    for keys in (
        [governor("gd")] * 3,
        [governor("gd"), governor("hn"), key("stranger")],
    ):
        with refused("policy_signatures_missing", PolicyError):
            check_signed(FED.next_policy(keys), POLICY)


def test_a_proof_that_names_another_key_counts_for_nothing():
    members = {name: value for name, value in POLICY.members.items() if name != "proof"}
    options = {
        "created": "2026-01-01T00:00:00Z",
        "verificationMethod": did_key_method(key("stranger").public),
        "proofPurpose": "assertionMethod",
    }
    signed = [
        data_integrity.create(members, options, governor(region), eddsa_jcs_2022)
        for region in TERRITORY
    ]
    with refused("policy_signatures_missing", PolicyError):
        check_signed(parse_policy({**members, "proof": signed}), POLICY)


def test_another_policy_of_the_same_number_is_a_fork_once_it_is_signed():
    one, other = FED.next_policy(), FED.next_policy(demo=False)
    with refused("policy_forked", PolicyError):
        check_successor(one, other)
    with refused("policy_signatures_missing", PolicyError):
        check_successor(one, parse_policy({**one.members, "demo": False}))
    for members in rewritten(one.members).values():
        assert parse_policy(members).digest == one.digest


def test_a_changed_member_voids_the_signatures():
    forged = parse_policy({**POLICY.members, "demo": False})
    with refused("policy_signatures_missing", PolicyError):
        check_signed(forged, POLICY)


def test_the_next_policy_follows():
    check_successor(POLICY, FED.next_policy())


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"seq": 3}, "policy_skipped"),
        ({"previous": "A" * 43}, "policy_skipped"),
        ({"federation": "urn:didsvc:federation:other"}, "policy_skipped"),
    ],
)
def test_a_step_is_one_step(members, code):
    with refused(code, PolicyError):
        check_successor(POLICY, FED.next_policy(**members))


def test_an_older_policy_is_a_rollback():
    with refused("policy_rollback", PolicyError):
        check_successor(FED.next_policy(), POLICY)
    with refused("policy_rollback", PolicyError):
        check_successor(POLICY, POLICY)


def test_new_governance_needs_both_thresholds():
    fresh = [key(f"fresh {i}") for i in range(3)]
    governance = {"k": 2, "keys": [multikey.encode_ed25519(each.public) for each in fresh]}
    old = [governor(region) for region in ("gd", "hn", "zj")]
    check_successor(POLICY, FED.next_policy([*old, *fresh[:2]], governance=governance))
    for keys in (old, fresh):
        with refused("policy_signatures_missing", PolicyError):
            check_successor(POLICY, FED.next_policy(keys, governance=governance))


def test_a_policy_lasts_thirteen_months_at_most():
    check_current(POLICY, NOW)
    with refused("policy_expired", PolicyError):
        check_current(POLICY, NOW + timedelta(days=365))
    with refused("policy_lifetime", PolicyError):
        check_current(POLICY, NOW - timedelta(days=32))
    longest = POLICY.expires - timedelta(days=POLICY_LIFETIME_DAYS)
    check_current(POLICY, longest)
    with refused("policy_lifetime", PolicyError):
        check_current(POLICY, longest - timedelta(seconds=1))
