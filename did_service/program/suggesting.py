"""What somebody may have meant who misspelt a command or an option."""

from __future__ import annotations

from collections.abc import Iterable

_MOST = 64  # characters: no name is as long


def nearest(word: str, names: Iterable[str]) -> str | None:
    """Return the name that is most like a word, None where none is."""
    from difflib import get_close_matches  # noqa: PLC0415 - for the misspelt alone

    found = get_close_matches(word[:_MOST], [*names], 1)
    return found[0] if found else None
