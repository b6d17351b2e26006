"""When it is: two instants between which the present lies, and what may be said of an end.

    earliest = max(clock, witnessed)      nobody has to be believed but this clock and a quorum
    latest   = max(earliest, decided)     an own decision, which a wrong clock may have dated

Ages and acceptance go by the later one. A period refuses only where both agree and the clock is
not behind either: one wrong clock, for one check, refuses nobody afterwards (docs/adr 26).
Beginnings may lie a little ahead, since issuers' clocks differ from ours; ends never (ADR 27).
"""

from enum import Enum
from typing import NamedTuple

from did_service.core.anchor.freshness import clock_is_behind, effective_now
from did_service.core.encoding import timestamps
from did_service.core.limits import MAX_BEGINNING_AHEAD_SECONDS
from did_service.core.verification.request import Clock


class Certainty(Enum):
    """Whether something is so: yes, no, or the times at hand do not settle it."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


class Present(NamedTuple):
    """The present, in POSIX seconds.

    Attributes:
        earliest: The later of the clock and of what a quorum has witnessed.
        latest: That, or an own decision of before where it is later still.
        behind: Whether the clock stands more than 300 s before `latest`.
    """

    earliest: int
    latest: int
    behind: bool = False

    @classmethod
    def of(cls, clock: Clock, witnessed: int | None) -> "Present":
        """Settle the present by a clock, what it remembers, and a quorum's time at hand."""
        now = timestamps.to_posix(clock.now)
        remembered = 0 if clock.witnessed is None else timestamps.to_posix(clock.witnessed)
        decided = 0 if clock.decided is None else timestamps.to_posix(clock.decided)
        earliest = effective_now(now, max(witnessed or 0, remembered))
        latest = effective_now(earliest, decided)
        return cls(earliest, latest, clock_is_behind(now, latest))

    @property
    def proven(self) -> int:
        """The second up to which time has passed for sure; 0 while the clock is behind."""
        return 0 if self.behind else self.earliest

    def has_passed(self, second: int) -> Certainty:
        """Say whether a second is over."""
        if second >= self.latest:
            return Certainty.NO
        return Certainty.YES if second < self.proven else Certainty.UNSURE

    def is_ahead(self, second: int) -> Certainty:
        """Say whether a second is further ahead than issuers' clocks may be."""
        if second <= self.earliest + MAX_BEGINNING_AHEAD_SECONDS:
            return Certainty.NO
        agreed = second > self.latest + MAX_BEGINNING_AHEAD_SECONDS and not self.behind
        return Certainty.YES if agreed else Certainty.UNSURE

    def is_within_skew(self, second: int) -> bool:
        """Say whether a second lies ahead, by no more than clocks may differ."""
        return self.earliest < second <= self.earliest + MAX_BEGINNING_AHEAD_SECONDS
