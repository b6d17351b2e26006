"""One chain of an agency, and what its next entry says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from did_service.core.anchor import entry as entries
from did_service.core.anchor.bodies.evidence import EvidenceBody
from did_service.core.anchor.bodies.status import StatusBody
from did_service.core.anchor.entry import Entry, LoggedEntry
from did_service.core.errors import UnavailableError
from did_service.issuer.records import ChainRecord


@dataclass(frozen=True, slots=True)
class ChainStatement:
    """What the next entry of a chain says.

    Attributes:
        body: Without a link to last year's log, which is added in `Chains`.
        digest: The entry's `d`, 32 bytes.
        content: The bytes behind it, where the log is to keep them.
    """

    body: StatusBody | EvidenceBody
    digest: bytes
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain and who speaks in it.

    Attributes:
        kind: `status` or `evidence`.
        subject: List URL or stream id.
        say: Asked once the chain is free; None where there is nothing to say any more.
        learn: Told an entry that the log has and this database has not, and its content,
            before that entry counts; may be told twice.
    """

    kind: str
    subject: str
    say: Callable[[], ChainStatement | None]
    learn: Callable[[Entry, bytes], None] = lambda _entry, _content: None


def placed_in(row: ChainRecord) -> LoggedEntry:
    """Return the entry in which a chain ends; only for one that has an entry."""
    entry = entries.parse_entry(row.newest or b"")
    return LoggedEntry(entry, row.index or 0, entry.leaf())


def elsewhere(why: str) -> UnavailableError:
    """Return the error of a log that cannot be caught up with yet."""
    return UnavailableError("log_elsewhere", why)
