"""Which entry may come next: one pure law for sequencer, witnesses and replay.

`check` judges one sequenced entry against the log so far. First its place, the same for all
types: the right log, a chain `(t, s, n, p)` without gaps or second children, times that never
fall and are at most 120 s ahead, and the region's daily quota. Then its content, by type; the
rules for DIDs, schemas, grants, policies and data entries have files of their own.

A refusal is final where the judge's copy of the region's control log reaches the entry's
second: every such judge refuses the same entries. A judge whose copy ends earlier may refuse
only for what it has not read yet, so it judges again when it has read more, as after
`UnavailableError`. Sources: docs/formats.md §2; threat rules 2, 3, 6 to 11, 14, 15, 17 and 22.
"""

from __future__ import annotations

from did_service.core.anchor import rules_number
from did_service.core.anchor.entry import Entry, LoggedEntry
from did_service.core.anchor.region import year_of
from did_service.core.anchor.rules import authority, did, policy, schema, streams
from did_service.core.anchor.view import LogView, RuleContext
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import Fields
from did_service.core.errors import (
    OrderError,
    RuleError,
    UnavailableError,
    quote,
)
from did_service.core.limits import MAX_CLOCK_AHEAD_SECONDS

_CONTROL_TYPES = ("did", "schema", "authority", "policy", "heads")
_DATA_TYPES = ("status", "evidence")
_DAY_SECONDS = 86_400


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
    rules_number.check_active(entry.type, rules_number.SINCE[entry.type], world.policy)
    former = newest_of(entry.type, entry.subject, log, world)
    check_order(entry, former)
    _check_quota(entry, log, world)
    match entry.type:
        case "did":
            did.check(entry, log, world)
        case "schema":
            schema.check(entry, log, world)
        case "authority":
            authority.check(entry, log, world)
        case "policy":
            policy.check(entry, former, world.policy)
        case "heads":
            _check_heads(entry, log, world)
        case _:  # its place has shown that it is status or evidence
            _check_year_link(entry, former, log)
            streams.check(entry, log, world, former)


def newest_of(kind: str, subject: str, log: LogView, world: RuleContext) -> LoggedEntry | None:
    """Return the entry after which the next of a chain comes, None for a new chain.

    A status list that is not yet in this year's log goes on from last year's.
    """
    newest = log.newest(kind, subject)
    if newest is not None or kind != "status":
        return newest
    before = _year_before(log.origin)
    if before not in world.policy.region_of_log(log.origin).logs:
        return None
    return world.log(before).newest(kind, subject)


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
    if entry.type not in (_CONTROL_TYPES if year is None else _DATA_TYPES):
        raise RuleError("type_elsewhere", f"{entry.type} entries do not stand in {log.origin}")
    if entry.at is None:
        raise RuleError("time_missing", "the entry has not been sequenced")
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
    entries, size = log.written_since((entry.at or 0) - _DAY_SECONDS)
    if entries >= region.daily_entries or size >= region.daily_bytes:
        raise RuleError("quota_used_up", f"{log.origin} has used up its day's entries or bytes")


def _check_year_link(entry: Entry, former: LoggedEntry | None, log: LogView) -> None:
    """The first entry of a list in a new year names its last one in the old log (rule 22)."""
    crosses = former is not None and log.newest(entry.type, entry.subject) is None
    if "x" in entry.body and former is not None and crosses:
        link = Fields(entry.body, "status").fields("x")
        link.constant("log", _year_before(log.origin))
        link.constant("index", former.index)
        link.close()
    elif crosses or "x" in entry.body:
        raise RuleError("x_wrong", "x names the list's last entry in last year's log, once")


def _check_heads(entry: Entry, log: LogView, world: RuleContext) -> None:
    """Judge a heads entry about this log or about a data log of the same region (rule 2)."""
    about_itself = entry.subject == log.origin
    fields = Fields(entry.body, "heads")
    size, count = fields.integer("size"), fields.integer("count")
    root, at = fields.data("root", size=32), fields.integer("at")
    tree = None if about_itself else fields.data("tree", size=32)
    fields.close()
    if at != entry.at:
        raise RuleError("heads_time_wrong", "at is not the second of sequencing")
    subject = log if about_itself else _data_beside(entry.subject, log, world)
    _check_heads_size(entry, log, subject, size)
    if tree is not None and tree != subject.root(size):
        raise RuleError("heads_root_wrong", "tree is not the root at that size")
    snapshot = subject.snapshot(size)
    if count != len(snapshot.records) or root != snapshot.root:
        raise RuleError("heads_root_wrong", "the heads do not match the log")


def _check_heads_size(entry: Entry, log: LogView, subject: LogView, size: int) -> None:
    if subject is log and size != log.size():
        raise RuleError("heads_size_wrong", "heads must cover the log up to the entry itself")
    former = log.newest("heads", entry.subject)
    if former is not None and size < Fields(former.entry.body, "heads").integer("size"):
        raise RuleError("heads_size_wrong", "heads never cover less than before")
    if size > subject.size():
        raise UnavailableError("log_behind", f"no copy of {subject.origin} up to {size}")
    if size < subject.cosigned_before((entry.at or 0) - MAX_CLOCK_AHEAD_SECONDS):
        raise RuleError("heads_size_wrong", "heads leave out what was cosigned before")


def _data_beside(origin: str, log: LogView, world: RuleContext) -> LogView:
    if origin not in world.policy.region_of_log(log.origin).logs or origin == log.origin:
        raise RuleError("not_at_home", f"{quote(origin)} is not a data log of this region")
    return world.log(origin)


def _year_before(origin: str) -> str:
    stem, _, year = origin.rpartition("/")
    return f"{stem}/{int(year) - 1}"
