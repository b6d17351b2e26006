"""Dates for people: in their own time zone, whose name stands beside a time of day.

    day       2031年5月1日            1 May 2031
    moment    3月18日 07:52           18 Mar 07:52        with the year when it is another one
    zone      CST

What programs read is in UTC and ends with `Z` (`encoding.timestamps`).
"""

from __future__ import annotations

from datetime import datetime, tzinfo

from did_service.core.encoding import timestamps
from did_service.core.encoding.xsd_datetime import Instant
from did_service.core.errors import Bilingual
from did_service.core.limits import MAX_QUOTED_COLUMNS

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_UNITS = ((86_400, "天", "d"), (3_600, "小时", "h"), (60, "分钟", "min"), (1, "秒", "s"))
_DAY_SECONDS = 86_400
_ZONE_LETTERS = 8  # of a zone's name; the system's owner gave it


def day(instant: datetime, zone: tzinfo | None) -> Bilingual:
    """Say on which day an instant lies, with its year; None is the zone of this machine."""
    local = instant.astimezone(zone)
    return Bilingual(
        f"{local.year}年{local.month}月{local.day}日",
        f"{local.day} {_MONTHS[local.month - 1]} {local.year}",
    )


def moment(instant: datetime, now: datetime, zone: tzinfo | None) -> Bilingual:
    """Say when an instant is, to the minute; its year where it is not the present one."""
    local = instant.astimezone(zone)
    time = f"{local.hour:02}:{local.minute:02}"
    if local.year != now.astimezone(zone).year:
        whole = day(instant, zone)
        return Bilingual(f"{whole.zh} {time}", f"{whole.en} {time}")
    return Bilingual(
        f"{local.month}月{local.day}日 {time}", f"{local.day} {_MONTHS[local.month - 1]} {time}"
    )


def zone_name(instant: datetime, zone: tzinfo | None) -> str:
    """Name the zone in which people are told times of day, as `CST` or `UTC+08:00`."""
    local = instant.astimezone(zone)
    name = local.tzname() or ""
    if name.isascii() and name.isalpha() and len(name) <= _ZONE_LETTERS:
        return name
    return f"UTC{local:%z}"


def moment_in_zone(instant: datetime, now: datetime, zone: tzinfo | None) -> Bilingual:
    """Say when an instant is, with the name of the zone, for where it stands alone."""
    name, told = zone_name(instant, zone), moment(instant, now, zone)
    return Bilingual(f"{told.zh}（{name}）", f"{told.en} ({name})")


def end_of_validity(end: Instant, now: datetime, zone: tzinfo | None) -> Bilingual:
    """Say until when a document is valid: a day, and the time of day where it is near."""
    if not 0 <= end.seconds <= timestamps.MAX_POSIX_SECONDS - _DAY_SECONDS:
        text = str(end)[:MAX_QUOTED_COLUMNS]
        return Bilingual(text, text)
    instant = timestamps.from_posix(end.seconds)
    if abs((instant - now).total_seconds()) > _DAY_SECONDS:
        return day(instant, zone)
    return moment_in_zone(instant, now, zone)


def duration(seconds: int) -> Bilingual:
    """Say a length of time in its largest whole unit."""
    for unit, zh, en in _UNITS:
        if seconds >= unit:
            return Bilingual(f"{seconds // unit} {zh}", f"{seconds // unit} {en}")
    return Bilingual("0 秒", "0 s")
