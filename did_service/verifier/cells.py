"""Values in the rows of a trust directory, read strictly: what cannot stand there is damage.

SQLite holds a value to the type of its column only while it writes; a file that something else
has changed may hold any. Limits, floors of time and spent nonces rest on these values.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NoReturn

from did_service.core.encoding import timestamps
from did_service.core.errors import MalformedError
from did_service.verifier.tables import STATE_FILE

if TYPE_CHECKING:
    from did_service.verifier.database import Cell, Rows


def damaged(told: str) -> NoReturn:
    """Tell of a row that cannot be.

    Raises:
        MalformedError: `trust_damaged`.
    """
    raise MalformedError("trust_damaged", f"{STATE_FILE}: {told}", file=STATE_FILE)


def counted(rows: Rows, name: str) -> int:
    """Return the number of nonces, chains, shared pieces, or bytes of all pieces.

    Raises:
        MalformedError: `trust_damaged`: there is no such number.
    """
    (cell,) = rows.one("SELECT value FROM facts WHERE name = ?", name) or (None,)
    count = number(cell)
    if count < 0:
        damaged("a count below nothing")
    return count


def number(cell: Cell) -> int:
    """Read a whole number."""
    if not isinstance(cell, int):
        damaged("no whole number where one belongs")
    return cell


def octets(cell: Cell) -> bytes:
    """Read bytes."""
    if not isinstance(cell, bytes):
        damaged("no bytes where some belong")
    return cell


def text(cell: Cell) -> str:
    """Read a text."""
    if not isinstance(cell, str):
        damaged("no text where one belongs")
    return cell


def text_or_none(cell: Cell) -> str | None:
    """Read a text that may be absent."""
    return None if cell is None else text(cell)


def instant(seconds: Cell) -> datetime:
    """Read a time."""
    try:
        return timestamps.from_posix(number(seconds))
    except MalformedError:
        damaged("no time where one belongs")
