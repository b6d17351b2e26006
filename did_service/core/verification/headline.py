"""What a person is told of a report: one outcome, one reason, one next step (docs/adr/0033).

    checks ──of the strongest result──► the first by PRECEDENCE ──► reason
                                        all others ───────────────► consequences, or apart

A report has a finding for each step, and one cause shows in many of them: whoever acts needs
the cause. So one table has every code that can stand in the way, the strongest first, and a
reason brings its own next step: two of them cannot contradict each other.

Codes alone: their sentences are the programs' (`program/words/*/verdict.json`).
"""

from collections.abc import Iterator
from typing import NamedTuple

from did_service.core.encoding.strict_json import JsonObject
from did_service.core.verification.codes import Result
from did_service.core.verification.hidden import hidden_because
from did_service.core.verification.report import Check, Outcome, Report

ACCEPTED, DOCUMENT = "accepted", "document"
WAIVED, LIMITS_ACCEPTED = "waived", "limits_accepted"
"""The reasons that are no finding: nothing stands in the way."""

PRECEDENCE = (
    # refused: the signature, whose it is, and whether its owner may issue
    "proof_invalid",
    "key_not_listed",
    "type_not_granted",
    "region_not_granted",
    "issued_after_end",
    "issuer_deactivated",
    "authority_suspended",
    # who presents, and for whom
    "holder_mismatch",
    "holder_proof_invalid",
    "audience_wrong",
    "nonce_used",
    "nonce_unknown",
    "holder_proof_missing",
    # what became of the document
    "revoked",
    "suspended",
    "resource_altered",
    "schema_violated",
    "status_entry_missing",
    "proof_expired",
    "expired",
    "not_yet_valid",
    # cannot tell: what was seen before, and what makes everything doubtful
    "answered_before",
    "query_not_answered",
    "item_differs",
    "log_forked",
    "policy_forked",
    "policy_missing",
    "policy_expired",
    "policy_lifetime",
    "clock_behind",
    "policy_time_in_doubt",
    "proof_time_in_doubt",
    "clock_in_doubt",
    "holder_time_in_doubt",
    "dated_ahead",
    # a fault of ours
    "shape_fault",
    "policy_fault",
    "log_fault",
    "issuer_fault",
    "proof_fault",
    "authority_fault",
    "schema_fault",
    "time_fault",
    "status_fault",
    "holder_fault",
    "mandate_fault",
    "request_fault",
    "freshness_fault",
    # the form
    "malformed",
    "too_large",
    "unsupported",
    "issuer_unsupported",
    "proof_unsupported",
    "proof_unreadable",
    "proof_beside",
    "holder_proof_unsupported",
    "holder_proof_unreadable",
    "holder_proof_beside",
    "resource_unsupported",
    "status_unsupported",
    # when it was issued
    "issued_before_end_not_proven",
    "issuance_time_not_proven",
    # data that are missing, and before them what may be an attack on a log
    "log_contradicted",
    "quorum_not_met",
    "log_evidence_missing",
    "issuer_moved",
    "issuer_evidence_missing",
    "issuer_not_latest",
    "issuer_key_unknown",
    "authority_missing",
    "schema_missing",
    "index_out_of_range",
    "status_list_unregistered",
    "status_missing",
    "freshness_unknown",
    "log_unknown",
    "evidence_dropped",
    # data that are too old
    "status_stale",
    "evidence_stale",
)
_PLACE = {code: place for place, code in enumerate(PRECEDENCE)}

NOTED = ("issued_while_authorised", "issuer_before_end", "schema_deprecated")
"""Findings that stand in nobody's way and are no good news either: said beside the verdict."""

# What leaves other steps undecided: they follow from it, and are not told as causes.
_CAUSES = frozenset(
    {
        "log_forked",
        "policy_missing",
        "clock_behind",
        "malformed",
        "too_large",
        "unsupported",
        "log_contradicted",
        "quorum_not_met",
        "log_evidence_missing",
        "issuer_evidence_missing",
    }
)


class Headline(NamedTuple):
    """What a person is told first.

    Attributes:
        outcome: The word.
        reason: Its code: a check's, or one of `accepted`, `waived`, `limits_accepted` and
            `document`. The next step is the reason's.
        check: The finding that is the reason, where one is.
        consequences: Findings that are undecided because of it, once for each code and
            credential.
        notes: Codes of what else a person should know, the most telling first.
    """

    outcome: Outcome
    reason: str
    check: Check | None
    consequences: tuple[Check, ...]
    notes: tuple[str, ...]

    def encode(self) -> JsonObject:
        """Write the member `verdict` of a report."""
        return {
            "reason": self.reason,
            "credential": None if self.check is None else self.check.credential,
            "consequences": [*dict.fromkeys(check.code for check in self.consequences)],
            "notes": [*self.notes],
        }


def headline_of(report: Report) -> Headline:
    """Choose the one reason, and what follows from it."""
    check = _decisive(report)
    reason = _reason(report) if check is None else check.code
    return Headline(
        report.outcome,
        _limited(report) if check is not None and check.waived else reason,
        check,
        tuple(_consequences(report, check)),
        (*_noted(report, check), *report.unsafe),
    )


def is_final(report: Report) -> bool:
    """Say whether a clerk may act upon a verdict; only then its code is spent (adr/0044)."""
    if report.outcome is Outcome.ACCEPTED_WITH_LIMITS:
        return report.accepts_limits
    return report.outcome is not Outcome.UNDECIDED


def _decisive(report: Report) -> Check | None:
    """Return the finding by which the outcome is what it is, the strongest first."""
    wanted = {
        Outcome.REFUSED: Result.FAILED,
        Outcome.UNDECIDED: Result.UNDECIDED,
        Outcome.ANSWERED: Result.UNDECIDED,
        Outcome.ACCEPTED_WITH_LIMITS: None,
    }
    if report.outcome not in wanted:
        return None
    result = wanted[report.outcome]
    deciding = (
        check
        for check in report.checks
        if (check.waived if result is None else check.result is result and not check.waived)
    )
    return min(deciding, key=lambda check: _PLACE[check.code], default=None)


def _reason(report: Report) -> str:
    """Say what an accepted document was accepted as: shown by its holder, or by anybody."""
    if report.outcome is Outcome.ANSWERED:
        return "answered_before"
    if report.outcome is Outcome.UNDECIDED:  # nothing was checked at all
        return "freshness_unknown"
    return ACCEPTED if report.outcome is Outcome.ACCEPTED else DOCUMENT


def _limited(report: Report) -> str:
    """Return the reason of a verdict with limits: they were accepted, or may be."""
    return LIMITS_ACCEPTED if report.accepts_limits else WAIVED


def _consequences(report: Report, cause: Check | None) -> Iterator[Check]:
    """Yield what is undecided or not judged because of the reason."""
    if cause is None:
        return
    for check in report.checks:
        unjudged = check.result is Result.NOT_JUDGED and check.credential == cause.credential
        follows = cause.code in _CAUSES and check.result is Result.UNDECIDED
        if check is not cause and (unjudged or follows):
            yield check


def _noted(report: Report, reason: Check | None) -> Iterator[str]:
    code = None if reason is None else reason.code
    if code == "revoked":
        yield "not_anybodys_fault"
    if code == "log_forked":
        yield "not_the_holders_fault"
    position = 0 if reason is None or reason.credential is None else reason.credential
    for summary in report.credentials[position : position + 1]:
        signed = summary.signer is not None
        hidden = hidden_because(report.checks, position, signed=signed)
        yield from () if hidden is None else (hidden,)
    if report.outcome is Outcome.DOCUMENT and report.limits:
        yield WAIVED
    found = {check.code for check in report.checks}
    yield from (each for each in NOTED if each in found)
    if len(report.credentials) > 1:
        yield "more_credentials"
