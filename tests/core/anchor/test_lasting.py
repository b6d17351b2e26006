"""What no later policy takes back: ids of schemas, logs and the number of the rules."""

from copy import deepcopy
from dataclasses import replace

import pytest

from did_service.core.anchor.bodies.policy import check_successor
from did_service.core.anchor.lasting import check_lasting
from did_service.core.errors import PolicyError
from tests.support.federation import Federation
from tests.support.refusals import refused

FED = Federation(years=(2026, 2027), rules=2)


def changed(fed, **regions):
    """The next policy, with other members of some regions."""
    found = deepcopy(fed.policy.members["regions"])
    return fed.next_policy(regions=[each | regions.get(each["id"], {}) for each in found])


@pytest.mark.parametrize(
    "regions",
    [
        {"hn": {"prefixes": ["https://hn.example/", "https://gd.example/schemas/"]}},
        {
            "hn": {"prefixes": ["https://hn.example/", "https://gd.example/"]},
            "gd": {"prefixes": []},
        },
        {"gd": {"prefixes": []}},
        {"gd": {"prefixes": ["https://gd.example/schemas/"]}},
        {"cn": {"territory": ["110000"]}},
        {"cn": {"territory": ["110000"]}, "hn": {"territory": ["000000"]}},
        {"gd": {"territory": ["440000", "000000"]}},
    ],
    ids=str,
)
def test_no_id_of_a_schema_changes_hands(regions):
    with refused("prefix_moved", PolicyError):
        check_successor(FED.policy, changed(FED, **regions))


@pytest.mark.parametrize(
    "regions",
    [
        {},
        {"gd": {"prefixes": ["https://gd.example/", "https://gd.example/schemas/"]}},
        {"gd": {"prefixes": ["https://gd.example/", "https://more.example/"]}},
        {"gd": {"territory": ["440100"]}},
    ],
    ids=str,
)
def test_what_was_nobodys_may_be_taken(regions):
    check_successor(FED.policy, changed(FED, **regions))


@pytest.mark.parametrize("origin", ["gd.example/ev/2026", "gd.example/ev/2027"])
def test_a_region_keeps_all_its_logs(origin):
    logs = {o: t for o, t in FED.policy.members["regions"][0]["logs"].items() if o != origin}
    with refused("log_dropped", PolicyError):
        check_successor(FED.policy, changed(FED, gd={"logs": logs}))


def test_a_region_keeps_its_root():
    root = FED.agency("root.gd.example").did
    with refused("roots_changed", PolicyError):
        check_successor(FED.policy, changed(FED, gd={"root": root}))


@pytest.mark.parametrize("host", ["hn.example", "a.hn.example", "else.example"])
def test_a_root_is_at_home_in_its_own_region(host):
    root = f"{FED.root('gd').did.rpartition(':')[0]}:{host}"
    with refused("root_elsewhere", PolicyError):
        changed(FED, gd={"root": root})


def test_a_root_below_another_regions_host_is_not_at_home():
    root = f"{FED.root('gd').did.rpartition(':')[0]}:a.gd.example"
    with refused("root_elsewhere", PolicyError):
        changed(FED, gd={"root": root}, hn={"hosts": ["hn.example", "a.gd.example"]})


def test_a_region_has_one_data_log_of_a_year():
    own = FED.policy.members["regions"][0]
    logs = {o.replace("gd.", "a.gd."): t for o, t in own["logs"].items() if "2027" in o}
    hosts = [*own["hosts"], "a.gd.example"]
    with refused("region_repeated", PolicyError):
        changed(FED, gd={"hosts": hosts, "logs": {**own["logs"], **logs}})


def test_the_number_of_the_rules_never_falls():
    with refused("rules_fall", PolicyError):
        check_successor(FED.policy, FED.next_policy(rules=1))
    check_successor(FED.policy, FED.next_policy(rules=3))


def test_what_a_region_had_that_has_left_may_be_taken():
    """Its logs prove nothing any more, so nothing of them is the latest again."""
    held, offered = FED.policy, changed(FED, cn={"territory": ["110000"], "prefixes": []})
    gd, *others, cn = offered.regions
    taking = gd._replace(territory=("000000",), prefixes=(*gd.prefixes, "https://cn.example/"))
    left = replace(offered, regions=(taking, *others), retired=("cn.example",))
    check_lasting(held, left)
    with refused("prefix_moved", PolicyError):
        check_lasting(held, replace(left, regions=(taking, *others, cn), retired=()))
