"""How old a statement is, and which clock counts."""

import pytest

from did_service.core.anchor.freshness import (
    age_seconds,
    clock_is_behind,
    effective_now,
    parse_tiers,
    parse_waiver,
    statement_time,
)
from did_service.core.encoding.strict_json import Fields
from did_service.core.errors import MalformedError


def test_a_statement_is_as_old_as_the_oldest_of_what_it_rests_on():
    assert statement_time(300, 200) == 200
    assert statement_time(200, 300) == 200
    assert statement_time(300, 200, 100) == 100
    assert statement_time(300, 200, 250) == 200


def test_age_is_never_negative():
    assert age_seconds(100, 160) == 60
    assert age_seconds(160, 100) == 0


def test_the_clock_may_lag_by_300_seconds():
    assert not clock_is_behind(700, 1_000)
    assert clock_is_behind(699, 1_000)
    assert effective_now(699, 1_000) == 1_000
    assert effective_now(1_001, 1_000) == 1_001


def test_tiers_and_waivers_are_closed():
    tiers = {"online": 300, "day": 86_400, "field": 604_800}
    assert parse_tiers(Fields(tiers, "tiers")) == tiers
    with pytest.raises(MalformedError):
        parse_tiers(Fields({**tiers, "forever": 1}, "tiers"))
    waiver = {"item": "permit", "code": "status_stale", "max_seconds": 60}
    assert parse_waiver(waiver).max_seconds == 60
    with pytest.raises(MalformedError):
        parse_waiver({**waiver, "until": 1})


@pytest.mark.parametrize("code", ["status_missing", "proof_invalid", "log_forked"])
def test_only_staleness_can_be_waived(code):
    with pytest.raises(MalformedError) as refused:
        parse_waiver({"item": "permit", "code": code, "max_seconds": 60})
    assert refused.value.code == "member_invalid"
