"""Exit codes, one table for all programs of the project (docs/cli.md).

The code of an error decides where its meaning is narrower than its class; the class decides
otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from did_service.core.errors import (
    DecryptionError,
    DidServiceError,
    NotFoundError,
    PolicyError,
    ProofError,
    UnavailableError,
)


class Exit(IntEnum):
    """How a run ended."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    DECLINED = 3
    LOCKED = 4
    UNDECIDED = 5
    DISTRUSTED = 6
    NOT_FOUND = 7
    UNAVAILABLE = 8
    PENDING = 9
    INPUT_NEEDED = 10
    DAMAGED = 11
    FAULT = 70


_BY_CODE: Mapping[str, Exit] = {
    "declined": Exit.DECLINED,
    "input_needed": Exit.INPUT_NEEDED,
    "not_yet": Exit.PENDING,
    "not_published_yet": Exit.PENDING,
    "set_aside": Exit.UNDECIDED,
    "credential_refused": Exit.REFUSED,
    "credential_undecided": Exit.UNDECIDED,
    "previous_usable": Exit.DAMAGED,
    "store_damaged": Exit.DAMAGED,
    "store_newer": Exit.DAMAGED,
    "store_rekeyed": Exit.UNAVAILABLE,
    "file_damaged": Exit.DAMAGED,
    "database_damaged": Exit.DAMAGED,
    "database_newer": Exit.DAMAGED,
    "trust_damaged": Exit.DAMAGED,
    "kdf_too_costly": Exit.DAMAGED,
    "issuer_unlisted": Exit.DISTRUSTED,
    "issuer_without_authority": Exit.DISTRUSTED,
    "policy_missing": Exit.UNDECIDED,
    "policy_expired": Exit.UNDECIDED,
    "bundle_to_import": Exit.UNDECIDED,
    "too_much_to_check": Exit.UNDECIDED,
    "answer_too_large": Exit.UNAVAILABLE,
    "internal_fault": Exit.FAULT,
}

# The most particular class decides; a subclass stands above the class it belongs to. What is
# not named here is something wrong with what the caller handed in.
_BY_CLASS: tuple[tuple[type[DidServiceError], Exit], ...] = (
    (DecryptionError, Exit.LOCKED),
    (ProofError, Exit.REFUSED),
    (PolicyError, Exit.REFUSED),
    (NotFoundError, Exit.NOT_FOUND),
    (UnavailableError, Exit.UNAVAILABLE),
)

# What ends with a verdict. An error there is about what was to be judged with, a policy or a
# bundle: nothing was decided, and REFUSED is the word of a verdict alone.
_JUDGING = ("check", "cred verify")


def exit_of(error: DidServiceError, command: str = "") -> Exit:
    """Return the exit code of an error.

    Args:
        error: Why the command did not come to its answer.
        command: Its words, such as `trust pin`.
    """
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    by_class = (code for kind, code in _BY_CLASS if isinstance(error, kind))
    code = next(by_class, Exit.USAGE)
    return Exit.UNDECIDED if code is Exit.REFUSED and command in _JUDGING else code
