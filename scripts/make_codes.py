"""Write docs/codes.md: every code of a verdict, a program and a server, with its sentences.

    python scripts/make_codes.py > docs/codes.md

The tables are those that the programs speak from. A test compares the committed page with what
this writes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from did_service.core import errors
from did_service.core.errors import Bilingual, DidServiceError
from did_service.core.verification.codes import CHECKS, UNSAFE
from did_service.program.failure import WORDS
from did_service.verifier.verdict_words import words_of
from did_service.web import problems, sentences
from wallet_cli.messages import MESSAGES

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
What is said of a code that no table below names. HTTP is the status code of a server.
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
            (
                str(each.step),
                f"`{code}`",
                each.result.value,
                *_cells(words_of(code).meaning, words_of(code).following),
            )
            for code, each in CHECKS.items()
        ),
    )
    yield "Listed in `unsafe`, beside any verdict:\n"
    yield _table(
        ("code", "中文", "English"),
        ((f"`{code}`", *_cells(words_of(code).meaning, None)) for code in UNSAFE),
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
                *_cells(kind.meaning, kind.next_step),
            )
            for kind in _classes()
        ),
    )
    yield "## Errors of programs\n"
    yield _table(
        ("code", "中文", "English"),
        ((f"`{code}`", *_cells(*words)) for code, words in sorted(WORDS.items())),
    )
    yield "Of `wallet` alone:\n"
    yield _table(
        ("code", "中文", "English"),
        (
            (f"`{code}`", *_cells(each.text, each.hint))
            for code, each in sorted(MESSAGES.items())
        ),
    )
    yield "## Errors of servers\n"
    yield _table(("code", "HTTP", "中文", "English"), _of_servers())


def _of_servers() -> Iterator[tuple[str, ...]]:
    for code in sorted({*problems.BY_CODE, *sentences.BY_CODE}):
        words = sentences.BY_CODE.get(code)
        told = ("by its class", "by its class") if words is None else _cells(*words)
        yield f"`{code}`", str(problems.BY_CODE.get(code, "by its class")), *told


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
    return f"{text.zh.rstrip('：')} → {following.zh}", f"{text.en.rstrip(':')} → {following.en}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(page())
