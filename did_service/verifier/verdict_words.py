"""The sentences of a verdict, by code: `program/words/*/verdict.json`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import Bilingual

_MAX_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class VerdictWords:
    """What a code says. `following` is None where nothing is left to do."""

    meaning: Bilingual
    following: Bilingual | None


def words_of(code: str) -> VerdictWords:
    """Return the words of a code of a verdict.

    Raises:
        KeyError: there is no such code.
    """
    zh, en = (strict_json.as_object(_read(tongue)[code], code) for tongue in ("zh", "en"))
    following = Bilingual(str(zh["next"]), str(en["next"])) if "next" in en else None
    return VerdictWords(Bilingual(str(zh["meaning"]), str(en["meaning"])), following)


@cache
def _read(tongue: str) -> JsonObject:
    file = files("did_service.program") / "words" / tongue / "verdict.json"
    return strict_json.load_object(file.read_bytes(), max_bytes=_MAX_BYTES)
