"""Every error of the project, drawn.

    DidServiceError                something was refused; `code` is stable, the text is not
    ├── MalformedError             bytes that are not what their format says
    │   ├── LimitError             well-formed perhaps, but larger or deeper than we take
    │   └── UnsupportedError       a version, suite or method that we know we do not know
    ├── ProofError                 a signature, hash or Merkle path that does not verify
    │   └── DecryptionError        a wrong passphrase, or a sealed file that was changed
    ├── RuleError                  an entry, grant or request that the rules do not allow
    │   └── OrderError             not the next one: another entry of the subject came first
    ├── PolicyError                a policy that may not be pinned, or is missing or expired
    ├── NotFoundError              a thing that was named is not there
    ├── ConflictError              the state has moved on, or a file is already there
    ├── UnavailableError           try again: a peer, a quorum or a disk did not answer
    └── UsageError                 the caller's words are off

Each class carries what a person needs to be told, in Chinese and English, and the next step;
each raise adds a stable snake_case code and a sentence that names what is wrong and where.
Messages are lower case, without a full stop, quote at most 80 columns of foreign text
(`core.text`) and never a secret. Status codes are chosen in `web.problems`, exit codes at each
program's edge.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from did_service.core.text import quote

# Whoever raises an error quotes what others wrote: `quote` is found here as well.
__all__ = [
    "Bilingual",
    "ConflictError",
    "DecryptionError",
    "DidServiceError",
    "Language",
    "LimitError",
    "MalformedError",
    "NotFoundError",
    "OrderError",
    "PolicyError",
    "ProofError",
    "RuleError",
    "UnavailableError",
    "UnsupportedError",
    "UsageError",
    "is_code",
    "kind_and_place",
    "quote",
]

_CODE = re.compile(r"[a-z0-9_]{1,64}")


@dataclass(frozen=True, slots=True)
class Bilingual:
    """One sentence in both languages of our users."""

    zh: str
    en: str


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


def is_code(text: str) -> bool:
    """Say whether a text may be a code, as `[a-z0-9_]{1,64}` is."""
    return _CODE.fullmatch(text) is not None


def kind_and_place(fault: BaseException) -> str:
    """Name a fault that nobody foresaw by its kind and place alone: its text may be foreign."""
    trace, place = fault.__traceback__, "?"
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename.rpartition("/")[2]
        place = f"{file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(fault).__name__} at {place}"


class DidServiceError(Exception):
    """Something was refused.

    Args:
        code: Stable snake_case identifier; callers and tests decide on it.
        message: What is wrong and where, in English, for people.
        details: Evidence for machines: names, positions, sizes. No secrets, no personal data.

    Attributes:
        peer_says: What a peer had to say about it; its words stand apart from ours.

    Raises:
        DidServiceError: `internal_fault`: what others wrote cannot become a code.
    """

    meaning: ClassVar[Bilingual] = Bilingual("请求未被接受", "the request was not accepted")
    next_step: ClassVar[Bilingual] = Bilingual("请核对后重试", "check the input and try again")

    def __init__(self, code: str, message: str, **details: str | int | None) -> None:
        super().__init__(message)
        if not is_code(code):
            raise DidServiceError("internal_fault", "what others wrote is no code")
        self.code = code
        self.message = message
        self.details = details
        self.peer_says: str | None = None


class MalformedError(DidServiceError):
    """Bytes that are not what their format says."""

    meaning = Bilingual("内容格式不正确", "the content is not in the expected format")
    next_step = Bilingual(
        "请向提供方索取完整的原始文件", "ask whoever supplied it for the complete original"
    )


class LimitError(MalformedError):
    """Larger, longer or deeper than we take; see `core.limits` for each maximum."""

    meaning = Bilingual("内容超出允许的大小", "the content is larger than allowed")
    next_step = Bilingual("请减小内容后重试", "make it smaller and try again")


class UnsupportedError(MalformedError):
    """A version, suite or method that this release does not know."""

    meaning = Bilingual("本版本不支持此格式", "this release does not support this format")
    next_step = Bilingual("请升级软件或换用受支持的格式", "upgrade, or use a supported format")


class ProofError(DidServiceError):
    """A signature, hash or Merkle path that does not verify."""

    meaning = Bilingual("证明无效", "a proof does not verify")
    next_step = Bilingual(
        "内容可能被改动，请勿采信", "it may have been changed: do not rely on it"
    )


class DecryptionError(ProofError):
    """A wrong passphrase, or a sealed file that was changed."""

    meaning = Bilingual("口令错误或文件已损坏", "wrong passphrase, or the file was changed")
    next_step = Bilingual("请核对口令后重试", "check the passphrase and try again")


class RuleError(DidServiceError):
    """An entry, grant or request that the rules do not allow."""

    meaning = Bilingual("不符合登记规则", "the rules do not allow this")
    next_step = Bilingual("请按提示修正后重新提交", "correct it as described and submit again")


class OrderError(RuleError):
    """Not the next entry of its subject: another came first."""

    meaning = Bilingual("不是该主体的下一条记录", "this is not the subject's next entry")
    next_step = Bilingual(
        "请取得最新记录后重新签署", "fetch the newest entry, sign on top of it, submit again"
    )


class PolicyError(DidServiceError):
    """A policy that may not be pinned, or is missing or expired."""

    meaning = Bilingual("信任策略缺失或不可用", "the trust policy is missing or not acceptable")
    next_step = Bilingual(
        "请向主管部门索取最新策略并核对指纹",
        "get the current policy and compare its fingerprint",
    )


class NotFoundError(DidServiceError):
    """A thing that was named is not there."""

    meaning = Bilingual("未找到", "not found")
    next_step = Bilingual("请核对名称或路径", "check the name or path")


class ConflictError(DidServiceError):
    """The state has moved on, or a file is already there."""

    meaning = Bilingual("与现有状态冲突", "it conflicts with what is already there")
    next_step = Bilingual("请查看现有内容后再试", "look at what is there, then try again")


class UnavailableError(DidServiceError):
    """A peer, a quorum or a disk did not answer; nothing was lost."""

    meaning = Bilingual("暂时无法完成", "it cannot be done right now")
    next_step = Bilingual("请稍后重试", "try again later")


class UsageError(DidServiceError):
    """The caller's words are off."""

    meaning = Bilingual("用法不正确", "wrong usage")
    next_step = Bilingual("请查看 --help", "see --help")
