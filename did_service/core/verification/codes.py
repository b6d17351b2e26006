"""What a code of a check means: its step and its result.

A code belongs to one step. What several steps meet alike has a code for each of them, so a
report, this table and the pages made from it cannot say different numbers.

This one closed table decides which findings refuse and which leave a thing undecided. FAILED is
for authentic negatives alone (docs/threat-model.md §3, and step by step offline-verification.md
§3.1): a bad credential or holder signature, revoked, ended, not granted, expired, over-asked.
What is absent, unreadable, unsupported, too old, forked, or was judged by a doubtful clock is
UNDECIDED; unknown never becomes a pass or a refusal.

Codes alone: their sentences are the programs' (`program/words/*/verdict.json`).
"""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

STEPS = (
    "shape",
    "policy",
    "log",
    "issuer",
    "proof",
    "authority",
    "schema",
    "time",
    "status",
    "holder",
    "mandate",
    "request",
    "freshness",
)
"""The steps by name, in their order; the first is step 1."""
FAULTS = {name: f"{name}_fault" for name in STEPS}
"""The code of a fault of this program, by the name of the step that it fell in."""

# The steps that go by what a credential says: nothing, where its signature is broken.
_UNJUDGED = ("authority", "schema", "time", "status", "holder", "freshness")


class Result(Enum):
    """What came out of one check."""

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"
    NOT_ASKED = "not-asked"
    NOT_JUDGED = "not-judged"


class CheckMeaning(NamedTuple):
    """What a code says: in which step it is found, and what it comes to."""

    step: int
    result: Result


def _passed(step: int) -> CheckMeaning:
    return CheckMeaning(step, Result.PASSED)


def _failed(step: int) -> CheckMeaning:
    return CheckMeaning(step, Result.FAILED)


def _undecided(step: int) -> CheckMeaning:
    return CheckMeaning(step, Result.UNDECIDED)


def _not_asked(step: int) -> CheckMeaning:
    return CheckMeaning(step, Result.NOT_ASKED)


def _not_judged(step: int) -> CheckMeaning:
    """Return what a step says whose credential has a broken signature (docs/adr/0033)."""
    return CheckMeaning(step, Result.NOT_JUDGED)


CHECKS: Mapping[str, CheckMeaning] = {
    # 1 shape
    "shape_valid": _passed(1),
    "malformed": _undecided(1),
    "too_large": _undecided(1),
    "unsupported": _undecided(1),
    # 2 policy
    "policy_current": _passed(2),
    "policy_missing": _undecided(2),
    "policy_expired": _undecided(2),
    "policy_lifetime": _undecided(2),
    "policy_forked": _undecided(2),
    "policy_time_in_doubt": _undecided(2),
    # 3 log evidence
    "log_witnessed": _passed(3),
    "evidence_left_out": _passed(3),
    "evidence_of_other_type": _passed(3),
    "log_evidence_missing": _undecided(3),
    "log_unknown": _undecided(3),
    "quorum_not_met": _undecided(3),
    "log_contradicted": _undecided(3),
    "evidence_dropped": _undecided(3),
    "log_forked": _undecided(3),
    # 4 issuer
    "issuer_current": _passed(4),
    "issuer_before_end": _passed(4),
    "issuer_evidence_missing": _undecided(4),
    "issuer_not_latest": _undecided(4),
    "issuer_moved": _undecided(4),
    "issuer_deactivated": _failed(4),
    "issuer_unsupported": _undecided(4),
    "issued_before_end_not_proven": _undecided(4),
    # 5 credential proof
    "proof_valid": _passed(5),
    "proof_invalid": _failed(5),
    "proof_unsupported": _undecided(5),
    "proof_unreadable": _undecided(5),
    "proof_beside": _undecided(5),
    "proof_expired": _failed(5),
    "proof_time_in_doubt": _undecided(5),
    "key_not_listed": _failed(5),
    "issuer_key_unknown": _undecided(5),
    # 6 authority
    "authority_held": _passed(6),
    "issued_while_authorised": _passed(6),
    "authority_missing": _undecided(6),
    "type_not_granted": _failed(6),
    "region_not_granted": _failed(6),
    "authority_suspended": _failed(6),
    "issued_after_end": _failed(6),
    "issuance_time_not_proven": _undecided(6),
    # 7 schema
    "schema_met": _passed(7),
    "schema_deprecated": _passed(7),
    "schema_missing": _undecided(7),
    "schema_violated": _failed(7),
    "resource_altered": _failed(7),
    "resource_unsupported": _undecided(7),
    # 8 time
    "within_validity": _passed(8),
    "within_clock_skew": _passed(8),
    "not_yet_valid": _failed(8),
    "dated_ahead": _undecided(8),
    "expired": _failed(8),
    "clock_behind": _undecided(8),
    "clock_in_doubt": _undecided(8),
    # 9 status
    "status_clear": _passed(9),
    "not_suspended": _passed(9),
    "status_not_required": _passed(9),
    "status_passed_over": _passed(9),
    "status_entry_missing": _failed(9),
    "status_missing": _undecided(9),
    "status_list_unregistered": _undecided(9),
    "status_unsupported": _undecided(9),
    "status_stale": _undecided(9),
    "revoked": _failed(9),
    "suspended": _failed(9),
    "index_out_of_range": _undecided(9),
    # 10 holder
    "holder_proven": _passed(10),
    "holder_not_asked": _not_asked(10),
    "holder_proof_missing": _failed(10),
    "holder_proof_invalid": _failed(10),
    "holder_mismatch": _failed(10),
    "nonce_unknown": _failed(10),
    "nonce_used": _failed(10),
    "audience_wrong": _failed(10),
    "holder_proof_unsupported": _undecided(10),
    "holder_proof_unreadable": _undecided(10),
    "holder_proof_beside": _undecided(10),
    "holder_time_in_doubt": _undecided(10),
    "answered_before": _undecided(10),
    # 11 delegation
    "mandate_not_asked": _not_asked(11),
    # 12 request
    "query_not_asked": _not_asked(12),
    "query_not_answered": _undecided(12),
    "item_differs": _undecided(12),
    # 13 freshness
    "evidence_fresh": _passed(13),
    "freshness_unknown": _undecided(13),
    "evidence_stale": _undecided(13),
    # of a credential whose signature is broken
    **{f"{name}_not_judged": _not_judged(STEPS.index(name) + 1) for name in _UNJUDGED},
    # whichever step a fault of ours fell in
    **{FAULTS[name]: _undecided(step) for step, name in enumerate(STEPS, 1)},
}

UNSAFE = (
    "now_given",
    "nonce_not_remembered",
    "nothing_remembered",
    "trust_exposed",
    "tier_relaxed",
    "audience_not_asked",
    "policy_demo",
)
"""What weakened a check, beside any verdict."""
