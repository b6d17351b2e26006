"""Whether the data log of the next year will be there when its year begins.

60 days before   a notice: a policy has to be signed by several regions, and that takes weeks
7 days before   the region is not ready: on 1 January no list could be published any more
"""

from __future__ import annotations

from collections.abc import Container
from datetime import UTC, datetime, timedelta

from did_service.core.anchor.bodies.policy import Policy

NOTICE = timedelta(days=60)
URGENT = timedelta(days=7)


def next_log(control: str, now: datetime) -> str:
    """Return the origin of the data log that follows the present one.

    Args:
        control: Origin of the region's control log.
        now: Aware UTC.
    """
    host, _, _ = control.partition("/")
    return f"{host}/ev/{now.year + 1}"


def is_near(now: datetime, span: timedelta) -> bool:
    """Say whether New Year is no further away than a span."""
    return datetime(now.year + 1, 1, 1, tzinfo=UTC) - now <= span


def missing(control: str, policy: Policy, served: Container[str], now: datetime) -> str:
    """Return what the next year's log lacks, nothing where all is there.

    Args:
        control: Origin of the region's control log.
        policy: The policy in force.
        served: Origins of the logs that this registry has a key and a place for.
        now: Aware UTC.

    Returns:
        `next_year_log_missing`: no policy names it yet. `next_year_log_closed`: a policy does,
        and this registry was started without that policy, or without its key.
    """
    origin = next_log(control, now)
    if not any(origin in region.logs for region in policy.regions):
        return "next_year_log_missing"
    return "" if origin in served else "next_year_log_closed"
