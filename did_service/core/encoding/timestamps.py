"""Times on the wire: RFC 3339 and XSD dateTimeStamp, POSIX seconds.

Inside the core an instant is an aware UTC `datetime`, except in the log, whose entries and
cosignatures carry integer POSIX seconds. This file is the only bridge between the two.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from did_service.core.errors import MalformedError, quote

_STAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}"
    r"(?:\.[0-9]{1,9})?(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_POSIX_SECONDS = 253_402_300_799  # the last second of the year 9999


def parse(text: str) -> datetime:
    """Parse an XSD 1.1 dateTimeStamp: RFC 3339 with capital T and Z, an offset required.

    Fractions are kept to the microsecond. 24:00:00 and leap seconds are refused: two spellings
    of one instant are one too many.

    Raises:
        MalformedError: `time_invalid`.
    """
    if _STAMP.fullmatch(text) is None:
        raise MalformedError("time_invalid", f"not a dateTimeStamp: {quote(text)}")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise MalformedError("time_invalid", f"no such time: {quote(text)}") from error


def parse_utc(text: str) -> datetime:
    """Parse a dateTimeStamp that must end in `Z`, as all formats of ours do.

    Raises:
        MalformedError: `time_invalid`.
    """
    if not text.endswith("Z"):
        raise MalformedError("time_invalid", f"not in UTC: {quote(text)}")
    return parse(text)


def encode(instant: datetime) -> str:
    """Write an instant as RFC 3339 in UTC with `Z`, to the second."""
    return instant.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def to_posix(instant: datetime) -> int:
    """Return whole POSIX seconds, rounded down."""
    return (instant - _EPOCH) // timedelta(seconds=1)


def from_posix(seconds: int) -> datetime:
    """Return the instant of POSIX seconds.

    Raises:
        MalformedError: `time_invalid` outside the years 1970 to 9999.
    """
    if not 0 <= seconds <= MAX_POSIX_SECONDS:
        raise MalformedError("time_invalid", f"{seconds} is not a POSIX time of our era")
    return datetime.fromtimestamp(seconds, UTC)
