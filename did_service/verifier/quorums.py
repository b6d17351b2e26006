"""Which checkpoints of a trust directory had their quorum, so that no check counts it again.

    fact `judged` = the policy's digest and RULES        pieces.fresh_at, pieces.existed_by

What the directory holds was verified when it was taken in. A row keeps the two times of the
quorum beside the note; tree, paths and forks are looked at anew each time, since they cost
little and rest on what is at hand. Under another policy, or by other rules, no row counts, and
the next writer empties them all. Whoever could write them here could replace the policy as
well (docs/adr/0043).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.crypto.hashes import sha256
from did_service.core.errors import DidServiceError
from did_service.core.evidence.bundle import encode_pieces
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.log.policy import VerifiedCheckpoint, recall_checkpoint
from did_service.verifier.cells import instant, number

if TYPE_CHECKING:
    from did_service.verifier.database import Rows

RULES = 1  # raised by a release that would judge a checkpoint otherwise than the one before


def basis_of(policy: Policy) -> str:
    """Name by what checkpoints are judged: the policy, and how this release goes by it."""
    return f"{policy.digest.hex()} {RULES}"


def is_judged_by(rows: Rows, basis: str) -> bool:
    """Whether the verdicts in the rows were given on this basis."""
    return rows.one("SELECT value FROM facts WHERE name = 'judged'") == (basis,)


def judge_anew(rows: Rows, basis: str) -> None:
    """Empty every verdict that was given on another basis."""
    rows.change("UPDATE pieces SET fresh_at = NULL WHERE fresh_at IS NOT NULL")
    rows.change("UPDATE chains SET as_of = NULL WHERE as_of IS NOT NULL")
    rows.change("REPLACE INTO facts VALUES ('judged', ?)", basis)


def recalled(rows: Rows, notes: Iterable[bytes], basis: str) -> dict[bytes, VerifiedCheckpoint]:
    """Return those of the notes that had their quorum on this basis."""
    found: dict[bytes, VerifiedCheckpoint] = {}
    if not is_judged_by(rows, basis):
        return found
    for note in notes:
        times = rows.one(
            "SELECT fresh_at, existed_by FROM pieces WHERE digest = ?", _digest(note)
        )
        with suppress(DidServiceError):  # none yet, or damaged: it is judged as any note
            fresh_at, existed_by = map(number, times or (None, None))
            _ = instant(fresh_at), instant(existed_by)
            found[note] = recall_checkpoint(note, fresh_at, existed_by)
    return found


def keep(rows: Rows, verified: Iterable[VerifiedCheckpoint]) -> None:
    """Write down the quorum of each checkpoint that is held."""
    rows.change_each(
        "UPDATE pieces SET fresh_at = ?, existed_by = ? WHERE digest = ?",
        ((each.fresh_at, each.existed_by, _digest(each.note)) for each in verified),
    )


def _digest(note: bytes) -> bytes:
    (line,) = encode_pieces(UnverifiedEvidence(checkpoints=(note,)))
    return sha256(line)
