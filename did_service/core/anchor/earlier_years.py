"""A status list goes on from where it stood last, however many years ago that was.

    ev/2026  1  2        ev/2027            ev/2028  3 (x names 2 of ev/2026)

A list that began anew after a year without any would clear what it had revoked. From rules 2 on
all data logs of the region are looked through, before that the one of the year before.
"""

from __future__ import annotations

from collections.abc import Iterator

from did_service.core.anchor.entry import LoggedEntry
from did_service.core.anchor.region import year_before, year_of
from did_service.core.anchor.view import LogView, RuleContext

_ALL_SINCE = 2


def last_before(
    kind: str, subject: str, log: LogView, world: RuleContext
) -> tuple[str, LoggedEntry] | None:
    """Return the newest entry of a chain in a data log of an earlier year, and that log.

    Raises:
        UnavailableError: `log_not_mirrored`.
    """
    for origin in _earlier(log.origin, world):
        newest = world.log(origin).newest(kind, subject)
        if newest is not None:
            return origin, newest
    return None


def _earlier(origin: str, world: RuleContext) -> Iterator[str]:
    """Yield the region's data logs of earlier years, the newest first."""
    years = {year_of(each): each for each in world.policy.region_of_log(origin).logs}
    before = [year for year in years if year is not None and year < (year_of(origin) or 0)]
    for year in sorted(before, reverse=True):
        if world.policy.rules >= _ALL_SINCE or years[year] == year_before(origin):
            yield years[year]
