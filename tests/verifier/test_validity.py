"""Until when evidence is good, told in a person's own time zone with its name."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from did_service.core.evidence.proofs import verify_evidence
from did_service.core.evidence.sets import parse_evidence
from did_service.verifier.dates import moment_in_zone, zone_name
from did_service.verifier.outline import outline_of
from did_service.verifier.validity import validity, validity_text
from tests.support.counter import Scene

pytestmark = pytest.mark.offline
BEIJING = timezone(timedelta(hours=8), "CST")
UNNAMED = timezone(timedelta(hours=5, minutes=45))
NIGHT = datetime(2026, 12, 31, 20, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def scene():
    made = Scene()
    made.publish()
    return made


def found(scene):
    evidence = parse_evidence(scene.staple())
    policy = scene.fed.policy
    proven = verify_evidence([("bundle", evidence)], policy, {}, frozenset())
    return validity(outline_of(proven), policy)


def test_each_tier_has_its_end_and_none_outlives_the_policy(scene):
    good, now = found(scene), scene.clock(0).now
    assert good.as_of == now
    for tier, end in good.until.items():
        limit = timedelta(seconds=scene.fed.policy.tiers[tier])
        assert end == min(now + limit, scene.fed.policy.expires)
        assert good.is_over(end) is (tier != "online")


def test_one_line_says_it_in_both_languages(scene):
    good, now = found(scene), scene.clock(0).now
    line = validity_text(good, now + timedelta(hours=1), BEIJING)
    assert line.zh.startswith("可核验至 11月22日 16:00（CST）（1 天内，day）")
    assert line.en.startswith("good until 22 Nov 16:00 (CST) (within 1 d, day)")
    late = validity_text(good, now + timedelta(days=2), BEIJING)
    assert late.zh.startswith(
        "核验数据已超过时限（截至 11月21日 16:00（CST）），请更新；仍可用至"
    )
    assert late.en.startswith("too old: data as of 21 Nov 16:00 (CST); update them; still good")
    over = validity_text(good, scene.fed.policy.expires, UTC)
    assert over.zh.startswith("信任策略已于")
    assert "update" not in over.en


@pytest.mark.parametrize(
    ("zone", "zh", "en"),
    [
        (UTC, "12月31日 20:30（UTC）", "31 Dec 20:30 (UTC)"),
        (BEIJING, "1月1日 04:30（CST）", "1 Jan 04:30 (CST)"),
    ],
)
def test_a_time_is_told_where_the_reader_is(zone, zh, en):
    said = moment_in_zone(NIGHT, NIGHT, zone)
    assert (said.zh, said.en) == (zh, en)


def test_a_year_is_said_where_it_is_another_one():
    said = moment_in_zone(NIGHT, NIGHT + timedelta(days=1), UTC)
    assert (said.zh, said.en) == ("2026年12月31日 20:30（UTC）", "31 Dec 2026 20:30 (UTC)")


def test_a_zone_without_a_name_is_told_by_its_distance():
    assert zone_name(NIGHT, UNNAMED).startswith("UTC")


def test_a_tier_that_ends_in_another_season_has_its_own_zone(scene):
    """A week from the middle of October ends in winter, though the usual day does not."""
    good = found(scene)
    autumn = datetime(2026, 10, 20, 12, tzinfo=UTC)
    tiers = good.policy.tiers
    ends = {tier: autumn + timedelta(seconds=tiers[tier]) for tier in tiers}
    told_then = validity_text(
        replace(good, as_of=autumn, until=ends), autumn, ZoneInfo("Europe/Paris")
    )
    assert "21 Oct 14:00 (CEST)" in told_then.en
    assert "27 Oct 13:00 (CET)" in told_then.en
