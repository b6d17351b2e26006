"""Times in credentials and their proofs: XSD 1.1 Part 2, §3.3.7 dateTime and §3.4.28.

    -?YYYY…-MM-DDThh:mm:ss(.s…)?(Z|±hh:mm)?     24:00:00 ends a day; no second 60 (§3.3.7.2)

VCDM 2.0 ("Representing Time") and Data Integrity 1.0 §2.1: without an offset it is UTC. Years
go beyond those of `datetime`, so an instant is a count of seconds with the digits of its
fraction: no order is lost, however far or near two of them lie. What we write ourselves, and
what our own formats demand, is `timestamps`.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

from did_service.core.errors import MalformedError, UnsupportedError, quote
from did_service.core.limits import MAX_YEAR_DIGITS

_TIME = re.compile(
    r"(-?(?:[1-9][0-9]{3,}|0[0-9]{3}))-([0-9]{2})-([0-9]{2})T"
    r"(?:([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]+))?|24:00:00(?:\.0+)?)"
    r"(?:Z|([+-])(0[0-9]|1[0-3]|14(?=:00)):([0-5][0-9]))?"
)
# How nearly all are written; those the standard library reads at once.
_USUAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097  # after 400 years the calendar begins again
_FIRST = date(2000, 1, 1)  # of a cycle that `date` knows
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DAY_SECONDS = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Instant:
    """A point in time; compares as time does.

    Attributes:
        seconds: POSIX seconds, rounded down; before 1970 below zero.
        fraction: Digits behind the point, without zeros at the end: they compare as text.
    """

    seconds: int
    fraction: str = ""

    @classmethod
    def of(cls, instant: datetime) -> "Instant":
        """Return the instant of an aware `datetime`."""
        since = instant - _EPOCH
        fraction = f"{since.microseconds:06}".rstrip("0") if since.microseconds else ""
        return cls(since.days * _DAY_SECONDS + since.seconds, fraction)

    def __str__(self) -> str:
        """Write it in UTC with `Z`, to the second."""
        days, second = divmod(self.seconds, _DAY_SECONDS)
        cycles, day = divmod(days + _EPOCH_DAY - _FIRST.toordinal(), _CYCLE_DAYS)
        known = date.fromordinal(_FIRST.toordinal() + day)
        year = known.year + cycles * _CYCLE_YEARS
        sign, hour, rest = "-" if year < 0 else "", second // 3_600, second % 3_600
        return (
            f"{sign}{abs(year):04}-{known.month:02}-{known.day:02}"
            f"T{hour:02}:{rest // 60:02}:{rest % 60:02}Z"
        )


def parse_datetime(text: str) -> Instant:
    """Read an XSD dateTime; without an offset it is in UTC.

    Raises:
        MalformedError: `time_invalid`.
        UnsupportedError: `time_unsupported`: a year of more than nine digits.
    """
    try:
        usual = datetime.fromisoformat(text) if _USUAL.fullmatch(text) else None
    except ValueError:  # the year 0, or no such day
        usual = None
    if usual is not None:
        return Instant.of(usual)
    match = _TIME.fullmatch(text)
    if match is None:
        raise MalformedError("time_invalid", f"not a dateTime: {quote(text)}")
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = match.groups()
    if len(year) > MAX_YEAR_DIGITS:
        raise UnsupportedError("time_unsupported", f"a year this far away: {quote(text)}")
    clock = int(hour or 24) * 3_600 + int(minute or 0) * 60 + int(second or 0)
    offset = int(hours or 0) * 3_600 + int(minutes or 0) * 60
    local = _day(int(year), int(month), int(day), text) * _DAY_SECONDS + clock
    utc = local + offset if sign == "-" else local - offset
    return Instant(utc, (fraction or "").rstrip("0"))


def _day(year: int, month: int, day: int, text: str) -> int:
    """Return the days since 1970-01-01, by the calendar carried on both ways (§D.1)."""
    cycles, within = divmod(year, _CYCLE_YEARS)
    try:
        known = date(_FIRST.year + within, month, day)
    except ValueError as error:
        raise MalformedError("time_invalid", f"no such day: {quote(text)}") from error
    whole = cycles - _FIRST.year // _CYCLE_YEARS
    return known.toordinal() + whole * _CYCLE_DAYS - _EPOCH_DAY
