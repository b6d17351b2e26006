"""XSD dateTime: what is taken and which second it is, what is refused; no order is lost."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.encoding import timestamps
from did_service.core.encoding.xsd_datetime import Instant, parse_datetime
from did_service.core.errors import DidServiceError, MalformedError, UnsupportedError

NOON = 1_795_262_400  # 2026-11-21T12:00:00Z
TAKEN = {
    # without an offset, in UTC, and with any offset there is (case 13, 16)
    "2026-11-21T12:00:00": (NOON, ""),
    "2026-11-21T12:00:00Z": (NOON, ""),
    "2026-11-21T12:00:00-00:00": (NOON, ""),
    "2026-11-21T20:00:00+08:00": (NOON, ""),
    "2026-11-22T02:00:00+14:00": (NOON, ""),
    "2026-11-20T22:00:00-14:00": (NOON, ""),
    "2026-11-22T01:59:00+13:59": (NOON, ""),
    # the end of a day is the beginning of the next (case 14)
    "2026-11-20T24:00:00Z": (NOON - 43_200, ""),
    "2026-11-20T24:00:00.000Z": (NOON - 43_200, ""),
    "2027-12-31T24:00:00": (1_830_297_600, ""),
    "2026-11-21T24:00:00+12:00": (NOON, ""),
    # fractions of any length
    "2026-11-21T12:00:00.5Z": (NOON, "5"),
    "2026-11-21T12:00:00.500000Z": (NOON, "5"),
    "2026-11-21T12:00:00.000Z": (NOON, ""),
    "2026-11-21T12:00:00.1234567890123456789Z": (NOON, "1234567890123456789"),
    # years on both sides of those that `datetime` knows
    "1970-01-01T00:00:00Z": (0, ""),
    "1969-12-31T23:59:59.25Z": (-1, "25"),
    "9999-12-31T23:59:59Z": (timestamps.MAX_POSIX_SECONDS, ""),
    "9999-12-31T24:00:00Z": (timestamps.MAX_POSIX_SECONDS + 1, ""),
    "10000-01-01T00:00:00Z": (timestamps.MAX_POSIX_SECONDS + 1, ""),
    "999999999-12-31T23:59:59Z": (31_556_889_832_780_799, ""),
    "0001-01-01T00:00:00Z": (-62_135_596_800, ""),
    "0000-12-31T24:00:00Z": (-62_135_596_800, ""),
    "0000-02-29T00:00:00Z": (-62_135_596_800 - 307 * 86_400, ""),
    "-0000-12-31T24:00:00Z": (-62_135_596_800, ""),
    "-0001-12-31T24:00:00Z": (-62_135_596_800 - 366 * 86_400, ""),
    "-12000-01-01T00:00:00Z": (-440_850_643_200, ""),
}
REFUSED = [
    "",
    "2026-11-21",
    "2026-11-21T12:00Z",
    "2026-11-21 12:00:00Z",
    "2026-11-21t12:00:00z",
    "2026-11-21T24:00:01Z",
    "2026-11-21T24:00:00.1Z",
    "2026-11-21T24:01:00Z",
    "2026-11-21T25:00:00Z",
    "2026-11-21T12:60:00Z",
    "2026-12-31T23:59:60Z",  # §3.3.7: leap seconds are no part of it
    "2026-02-29T00:00:00Z",
    "2100-02-29T00:00:00Z",
    "10001-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-11-31T00:00:00Z",
    "226-11-21T12:00:00Z",
    "02026-11-21T12:00:00Z",
    "+2026-11-21T12:00:00Z",
    "2026-11-21T12:00:00.Z",
    "2026-11-21T12:00:00,5Z",
    "2026-11-21T12:00:00+14:01",
    "2026-11-21T12:00:00+15:00",
    "2026-11-21T12:00:00+01:60",
    "2026-11-21T12:00:00+0800",
    "2026-11-21T12:00:00+08",
    "2026-11-21T12:00:00Z\n",
    " 2026-11-21T12:00:00Z",
    "２０２６-11-21T12:00:00Z",
    "2026-11-21T12:00:00\u0660Z",
]


@pytest.mark.parametrize("text", TAKEN)
def test_a_time_of_xsd_is_its_second_and_the_digits_behind(text):
    instant = parse_datetime(text)
    assert (instant.seconds, instant.fraction) == TAKEN[text]


@pytest.mark.parametrize("text", REFUSED)
def test_what_xsd_does_not_have_is_refused(text):
    with pytest.raises(MalformedError) as caught:
        parse_datetime(text)
    assert caught.value.code == "time_invalid"


@pytest.mark.parametrize("year", ["9999999999", "-999999999", "9" * 200_000])
def test_a_year_beyond_counting_is_unsupported_and_not_malformed(year):
    with pytest.raises(UnsupportedError) as caught:
        parse_datetime(f"{year}-01-01T00:00:00Z")
    assert caught.value.code == "time_unsupported"


def test_a_fraction_as_long_as_a_credential_may_be_is_read():
    assert parse_datetime(f"2026-11-21T12:00:00.{'0' * 200_000}Z") == Instant(NOON)


def test_instants_are_ordered_as_time_is_however_far_away():
    spoken = [
        "-12000-01-01T00:00:00Z",
        "-0001-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "1969-12-31T23:59:59.9Z",
        "1970-01-01T00:00:00Z",
        "2026-11-21T12:00:00Z",
        "2026-11-21T12:00:00.1Z",
        "2026-11-21T12:00:00.1000000000001Z",
        "2026-11-21T12:00:00.11Z",
        "9999-12-31T23:59:59.999999999Z",
        "10000-01-01T00:00:00Z",
        "12000-01-01T00:00:00Z",
        "999999999-12-31T24:00:00Z",
    ]
    instants = [parse_datetime(text) for text in spoken]
    assert all(one < other for one, other in pairwise(instants))


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_datetime_knows_is_the_same_instant(instant):
    assert parse_datetime(instant.isoformat()) == Instant.of(instant)
    assert Instant.of(instant).seconds == timestamps.to_posix(instant)
    assert str(Instant.of(instant)) == timestamps.encode(instant)


@given(st.datetimes(), st.integers(-14 * 60, 14 * 60))
def test_an_offset_moves_the_clock_and_not_the_instant(local, minutes):
    zone = timezone(timedelta(minutes=minutes))
    with suppress(OverflowError):
        there = local.replace(tzinfo=zone)
        assert parse_datetime(there.isoformat()) == Instant.of(there.astimezone(UTC))


@given(st.integers(-(10**15), 10**15))
def test_writing_a_second_turns_reading_round(seconds):
    assert parse_datetime(str(Instant(seconds))) == Instant(seconds)


@given(st.text() | st.from_regex(r"-?[0-9]{4,12}-[0-9]{2}-[0-9]{2}T[0-9:.Z+-]{8,20}"))
def test_any_text_is_an_instant_or_refused(text):
    with suppress(DidServiceError):
        str(parse_datetime(text))


def test_before_our_era_datetime_and_instant_agree():
    assert Instant.of(datetime(1, 1, 1, tzinfo=UTC)) == parse_datetime("0001-01-01T00:00:00")
