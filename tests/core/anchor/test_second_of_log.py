"""Whose second decides around New Year, when a log has refused an entry for its year."""

import pytest

from did_service.core.anchor.region import second_of_log
from did_service.core.errors import RuleError
from did_service.core.limits import MAX_CLOCK_AHEAD_SECONDS

NOW = 1_798_761_599  # the last second of 2026


@pytest.mark.parametrize(
    ("told", "second"),
    [
        (NOW + 1, NOW + 1),
        (NOW - 5, NOW - 5),
        (NOW + MAX_CLOCK_AHEAD_SECONDS, NOW + MAX_CLOCK_AHEAD_SECONDS),
        (NOW + MAX_CLOCK_AHEAD_SECONDS + 1, NOW),
        (NOW + 31_536_000, NOW),
        (0, NOW),
        ("2027", NOW),
        (None, NOW),
    ],
)
def test_a_log_is_followed_over_new_year_and_no_further(told, second):
    """Agencies and custodians alike: these had followed it into whatever year it named."""
    refusal = RuleError("time_outside_period", "another year", at=told)
    assert second_of_log(refusal, NOW) == second
