"""The key of a log, and the guard that keeps it from signing two histories."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from did_service.core.log.checkpoint import Checkpoint, sign_checkpoint
from did_service.core.log.note import NoteSigner, parse_note
from did_service.signer.last_signed import LastSigned


class KeyHolder:
    """Signs the checkpoints of one log, each an extension of the one before.

    Args:
        signer: The log's key.
        guard: Remembers on disk what was signed, outside of the database.
    """

    def __init__(self, signer: NoteSigner, guard: LastSigned) -> None:
        self._signer = signer
        self._guard = guard

    def sign(self, head: Checkpoint, prove: Callable[[int], Sequence[bytes]]) -> bytes:
        """Return the checkpoint note with the log's signature.

        Args:
            head: What to sign; the same one may be signed again.
            prove: Gives the consistency proof from a size to `head`.

        Raises:
            ConflictError: `signed_more_before`, `signed_other_before`: the database lags behind
                the guard; it was restored, another process writes this log, or this key has
                ended.
        """
        self._guard.advance(head, prove, self._signer.verifier_key.encode())
        return sign_checkpoint(head, self._signer)

    def has_signed(self, note: bytes) -> bool:
        """Say whether a note of this log bears this key, and not a former one alone."""
        return bool(parse_note(note).lines_of(self._signer.verifier_key))
