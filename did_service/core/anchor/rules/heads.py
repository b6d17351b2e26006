"""Rules of `heads` entries: what a control log says about itself and its region's data logs.

    b = {"size", "count", "root", "at"[, "tree": root of the data log at that size]}

They never cover less than before, nor leave out what this judge has cosigned; an entry about
the control log covers all up to itself (docs/formats.md §2, threat rules 2 and 9).
"""

from __future__ import annotations

from did_service.core.anchor.entry import Entry
from did_service.core.anchor.view import LogView, RuleContext
from did_service.core.encoding.strict_json import Fields
from did_service.core.errors import RuleError, UnavailableError, quote
from did_service.core.limits import MAX_CLOCK_AHEAD_SECONDS


def check(entry: Entry, log: LogView, world: RuleContext) -> None:
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
    _check_size(entry, log, subject, size)
    if tree is not None and tree != subject.root(size):
        raise RuleError("heads_root_wrong", "tree is not the root at that size")
    snapshot = subject.snapshot(size)
    if count != len(snapshot.records) or root != snapshot.root:
        raise RuleError("heads_root_wrong", "the heads do not match the log")


def _check_size(entry: Entry, log: LogView, subject: LogView, size: int) -> None:
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
