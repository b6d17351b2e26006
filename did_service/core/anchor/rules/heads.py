"""Rules of `heads` entries: what a control log says about itself and its region's data logs.

They never cover less than before, nor leave out what this judge has cosigned; an entry about
the control log covers all up to itself (docs/formats.md §2, threat rules 2 and 9).
"""

from __future__ import annotations

from did_service.core.anchor.bodies.heads import parse_heads_body
from did_service.core.anchor.entry import Entry, LoggedEntry
from did_service.core.anchor.view import LogView, RuleContext
from did_service.core.errors import MalformedError, RuleError, UnavailableError, quote
from did_service.core.limits import MAX_CLOCK_AHEAD_SECONDS


def check(entry: Entry, former: LoggedEntry | None, log: LogView, world: RuleContext) -> None:
    """Judge a heads entry about this log or about a data log of the same region (rule 2)."""
    body, about_itself = parse_heads_body(entry.body), entry.subject == log.origin
    tree = body.tree_about(entry.subject, log.origin)
    if about_itself and body.tree is not None:
        raise MalformedError("member_unknown", "heads.tree is of data logs alone")
    if body.at != entry.at:
        raise RuleError("heads_time_wrong", "at is not the second of sequencing")
    subject = log if about_itself else _data_beside(entry.subject, log, world)
    _check_size(entry, body.size, former, subject, log)
    if tree is not None and tree != subject.root(body.size):
        raise RuleError("heads_root_wrong", "tree is not the root at that size")
    snapshot = subject.snapshot(body.size)
    if body.count != len(snapshot.records) or body.root != snapshot.root:
        raise RuleError("heads_root_wrong", "the heads do not match the log")


def _check_size(
    entry: Entry, size: int, former: LoggedEntry | None, subject: LogView, log: LogView
) -> None:
    if subject is log and size != log.size():
        raise RuleError("heads_size_wrong", "heads must cover the log up to the entry itself")
    if former is not None and size < parse_heads_body(former.entry.body).size:
        raise RuleError("heads_size_wrong", "heads never cover less than before")
    if size > subject.size():
        raise UnavailableError("log_behind", f"no copy of {subject.origin} up to {size}")
    if size < subject.cosigned_before(entry.at - MAX_CLOCK_AHEAD_SECONDS):
        raise RuleError("heads_size_wrong", "heads leave out what was cosigned before")


def _data_beside(origin: str, log: LogView, world: RuleContext) -> LogView:
    if origin not in world.policy.region_of_log(log.origin).logs or origin == log.origin:
        raise RuleError("not_at_home", f"{quote(origin)} is not a data log of this region")
    return world.log(origin)
