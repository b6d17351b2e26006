"""What a trust directory's file counts of itself, read strictly: limits rest on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from did_service.core.errors import MalformedError, quote

if TYPE_CHECKING:
    from did_service.verifier.database import Rows


def counted(rows: Rows, name: str) -> int:
    """Return the number of nonces, chains, shared pieces, or bytes of all pieces.

    Raises:
        MalformedError: `trust_damaged`: there is no such number.
    """
    found = rows.one("SELECT value FROM facts WHERE name = ?", name)
    match found:
        case (int(number),) if number >= 0:
            return number
        case _:
            told = f"{quote(name)} is no number in state.sqlite"
            raise MalformedError("trust_damaged", told, file="state.sqlite")
