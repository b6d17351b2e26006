"""Whether this machine's clock may be believed: it is held against those of the witnesses.

    a cosignature of second t came when our steady clock showed m
        ─► that witness's clock shows t + (steady now - m), whatever has been set here since

An entry that was sequenced by a clock ahead closes its log until the others get there, and what
was signed cannot be taken back. So nothing is sequenced while f + 1 witnesses, among whom one
is honest, say another time; nor, at a start, before so many have confirmed ours; nor after the
wall clock has jumped against the steady one and nobody has confirmed it (adr 59).
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from did_service.core.errors import UnavailableError
from did_service.core.limits import MAX_CLOCK_OFF_SECONDS
from did_service.program.clock import ClockAndRandom

CLOCK_WORDS = ("clock_wrong", "clock_unconfirmed")
_ASK_SECONDS = 5.0  # between two askings of all witnesses


class TimeCheck:
    """Judges the clock of one process.

    Args:
        edge: The clock.
        faults: How many witnesses may lie, by the policy.
    """

    def __init__(self, edge: ClockAndRandom, faults: int) -> None:
        self._edge = edge
        self._needed = faults + 1
        self._began = edge.posix() - edge.seconds()
        self._heard: dict[str, float] = {}
        self._asked: float | None = None
        self._asking = Lock()

    def heard(self, witness: str, at: int) -> None:
        """Take note of a second that a witness has signed just now."""
        self._heard[witness] = at - self._edge.seconds()

    def word(self, begun: Callable[[], bool]) -> str:
        """Return what is wrong with the clock: `clock_wrong`, `clock_unconfirmed`, or nothing.

        Args:
            begun: Says whether the log has signed anything yet; before that there is nobody to
                ask. It is called where too few witnesses have told their time.
        """
        return self._word_of(self._edge.posix(), begun)

    def _word_of(self, second: int, begun: Callable[[], bool]) -> str:
        ours = second - self._edge.seconds()
        apart = [abs(theirs - ours) for theirs in [*self._heard.values()]]
        agreeing = sum(seconds <= MAX_CLOCK_OFF_SECONDS for seconds in apart)
        if agreeing >= self._needed:
            return ""
        if len(apart) - agreeing >= self._needed:
            return "clock_wrong"
        if abs(ours - self._began) > MAX_CLOCK_OFF_SECONDS:
            return "clock_wrong"
        return "clock_unconfirmed" if begun() else ""

    def check(self, ask: Callable[[], None], begun: Callable[[], bool]) -> int:
        """Check the clock before anything is sequenced; ask the witnesses where that may help.

        The clock may be set at any moment, so what is sequenced is in the second that was
        judged, and not in one that is read afterwards.

        Args:
            ask: Has the newest head cosigned again; what comes is `heard`. Every 5 s at most.
            begun: As `word`.

        Returns:
            The POSIX second that it shows.

        Raises:
            UnavailableError: what `word` says.
        """
        if self.word(begun) and self._may_ask():
            ask()
        second = self._edge.posix()
        word = self._word_of(second, begun)
        if word:
            what = "the clock of this machine is not that of the witnesses"
            raise UnavailableError(word, what)
        return second

    def _may_ask(self) -> bool:
        with self._asking:
            now = self._edge.seconds()
            if self._asked is not None and 0 <= now - self._asked < _ASK_SECONDS:
                return False
            self._asked = now
            return True
