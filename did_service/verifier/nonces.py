"""Questions given out, a row each: giving, finding and taking one costs the same among many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from did_service.core.encoding import timestamps
from did_service.core.errors import UnavailableError
from did_service.core.limits import (
    MAX_NONCES_DOUBTED,
    MAX_NONCES_REMEMBERED,
    NONCE_LIFETIME_SECONDS,
)
from did_service.core.verification.report import Outcome
from did_service.verifier.cells import (
    counted,
    damaged,
    instant,
    number,
    octets,
    text,
    text_or_none,
)
from did_service.verifier.memory import OPEN, USED, Answered, Nonce

if TYPE_CHECKING:
    from did_service.verifier.database import Cells, Rows

_FIND = """
SELECT expires, state, boot, audience, item, answered, outcome, presented
FROM nonces WHERE nonce = ?
"""
# One that was answered stays as it was answered first.
_PUT = """
INSERT INTO nonces
  (nonce, expires, state, boot, audience, item, answered, outcome, presented)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (nonce) DO UPDATE SET
  state = excluded.state, answered = excluded.answered,
  outcome = excluded.outcome, presented = excluded.presented
WHERE nonces.state = 'open'
"""
_FORGET_LAPSED = """
DELETE FROM nonces WHERE nonce IN (
  SELECT nonce FROM nonces WHERE expires <= ?
  ORDER BY expires DESC, nonce DESC LIMIT -1 OFFSET ?)
"""


class StoredNonces(Mapping[str, Nonce]):
    """The questions of a directory, each read when it is first asked for, and then as it was.

    Args:
        ask: Runs a question of SQL and returns all its rows.
    """

    def __init__(self, ask: Callable[..., list[Cells]]) -> None:
        self._ask = ask
        self._known: dict[str, Nonce] = {}
        self._sought: set[str] = set()

    def __getitem__(self, nonce: str) -> Nonce:
        if nonce not in self._sought:
            self._known.update((nonce, _nonce(row)) for row in self._ask(_FIND, nonce))
            self._sought.add(nonce)
        return self._known[nonce]

    def __iter__(self) -> Iterator[str]:
        return (text(nonce) for (nonce,) in self._ask("SELECT nonce FROM nonces"))

    def __len__(self) -> int:
        ((count,),) = self._ask("SELECT count(*) FROM nonces")
        return number(count)


def give(
    rows: Rows, nonce_text: str, nonce: Nonce, now: datetime, witnessed: datetime | None
) -> None:
    """Remember a question that may be answered within the day; forget what is over.

    Args:
        rows: The state, open for changes.
        nonce_text: The nonce itself.
        nonce: What is remembered of it.
        now: The present instant.
        witnessed: The newest time that a quorum has shown.

    Raises:
        UnavailableError: `nonces_exhausted`: too many are open.
    """
    _forget(rows, timestamps.to_posix(now), witnessed)
    count = counted(rows, "nonces")
    if count >= MAX_NONCES_REMEMBERED:
        raise UnavailableError("nonces_exhausted", f"{count} challenges are remembered")
    put(rows, nonce_text, nonce)


def expiry(now: datetime) -> datetime:
    """Return until when a question of now may be answered."""
    return now + timedelta(seconds=NONCE_LIFETIME_SECONDS)


def put(rows: Rows, nonce_text: str, nonce: Nonce) -> None:
    """Write what is remembered of a question; one that was answered stays answered."""
    answer = nonce.answer
    rows.change(
        _PUT,
        nonce_text,
        timestamps.to_posix(nonce.expires),
        nonce.state,
        nonce.boot,
        nonce.audience,
        nonce.item,
        None if answer is None else timestamps.to_posix(answer.time),
        None if answer is None else answer.outcome.value,
        None if answer is None else answer.presented,
    )


def close_others(rows: Rows, boot: str | None) -> None:
    """Forget the open questions of every other boot; once a boot, so it may look at all."""
    rows.change("DELETE FROM nonces WHERE state = 'open' AND boot IS NOT ?", boot)


def _forget(rows: Rows, now: int, witnessed: datetime | None) -> None:
    """Forget the questions whose day is over by a quorum's time.

    Where the clock alone says so, the latest stay: it may be wrong, and with it they would be
    lost that can still be answered. Both look at what is over, and at no other question.
    """
    if witnessed is not None:
        rows.change("DELETE FROM nonces WHERE expires <= ?", timestamps.to_posix(witnessed))
    rows.change(_FORGET_LAPSED, now, MAX_NONCES_DOUBTED)


def _nonce(row: Cells) -> Nonce:
    expires, state, boot, audience, item, answered, outcome, presented = row
    if state not in (OPEN, USED):  # neither may it be answered, nor could it be spent
        damaged("a question that is neither open nor used")
    answer = None
    if answered is not None:
        answer = Answered(instant(answered), _outcome(text(outcome)), octets(presented))
    return Nonce(
        instant(expires),
        text(state),
        text_or_none(boot),
        text_or_none(audience),
        text_or_none(item),
        answer,
    )


def _outcome(word: str) -> Outcome:
    try:
        return Outcome(word)
    except ValueError:
        damaged("a verdict that there is not")
