"""A whole did:webvh log (did:webvh 1.0 §3.6.2): `accept` over every line, then the witnesses.

    did.jsonl + did-witness.json  ->  History: the valid versions, and the fault after them

Nothing is skipped. Versions are ordered by the log alone, never by their versionTime.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from did_service.core.did.webvh.entry import parse_entry
from did_service.core.did.webvh.state import HistoryState, Version, accept
from did_service.core.did.webvh.witness import first_unapproved, parse_witness_file
from did_service.core.errors import (
    DidServiceError,
    LimitError,
    NotFoundError,
    ProofError,
    quote,
)
from did_service.core.limits import MAX_DID_LOG_BYTES, MAX_DID_LOG_ENTRIES

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class History:
    """The valid versions of a log, oldest first, and why a later entry was refused, if any.

    `fault_time` is the versionTime of the entry that was refused, where it says one.
    """

    states: tuple[HistoryState, ...]
    fault: DidServiceError | None = None
    fault_time: datetime | None = None

    @property
    def latest(self) -> HistoryState:
        """The newest version.

        Raises:
            DidServiceError: the log goes on with an invalid entry: its error.
        """
        if self.fault is not None:
            raise self.fault
        return self.states[-1]

    def resolve(
        self,
        *,
        version_id: str | None = None,
        version_time: datetime | None = None,
        version_number: int | None = None,
    ) -> Version:
        """Return the version that meets every given condition; without any, the newest.

        A version that is named outright is answered even when later entries are invalid, and
        so is one by a time before the first of them (§3.6.2 step 11). What was active later is
        not: nobody knows how the log would go on.

        Raises:
            NotFoundError: `version_not_found`.
            DidServiceError: the fault of the log, where the answer would depend on it.
        """
        candidates = [state.version for state in self.states]
        if version_id is None and version_time is None and version_number is None:
            return self.latest.version
        if version_time is not None:
            candidates = [self._active_at(version_time)]
        for version in candidates:
            wanted = version.version_id if version_id is None else version_id
            number = version.number if version_number is None else version_number
            if (version.version_id, version.number) == (wanted, number):
                return version
        raise NotFoundError("version_not_found", "the log has no such version")

    def check_reaches(self, version_id: str) -> None:
        """Check that the log still has a version which was seen in it before.

        A log is only appended to: one that lost a version was rolled back or rewritten, which
        its own signatures cannot show to whoever sees it for the first time.

        Raises:
            ProofError: `did_rolled_back`.
        """
        if all(state.version.version_id != version_id for state in self.states):
            raise ProofError("did_rolled_back", f"the log no longer has {quote(version_id)}")

    def _active_at(self, instant: datetime) -> Version:
        begun = [state for state in self.states if state.version.time <= instant]
        if not begun:
            raise NotFoundError("version_not_found", "the DID did not exist at that time")
        if begun[-1] is not self.states[-1]:
            return begun[-1].version
        went_on = self.fault_time is None or self.fault_time <= instant
        return self.latest.version if went_on else self.states[-1].version


def verify_history(
    log: bytes, *, witness_file: bytes | None, did: str | None, now: datetime
) -> History:
    """Verify a whole `did.jsonl`, every entry of it.

    Args:
        log: The file, at most 5 MiB.
        witness_file: `did-witness.json`, where there is one; read only when parameters ask.
        did: The DID that was asked for; None to take the log's own.
        now: Aware UTC.

    Returns:
        The valid versions, at least one; `fault` says why the next entry is not among them.

    Raises:
        DidServiceError: the first entry is invalid: its error.
        ProofError: `did_mismatch`: no valid version is that DID's.
        LimitError: `too_large`.
    """
    history = _approved(_replay(_lines(log), now), witness_file)
    if did is not None and did not in history.states[-1].dids:
        raise ProofError("did_mismatch", f"the log is not one of {quote(did)}")
    return history


def _lines(log: bytes) -> list[bytes]:
    if len(log) > MAX_DID_LOG_BYTES:
        raise LimitError("too_large", f"a DID log of {len(log)} bytes")
    lines = log.removeprefix(_BYTE_ORDER_MARK).removesuffix(b"\n").split(b"\n")
    if len(lines) > MAX_DID_LOG_ENTRIES:
        raise LimitError("too_large", f"a DID log of {len(lines)} entries")
    return lines


def _replay(lines: list[bytes], now: datetime) -> History:
    states = [accept(None, lines[0], now=now)]
    for line in lines[1:]:
        try:
            states.append(accept(states[-1], line, now=now))
        except DidServiceError as fault:
            return History(tuple(states), fault, _time_of(line))
    return History(tuple(states))


def _time_of(line: bytes) -> datetime | None:
    try:
        return parse_entry(line).time
    except DidServiceError:
        return None


def _approved(history: History, witness_file: bytes | None) -> History:
    """Cut the history before the first version that lacks its witnesses (§3.7.8)."""
    if not any(state.witness_rule for state in history.states):
        return history
    proofs = () if witness_file is None else parse_witness_file(witness_file)
    index = first_unapproved(history.states, proofs)
    if index is None:
        return history
    lacking = history.states[index].version
    fault = ProofError(
        "witness_threshold", f"{lacking.version_id} lacks approvals of witnesses"
    )
    if index == 0:
        raise fault
    return History(history.states[:index], fault, lacking.time)
