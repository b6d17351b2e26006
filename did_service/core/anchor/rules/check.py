"""Which entry may come next: one pure law for sequencer, witnesses and replay.

`check` judges one sequenced entry against the log so far. First its place, the same for all
types: the right log, a chain `(t, s, n, p)` without gaps or second children, times that never
fall and are at most 120 s ahead, and the region's daily quota. Then its content, by the rule of
its type, which nothing outside this room calls alone.

A refusal is final where the judge's copy of the region's control log reaches the entry's
second: every such judge refuses the same entries. A judge whose copy ends earlier may refuse
only for what it has not read yet, so it judges again when it has read more, as after
`UnavailableError`. Sources: docs/formats.md §2; threat rules 2, 3, 6 to 11, 14, 15, 17 and 22.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from did_service.core.anchor import moves, rules_number
from did_service.core.anchor.bodies.did import is_join, parse_did_body
from did_service.core.anchor.earlier_years import last_before
from did_service.core.anchor.entry import Entry, Envelope, LoggedEntry
from did_service.core.anchor.first_version import FirstVersion
from did_service.core.anchor.region import year_of
from did_service.core.anchor.rules import (
    authority,
    did,
    didweb,
    heads,
    policy,
    schema,
    streams,
    void,
)
from did_service.core.anchor.rules.former_policy import as_then
from did_service.core.anchor.rules.other_log import check_other
from did_service.core.anchor.types import TYPES, LogKind, since_of, takes_back
from did_service.core.anchor.view import LogPrefix, LogView, RuleContext
from did_service.core.anchor.voids import is_voiding, standing
from did_service.core.encoding import timestamps
from did_service.core.errors import OrderError, RuleError
from did_service.core.limits import MAX_CLOCK_AHEAD_SECONDS

_DAY_SECONDS = 86_400

_Rule = Callable[[Entry, LoggedEntry | None, LogView, RuleContext], None]
_RULES: Mapping[str, _Rule] = {
    "did": did.check,
    "schema": schema.check,
    "authority": authority.check,
    "policy": policy.check,
    "heads": heads.check,
    "status": streams.check_status,
    "evidence": streams.check_evidence,
    "didweb": didweb.check,
}
"""By type of entry: judges what it says, after `former`, the last of its chain that stands."""


def check(entry: Entry, log: LogView, world: RuleContext) -> None:
    """Check that a sequenced entry may come next in a log.

    Raises:
        OrderError: `out_of_order`: not the next of its chain.
        RuleError, PolicyError, ProofError, MalformedError: the rule that is broken.
        UnavailableError: a log or content that the rule needs is not at hand; ask again later.
            `rules_unknown`: the policy in force asks for rules of a later release.
    """
    rules_number.check_known(world.policy)
    _check_place(entry, log, world)
    since = since_of(entry.type, entry.body)
    rules_number.check_active(entry.type, since, world.policy)
    world = as_then(entry, log, world)
    newest = newest_of(entry, log, world)
    check_order(entry, newest)
    _check_quota(entry, log, world)
    if takes_back(entry.type, entry.body):
        void.check(entry, newest, log, world)
    else:
        _RULES[entry.type](entry, _standing(newest, log), log, world)


def judge_first(entry: Envelope) -> FirstVersion | None:
    """Judge an entry that begins a DID as far as it speaks for itself; for `RuleContext.first`.

    Returns:
        None for an entry that begins none.

    Raises:
        DidServiceError: what `check` would refuse as well.
    """
    return did.judge_first(entry)


def newest_of(entry: Entry, log: LogView, world: RuleContext) -> LoggedEntry | None:
    """Return the entry after which one comes in its chain, None for the first of a chain.

    A status list that is not yet in this year's log goes on from an earlier one, and a DID that
    joins a log from its leave in the one before.

    Raises:
        RuleError: `join_without_leave`, and as `check_other`.
    """
    if entry.type == "did" and is_join(entry.body):
        return _left(entry, log, world)
    newest = log.newest(entry.type, entry.subject)
    if newest is not None or entry.type != "status":
        return newest
    before = last_before(entry.type, entry.subject, log, world)
    return None if before is None else before[1]


def _left(entry: Entry, log: LogView, world: RuleContext) -> LoggedEntry:
    """Return the leave that a join rests on."""
    body = parse_did_body(entry.body)
    leave = None
    if body.other is not None:
        check_other(body.other, entry.at, LogPrefix.now(log), world)
        leave = moves.leave_of(body, entry.subject, world.log)
    if leave is None:
        raise RuleError("join_without_leave", "the log in x has no such leave as its newest")
    return leave


def _standing(newest: LoggedEntry | None, log: LogView) -> LoggedEntry | None:
    """Return the last entry of a chain that governance has not voided."""
    if newest is None or not is_voiding(newest):
        return newest
    chain = standing(log.chain(newest.entry.type, newest.entry.subject))
    return chain[-1] if chain else None


def check_order(entry: Entry, newest: LoggedEntry | None) -> None:
    """Check that an entry is the next of its chain: number and hash of the one before.

    Raises:
        OrderError: `out_of_order`, with the newest number and leaf in `details`.
    """
    number = newest.entry.number if newest else 0
    if entry.number != number + 1 or entry.previous != (newest.leaf if newest else None):
        raise OrderError(
            "out_of_order",
            f"{entry.type} entry {entry.number} does not follow entry {number}",
            newest=number,
            leaf=newest.leaf.hex() if newest else None,
        )


def _check_place(entry: Entry, log: LogView, world: RuleContext) -> None:
    """Check that the entry stands in a log of its kind, at a time that can be true."""
    year = year_of(log.origin)
    kind = TYPES.get(entry.type)
    if kind is None or kind.log is not (LogKind.CONTROL if year is None else LogKind.DATA):
        raise RuleError("type_elsewhere", f"{entry.type} entries do not stand in {log.origin}")
    if entry.at < log.last_at():
        raise RuleError("time_falls", f"a = {entry.at} is before the entry in front of it")
    if entry.at > world.now + MAX_CLOCK_AHEAD_SECONDS:
        raise RuleError("time_ahead", f"a = {entry.at} is more than 120 s ahead")
    if year is not None and timestamps.from_posix(entry.at).year != year:
        what = f"a = {entry.at} is not of {log.origin}"
        raise RuleError("time_outside_period", what, at=entry.at)


def _check_quota(entry: Entry, log: LogView, world: RuleContext) -> None:
    """Refuse what would fill the mirrors of all regions (rule 7)."""
    region = world.policy.region_of_log(log.origin)
    entries, size = log.written_since(entry.at - _DAY_SECONDS)
    if entries >= region.daily_entries or size >= region.daily_bytes:
        raise RuleError("quota_used_up", f"{log.origin} has used up its day's entries or bytes")
