"""In which language a person is addressed: zh, en or both.

Asked for with `--lang` or the program's variable, a language holds for everything. Otherwise
`did-verify` gives verdicts in both, as two people read them, and all else is said as the locale
says (POSIX: LC_ALL over LC_MESSAGES over LANG). Standard library alone: `--help` is fast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from did_service.core.text import Bilingual

LANGUAGES = ("zh", "en", "both")
OPTION = "--lang"
_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")


class Language(Enum):
    """In which language a person is addressed."""

    ZH = "zh"
    EN = "en"
    BOTH = "both"

    def say(self, text: Bilingual) -> str:
        """Return a text in this language."""
        match self:
            case Language.ZH:
                return text.zh
            case Language.EN:
                return text.en
            case Language.BOTH:
                return text.zh if text.zh == text.en else f"{text.zh} {text.en}"


def asked_for(
    words: Sequence[str], environment: Mapping[str, str], variable: str
) -> str | None:
    """Return the language that was asked for, before the command line is parsed.

    Complaints about a command line need a language as well. What is no language is left to the
    parser to refuse, and in the environment to be passed over.
    """
    given = [after for word, after in pairwise(words) if word == OPTION]
    given += [word.removeprefix(f"{OPTION}=") for word in words if word.startswith(OPTION)]
    given.append(environment.get(variable, ""))
    return next((each for each in given if each in LANGUAGES), None)


def of_locale(environment: Mapping[str, str]) -> str:
    """Return the language of the locale, English unless it is Chinese."""
    locale = next((environment[name] for name in _LOCALE if environment.get(name)), "")
    return "zh" if locale.lower().startswith("zh") else "en"
