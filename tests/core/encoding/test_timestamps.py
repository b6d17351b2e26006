"""Times: XSD dateTimeStamp, RFC 3339 with Z, POSIX seconds, and the edges of each."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.encoding import timestamps
from did_service.core.errors import MalformedError

instants = st.datetimes(timezones=st.just(UTC))
whole_seconds = st.integers(0, timestamps.MAX_POSIX_SECONDS)


@given(instants)
def test_parsing_turns_writing_round_to_the_second(instant):
    assert timestamps.parse_utc(timestamps.encode(instant)) == instant.replace(microsecond=0)


@given(whole_seconds)
def test_posix_seconds_and_instants_are_inverse(seconds):
    assert timestamps.to_posix(timestamps.from_posix(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-21T11:10:00Z", datetime(2026, 11, 21, 11, 10, tzinfo=UTC)),
        ("2026-11-21T19:10:00+08:00", datetime(2026, 11, 21, 11, 10, tzinfo=UTC)),
        ("2026-11-21T11:10:00-00:00", datetime(2026, 11, 21, 11, 10, tzinfo=UTC)),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
        ("2026-01-01T00:00:00.5Z", datetime(2026, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-01-01T00:00:00.123456789Z", datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)),
        ("2026-01-01T00:00:00+14:00", datetime(2025, 12, 31, 10, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_instants_at_the_edges(text, expected):
    parsed = timestamps.parse(text)
    assert parsed == expected
    assert parsed.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-21",
        "2026-11-21T11:10:00",
        "2026-11-21 11:10:00Z",
        "2026-11-21t11:10:00z",
        "2026-11-21T11:10Z",
        "2026-11-21T24:00:00Z",
        "2026-12-31T23:59:60Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "2026-11-21T11:10:00+14:01",
        "2026-11-21T11:10:00+01:60",
        "2026-11-21T11:10:00+0800",
        "2026-11-21T11:10:00.Z",
        "2026-11-21T11:10:00.1234567890Z",
        "2026-11-21T11:10:00Z\n",
        " 2026-11-21T11:10:00Z",
        "２０２６-11-21T11:10:00Z",
        "+2026-11-21T11:10:00Z",
    ],
)
def test_other_spellings_are_refused(text):
    with pytest.raises(MalformedError) as caught:
        timestamps.parse(text)
    assert caught.value.code == "time_invalid"


@given(st.text(st.characters(categories=None)) | st.text("0123456789-:TZ+."))
def test_any_text_is_an_instant_or_refused(text):
    with suppress(MalformedError):
        assert timestamps.parse(text).tzinfo is UTC


def test_our_own_formats_have_z_alone():
    with pytest.raises(MalformedError) as caught:
        timestamps.parse_utc("2026-11-21T11:10:00+00:00")
    assert caught.value.code == "time_invalid"


def test_an_offset_is_written_as_utc():
    local = datetime(2026, 11, 21, 19, 10, 0, 999_999, tzinfo=timezone(timedelta(hours=8)))
    assert timestamps.encode(local) == "2026-11-21T11:10:00Z"


def test_seconds_are_rounded_down_even_where_floats_are_coarse():
    assert timestamps.to_posix(datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == (
        timestamps.MAX_POSIX_SECONDS
    )
    assert timestamps.to_posix(datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC)) == -1


@pytest.mark.parametrize("seconds", [-1, timestamps.MAX_POSIX_SECONDS + 1, 10**30])
def test_seconds_outside_our_era_are_refused(seconds):
    with pytest.raises(MalformedError) as caught:
        timestamps.from_posix(seconds)
    assert caught.value.code == "time_invalid"
