"""Which rules a release judges by: its own at most, and what is later not before a policy."""

import pytest

from did_service.core.anchor import rules_number
from did_service.core.anchor.bodies.policy import check_successor
from did_service.core.anchor.entry import compose
from did_service.core.anchor.rules import check
from did_service.core.anchor.types import TYPES
from did_service.core.errors import RuleError, UnavailableError
from tests.support.refusals import refused

REG = "gd.example/reg"
LATER = rules_number.RULES + 1


def test_every_type_of_entry_has_the_number_that_brought_it():
    assert {each.since for each in TYPES.values()} <= set(range(1, rules_number.RULES + 1))


def test_what_later_rules_bring_is_refused_until_a_policy_puts_them_in_force(fed):
    with refused("rules_not_in_force", RuleError):
        rules_number.check_active("asset", LATER, fed.policy)
    rules_number.check_active("asset", LATER, fed.next_policy(rules=LATER))


@pytest.mark.parametrize("later", [LATER, 255])
def test_a_log_under_later_rules_is_not_judged(fed, later):
    following = fed.next_policy(rules=later)
    check_successor(fed.policy, following)
    with refused("rules_unknown", UnavailableError):
        rules_number.check_known(following)


def test_the_policy_that_brings_later_rules_is_the_last_that_is_judged(fed):
    following = fed.next_policy(rules=LATER)
    newest = fed.logs[REG].newest("policy", fed.policy.federation)
    entry = compose(
        "policy", fed.policy.federation, {"policy": following.members}, after=newest
    )
    fed.submit(REG, entry)
    fed.policy = following
    with refused("rules_unknown", UnavailableError):
        check.check(entry.sequenced(fed.now), fed.logs[REG], fed.world)
