"""Judging a credential as a counter would, with the evidence that this wallet holds."""

from __future__ import annotations

from datetime import datetime

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.encoding import jcs
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import RuleError
from did_service.core.evidence.sets import parse_evidence
from did_service.core.verification.codes import Result
from did_service.core.verification.report import Check, NowFrom, Outcome, Report
from did_service.core.verification.request import Clock, Request
from did_service.core.verification.verify import verify
from did_service.program.words import words_at
from did_service.verifier.held import TrustState
from wallet_cli.standing import BY_FAILURE, GOOD, LIMITED, REFUSED, UNCHECKED, Standing

# A credential that fails one of these is not what it says, or was changed: step 1 is its shape,
# 5 its signature, 7 its schema. One that is not valid yet, expired or revoked is still kept.
_SPOILT = (1, 5, 7)
_AUTHORITY = 6


def judge(
    credential: JsonObject,
    policy: Policy | None,
    evidence: tuple[TrustState, JsonObject | None],
    now: datetime,
    tier: str = "day",
) -> Report:
    """Run all steps of the verifier over one credential, without a holder's answer.

    Args:
        credential: As its issuer wrote it.
        policy: The pinned policy; None leaves everything undecided.
        evidence: The wallet's trust directory, read, and the staple.
        now: The present instant.
        tier: How old evidence may be.
    """
    imported, staple = evidence
    memory = imported.memory
    sources = [("bundle", imported.evidence)]
    if staple is not None:
        sources.append(("staple", parse_evidence(staple)))
    return verify(
        jcs.encode(credential),
        policy=policy,
        evidence=sources,
        request=Request(tier=tier),
        clock=Clock(now, NowFrom.CLOCK, memory.witnessed, memory.decided),
        remembered=imported.remembered,
    )


def standing_of(report: Report) -> Standing:
    """Put a verdict in a word; what failed for one reason alone is told by its own word."""
    match report.outcome:
        case Outcome.REFUSED:
            failed = {each.code for each in report.checks if each.result is Result.FAILED}
            named = BY_FAILURE.get(next(iter(failed)))
            return named if named and len(failed) == 1 else REFUSED
        case Outcome.ACCEPTED | Outcome.DOCUMENT:  # the holder is whoever has this wallet
            return GOOD
        case Outcome.ACCEPTED_WITH_LIMITS:
            return LIMITED
        case Outcome.UNDECIDED | Outcome.ANSWERED:
            return UNCHECKED


def failed(report: Report, *steps: int) -> Check | None:
    """Return the first check of these steps that failed."""
    found = (each for each in report.checks if each.step in steps)
    return next((each for each in found if each.result is Result.FAILED), None)


def _told(check: Check) -> str:
    meaning = words_at("verdict", check.code).meaning.en
    return f"{meaning} ({check.code})"


def check_acceptable(report: Report) -> None:
    """Refuse a credential that is not what it says, or whose issuer may not issue it.

    Raises:
        RuleError: `credential_spoilt`, `issuer_without_authority`.
    """
    spoilt, denied = failed(report, *_SPOILT), failed(report, _AUTHORITY)
    if spoilt is not None:
        raise RuleError(
            "credential_spoilt",
            _told(spoilt),
            check=spoilt.code,
        )
    if denied is not None:
        raise RuleError(
            "issuer_without_authority",
            _told(denied),
            check=denied.code,
        )


def is_signature_proven(report: Report | None) -> bool:
    """Say whether the issuer's signature was checked with a key that its log names."""
    return report is not None and any(check.code == "proof_valid" for check in report.checks)


def is_authority_proven(report: Report | None) -> bool:
    """Say whether the issuer was shown to be authorised."""
    return report is not None and any(
        check.step == _AUTHORITY and check.result is Result.PASSED for check in report.checks
    )
