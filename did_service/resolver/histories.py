"""The verified histories that a resolver keeps: those on which no clock has a say any more.

An entry dated ahead of the clock is refused until the clock gets there. A history with such an
entry, or one that a clock ahead let pass, is verified again at each asking; all others mean the
same for ever, so that their files name the answer. So does the leaf of a DID's newest entry in
a log: it commits to all that stands before it, and whoever has it has no need of the files.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime

from did_service.core.did.webvh.history import History, verify_history
from did_service.core.limits import MAX_HISTORIES_CACHED, MAX_HISTORY_CACHED_BYTES
from did_service.resolver.remembered import WeighedMemory


@dataclass(frozen=True, slots=True)
class WebvhFiles:
    """A DID's own files: `did.jsonl`, and `did-witness.json` where witnesses have approved."""

    log: bytes
    witness: bytes | None

    @property
    def size(self) -> int:
        """Length of both in bytes."""
        return len(self.log) + len(self.witness or b"")


class Histories:
    """At most 256 histories, fewer of long ones; those asked for longest ago go first.

    Args:
        clock: Returns the present instant, aware UTC.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._kept: WeighedMemory[Hashable, History] = WeighedMemory(
            MAX_HISTORIES_CACHED * MAX_HISTORY_CACHED_BYTES
        )

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._kept)

    def of(self, files: WebvhFiles, did: str) -> History:
        """Return the verified history of files that were asked for as a DID; may keep it.

        Raises:
            DidServiceError: as `verify_history`.
        """
        return self.named((files, did), lambda: files, did)

    def named(self, name: Hashable, read: Callable[[], WebvhFiles], did: str) -> History:
        """Return the history that a name stands for, which is always the same; may keep it.

        Args:
            name: What the files follow from, and the DID that was asked for.
            read: Makes the files, where nothing is kept.
            did: That DID.

        Raises:
            DidServiceError: as `verify_history` and `read`; kept for nobody.
        """
        now = self._clock()
        kept = self._kept.get(name)
        if kept is not None and kept.is_settled_at(now):
            return kept
        files = read()
        history = self.verified(files, did)
        if history.is_settled_at(now):
            self._kept.keep(name, history, max(files.size, MAX_HISTORY_CACHED_BYTES))
        return history

    def verified(self, files: WebvhFiles, did: str) -> History:
        """Verify a history and keep nothing; raises as `of`."""
        now = self._clock()
        return verify_history(files.log, witness_file=files.witness, did=did, now=now)
