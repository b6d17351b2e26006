"""Dates for people: their own zone, its name beside a time of day."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from did_service.core.encoding.xsd_datetime import Instant
from did_service.core.verification.headline import headline_of
from did_service.core.verification.report import Basis, Check, NowFrom, Report
from did_service.verifier.dates import day, duration, end_of_validity, moment, zone_name
from did_service.verifier.verdict_data import data_sentences

CHINA = timezone(timedelta(hours=8), "CST")
EVENING = datetime(2027, 3, 17, 23, 52, tzinfo=UTC)


def test_a_day_is_that_of_the_reader():
    assert (day(EVENING, CHINA).zh, day(EVENING, CHINA).en) == ("2027年3月18日", "18 Mar 2027")
    assert day(EVENING, UTC).en == "17 Mar 2027"


@pytest.mark.parametrize(
    ("now", "zh", "en"),
    [
        (datetime(2027, 3, 20, tzinfo=UTC), "3月18日 07:52", "18 Mar 07:52"),
        (datetime(2028, 1, 1, tzinfo=UTC), "2027年3月18日 07:52", "18 Mar 2027 07:52"),
        (datetime(2027, 12, 31, 17, tzinfo=UTC), "2027年3月18日 07:52", "18 Mar 2027 07:52"),
    ],
)
def test_a_moment_has_its_year_where_it_is_another_one(now, zh, en):
    told = moment(EVENING, now, CHINA)
    assert (told.zh, told.en) == (zh, en)


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        (CHINA, "CST"),
        (timezone(timedelta(hours=8)), "UTC+0800"),
        (ZoneInfo("Europe/Paris"), "CET"),
        (timezone(timedelta(hours=1), "\x1b[2J"), "UTC+0100"),
        (timezone(timedelta(hours=1), "A" * 9), "UTC+0100"),
    ],
)
def test_a_zone_is_named(zone, name):
    assert zone_name(EVENING, zone) == name


SHANGHAI, PARIS = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Paris")  # one of them has summers
LATE_SUMMER = datetime(2026, 10, 24, 12, tzinfo=UTC)  # half a day before the clocks go back


@pytest.mark.parametrize(
    ("zone", "zh", "en"),
    [
        (
            SHANGHAI,
            "核验数据截至 10月24日 20:00，可用至 10月25日 20:00（CST）。",
            "Data as of 24 Oct 20:00, good until 25 Oct 20:00 (CST).",
        ),
        (
            PARIS,
            "核验数据截至 10月24日 14:00（CEST），可用至 10月25日 13:00（CET）。",
            "Data as of 24 Oct 14:00 (CEST), good until 25 Oct 13:00 (CET).",
        ),
    ],
)
def test_a_day_of_data_is_told_in_the_zone_of_its_ends(zone, zh, en):
    """Where summer time ends in between, one name for both would be an hour off."""
    now = LATE_SUMMER + timedelta(hours=1)
    basis = Basis("trust", int(LATE_SUMMER.timestamp()), 3_600, 86_400)
    checks = (Check("status_clear", 0, basis),)
    report = Report(now, NowFrom.CLOCK, "day", None, (), checks)
    (said,) = data_sentences(report, headline_of(report), zone)
    assert (said.zh, said.en) == (zh, en)


def test_what_is_over_is_told_in_the_zone_of_then():
    now = LATE_SUMMER + timedelta(days=3)
    basis = Basis("trust", int(LATE_SUMMER.timestamp()), 259_200, 86_400)
    report = Report(now, NowFrom.CLOCK, "day", None, (), (Check("status_stale", 0, basis),))
    (said,) = data_sentences(report, headline_of(report), PARIS)
    assert said.en == "Data as of 24 Oct 14:00 (CEST), out of date by 2 d."
    assert day(datetime(2026, 10, 25, 22, 30, tzinfo=UTC), PARIS).en == "25 Oct 2026"
    assert day(datetime(2026, 10, 25, 22, 30, tzinfo=UTC), SHANGHAI).zh == "2026年10月26日"


def test_an_end_that_is_near_has_its_time_of_day():
    now = datetime(2027, 3, 17, 12, tzinfo=UTC)
    near = end_of_validity(Instant.of(EVENING), now, CHINA)
    assert (near.zh, near.en) == ("3月18日 07:52（CST）", "18 Mar 07:52 (CST)")
    far = end_of_validity(Instant.of(EVENING), now - timedelta(days=3), CHINA)
    assert far.zh == "2027年3月18日"


@pytest.mark.parametrize("seconds", [-1, 10**15])
def test_an_end_beyond_our_calendar_is_written_out(seconds):
    end = Instant(seconds)
    assert end_of_validity(end, EVENING, CHINA).en == str(end)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (7_199, "1 h"),
        (86_400, "1 d"),
        (864_001, "10 d"),
    ],
)
def test_durations_are_said_in_their_largest_unit(seconds, words):
    assert duration(seconds).en == words
