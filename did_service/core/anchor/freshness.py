"""How old a statement is.

An old heads entry stays provable under every newer checkpoint, so "this is the latest" is only
as fresh as the oldest of what it rests on: the quorum's time of the checkpoint, the `at` of the
heads entry and, for a status list, its own `iat`.

    T = min(fresh_at, heads.at[, iat])        age = now - T

`now` itself is never earlier than the newest quorum time ever verified (threat rule 19). How
much age is allowed stands in the policy: a bound for each tier, and waivers by name.
"""

from typing import NamedTuple

from did_service.core.encoding.strict_json import Fields, JsonValue
from did_service.core.limits import MAX_COSIGNATURE_AHEAD_SECONDS

TIERS = ("online", "day", "field")


class Waiver(NamedTuple):
    """Leave to accept stale evidence of one code, for one service item, up to an age."""

    item: str
    code: str
    max_seconds: int


def statement_time(fresh_at: int, heads_at: int, issued_at: int | None = None) -> int:
    """Return T, in POSIX seconds, of a statement.

    Args:
        fresh_at: The k-th newest cosignature time of the checkpoint.
        heads_at: The `at` of the heads entry that names the statement as latest.
        issued_at: The `iat` of a status list.
    """
    times = [fresh_at, heads_at]
    if issued_at is not None:
        times.append(issued_at)
    return min(times)


def age_seconds(time: int, now: int) -> int:
    """Return the age of T at `now`, never below zero."""
    return max(0, now - time)


def clock_is_behind(now: int, floor: int) -> bool:
    """Say whether the clock stands more than 300 s before a time that a quorum has shown."""
    return now < floor - MAX_COSIGNATURE_AHEAD_SECONDS


def effective_now(now: int, floor: int) -> int:
    """Return the time to judge by: the clock's, but never before the floor."""
    return max(now, floor)


def parse_tiers(fields: Fields) -> dict[str, int]:
    """Read the seconds of each tier; errors as `Fields`."""
    tiers = {name: fields.integer(name, least=1) for name in TIERS}
    fields.close()
    return tiers


def parse_waiver(value: JsonValue) -> Waiver:
    """Read one waiver; errors as `Fields`."""
    fields = Fields(value, "policy.waivers")
    waiver = Waiver(
        fields.text("item"),
        fields.choice("code", ("status_stale", "evidence_stale")),
        fields.integer("max_seconds", least=1),
    )
    fields.close()
    return waiver
