"""After a broken signature nothing that a credential says is judged (docs/adr/0033).

What was changed may say anything: that it is valid, not revoked, issued by somebody who may. To
tick that, or to refuse it for that, would be a word about a text that nobody wrote. So the
steps below the signature say instead that they were not judged, once each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from did_service.core.verification.codes import CHECKS, Result
from did_service.core.verification.report import Check

BROKEN = ("proof_invalid", "key_not_listed")
"""The findings of step 5 that say that the issuer did not sign this."""

_INSTEAD = {
    meaning.step: code
    for code, meaning in CHECKS.items()
    if meaning.result is Result.NOT_JUDGED
}


def without_judgement(checks: Iterable[Check]) -> Iterator[Check]:
    """Yield the findings of a report, less those about what nobody signed."""
    held = list(checks)
    broken = {check.credential: check.code for check in held if check.code in BROKEN}
    told: set[tuple[int, int | None]] = set()
    for check in held:
        if check.credential not in broken or check.step not in _INSTEAD:
            yield check
        elif (check.step, check.credential) not in told:
            told.add((check.step, check.credential))
            reason = broken[check.credential]
            yield Check(_INSTEAD[check.step], check.credential, detail=reason)
