"""Territory codes (GB/T 2260, six digits), as statements have them.

A code covers all codes that begin with what is left once its trailing `00` pairs are cut:
440000 covers all of 44, 440100 covers 4401xx, 000000 everything.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from did_service.core.errors import MalformedError, quote

_CODE = re.compile(r"[0-9]{6}")


def covers(territory: str, region: str) -> bool:
    """Say whether a territory code covers a region code (GB/T 2260 digits).

    The code's trailing `00` pairs are cut; what is left must be a prefix of whole pairs.
    """
    stem = territory
    while stem.endswith("00"):
        stem = stem[:-2]
    return _CODE.fullmatch(region) is not None and region.startswith(stem)


def first_outside(codes: Iterable[str], territory: Collection[str]) -> str | None:
    """Return the first of some region codes that no code of a territory covers."""
    outside = (code for code in codes if not any(covers(held, code) for held in territory))
    return next(outside, None)


def checked_codes(codes: tuple[str, ...]) -> tuple[str, ...]:
    """Return codes that are all six digits.

    Raises:
        MalformedError: `member_invalid`.
    """
    for code in codes:
        if _CODE.fullmatch(code) is None:
            raise MalformedError("member_invalid", f"territory {quote(code)} is not six digits")
    return codes
