"""Pieces of a trust directory as lines: no more of them than one process holds at once.

A directory may hold far more: each list of full size is three megabytes, and whoever has a
licence may publish many. What would be too much is told before it is all in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from did_service.core.errors import LimitError
from did_service.core.evidence.bundle import is_of_heads, parse_pieces
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.limits import (
    MAX_BUNDLE_BYTES,
    MAX_BYTES_WHOLE,
    MAX_CHAINS_AT_ONCE,
    MAX_EVIDENCE_CHECKPOINTS,
    MAX_SHARED_BYTES,
)
from did_service.verifier.cells import counted, number, octets

if TYPE_CHECKING:
    from did_service.verifier.database import Rows

_SHARED = "SELECT id, line FROM pieces WHERE shared ORDER BY id DESC LIMIT ?"


def exceeds(rows: Rows, chains: int) -> bool:
    """Whether there is more than is read whole: chains, bytes, or checkpoints."""
    return (
        counted(rows, "chains") > chains
        or counted(rows, "bytes") > MAX_BYTES_WHOLE
        or counted(rows, "shared") > MAX_EVIDENCE_CHECKPOINTS
    )


def pieces_of(rows: Rows, chains: set[int], known: Mapping[int, bytes]) -> dict[int, bytes]:
    """Read those pieces of chains that are not known yet, as far as there is room for them."""
    numbers = {
        number(piece)
        for chain in chains
        for (piece,) in rows.all("SELECT piece FROM uses WHERE chain = ?", chain)
    }
    room = MAX_BUNDLE_BYTES - sum(map(len, known.values()))
    lines: dict[int, bytes] = {}
    for each in sorted(numbers - known.keys()):
        found = rows.one("SELECT line FROM pieces WHERE id = ?", each)
        if found is None:
            continue  # another process has removed it meanwhile, and the version with it
        lines[each] = octets(found[0])
        room -= len(lines[each])
        if room < 0:
            raise LimitError("too_much_to_check", f"more than {MAX_BUNDLE_BYTES} bytes")
    return lines


def shared_lines(rows: Rows, known: Mapping[int, bytes]) -> dict[int, bytes]:
    """Read the newest that all share, as much as there is room for beside those at hand.

    Bytes are counted as well as checkpoints: what is older stays unread, and nothing ends.
    """
    checkpoints = sum(map(_is_checkpoint, known.values()))
    room = min(MAX_SHARED_BYTES, MAX_BUNDLE_BYTES - sum(map(len, known.values())))
    found: dict[int, bytes] = {}
    for each, cell in rows.all(_SHARED, MAX_CHAINS_AT_ONCE):
        line = octets(cell)
        room -= len(line)
        if room < 0:
            break
        checkpoints += _is_checkpoint(line)
        if checkpoints <= MAX_EVIDENCE_CHECKPOINTS or not _is_checkpoint(line):
            found[number(each)] = line
    return found


def parsed(lines: Iterable[bytes]) -> UnverifiedEvidence:
    """Read pieces; what is too much at once is true, and no fault of a file at hand."""
    try:
        return parse_pieces(lines)
    except LimitError as error:
        raise LimitError("too_much_to_check", error.message) from error


def is_shared(line: bytes) -> bool:
    """Whether a line as we write it is a checkpoint or a heads entry."""
    return _is_checkpoint(line) or is_of_heads(line)


def _is_checkpoint(line: bytes) -> bool:
    return line.startswith(b'{"checkpoint":')
