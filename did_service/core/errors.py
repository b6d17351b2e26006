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

Each raise gives a stable snake_case code and a sentence that names what is wrong and where.
What a person is told, in Chinese and English, stands above the core (`program.words`), by that
code or else by the class.
Messages are lower case, without a full stop, quote at most 80 columns of foreign text
(`core.text`) and never a secret. Status codes are chosen in `web.problems`, exit codes in
`program.exits`.
"""

from __future__ import annotations

import re

from did_service.core.text import quote

# Whoever raises an error quotes what others wrote: `quote` is found here as well.
__all__ = [
    "PROBLEM_TYPE",
    "ConflictError",
    "DecryptionError",
    "DidServiceError",
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

PROBLEM_TYPE = "application/problem+json"  # RFC 9457: how servers write an error

_CODE = re.compile(r"[a-z0-9_]{1,64}")


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
        message_zh: The message in Chinese, where people need all of it to go on.

    Raises:
        DidServiceError: `internal_fault`: what others wrote cannot become a code.
    """

    def __init__(self, code: str, message: str, **details: str | int | None) -> None:
        super().__init__(message)
        if not is_code(code):
            raise DidServiceError("internal_fault", "what others wrote is no code")
        self.code = code
        self.message = message
        self.details = details
        self.peer_says: str | None = None
        self.message_zh: str | None = None


class MalformedError(DidServiceError):
    """Bytes that are not what their format says."""


class LimitError(MalformedError):
    """Larger, longer or deeper than we take; see `core.limits` for each maximum."""


class UnsupportedError(MalformedError):
    """A version, suite or method that this release does not know."""


class ProofError(DidServiceError):
    """A signature, hash or Merkle path that does not verify."""


class DecryptionError(ProofError):
    """A wrong passphrase, or a sealed file that was changed."""


class RuleError(DidServiceError):
    """An entry, grant or request that the rules do not allow."""


class OrderError(RuleError):
    """Not the next entry of its subject: another came first."""


class PolicyError(DidServiceError):
    """A policy that may not be pinned, or is missing or expired."""


class NotFoundError(DidServiceError):
    """A thing that was named is not there."""


class ConflictError(DidServiceError):
    """The state has moved on, or a file is already there."""


class UnavailableError(DidServiceError):
    """A peer, a quorum or a disk did not answer; nothing was lost."""


class UsageError(DidServiceError):
    """The caller's words are off."""
