"""Whether the guard of a witness knows of all that its key has signed (threat rule 9).

    held row · remembered size · copied head with our line ─► an entry in the guard
    no guard file at all                                   ─► nothing is signed

A witness signs nothing before its guard knows of it, and the guard is made with the folder: one
that is not there, or lacks what other places remember, was lost. `pull` learns from the other
witnesses what it had said.
"""

from __future__ import annotations

from did_service.core.errors import DidServiceError, UnavailableError, quote
from did_service.core.log.cosignature import cosigned_at
from did_service.core.log.note import VerifierKey, parse_note
from did_service.replica.replica import Replica
from did_service.signer.last_signed import LastSigned
from did_service.witness.store import WitnessStore

_EVER = 1 << 62  # a POSIX second after all others


def check_guarded(
    origin: str, guard: LastSigned, store: WitnessStore, replica: Replica, key: VerifierKey
) -> None:
    """Check that nothing was signed about a log of which the guard knows nothing.

    Args:
        origin: The log.
        guard: What the key has signed.
        store: The rows of held heads.
        replica: The copy of the log.
        key: Of the witness.

    Raises:
        UnavailableError: `guard_missing`; `guard_damaged`; the database.
    """
    if guard.held(origin) is not None:
        return
    if not guard.is_there():
        raise UnavailableError("guard_missing", "the guard of this witness is not there")
    cosigned = replica.store.cosigned_before(_EVER)
    if store.held(origin) is not None or cosigned or _bears(replica, key):
        what = f"{quote(origin)} was cosigned before, and the guard does not know it"
        raise UnavailableError("guard_missing", what)


def _bears(replica: Replica, key: VerifierKey) -> bool:
    """Say whether the copied checkpoint bears a line of this key."""
    note = replica.tree.checkpoint()
    try:
        return note is not None and cosigned_at(parse_note(note), key) is not None
    except DidServiceError:
        return False  # a damaged file is no word of anybody; `mend` makes it again
