"""The log of the next year: asked for in time, and told by name."""

from datetime import UTC, datetime, timedelta

import pytest

from did_service.registry.new_year import NOTICE, URGENT, is_near, missing, next_log
from tests.support.federation import founded

REG, NEXT = "gd.example/reg", "gd.example/ev/2027"
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)


def test_the_next_year_is_asked_for_sixty_days_before():
    policy, now = founded(2026).policy, NEW_YEAR - timedelta(days=60)
    assert next_log(REG, now) == NEXT
    assert missing(REG, policy, {REG}, now) == "next_year_log_missing"


def test_a_log_that_the_policy_names_has_to_be_open_here():
    policy, now = founded(2026, 2027).policy, NEW_YEAR - timedelta(days=1)
    assert missing(REG, policy, {REG, "gd.example/ev/2026"}, now) == "next_year_log_closed"
    assert missing(REG, policy, {REG, NEXT}, now) == ""


@pytest.mark.parametrize("span", [NOTICE, URGENT])
def test_new_year_is_near_from_so_many_days_before(span):
    assert is_near(NEW_YEAR - span, span)
    assert not is_near(NEW_YEAR - span - timedelta(seconds=1), span)
    assert not is_near(NEW_YEAR, span)
