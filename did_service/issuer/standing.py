"""Whether an agency may take applications and sign now, and what `/ready` says where not.

    issuer_behind_its_log   what the log has of this agency is not known here yet
    authority_ended         the log takes none of its issuances any more
    clock_ahead             this clock is ahead of the log's, or the log silent for a day
    clock_behind_log        this clock is behind the log's
    revocation_lost         a credential that was revoked is not so in the database

The last and `authority_ended` are kept in the database, so they outlive the process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from did_service.core.errors import RuleError, UnavailableError
from did_service.core.limits import MAX_CLOCK_AHEAD_SECONDS
from did_service.issuer.alarm_store import AlarmStore, AlarmWord
from did_service.issuer.chains import Chains
from did_service.program.clock import ClockAndRandom
from did_service.web.ready_words import ReadyWord

SILENT_SECONDS = 86_400  # so long the log's word about the time is enough
_NO_AUTHORITY = frozenset({"role_missing", "signer_wrong", "signer_unknown"})
_AHEAD, _BEHIND = "clock_ahead", "clock_behind_log"


class AgencyStanding:
    """What one agency may do now.

    Args:
        alarms: What outlives the process.
        chains: Has seen the log's time.
        compare: Learns once what the log has of all chains; raises where it cannot.
        edge: The clock that is judged.
    """

    def __init__(
        self,
        alarms: AlarmStore,
        chains: Chains,
        compare: Callable[[], None],
        edge: ClockAndRandom,
    ) -> None:
        self._alarms, self._chains, self._edge = alarms, chains, edge
        self._compare, self._has_compared = compare, False
        self._clock_fault = ""

    def check(self) -> None:
        """Check that a credential may be signed now.

        Raises:
            UnavailableError: a word of this module.
        """
        try:
            self.compare()
        except RuleError as error:
            what = f"the log's newest entries are not this agency's: {error.code}"
            raise UnavailableError("issuer_behind_its_log", what) from error
        self.check_authority()
        self.check_clock()

    def compare(self) -> None:
        """Learn once what the log has of this agency.

        Raises:
            UnavailableError: `issuer_behind_its_log`.
            RuleError: `log_refused`: what the log has is not this agency's.
        """
        if not self._has_compared:
            self._compare()
            self._has_compared = True

    def check_authority(self) -> None:
        """Check that the log takes what this agency issues.

        Raises:
            UnavailableError: `authority_ended`.
        """
        if self._alarms.is_open(AlarmWord.AUTHORITY_ENDED):
            reason = self._alarms.detail(AlarmWord.AUTHORITY_ENDED)
            what = f"the log takes no issuances of this agency: {reason}"
            raise UnavailableError("authority_ended", what)

    def check_clock(self) -> None:
        """Check that this clock goes with the log's.

        Raises:
            UnavailableError: `clock_ahead` or `clock_behind_log`.
        """
        fault = self._clock_fault or self._far_from_log()
        if fault:
            raise UnavailableError(
                fault, "this clock and the log's differ, or the log is silent"
            )

    def check_measured_clock(self) -> None:
        """Check the clock by the log's last receipt alone; raises as `check_clock`."""
        if self._clock_fault:
            raise _clock_wrong(self._clock_fault)

    def is_clock_confirmed(self) -> bool:
        """Say whether the log has told its second just now, and this clock goes with it."""
        apart = abs(self._edge.posix() - self._chains.log_second)
        return apart <= MAX_CLOCK_AHEAD_SECONDS

    def refused(self, reason: str) -> None:
        """Take note that the log refuses an issuance batch."""
        self._clock_fault = ""  # nothing was measured
        if reason in _NO_AUTHORITY:
            self._alarms.raise_once(AlarmWord.AUTHORITY_ENDED, reason, self._edge.posix())

    def taken(self) -> None:
        """Take note that the log has just taken an issuance batch, at its own second."""
        now, second = self._edge.posix(), self._chains.log_second
        self._alarms.settle(AlarmWord.AUTHORITY_ENDED, now)
        self._clock_fault = ""
        if now > second + MAX_CLOCK_AHEAD_SECONDS:
            self._clock_fault = _AHEAD
        elif now < second - MAX_CLOCK_AHEAD_SECONDS:
            self._clock_fault = _BEHIND

    def ready(self) -> Mapping[ReadyWord, bool]:
        """Say of each word whether all is well."""
        fault = self._clock_fault or self._far_from_log()
        return {
            ReadyWord.ISSUER_BEHIND_ITS_LOG: self._has_compared,
            ReadyWord.CLOCK_AHEAD: fault != _AHEAD,
            ReadyWord.CLOCK_BEHIND_LOG: fault != _BEHIND,
            **{ReadyWord(word.value): not self._alarms.is_open(word) for word in AlarmWord},
        }

    def _far_from_log(self) -> str:
        """Return what is wrong with a clock that has moved since the log told its second."""
        now, second = self._edge.posix(), self._chains.log_second
        if not second:  # this agency has written nothing yet
            return ""
        if now > second + SILENT_SECONDS:
            return _AHEAD
        return _BEHIND if now < second - MAX_CLOCK_AHEAD_SECONDS else ""


def _clock_wrong(fault: str) -> UnavailableError:
    return UnavailableError(fault, "this clock and the log's differ, or the log is silent")
