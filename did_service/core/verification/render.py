"""The verdict in a clerk's words: lines of plain text in Chinese, English or both."""

from __future__ import annotations

from enum import Enum

from did_service.core.errors import Bilingual
from did_service.core.verification.report import Report


class Language(Enum):
    """In which language a person is addressed."""

    ZH = "zh"
    EN = "en"
    BOTH = "both"


def render(report: Report, language: Language) -> tuple[str, ...]:
    """Return the lines of a verdict, without line ends; foreign text is escaped."""
    raise NotImplementedError


def say(text: Bilingual, language: Language) -> str:
    """Return a text in the language asked for."""
    match language:
        case Language.ZH:
            return text.zh
        case Language.EN:
            return text.en
        case Language.BOTH:
            return f"{text.zh} {text.en}"
