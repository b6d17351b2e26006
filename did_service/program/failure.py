"""How a program tells what was refused: what it means, what is wrong and where, what next.

    PROGRAM: error: MEANING: DETAIL [code]          stderr, for people
      "WORDS OF A PEER"
    PROGRAM: hint: NEXT STEP

Words come from `program.words`. Details are English, as logs are: in Chinese they do not stand
within a sentence of ours. Loaded when something was refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from did_service.core.errors import DidServiceError, kind_and_place
from did_service.core.limits import MAX_SENTENCE_COLUMNS
from did_service.core.text import Bilingual, printable, quote
from did_service.program.language import Language
from did_service.program.streams import refusal_of
from did_service.program.words import words_of, words_of_error

FAULT = "internal_fault"

ERROR = Bilingual("错误", "error")
HINT = Bilingual("提示", "hint")
WARNING = Bilingual("警告", "warning")
NOTE = Bilingual("注意", "note")
_REPEATED = 3  # words in a row
_WORD = re.compile(r"[a-z]+")
# What is in no language: quotations, options, names of our files, of hosts and of their logs.
_NAMES = re.compile(
    r'"(?:[^"\\]|\\.)*"…?|--[a-z][a-z-]*'
    r"|\b[a-z][a-z-]*(?:\.[a-z0-9]+)+(?:/[a-z0-9-]+)*"
)


def failure_text(
    program: str,
    error: DidServiceError,
    language: Language,
    reasons: Sequence[str] = (),
) -> str:
    """Return the lines for people.

    Args:
        program: Who speaks.
        error: What was refused.
        language: The reader's.
        reasons: Lines of the program's own, in place of what a peer says.
    """
    meaning, following = meaning_and_next(program, error)
    own = words_of(error.code) is not None
    said = _meaning(error, meaning, language, own=own)
    lines = [f"{program}: {label(ERROR, language)}{said} [{error.code}]"]
    lines += _chinese_lines(error, language)
    lines += reasons or [*_english_lines(error, language, own=own), *_foreign_lines(error)]
    lines.append(f"{program}: {label(HINT, language)}{language.say(following)}")
    return "\n".join(lines)


def warning_text(program: str, code: str, detail: str, language: Language) -> str:
    """Return the line about what does not stop a command.

    Args:
        program: Who speaks.
        code: Of the warning.
        detail: What is meant; behind the sentence, in brackets.
        language: The reader's.
    """
    words = words_of(code, program)
    said = code if words is None else language.say(words.meaning)
    behind = f" ({printable(detail)})" if detail else ""
    return f"{program}: {label(WARNING, language)}{said}{behind} [{code}]"


def meaning_and_next(program: str, error: DidServiceError) -> tuple[Bilingual, Bilingual]:
    """Return what an error means, and the one next step.

    Of a command line that is off, that is what may be meant, else whose help to read. Where
    another command does what is wanted, it is that.
    """
    meaning, following = words_of_error(error, program)
    command, suggestion = (error.details.get(name) for name in ("command", "suggestion"))
    if error.code == "usage" and error.details.get("is_missing"):
        meaning = Bilingual("用法不正确，缺少", meaning.en)
    instead = error.details.get("instead")
    if instead is not None:
        following = Bilingual(f"请用 {instead}", f"use {instead}")
    elif error.code == "usage" and suggestion is not None:
        following = Bilingual(f"是否要输入 {suggestion}？", f"did you mean {suggestion}?")
    elif command is not None:
        following = Bilingual(f"用法见 {command} --help", f"see {command} --help")
    return _numbered(meaning, error), following


def label(name: Bilingual, language: Language) -> str:
    """Return what stands before a line: `error: `, in Chinese `错误：`."""
    return f"{name.zh}：" if language is Language.ZH else f"{name.en}: "


def _meaning(
    error: DidServiceError, meaning: Bilingual, language: Language, *, own: bool
) -> str:
    """Return the meaning of an error, and behind it what is wrong and where.

    Of a code with words of its own a Chinese sentence takes over names alone: the words say the
    rest.
    """
    message = printable(error.message)
    names = _NAMES.findall(message)
    if language is Language.ZH:
        named = "、".join(names) if own and error.message_zh is None else ""
        told = _usage_zh(error) or named
        return f"{meaning.zh}：{told}" if told else meaning.zh
    detail = ", ".join(names) if own and _repeats(message, meaning.en) else message
    said = language.say(meaning)
    return f"{said}: {detail}" if detail else said


def _numbered(text: Bilingual, error: DidServiceError) -> Bilingual:
    """Fill the placeholders of a sentence with the numbers that an error carries."""
    if "{" not in text.en:
        return text
    numbers = _Numbers((k, v) for k, v in error.details.items() if isinstance(v, int))
    return Bilingual(text.zh.format_map(numbers), text.en.format_map(numbers))


class _Numbers(dict[str, int]):
    """Numbers by name; one that is not known is left open, so that the rest is told."""

    def __missing__(self, name: str) -> str:
        return "…"


def as_error(error: Exception) -> DidServiceError:
    """Return any error as one of ours."""
    if isinstance(error, DidServiceError):
        return error
    if isinstance(error, OSError):
        return refusal_of(error)
    return DidServiceError(FAULT, kind_and_place(error))


def _repeats(message: str, meaning: str) -> bool:
    """Say whether a detail says what the meaning says: three words of it in a row, or all."""
    words, said = (_WORD.findall(text.lower()) for text in (message, meaning))
    length = min(_REPEATED, len(words))
    runs = {tuple(words[at : at + length]) for at in range(len(words) - length + 1)}
    return any(tuple(said[at : at + length]) in runs for at in range(len(said) - length + 1))


def _chinese_lines(error: DidServiceError, language: Language) -> list[str]:
    """Return the line of its own that a detail in Chinese has, but for a command line's."""
    told = error.message_zh
    is_said = language is Language.ZH and _usage_zh(error) != ""
    unsaid = told is None or is_said or language is Language.EN
    return [] if unsaid else [f"  {printable(told or '')}"]


def _usage_zh(error: DidServiceError) -> str:
    """Return what is wrong with a command line in Chinese: it is short, and within the line."""
    return printable(error.message_zh or "") if error.code == "usage" else ""


def _english_lines(error: DidServiceError, language: Language, *, own: bool) -> list[str]:
    """Return the line of its own that an English detail has below a Chinese sentence."""
    message = printable(error.message)
    return [f"  ({message})"] if language is Language.ZH and not own and message else []


def _foreign_lines(error: DidServiceError) -> list[str]:
    """Return the line of its own that a peer's words have."""
    said = error.peer_says
    return [] if said is None else [f"  {quote(said, MAX_SENTENCE_COLUMNS)}"]
