"""What a verdict says of its data: as of when they are, and until when they are good."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo

from did_service.core.encoding import timestamps
from did_service.core.text import Bilingual
from did_service.core.verification.headline import Headline
from did_service.core.verification.report import Basis, Report
from did_service.verifier.dates import day, duration, moment, moment_in_zone, zone_name


def data_sentences(report: Report, told: Headline, zone: tzinfo | None) -> Iterator[Bilingual]:
    """Say as of when the data are, and until when they are good, by the oldest that counts."""
    if told.reason == "policy_expired" and report.policy is not None:
        end = day(report.policy.expires, zone)
        yield Bilingual(f"信任策略于 {end.zh} 到期。", f"The policy expired on {end.en}.")
        return
    if told.reason == "clock_behind":
        latest = moment(report.now, report.now, zone)
        name = zone_name(report.now, zone)
        yield Bilingual(
            f"已见证的最新时间：{latest.zh}（{name}）。",
            f"Newest time known: {latest.en} ({name}).",
        )
        return
    aged = [check.basis for check in report.checks if check.basis is not None]
    yield from _age([basis for basis in aged if basis.limit_seconds is not None], report, zone)


def _age(bases: list[Basis], report: Report, zone: tzinfo | None) -> Iterator[Bilingual]:
    timed = [(basis.as_of, basis.limit_seconds or 0) for basis in bases if basis.as_of]
    if not timed:
        return
    as_of, limit = min(timed)
    since = timestamps.from_posix(as_of)
    until = since + timedelta(seconds=limit)
    yield _span(since, until, report.now, zone)


def _span(since: datetime, until: datetime, now: datetime, zone: tzinfo | None) -> Bilingual:
    begin, end = moment_in_zone(since, now, zone), moment_in_zone(until, now, zone)
    late = int((now - until).total_seconds())
    if late >= 0:
        over = duration(late)
        return Bilingual(
            f"核验数据截至 {begin.zh}，已超过时限 {over.zh}。",
            f"Data as of {begin.en}, out of date by {over.en}.",
        )
    if zone_name(since, zone) == zone_name(until, zone):  # else summer time begins or ends
        begin = moment(since, now, zone)
    return Bilingual(
        f"核验数据截至 {begin.zh}，可用至 {end.zh}。",
        f"Data as of {begin.en}, good until {end.en}.",
    )
