"""Whether a log still holds all that it has said; asked before an entry is composed or signed.

    signed row, guard, published checkpoint ─► the rows hold so many entries, and their root

A database that was restored from a backup, or lost, would give an index away a second time and
tell of entries that no tree will ever hold. Such a log takes nothing and signs nothing until
`pull` has fetched what is missing from the mirrors (threat rule 9, adr 58).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Protocol

from did_service.core.errors import (
    DidServiceError,
    MalformedError,
    NotFoundError,
    UnavailableError,
)
from did_service.core.log import tiles
from did_service.core.log.checkpoint import Checkpoint, checkpoint_in
from did_service.registry.store import CheckpointStore, RowsOfTransaction
from did_service.replica.tree import StaticTree
from did_service.signer.last_signed import LastSigned

_HEADS_CACHED = 32  # signed rows: each is asked for with each batch of entries


class LogRows(RowsOfTransaction, Protocol):
    """What is asked of the rows of a log."""

    def size(self) -> int:
        """Return the number of entries."""

    def root(self, size: int) -> bytes:
        """Return the root over the first `size` entries."""


class LogHistory:
    """What one log has said: the newest head in each place that remembers one.

    Args:
        origin: The log.
        checkpoints: The row of what was signed.
        guard: What its key has signed.
        tree: What everybody reads.
        shown: Returns a head of our own key that enough witnesses have shown us.
    """

    def __init__(
        self,
        origin: str,
        checkpoints: CheckpointStore,
        guard: LastSigned,
        tree: StaticTree,
        shown: Callable[[], Checkpoint | None] = lambda: None,
    ) -> None:
        self._origin = origin
        self._shown = shown
        self.checkpoints = checkpoints
        self._guard = guard
        self._tree = tree
        self._held: set[Checkpoint] = set()  # whose roots were found in the rows
        self._learnt: Checkpoint | None = None

    def learn(self, head: Checkpoint) -> None:
        """Take note of a head that the log's own key has signed, and that others have shown."""
        if self._learnt is None or self._learnt.size < head.size:
            self._learnt = head

    def forget(self) -> None:
        """Forget what was found: another process has written meanwhile, or another database."""
        self._held, self._learnt = set(), None

    def heads(self, rows: LogRows | None = None) -> dict[str, Checkpoint]:
        """Return the newest head of each place, by the place's name.

        A published file that is damaged is no word of the log; the next one replaces it.

        Args:
            rows: Of the log; the signed row is read where they are, in the same transaction.

        Raises:
            UnavailableError: `guard_damaged`; the disk or the database.
        """
        found: dict[str, Checkpoint] = {}
        shown, published = self._shown(), self._tree.head()
        guarded = self._guard.held(self._origin)
        note = self.checkpoints.read(self._origin, rows)
        if note is not None:
            found["the signed row"] = _head_of(note)
        if guarded is not None:
            found["the guard"] = Checkpoint(self._origin, guarded.size, guarded.root)
        if published is not None:
            found["the published checkpoint"] = published
        if shown is not None:
            found["the head that witnesses show"] = shown
        if self._learnt is not None:
            found["the newest mirror"] = self._learnt
        return found

    def check(self, rows: LogRows) -> None:
        """Check that the rows hold everything that was said.

        Args:
            rows: Of the log, as they stand in the caller's transaction.

        Raises:
            UnavailableError: `guard_missing`: something was signed, and the guard knows
                nothing of it; `log_behind_its_signature`: the rows are older ones, whose later
                entries are missing, see `pull`; `log_differs_from_its_signature`: there are
                others in their place; and as `heads`.
        """
        heads = self.heads(rows)
        if heads and "the guard" not in heads:
            what = f"{self._origin} has signed before, and its guard does not know it"
            raise UnavailableError("guard_missing", what)
        self._check_heads(heads, rows)

    def check_rows(self, rows: LogRows) -> None:
        """Check the same where the guard is known to be lost.

        Raises:
            UnavailableError: as `check`, but for the guard.
        """
        self._check_heads(self.heads(rows), rows)

    def _check_heads(self, heads: Mapping[str, Checkpoint], rows: LogRows) -> None:
        size = rows.size()
        for place, head in heads.items():
            if size < head.size:
                self._check_beginning(rows, size)
                what = f"{self._origin} holds {size} entries and {place} has {head.size}"
                raise UnavailableError("log_behind_its_signature", what, size=head.size)
            if head not in self._held and rows.root(head.size) != head.root:
                what = f"{self._origin} holds other entries than {place} at {head.size}"
                raise UnavailableError("log_differs_from_its_signature", what, size=head.size)
        self._held = set(heads.values())

    def _check_beginning(self, rows: LogRows, size: int) -> None:
        """Check that rows which lack the end are at least the beginning of what is published.

        That tells an old database, as of a standby that was behind, from one that was changed.
        """
        published = self._tree.head()
        if published is None or not 0 < size <= published.size:
            return
        with suppress(NotFoundError, MalformedError):  # files that are lost tell nothing
            if tiles.root(self._tree.tile, published.size) != published.root:
                return
            if tiles.root(self._tree.tile, size) != rows.root(size):
                what = f"{self._origin} holds other entries than are published, up to {size}"
                raise UnavailableError("log_differs_from_its_signature", what, size=size)

    def word(self, rows: LogRows) -> str:
        """Return the code of what `check` finds, nothing where all agree."""
        try:
            self.check(rows)
        except DidServiceError as error:
            return error.code
        return ""


@lru_cache(maxsize=_HEADS_CACHED)
def _head_of(note: bytes) -> Checkpoint:
    return checkpoint_in(note)


def check_all(histories: Mapping[str, LogHistory], rows: Mapping[str, LogRows]) -> None:
    """Check every log of a region: their entries rest on one another.

    Raises:
        UnavailableError: as `LogHistory.check`.
    """
    for origin, history in histories.items():
        history.check(rows[origin])
