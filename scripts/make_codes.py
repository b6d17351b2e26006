"""Write docs/codes.md: every code of a verdict, a program and a server, with its sentences.

    python scripts/make_codes.py > docs/codes.md

The tables are those that the programs speak from. A test compares the committed page with what
this writes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from did_service.core import errors
from did_service.core.errors import DidServiceError
from did_service.core.text import Bilingual
from did_service.core.verification.codes import CHECKS, UNSAFE
from did_service.program.words import TOPICS, read_topic, words_at, words_of_kind
from did_service.web import problems

_INTRODUCTION = """\
# Codes

Every code with what it means and what to do next, in Chinese and English. Codes are stable,
sentences may change: decide on codes. `scripts/make_codes.py` writes this page from the tables
that the programs speak from.
"""
_ABOUT_VERDICTS = """\
Of `did-verify check` and `wallet cred verify`; steps and results as in
[offline-verification.md](offline-verification.md) 3.
"""
_ABOUT_CLASSES = """\
What is said of a code that no table below has. HTTP is the status code of a server.
"""


def page() -> str:
    """Return the page."""
    parts = [_INTRODUCTION, *_verdicts(), *_errors()]
    return "\n".join(parts)


def _verdicts() -> Iterator[str]:
    yield "## Findings of a verdict\n"
    yield _ABOUT_VERDICTS
    yield _table(
        ("step", "code", "result", "中文", "English"),
        (
            (str(each.step), row[0], each.result.value, *row[1:])
            for code, each in CHECKS.items()
            for row in _rows("verdict", code)
        ),
    )
    yield "Listed in `unsafe`, beside any verdict:\n"
    yield _table(
        ("code", "中文", "English"),
        ((f"`{code}`", *_cells(words_at("verdict", code).meaning, None)) for code in UNSAFE),
    )


def _errors() -> Iterator[str]:
    yield "## Errors by class\n"
    yield _ABOUT_CLASSES
    yield _table(
        ("class", "HTTP", "中文", "English"),
        (
            (
                kind.__name__,
                str(problems.status_of(kind("x", ""))),
                *_cells(words.meaning, words.following),
            )
            for kind in _classes()
            for words in [words_of_kind(kind)]
        ),
    )
    for topic in TOPICS:
        yield f"## {topic.replace('_', ' ').capitalize()}\n"
        yield _table(("code", "中文", "English"), _of_topic(topic))
    yield "## HTTP\n"
    yield "What answers with another status code than its class.\n"
    yield _table(
        ("code", "HTTP"),
        ((f"`{code}`", str(n)) for code, n in sorted(problems.BY_CODE.items())),
    )


def _of_topic(topic: str) -> Iterator[tuple[str, ...]]:
    for code in read_topic("en", topic):
        yield from _rows(topic, code)


def _rows(topic: str, code: str) -> Iterator[tuple[str, ...]]:
    """Yield what a code says, and once more for each face that has a next step of its own."""
    words = words_at(topic, code)
    yield f"`{code}`", *_cells(words.meaning, words.following)
    for name in read_topic("en", topic)[code]:
        _, own, face = name.partition("@")
        if own:
            words = words_at(topic, code, face)
            yield f"`{code}` ({face})", *_cells(words.meaning, words.following)


def _classes() -> list[type[DidServiceError]]:
    return [
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, DidServiceError)
    ]


def _cells(text: Bilingual, following: Bilingual | None) -> tuple[str, str]:
    """Return a sentence and its next step, in Chinese and in English."""
    if following is None:
        return text.zh, text.en
    return f"{text.zh} → {following.zh}", f"{text.en} → {following.en}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(page())
