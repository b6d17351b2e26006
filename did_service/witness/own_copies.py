"""What a witness holds of each log: its copies, its rows and its guard, and whether they agree.

What is said against a log rests on these; where they are damaged it is ours to mend, and said
in /ready (docs/adr/0060-own-damage-and-others.md).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

from did_service.core.anchor.region import control_origin
from did_service.core.errors import DidServiceError, ProofError, UnavailableError, quote
from did_service.core.log import tiles
from did_service.core.log.checkpoint import Checkpoint
from did_service.core.log.merkle import check_consistency
from did_service.core.log.note import VerifierKey
from did_service.core.log.witnessing import HeldCheckpoint
from did_service.replica.mending import has_files, is_sound
from did_service.replica.mirror import Mirror
from did_service.signer.last_signed import LastSigned
from did_service.web.ready_words import ReadyWord, word_of_error
from did_service.witness.guarded import check_guarded
from did_service.witness.store import WitnessStore

_LOG = logging.getLogger("did_service.witness")


class OwnCopies:
    """The copies of one witness.

    Args:
        mirror: The copies.
        store: The rows of what it has cosigned.
        guard: What its key last signed, outside of the database.

    Attributes:
        damaged: Logs whose copy here was found damaged, and not mended yet.
    """

    def __init__(
        self, mirror: Mirror, store: WitnessStore, guard: LastSigned, key: VerifierKey
    ) -> None:
        self._key = key
        self._mirror, self._store, self._guard = mirror, store, guard
        self.damaged: set[str] = set()

    def held(self, origin: str) -> HeldCheckpoint | None:
        """Return the larger of what the database and the guard say was signed.

        Raises:
            UnavailableError: `guard_damaged`; `guard_missing`: the guard does not know what was
                signed; `guard_differs`: of one size they say two things.
        """
        replica = self._mirror.replicas[origin]
        check_guarded(origin, self._guard, self._store, replica, self._key)
        row, guarded = self._store.held(origin), self._guard.held(origin)
        known = {each for each in (row.head if row else None, guarded) if each is not None}
        if len({each.size for each in known}) < len(known):
            raise UnavailableError("guard_differs", f"{origin}: guard and row hold two trees")
        return max(known, key=lambda held: held.size, default=None)

    def known(self, origin: str) -> list[HeldCheckpoint]:
        """Return the heads up to which our copy of a log was made, as far as we remember.

        Raises:
            UnavailableError: `guard_damaged`; the database.
        """
        row, published = self._store.held(origin), self._mirror.replicas[origin].tree.head()
        heads = [row.head if row else None, self._guard.held(origin)]
        heads += [HeldCheckpoint(published.size, published.root)] if published else []
        return [head for head in heads if head is not None]

    def mend(self, origin: str) -> bool:
        """Examine our copy of a log and mend it; say whether it is sound now.

        Raises:
            UnavailableError: as `known`; the disk or the database.
        """
        replica, known = self._mirror.replicas[origin], self.known(origin)
        if not is_sound(replica, known) or not has_files(replica):
            self.damaged.add(origin)
            if not self._mirror.mend(origin, known) or not is_sound(replica, known):
                return False
            _LOG.warning("copy of %s: mended", quote(origin))
        self.damaged.discard(origin)
        return True

    def words(self) -> Iterator[tuple[str, ReadyWord]]:
        """Yield what keeps this witness from cosigning, as log and code; no log for all."""
        for origin in self._mirror.replicas:
            try:
                self.held(origin)
            except DidServiceError as error:
                word = word_of_error(error.code)
                yield ("" if word is ReadyWord.GUARD_DAMAGED else origin), word
        yield from ((origin, ReadyWord.MIRROR_DAMAGED) for origin in sorted(self.damaged))

    def is_sound(self, offered: Checkpoint) -> bool:
        """Say whether what our copies tell of a log, and its control log, can be relied on."""
        control = control_origin(self._mirror.pinned.region_of_log(offered.origin))
        replicas = self._mirror.replicas
        if not all(is_sound(replicas[o], self.known(o)) for o in {offered.origin, control}):
            return False
        known = max(self.known(offered.origin), key=lambda head: head.size, default=None)
        if known is None or offered.size >= known.size:
            return True
        store = replicas[offered.origin].store
        proof = tiles.consistency_proof(store.hashes, offered.size, known.size)
        ours = store.root(offered.size)  # and it must lead on to what we hold
        try:
            check_consistency(offered.size, known.size, ours, known.root, proof)
        except ProofError:
            return False
        return True
