"""In which language a person is addressed: zh, en or both. One rule for the three programs.

    1. --lang
    2. the program's own variable   WALLET_LANG, DIDVERIFY_LANG
    3. the variable of all three    DIDSVC_LANG
    4. the locale (POSIX)           LC_ALL over LC_MESSAGES over LANG; else English

What was asked for (1 to 3) holds for everything that the program says; docs/adr/0081 says why
there are several variables. Standard library alone: `--help` is fast.
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
COMMON = "DIDSVC_LANG"
OWN = {"wallet": "WALLET_LANG", "did-verify": "DIDVERIFY_LANG"}
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


def variables_of(program: str) -> tuple[str, ...]:
    """Return the variables that choose a program's language, the first before the next."""
    return tuple(filter(None, (OWN.get(program), COMMON)))


def in_variables(environment: Mapping[str, str], program: str) -> str | None:
    """Return what the first variable that is set says, be it a language or not."""
    named = (environment.get(each) for each in variables_of(program))
    return next(filter(None, named), None)


def spoken_language(words: Sequence[str], environment: Mapping[str, str], program: str) -> str:
    """Return the language of a run, before its command line is parsed.

    Complaints about a command line need a language as well. What is no language is left to the
    parser to refuse, and in the environment to be passed over.

    Args:
        words: The command line without the program's name.
        environment: Of the process.
        program: Whose variables are looked at.
    """
    given = [after for word, after in pairwise(words) if word == OPTION]
    given += [word.removeprefix(f"{OPTION}=") for word in words if word.startswith(OPTION)]
    given += [environment.get(each, "") for each in variables_of(program)]
    asked = next((each for each in given if each in LANGUAGES), None)
    return asked or of_locale(environment)


def of_locale(environment: Mapping[str, str]) -> str:
    """Return the language of the locale, English unless it is Chinese."""
    locale = next((environment[name] for name in _LOCALE if environment.get(name)), "")
    return "zh" if locale.lower().startswith("zh") else "en"
