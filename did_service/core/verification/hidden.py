"""What a report may tell of a credential: nothing, whose it is, or all that it claims.

    nobody signed it, or somebody else than its holder brings it     nothing
    its issuer signed it, though it is revoked, expired, undecided    whose document it is
    every step passed                                                 its claims as well

Codes of notes say why nothing is told (docs/adr/0033).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from did_service.core.verification.codes import Result
from did_service.core.verification.not_judged import BROKEN
from did_service.core.verification.report import Check

_HOLDER = 10
_NOTHING_JUDGED = frozenset(
    {"log_forked", "policy_forked", "policy_missing", "policy_expired", "policy_lifetime"}
)


def hidden_because(checks: Sequence[Check], position: int, *, signed: bool) -> str | None:
    """Say why nothing that a credential says may be told; None where it may.

    Args:
        checks: Of the whole report.
        position: Of the credential.
        signed: Whether its issuer's signature holds.
    """
    own = [check for check in checks if check.credential == position]
    if any(check.code in BROKEN for check in own):
        return "contents_unbelieved"
    if any(check.step == _HOLDER and check.result is Result.FAILED for check in own):
        return "contents_of_another"
    whole = {check.code for check in checks if check.credential is None}
    return None if signed and not whole & _NOTHING_JUDGED else "contents_unproven"


def told(checks: Sequence[Check], signed: Sequence[bool]) -> Iterator[Check]:
    """Yield the findings with what credentials say in them, of those of which it may be told.

    Args:
        checks: Of the whole report.
        signed: Of each credential, whether its issuer's signature holds.
    """
    hidden = {
        position
        for position, is_signed in enumerate(signed)
        if hidden_because(checks, position, signed=is_signed) is not None
    }
    for check in checks:
        if check.quoted is None:
            yield check
            continue
        quoted = None if check.credential in hidden else check.quoted
        detail = "; ".join(filter(None, (quoted, check.detail)))
        yield check._replace(detail=detail or None, quoted=None)


def passed(checks: Sequence[Check], position: int) -> bool:
    """Say whether every step passed for a credential, or the policy waives what did not."""
    return all(
        check.waived or check.result in (Result.PASSED, Result.NOT_ASKED)
        for check in checks
        if check.credential in (None, position)
    )
