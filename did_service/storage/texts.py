"""Texts that every kind of database can hold: none with the character U+0000.

JSON may write it, and SQLite takes it; PostgreSQL has no such text, not even to compare with.
So it is refused for both at one place, before a statement is run. What `PreparedSql` runs
passes by here: its texts are origins, types and DIDs, whose rules have no such character.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from did_service.core.errors import MalformedError


def check_texts(
    _connection: object,
    _cursor: object,
    _statement: str,
    parameters: object,
    _context: object,
    _executemany: object,
) -> None:
    """Check what a statement is run with; SQLAlchemy's event `before_cursor_execute`.

    Raises:
        MalformedError: `text_with_nul`.
    """
    if any(isinstance(value, str) and "\0" in value for value in _values(parameters)):
        raise MalformedError("text_with_nul", "a text has the character U+0000")


def _values(parameters: object) -> Iterable[object]:
    """Yield the values of one row or of several, by name or in order."""
    if isinstance(parameters, Mapping):
        yield from parameters.values()
    elif isinstance(parameters, list | tuple):
        for each in parameters:
            yield from _values(each)
    else:
        yield parameters
