"""Whose a name is, and that it stays: over one step, and over any two layouts of hosts."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.anchor.bodies.policy import check_successor, parse_policy
from did_service.core.anchor.hosts import check_stay, hosts_of, longest
from did_service.core.anchor.region import is_under
from did_service.core.errors import MalformedError, PolicyError
from did_service.core.limits import MAX_RETIRED_HOSTS
from tests.support.federation import founded
from tests.support.refusals import refused

FED = founded()
GD, HN, *OTHERS = FED.policy.regions
BEFORE = {"gd.example": GD, "x.gd.example": HN, "hn.example": HN, "zj.example": None}
ALIAS = GD._replace(id="gd2")
ELSEWHERE = GD._replace(logs={"new.gd.example/reg": GD.logs["gd.example/reg"]})


@pytest.mark.parametrize(
    "changes",
    [
        {"gd.example": HN},
        {"a.gd.example": HN},
        {"a.x.gd.example": GD},
        {"x.gd.example": GD},
        {"x.gd.example": ...},
        {"hn.example": ...},
        {"zj.example": GD},
        {"a.zj.example": GD},
        {"zj.example": ...},
        {"gd.example": ALIAS},
        {"gd.example": ELSEWHERE},
    ],
    ids=str,
)
def test_no_name_changes_hands(changes):
    after = {name: own for name, own in (BEFORE | changes).items() if own is not ...}
    with refused("host_moved", PolicyError):
        check_stay(BEFORE, after)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"a.gd.example": GD},
        {"a.x.gd.example": HN},
        {"fj.example": OTHERS[0]},
        {"example": OTHERS[0]},
        {"agd.example": HN},
        {"x.gd.example": None},
        {"gd.example": None},
        {"a.gd.example": None},
        {"a.zj.example": None},
        {"gd.example": GD._replace(root=HN.root, hosts=("gd.example", "more.example"))},
    ],
    ids=str,
)
def test_a_name_stays_or_nobody_has_it(changes):
    check_stay(BEFORE, BEFORE | changes)


NAMES = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(".".join)
LAYOUTS = st.dictionaries(NAMES, st.sampled_from([GD, HN, None]), max_size=5)


@given(LAYOUTS, LAYOUTS, st.lists(NAMES, min_size=30, max_size=30))
def test_names_stay_for_any_two_policies(held, offered, names):
    """Where a step is taken, no name at all has another owner after it."""

    def owner(hosts, name):
        above = [own for own in hosts if is_under(name, own)]
        return hosts[max(above, key=len)] if above else ...

    moved = [
        name
        for name in {*names, *held, *offered}
        if owner(held, name) is not ...
        and owner(offered, name) not in (owner(held, name), None)
    ]
    taken = False
    with suppress(PolicyError):
        check_stay(held, offered)
        taken = True
    assert taken == (not moved)


def next_policy(fed, number, *hosts, **changes):
    """Go on to the policy in which a region has these hosts beside its own."""
    regions = [dict(each) for each in fed.policy.members["regions"]]
    own = fed.policy.regions[number].id
    regions[number]["hosts"] = [f"{own}.example", *hosts]
    following = fed.next_policy(regions=regions, **changes)
    check_successor(fed.policy, following)
    fed.policy = following


def test_a_host_that_was_given_up_is_nobodys_for_good():
    fed = founded()
    next_policy(fed, 0, "more.example")
    with refused("host_moved", PolicyError):
        next_policy(fed, 0)
    next_policy(fed, 0, retired=["more.example"])
    with refused("home_unknown", PolicyError):
        fed.policy.region_of_host("a.more.example")
    for host in ("more.example", "a.more.example"):
        for region in (0, 1):
            retired = [each for each in ("more.example", "z.example") if each != host]
            with refused("host_moved", PolicyError):
                next_policy(fed, region, host, retired=retired)


def test_a_retired_host_within_a_region_is_nobodys():
    policy = replace(FED.policy, retired=("x.gd.example",))
    assert policy.region_of_host("y.gd.example") is policy.regions[0]
    with refused("home_unknown", PolicyError):
        policy.region_of_host("a.x.gd.example")
    assert longest("a.x.gd.example", hosts_of(policy.regions, policy.retired)) == "x.gd.example"


@pytest.mark.parametrize(
    ("retired", "kind"),
    [
        ([], MalformedError),
        (["ZJ.example"], MalformedError),
        (["zj.example:443"], MalformedError),
        (["gd.example"], PolicyError),
        (["fj.example", "fj.example"], (PolicyError, MalformedError)),
        ([f"h{n}.example" for n in range(MAX_RETIRED_HOSTS + 1)], Exception),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_retired_is_a_host_that_stands_once(retired, kind):
    with pytest.raises(kind):
        parse_policy({**FED.policy.members, "retired": retired})
