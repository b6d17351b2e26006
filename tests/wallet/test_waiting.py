"""When evidence that is missing comes: by time alone, or not."""

from datetime import timedelta

import pytest

from did_service.core.encoding import timestamps
from wallet_cli.waiting import Coming, coming

NOW = timestamps.parse_utc("2026-03-01T10:55:00Z")
ELEVEN, TWELVE = NOW + timedelta(minutes=5), NOW + timedelta(minutes=65)
LOGGED = NOW + timedelta(minutes=10)


@pytest.mark.parametrize(
    ("codes", "is_fresh", "found"),
    [
        (["subject_unknown"], False, Coming(ELEVEN, None)),  # logged, younger than the hour's
        (["batch_unpublished"], False, Coming(ELEVEN, None)),
        (["batch_unknown"], False, Coming(TWELVE, LOGGED)),  # too late for eleven o'clock
        (["subject_unknown", "batch_unknown"], False, Coming(TWELVE, LOGGED)),
        (["subject_unknown"], True, Coming(TWELVE, LOGGED)),  # the newest has not got it either
        (["batch_unnamed", "subject_unknown"], False, Coming(ELEVEN, None)),
        (["subject_unknown", "peer_timeout"], False, None),  # waiting alone does not bring it
        (["batch_unnamed"], True, None),
        ([], False, None),
    ],
)
def test_what_is_missing_comes_by_itself_at_a_time_or_does_not(codes, is_fresh, found):
    assert coming(codes, NOW, is_fresh=is_fresh) == found


def test_of_several_credentials_the_last_one_counts():
    published, logged = Coming(ELEVEN, None), Coming(TWELVE, LOGGED)
    assert published.later(logged) == logged.later(published) == logged
    assert published.later(published) == published
