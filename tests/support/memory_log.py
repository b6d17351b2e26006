"""A log in memory: a `LogView` that also grows, without files and without a database."""

from collections import defaultdict

from did_service.core.anchor.bodies.authority import grantee_id
from did_service.core.anchor.entry import Entry, LoggedEntry
from did_service.core.anchor.rules import check
from did_service.core.anchor.snapshot import HeadRecord, HeadsSnapshot
from did_service.core.anchor.view import RuleContext
from did_service.core.did.syntax import did_id
from did_service.core.log.checkpoint import Checkpoint
from did_service.core.log.merkle import inclusion_path, tree_root


class MemoryLog:
    """Entries of one origin with everything that rules and evidence ask of them.

    `append` judges by the rules first; `force` is what a cheating operator does.
    """

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.entries: list[LoggedEntry] = []
        self.contents: dict[bytes, bytes] = {}
        self.cosigned: list[tuple[int, int]] = []  # second and size of what this judge cosigned
        self._chains: dict[tuple[str, str], list[LoggedEntry]] = defaultdict(list)

    def append(
        self, entry: Entry, world: RuleContext, content: bytes | None = None
    ) -> LoggedEntry:
        """Judge a sequenced entry and add it."""
        check.check(entry, self, world)
        return self.force(entry, content)

    def force(self, entry: Entry, content: bytes | None = None) -> LoggedEntry:
        """Add an entry that nobody has judged."""
        placed = LoggedEntry(entry, len(self.entries), entry.leaf())
        self.entries.append(placed)
        self._chains[entry.type, entry.subject].append(placed)
        if content is not None and entry.digest is not None:
            self.contents[entry.digest] = content
        return placed

    # --- LogView -----------------------------------------------------------------------------

    def size(self) -> int:
        return len(self.entries)

    def last_at(self) -> int:
        return self.entries[-1].entry.at if self.entries else 0

    def newest(self, kind: str, subject: str, below: int | None = None) -> LoggedEntry | None:
        chain = self.chain(kind, subject)
        return next((p for p in reversed(chain) if below is None or p.index < below), None)

    def chain(self, kind: str, subject: str) -> list[LoggedEntry]:
        return list(self._chains.get((kind, subject), []))

    def statements_about(self, grantee: str) -> list[LoggedEntry]:
        newest = [chain[-1] for (kind, _), chain in self._chains.items() if kind == "authority"]
        return [p for p in newest if grantee_id(p.entry.body) == did_id(grantee)]

    def snapshot(self, size: int) -> HeadsSnapshot:
        newest = {(p.entry.type, p.entry.subject): p for p in self.entries[:size]}
        return HeadsSnapshot.of(
            HeadRecord.of(p) for (kind, _), p in newest.items() if kind != "heads"
        )

    def root(self, size: int) -> bytes:
        return tree_root([placed.leaf for placed in self.entries[:size]])

    def cosigned_before(self, at: int) -> int:
        return max((size for second, size in self.cosigned if second < at), default=0)

    def written_since(self, at: int) -> tuple[int, int]:
        recent = [placed for placed in self.entries if placed.entry.at >= at]
        contents = (self.contents.get(p.entry.digest, b"") for p in recent)
        sizes = [len(placed.entry.encode()) for placed in recent]
        return len(recent), sum(sizes) + sum(map(len, contents))

    # --- proofs ------------------------------------------------------------------------------

    def checkpoint(self) -> Checkpoint:
        """The tree head of all entries, unsigned."""
        return Checkpoint(self.origin, self.size(), self.root(self.size()))

    def path(self, index: int, size: int) -> list[bytes]:
        """The inclusion path of an entry in the tree of the first `size`."""
        return inclusion_path([placed.leaf for placed in self.entries[:size]], index)
