"""A DID's history over the control logs in which it has been at home.

    A   1  2  leave(3)                  leave and join hold the same version of the DID
    B                   join(4)  5      numbering goes on, and 4 names the hash of 3 in `p`

At most one log has a head of the DID that is no leave: what follows a leave stands elsewhere,
and each leave is followed by one join, since its number is taken there once.

A join names the leaf of its leave, as each entry names the one before, so it holds all of the
history before it, whoever keeps the copy: also where the region of that log has left the
federation since (docs/adr/0079).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from did_service.core.anchor.bodies.did import LEAVE, DidBody, is_join, parse_did_body
from did_service.core.anchor.entry import LoggedEntry
from did_service.core.anchor.view import LogPrefix, LogView
from did_service.core.anchor.voids import is_voiding
from did_service.core.encoding.strict_json import as_object, as_text
from did_service.core.errors import UnavailableError, quote

FindLog = Callable[[str], LogView]
"""Finds a log by origin."""


def history(here: LogPrefix, scid: str, log: FindLog) -> list[LoggedEntry]:
    """Return the entries of a DID up to a log's, over all logs before it, oldest first.

    Voids and what they void are among them, joins are not: each says again what the leave
    before it has said.

    Raises:
        UnavailableError: `log_not_mirrored`.
    """
    whole = history_with_joins(here, scid, log)
    return [placed for placed in whole if not is_join(placed.entry.body)]


def history_with_joins(here: LogPrefix, scid: str, log: FindLog) -> list[LoggedEntry]:
    """Return what `history` does, and each join after its leave: the numbers of all logs.

    Raises:
        UnavailableError: `log_not_mirrored`.
    """
    parts: list[list[LoggedEntry]] = []
    chain = here.chain("did", scid)
    while (place := _last_join(chain)) is not None:
        parts.append(chain[place:])
        chain = _left_behind(chain[place], scid, log)
    parts.append(chain)
    return [placed for part in reversed(parts) for placed in part]


def departure(placed: LoggedEntry | None) -> DidBody | None:
    """Return what a DID's entry says if it is a leave, None for any other."""
    if placed is None or is_voiding(placed):
        return None
    body = parse_did_body(placed.entry.body)
    return body if body.op == LEAVE else None


def has_left(chain: Sequence[LoggedEntry]) -> bool:
    """Say whether a DID has left the log of this chain, and has not joined it again."""
    said = (parse_did_body(each.entry.body) for each in reversed(chain) if not is_voiding(each))
    return next((body.op for body in said if body.op is not None), None) == LEAVE


def follow(
    here: LogView, scid: str, home_of: Callable[[str], LogView | None]
) -> tuple[LogView, LoggedEntry | None]:
    """Go after a DID from a log to the one that holds its newest entry.

    Args:
        here: Where to begin.
        scid: Of the DID.
        home_of: Finds the control log in which a DID is at home, None where there is no copy.

    Returns:
        The log that it has joined last, as far as the copies show it, and its newest entry
        there; None for a DID that the first log has not.
    """
    newest = here.newest("did", scid)
    while newest is not None and (left := departure(newest)) is not None:
        there = home_of(named(left))
        onward = None if there is None else there.newest("did", scid)
        if there is None or onward is None or onward.entry.number <= newest.entry.number:
            break
        here, newest = there, onward
    return here, newest


def named(body: DidBody) -> str:
    """Return the DID that a version names as its own: of a leave, the one that it takes on."""
    return as_text(as_object(body.entry.get("state"), "state").get("id"), "state.id")


def leave_of(join: DidBody, scid: str, log: FindLog) -> LoggedEntry | None:
    """Return the leave on which a join rests: the newest entry of the DID in the log of `x`."""
    if join.other is None:
        return None
    newest = LogPrefix(log(join.other.origin), join.other.size).newest("did", scid)
    left = departure(newest)
    return newest if left is not None and left.entry == join.entry else None


def _left_behind(join: LoggedEntry, scid: str, log: FindLog) -> list[LoggedEntry]:
    """Return what the log that a DID came from has of it, up to the very leave of a join.

    Raises:
        UnavailableError: `log_not_mirrored`: no copy, or one that ends before, or differs.
    """
    other = parse_did_body(join.entry.body).other
    if other is None:
        return []
    chain = LogPrefix(log(other.origin), other.size).chain("did", scid)
    stay = chain[_last_join(chain) or 0 :]
    hashes = [placed.entry.leaf() for placed in stay]
    if not stay or [*(each.entry.previous for each in stay[1:]), join.entry.previous] != hashes:
        what = f"no copy of {quote(other.origin)} up to the leave of this DID"
        raise UnavailableError("log_not_mirrored", what)
    return chain


def _last_join(chain: list[LoggedEntry]) -> int | None:
    places = range(len(chain) - 1, -1, -1)
    return next((place for place in places if is_join(chain[place].entry.body)), None)
