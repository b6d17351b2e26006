"""Which entry is the latest of its subject, as of when, and whether anything is missing.

    item.head: record + path ──► root of a verified heads entry        (staple)
    heads file: all records   ──► root of a verified heads entry        (bundle)

An old heads entry stays provable, so "latest" is as old as the `at` of the newest that says so.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from did_service.core.anchor.bodies.status import issued_in
from did_service.core.anchor.entry import LoggedEntry
from did_service.core.anchor.freshness import statement_time
from did_service.core.anchor.snapshot import (
    HeadRecord,
    HeadsSnapshot,
    check_record,
    parse_record,
)
from did_service.core.errors import DidServiceError, NotFoundError
from did_service.core.evidence.pieces import (
    UnverifiedHead,
)
from did_service.core.evidence.proven import Latest, ProvenEntry, ProvenHeads
from did_service.core.limits import MAX_CLAIMS_TRIED, MAX_HEADS_TRIED
from did_service.core.log.merkle import leaf_hash


@dataclass(frozen=True, eq=False)
class LatestIndex:
    """The verified heads entries by the log they are about, newest first, and heads files."""

    heads: Mapping[str, Sequence[ProvenHeads]]
    snapshots: Mapping[bytes, HeadsSnapshot]
    claims: Counter[tuple[str, int]] = field(default_factory=Counter)

    @cached_property
    def _by_root(self) -> dict[tuple[str, bytes], list[ProvenHeads]]:
        """The heads entries by log and root, those that show the newest time first.

        An item is held against those alone that have the root to which its claim leads: others,
        however many and however new, take no place from them.
        """
        found: dict[tuple[str, bytes], list[ProvenHeads]] = {}
        for each in (each for known in self.heads.values() for each in known):
            found.setdefault((each.about, each.root), []).append(each)
        for known in found.values():
            known.sort(key=_shown, reverse=True)
        return found

    @cached_property
    def _filed(self) -> dict[str, list[ProvenHeads]]:
        """The heads entries by log whose file is at hand, one for each file, newest first."""
        found: dict[str, list[ProvenHeads]] = {}
        for (about, root), known in self._by_root.items():
            if root in self.snapshots:
                found.setdefault(about, []).append(known[0])
        for known in found.values():
            known.sort(key=_shown, reverse=True)
        return found

    def dated(self, found: ProvenEntry) -> ProvenEntry:
        """Return an entry as the latest of its subject, where a heads entry names it so.

        The newest that does gives T; without one the entry stays what it is.

        Each claim costs an audit path, and anybody can make up claims.
        """
        self.claims[found.place] += 1
        if self.claims[found.place] > MAX_CLAIMS_TRIED:
            return found
        heads = self._naming(found)
        if heads is None:
            return found
        is_list = found.kind == "status"
        issued_at = issued_in(found.as_received.entry.body) if is_list else None
        return Latest(
            found.source,
            found.origin,
            found.as_received,
            found.leaf,
            found.note,
            found.tree,
            heads=heads,
            as_of=statement_time(heads.fresh_at, heads.at, issued_at),
        )

    def complete(self, entries: Iterable[ProvenEntry]) -> dict[str, int]:
        """Find the logs of which the newest entry of every subject is at hand, with T.

        Only in such a log can evidence show that somebody was granted nothing. A chain is named
        by a hash over granter, grantee and scope, so there is no single record to show absent:
        one has to have every newest entry, and see that none is about the grantee.
        """
        if not self.snapshots:
            return {}
        held: dict[str, set[HeadRecord]] = {}
        for each in entries:
            held.setdefault(each.origin, set()).add(HeadRecord.of(_placed(each)))
        times: dict[tuple[str, bytes], int] = {}
        for heads in (each for known in self.heads.values() for each in known):
            tree, time = (heads.about, heads.root), statement_time(heads.fresh_at, heads.at)
            times[tree] = max(time, times.get(tree, 0))
        # A heads file stays true while nothing changes: several heads entries may have its
        # root, and the newest of them says as of when everything is at hand.
        complete: dict[str, int] = {}
        for (origin, root), time in times.items():
            snapshot = self.snapshots.get(root)
            if snapshot and held.get(origin, set()).issuperset(snapshot.records):
                complete[origin] = max(time, complete.get(origin, 0))
        return complete

    def _naming(self, found: ProvenEntry) -> ProvenHeads | None:
        """Return the newest heads entry that names an entry as its subject's latest."""
        claim = found.as_received.head
        if claim is None:
            filed = self._filed.get(found.origin, [])[:MAX_HEADS_TRIED]
            return next((each for each in filed if self._names_in_file(each, found)), None)
        try:
            root = claim.path.root(leaf_hash(claim.record), claim.position)
        except DidServiceError:
            return None
        known = self._by_root.get((found.origin, root), [])[:MAX_HEADS_TRIED]
        return next((each for each in known if _names(each, claim, found)), None)

    def _names_in_file(self, heads: ProvenHeads, found: ProvenEntry) -> bool:
        snapshot = self.snapshots.get(heads.root)
        if snapshot is None:
            return False
        try:
            position = snapshot.find(found.kind, found.subject)
        except NotFoundError:
            return False
        return snapshot.records[position] == HeadRecord.of(_placed(found))


def _shown(heads: ProvenHeads) -> tuple[int, int]:
    return heads.at, heads.fresh_at


def _names(heads: ProvenHeads, claim: UnverifiedHead, found: ProvenEntry) -> bool:
    try:
        record, path = parse_record(claim.record), list(claim.path)
        check_record(record, claim.position, heads.count, path, heads.root, _placed(found))
    except DidServiceError:
        return False
    return True


def is_claim_unproven(found: ProvenEntry) -> bool:
    """Say whether an item came with a head that no verified heads entry bears out."""
    return found.as_received.head is not None and not isinstance(found, Latest)


def _placed(found: ProvenEntry) -> LoggedEntry:
    return LoggedEntry(found.as_received.entry, found.index, found.leaf)
