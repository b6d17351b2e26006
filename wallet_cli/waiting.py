"""When the evidence comes that is not there yet: what only time brings, and what it does not.

    issued ──► logged with the agency's next batch ──► in the log's newest checkpoint: --fresh
                                                   └─► in the checkpoint of the next full hour

What the log does not hold yet, no checkpoint shows: asking for the newest one helps only where
the log is further than the hour's.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.text import Bilingual
from wallet_cli.dates import clock_time, next_epoch

# As a rule: an agency logs its batches so often, by its setting tick (docs/sizing.md).
_TICK = timedelta(minutes=10)
_NOT_LOGGED = "batch_unknown"
# Answers of a place that has less than was asked for, and of none.
_YOUNGER = frozenset((_NOT_LOGGED, "batch_unpublished", "entry_unknown", "subject_unknown"))
_YOUNGER |= frozenset(("checkpoint_missing", "heads_missing", "not_covered_yet"))
_NEVER = frozenset(("batch_unnamed",))  # nobody can be asked for it, now or later


class Coming(NamedTuple):
    """When to ask again.

    Attributes:
        hourly: When the checkpoint that all wallets ask for has it.
        fresh: When the newest checkpoint has it; None where it has it now.
    """

    hourly: datetime
    fresh: datetime | None

    def later(self, other: Coming) -> Coming:
        """Return when both are there."""
        fresh = [each for each in (self.fresh, other.fresh) if each is not None]
        return Coming(max(self.hourly, other.hourly), max(fresh, default=None))

    def encode(self) -> JsonObject:
        """Return it for machines: `next`, and `next_fresh`, null where --fresh has it now."""
        fresh = None if self.fresh is None else timestamps.encode(self.fresh)
        return {"next": timestamps.encode(self.hourly), "next_fresh": fresh}

    def told(self) -> Bilingual:
        """Say it to a person."""
        at = clock_time(self.hourly)
        if self.fresh is None:
            return Bilingual(
                f"窗口核验所需的数据，下次公布：{at}；"
                "请到时运行 wallet refresh，急用的现在运行 wallet refresh --fresh",
                f"evidence for counters is published next at {at}: run wallet refresh then, "
                "or now with --fresh",
            )
        soon = clock_time(self.fresh)
        return Bilingual(
            f"机关尚未登记窗口核验所需的全部数据，一般十分钟内完成：请在 {at} 后运行 "
            f"wallet refresh，急用的在 {soon} 后运行 wallet refresh --fresh",
            "evidence for counters is not all logged yet, which takes ten minutes as a rule: "
            f"run wallet refresh after {at}, or wallet refresh --fresh after {soon}",
        )


def is_wanted(code: str) -> bool:
    """Say whether a missing piece may still come, whoever has to do something for it."""
    return code not in _NEVER


def coming(codes: Iterable[str], now: datetime, *, is_fresh: bool) -> Coming | None:
    """Say when all pieces that are missing will be there.

    Args:
        codes: Why each piece is missing.
        now: The present.
        is_fresh: Whether the newest checkpoint was asked, and lacks them as well.

    Returns:
        None where nothing is missing, or time alone does not bring it.
    """
    wanted = {code for code in codes if is_wanted(code)}
    if not wanted or wanted - _YOUNGER:
        return None
    if is_fresh or _NOT_LOGGED in wanted:
        return Coming(next_epoch(now + _TICK), now + _TICK)
    return Coming(next_epoch(now), None)
