"""Fingerprints as people type them: read off a letter, a poster, or heard by telephone."""

from __future__ import annotations

# What stands between groups, and how an input method writes digits and letters of double width.
_SEPARATORS = dict.fromkeys(map(ord, ":-\uff1a\uff0d\u2010\u2011\u2013"))
_WIDE = {
    ord("\uff10") + offset: ord("0") + offset
    for first, last in (("0", "9"), ("A", "F"), ("a", "f"))
    for offset in range(ord(first) - ord("0"), ord(last) - ord("0") + 1)
}


def read_fingerprint(typed: str) -> str:
    """Return the hex digits of a fingerprint, in lower case and with nothing in between.

    Args:
        typed: With blanks, colons or hyphens anywhere, in either case, also of double width.
    """
    plain = typed.translate(_WIDE).translate(_SEPARATORS)
    return "".join(plain.split()).lower()
