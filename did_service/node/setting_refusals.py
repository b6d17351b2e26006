"""How a setting is refused: where it stands, what is off, and what is allowed there.

    "gd/did-service.toml:6:1": [log] level is "loud"; allowed: one of debug, info, …
    [log] level is "loud"; allowed: …        of a file that is not made yet
    DIDSVC_LOG_LEVEL: value refused; …       of a variable, whose value may be a secret

Whoever edits the file reads all of it, so all of it is in both languages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from did_service.core.errors import UsageError, quote
from did_service.core.limits import MAX_SENTENCE_COLUMNS
from did_service.core.text import Bilingual, printable
from did_service.node.toml_positions import Position
from did_service.program.suggesting import nearest

START = Position(1, 1)
INVALID = "configuration_invalid"


def same(text: str) -> Bilingual:
    """Return what is in no language: names and words of the file."""
    return Bilingual(text, text)


@dataclass(frozen=True, slots=True)
class Source:
    """The file whose settings are read.

    Attributes:
        file: Its path.
        is_made: It is there; of a draft no line can be looked up.
        places: Where its keys stand.
    """

    file: Path
    is_made: bool
    places: Mapping[tuple[str, ...], Position]

    def refusal(
        self, path: tuple[str, ...], what: Bilingual, allowed: Bilingual, code: str = INVALID
    ) -> UsageError:
        """Return a refusal at a key, or at the nearest table above that is there."""
        above = (path[:length] for length in range(len(path), 0, -1))
        place = next((self.places[each] for each in above if each in self.places), START)
        table = f"[{'.'.join(map(printable, path[:-1]))}] " if path[:-1] else ""
        told = Bilingual(f"{table}{what.zh}", f"{table}{what.en}")
        return self.refusal_at(place, told, allowed, code)

    def refusal_at(
        self, place: Position, what: Bilingual, allowed: Bilingual, code: str = INVALID
    ) -> UsageError:
        """Return a refusal at a line and column, as editors take them."""
        if not self.is_made:
            return _refusal(code, Bilingual("", ""), what, allowed)
        where = f"{self.file}:{place.line}:{place.column}"
        quoted = quote(where, MAX_SENTENCE_COLUMNS)
        said = Bilingual(f"{quoted}：", f"{quoted}: ")
        error = _refusal(code, said, what, allowed)
        error.details |= {
            "file": str(self.file),
            "line": place.line,
            "column": place.column,
        }
        return error


def variable_refusal(variable: str, what: Bilingual, allowed: Bilingual) -> UsageError:
    """Name a variable and never its value: somebody may have put a secret there."""
    return _refusal(INVALID, Bilingual(f"{variable}：", f"{variable}: "), what, allowed)


def unknown(name: str, known: Iterable[str]) -> Bilingual:
    """Say that a name is none of those that are known, and which one may be meant."""
    near = nearest(name, known)
    zh, en = f"没有 {quote(name)}", f"unknown {quote(name)}"
    return Bilingual(
        f"{zh}，是否要用 {near}？" if near else zh,
        f"{en}, did you mean {near}?" if near else en,
    )


def _refusal(code: str, where: Bilingual, what: Bilingual, allowed: Bilingual) -> UsageError:
    error = UsageError(code, f"{where.en}{what.en}; allowed: {allowed.en}")
    error.message_zh = f"{where.zh}{what.zh}；可用：{allowed.zh}"
    return error
