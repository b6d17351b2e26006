"""Dates for people: in their own time zone, with its name. JSON keeps UTC, with Z."""

from __future__ import annotations

from datetime import datetime, timedelta

from did_service.core.encoding import timestamps
from did_service.core.errors import MalformedError

_EPOCH = timedelta(hours=1)  # docs/formats.md §9: the checkpoint that all wallets ask for


def local_time(instant: datetime) -> str:
    """Write an instant to the minute in the machine's time zone: `2031-11-28 07:46 CST`."""
    here = instant.astimezone()
    return f"{here:%Y-%m-%d %H:%M} {here.tzname()}"


def clock_time(instant: datetime) -> str:
    """Write an instant of today to the minute, in the machine's time zone: `15:00 CST`."""
    here = instant.astimezone()
    return f"{here:%H:%M} {here.tzname()}"


def local_text(stamp: str) -> str | None:
    """Write an RFC 3339 time for people; None where it is no time."""
    try:
        return local_time(timestamps.parse(stamp))
    except (MalformedError, OverflowError):
        return None


def next_epoch(now: datetime) -> datetime:
    """Return when the next checkpoint begins that all wallets ask for."""
    return now.replace(minute=0, second=0, microsecond=0) + _EPOCH
