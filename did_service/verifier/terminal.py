"""What a command answers, and how errors, hints and colours look on a terminal.

stdout   data: the report or answer, in words or with `--json` as one object
stderr   people: did-verify: error: …  then  did-verify: hint: …
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import (
    Bilingual,
    ConflictError,
    DidServiceError,
    Language,
    NotFoundError,
    UnavailableError,
    UsageError,
)

PROGRAM = "did-verify"
SCHEMA = "did-verify/1"

DONE, REFUSED, USAGE, DECLINED, UNDECIDED = 0, 1, 2, 3, 5
NOT_FOUND, TRY_AGAIN, DAMAGED, OUR_FAULT = 7, 8, 11, 70

_FAULT = "internal_fault"
_BY_CODE = {"trust_damaged": DAMAGED, "policy_missing": UNDECIDED, _FAULT: OUR_FAULT}
_BY_CLASS: tuple[tuple[type[DidServiceError], int], ...] = (
    (UsageError, USAGE),
    (ConflictError, USAGE),
    (NotFoundError, NOT_FOUND),
    (UnavailableError, TRY_AGAIN),
)

# Where the words of a class do not say what a person at a counter can do.
_BETTER = {
    _FAULT: (
        Bilingual("程序内部错误", "a fault of this program"),
        Bilingual("请保留输入文件并报告此错误", "keep the input and report this"),
    ),
    "trust_damaged": (
        Bilingual("信任目录中的文件已损坏", "a file of the trust directory is damaged"),
        Bilingual(
            "请换用新目录，核对指纹重新载入策略，并重新并入信任包",
            "take a new directory, pin the policy with its fingerprint, import bundles again",
        ),
    ),
    "fingerprint_missing": (
        Bilingual("首次载入策略须核对指纹", "the first policy needs its fingerprint"),
        Bilingual(
            "请由另一渠道（电话、公函）取得指纹，用 --fingerprint 给出",
            "get it over a second channel, by phone or letter, and give it as --fingerprint",
        ),
    ),
    "fingerprint_wrong": (
        Bilingual("指纹与策略不符", "the fingerprint is not that of this policy"),
        Bilingual(
            "请勿载入；向主管部门重新索取策略并核对",
            "do not use it: ask your authority for the policy again and compare",
        ),
    ),
    "policy_missing": (
        Bilingual("信任目录中没有策略", "no policy is pinned in this trust directory"),
        Bilingual(
            "请先执行 did-verify trust pin POLICY --fingerprint …",
            "first run: did-verify trust pin POLICY --fingerprint …",
        ),
    ),
    "witness_threshold": (
        Bilingual("缺少足够的见证", "approvals of witnesses are missing"),
        Bilingual(
            "请用 --witness 给出 did-witness.json", "give did-witness.json with --witness"
        ),
    ),
    "output_not_written": (
        Bilingual("结果写不出去", "the answer could not be written"),
        Bilingual("请检查磁盘空间和管道后重试", "see to the disk or the pipe, and try again"),
    ),
    "system_refused": (
        Bilingual("系统不允许", "the system refused it"),
        Bilingual(
            "请检查磁盘、权限和文件名后重试",
            "see to disk, permissions and names, and try again",
        ),
    ),
    "file_exists": (
        Bilingual("文件已存在", "the file is there already"),
        Bilingual("请换一个文件名，或加 --force", "take another name, or add --force"),
    ),
}

_RED, _GREEN, _YELLOW, _DIM, _BOLD, _PLAIN = (f"\033[{n}m" for n in (31, 32, 33, 2, 1, 0))
_BY_MARK = {"✔": _GREEN, "✘": _RED, "?": _YELLOW, "!": _YELLOW, "·": _DIM}
_BY_EXIT = {DONE: _GREEN, REFUSED: _RED}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command has to say.

    Attributes:
        data: The object that `--json` prints.
        lines: The same for people, without line ends; foreign text is escaped already.
        verdict: A line before them that is worth a colour.
        exit_code: By the table of docs/formats.md §7.
        remarks: What people should know beside the data.
    """

    data: JsonObject
    lines: tuple[str, ...] = ()
    verdict: str | None = None
    exit_code: int = DONE
    remarks: tuple[Bilingual, ...] = field(default=())

    def words(self, stream: TextIO, environment: Mapping[str, str]) -> Iterator[str]:
        """Yield the lines for people, with colours where `stream` shows them."""
        coloured = shows_colours(stream, environment)
        if self.verdict is not None:
            colour = _BOLD + _BY_EXIT.get(self.exit_code, _YELLOW)
            yield f"{colour}{self.verdict}{_PLAIN}" if coloured else self.verdict
        for line in self.lines:
            yield _paint(line) if coloured else line


def answered(command: str, data: JsonObject) -> JsonObject:
    """Wrap the data of a command that has no published format of its own."""
    return {"schema": SCHEMA, "ok": True, "command": command, "data": data}


def failed(command: str, error: DidServiceError, exit_code: int) -> JsonObject:
    """Say as an object why a command did not come to an answer."""
    return {
        "schema": SCHEMA,
        "ok": False,
        "command": command,
        "error": describe(error, exit_code),
    }


def describe(error: DidServiceError, exit_code: int) -> JsonObject:
    """Write an error for machines."""
    meaning, following = _sentences(error)
    return {
        "code": error.code,
        "exit": exit_code,
        "detail": error.message,
        "message": {"zh": meaning.zh, "en": meaning.en},
        "next": {"zh": following.zh, "en": following.en},
    }


def exit_code_of(error: DidServiceError, command: str) -> int:
    """Choose the exit code of an error.

    Refused is a word about what was to be judged: where `check` got no policy or bundle to
    judge with, nothing was decided.
    """
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    otherwise = UNDECIDED if command == "check" else REFUSED
    return next((code for kind, code in _BY_CLASS if isinstance(error, kind)), otherwise)


def fault(error: BaseException) -> DidServiceError:
    """Describe a failure that nobody foresaw by its kind and place; its text may be foreign."""
    traces = traceback.extract_tb(error.__traceback__)
    place = f"{Path(traces[-1].filename).name}:{traces[-1].lineno}" if traces else "?"
    return DidServiceError(_FAULT, f"{type(error).__name__} at {place}")


def complaint(error: DidServiceError, language: Language) -> tuple[str, str]:
    """Return the two lines that tell a person what is wrong and what to do next."""
    meaning, following = _sentences(error)
    return (
        f"{PROGRAM}: error: {language.say(meaning)}: {error.message} [{error.code}]",
        f"{PROGRAM}: hint: {language.say(following)}",
    )


def _sentences(error: DidServiceError) -> tuple[Bilingual, Bilingual]:
    """Return what an error means and what to do next: the class's words, or better ones."""
    return _BETTER.get(error.code, (error.meaning, error.next_step))


def shows_colours(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Say whether colours are welcome: on a terminal, and not under NO_COLOR."""
    declined = environment.get("NO_COLOR") or environment.get("TERM") == "dumb"
    return stream.isatty() and not declined


def _paint(line: str) -> str:
    colour = _BY_MARK.get(line.lstrip()[:1]) if line.startswith(" ") else None
    return line if colour is None else f"{colour}{line}{_PLAIN}"
