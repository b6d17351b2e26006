"""Judging a batch of entries: the anchor rules against a log that is about to grow.

    Pending = the log so far + the entries of this batch that were let through

Each entry is judged as if those before it had been written already, so a sequencer and a
witness that take the same entries in the same order come to the same answer. Nothing is
written here; whoever judges appends `Pending.placed` afterwards, in one transaction.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from did_service.core.anchor.bodies.authority import grantee_id
from did_service.core.anchor.bodies.policy import Policy, parse_policy_body
from did_service.core.anchor.entry import Entry, LoggedEntry, parse_entry
from did_service.core.anchor.first_version import FirstVersion
from did_service.core.anchor.rules import check
from did_service.core.anchor.snapshot import HeadRecord, HeadsSnapshot
from did_service.core.anchor.view import LogView, RuleContext
from did_service.core.did.syntax import did_id
from did_service.core.errors import UnavailableError, quote
from did_service.core.log.merkle import leaf_hash
from did_service.replica.rows import counted_bytes


class Pending:
    """A log and the entries that were accepted on top of it; a `LogView`.

    What it has asked of the log it remembers: the entries of a batch rest on the same few
    keys and grants.

    Args:
        log: The log as it is stored. It must not grow while this object is in use.
    """

    def __init__(self, log: LogView) -> None:
        self._log = log
        self._base = log.size()
        self._last_at = log.last_at()
        self._chains: dict[tuple[str, str], list[LoggedEntry]] = {}
        self._heads: tuple[int, HeadsSnapshot] | None = None
        self._stored: dict[tuple[str, str, int | None], LoggedEntry | None] = {}
        self._about: dict[str, Sequence[LoggedEntry]] = {}
        self._since: dict[int, tuple[int, int]] = {}
        self._totals = [0]  # bytes of the first so many pending entries
        self.placed: list[LoggedEntry] = []

    def take(self, entry: Entry, world: RuleContext) -> LoggedEntry:
        """Judge a sequenced entry and add it.

        Raises:
            DidServiceError: as `check.check`; nothing was added.
        """
        check.check(entry, self, world)
        data = entry.encode()
        placed = LoggedEntry(entry, self.size(), leaf_hash(data))
        self.placed.append(placed)
        self._totals.append(self._totals[-1] + counted_bytes(entry, data, world.content))
        self._chains.setdefault((entry.type, entry.subject), []).append(placed)
        self._last_at = entry.at
        return placed

    @property
    def origin(self) -> str:
        """The log's origin."""
        return self._log.origin

    def size(self) -> int:
        """Return the number of entries, pending ones included."""
        return self._base + len(self.placed)

    def last_at(self) -> int:
        """Return `a` of the last entry, 0 for an empty log."""
        return self._last_at

    def newest(self, kind: str, subject: str, below: int | None = None) -> LoggedEntry | None:
        """Return the newest entry of a chain, of those with an index under `below`."""
        for placed in reversed(self._chains.get((kind, subject), [])):
            if below is None or placed.index < below:
                return placed
        asked = (kind, subject, None if below is None or below >= self._base else below)
        if asked not in self._stored:
            self._stored[asked] = self._log.newest(*asked)
        return self._stored[asked]

    def chain(self, kind: str, subject: str) -> Sequence[LoggedEntry]:
        """Return all entries of a chain, oldest first."""
        added = self._chains.get((kind, subject), [])
        if self._stored.get((kind, subject, None), added) is None:  # the log has none
            return [*added]
        return [*self._log.chain(kind, subject), *added]

    def statements_about(self, grantee: str) -> Sequence[LoggedEntry]:
        """Return the newest authority entry of each chain with this grantee, in log order."""
        about = did_id(grantee)
        if about not in self._about:
            self._about[about] = self._log.statements_about(grantee)
        statements = {p.entry.subject: p for p in self._about[about]}
        for (kind, subject), chain in self._chains.items():
            if kind == "authority" and grantee_id(chain[-1].entry.body) == about:
                statements[subject] = chain[-1]
        return sorted(statements.values(), key=lambda placed: placed.index)

    def snapshot(self, size: int) -> HeadsSnapshot:
        """Return the heads snapshot of the first `size` entries; the last one is remembered."""
        if self._heads is None or self._heads[0] != size:
            self._heads = size, self._snapshot(size)
        return self._heads[1]

    def root(self, size: int) -> bytes:
        """Return the root of the tree of the first `size` entries."""
        if size <= self._base:
            return self._log.root(size)
        raise UnavailableError("log_behind", f"entries of {self.origin} are not written yet")

    def cosigned_before(self, at: int) -> int:
        """Return the size this judge cosigned before a second; 0 if it cosigns nothing."""
        return self._log.cosigned_before(at)

    def written_since(self, at: int) -> tuple[int, int]:
        """Return entries and bytes, contents included, with `a` at or after a second."""
        if at not in self._since:
            self._since[at] = self._log.written_since(at)
        entries, size = self._since[at]
        first = bisect_left(self.placed, at, key=lambda placed: placed.entry.at)
        return entries + len(self.placed) - first, size + self._totals[-1] - self._totals[first]

    def _snapshot(self, size: int) -> HeadsSnapshot:
        records = {
            record.key: record
            for placed in self.placed
            if placed.index < size and placed.entry.type != "heads"
            for record in (HeadRecord.of(placed),)
        }
        return self._log.snapshot(min(size, self._base)).with_records(records.values())


def judge(entries: Sequence[Entry], log: LogView, world: RuleContext) -> list[LoggedEntry]:
    """Judge the next entries of a log, all or none, and return them with their places.

    Raises:
        DidServiceError: as `check.check`, for the first entry that may not stand there.
    """
    pending = Pending(log)
    for entry in entries:
        pending.take(entry, world)
    return pending.placed


def make_world(
    policy: Policy,
    logs: Mapping[str, LogView],
    now: int,
    content: Callable[[bytes], bytes | None],
    first: FirstVersion | None = None,
) -> RuleContext:
    """Put together what the rules may look at beside the log they guard.

    Args:
        policy: The policy in force.
        logs: The replicas at hand, by origin.
        now: POSIX seconds.
        content: Finds the bytes behind a digest: those that came along, or a store's.
        first: What was found of the entry before, see `RuleContext`.

    Returns:
        A world whose `log` raises UnavailableError `log_not_mirrored` for any other origin.
    """

    def log(origin: str) -> LogView:
        if origin not in logs:
            raise UnavailableError("log_not_mirrored", f"there is no copy of {quote(origin)}")
        return logs[origin]

    return RuleContext(policy, log, now, content, first)


def policy_in_force(pinned: Policy, control: LogView) -> Policy:
    """Return the newest policy that a region's control log carries, if above the pinned one."""
    newest = control.newest("policy", pinned.federation)
    if newest is None:
        return pinned
    logged = _logged_policy(newest.entry.encode())
    return logged if logged.sequence > pinned.sequence else pinned


@lru_cache(maxsize=16)
def _logged_policy(data: bytes) -> Policy:
    """Read a policy out of an entry that was judged before; the same few come often."""
    return parse_policy_body(parse_entry(data).body)
