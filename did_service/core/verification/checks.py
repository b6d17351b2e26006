"""Steps 2, 3, 7, 8 and 13: policy, log evidence, schema, time, freshness.

One function for each step, from what is at hand to findings; the codes decide the results
(`messages.CHECKS`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from did_service.core.anchor.freshness import age_seconds
from did_service.core.anchor.policy import (
    Policy,
    check_current,
    check_successor,
    parse_policy,
)
from did_service.core.credentials import schema_check
from did_service.core.encoding import strict_json, timestamps
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.errors import DidServiceError, NotFoundError, PolicyError, quote
from did_service.core.limits import MAX_DROPPED_NAMED, MAX_SCHEMA_BYTES
from did_service.core.verification.anchored import Anchored, Dropped, Evidence
from did_service.core.verification.case import Case
from did_service.core.verification.messages import Result
from did_service.core.verification.report import Basis, Check

_STEP_POLICY, _STEP_LOG, _STEP_SCHEMA, _STEP_TIME, _STEP_FRESH = 2, 3, 7, 8, 13
_NAMED = ("log_unknown", "quorum_not_met")  # reasons for dropping that have codes of their own


def check_policy(policy: Policy | None, evidence: Evidence, now: datetime) -> Check:
    """Step 2: a policy is pinned, in force, and the only one of its number."""
    if policy is None:
        return Check(_STEP_POLICY, "policy_missing")
    try:
        check_current(policy, now)
        for members in evidence.policies:
            _check_not_forked(policy, members)
    except PolicyError as error:
        return Check(_STEP_POLICY, error.code, detail=error.message)
    return Check(_STEP_POLICY, "policy_current")


def _check_not_forked(policy: Policy, members: JsonObject) -> None:
    try:
        check_successor(policy, parse_policy(members))
    except DidServiceError as error:
        if error.code == "policy_forked":
            raise


def check_log(
    evidence: Evidence, dropped: tuple[Dropped, ...], others: Iterable[Check], now: int
) -> Iterator[Check]:
    """Step 3: forks, what was dropped, and what a quorum stands behind.

    Args:
        evidence: What verified.
        dropped: What did not.
        others: The findings of the other steps: a dropped piece leaves things undecided only
            where something is undecided without it.
        now: POSIX seconds.
    """
    for fork in evidence.forks:
        yield Check(_STEP_LOG, "log_forked", detail=f"{quote(fork.origin)}, {fork.size}")
    missed = any(check.result is Result.UNDECIDED for check in others)
    for each in dropped[:MAX_DROPPED_NAMED]:
        code = each.code if each.code in _NAMED else "evidence_dropped"
        yield Check(
            _STEP_LOG,
            code if missed else "evidence_left_out",
            basis=Basis(each.source),
            detail=f"{each.what}: {each.code}",
        )
    newest = max(evidence.checkpoints, key=lambda each: each.fresh_at, default=None)
    if newest is None:
        yield Check(_STEP_LOG, "log_evidence_missing")
        return
    time = newest.fresh_at
    yield Check(
        _STEP_LOG,
        "log_witnessed",
        basis=Basis("checkpoint", time, age_seconds(time, now)),
        detail=f"{newest.checkpoint.origin}, {newest.checkpoint.size}",
    )


@dataclass(frozen=True, slots=True)
class SchemaFinding:
    """Step 7: the check, the schema if it is at hand, and the entry it came from."""

    check: Check
    schema: JsonObject | None = None
    held: Anchored | None = None


def check_schemas(case: Case) -> Iterator[SchemaFinding]:
    """Step 7: the content fits each anchored schema that the credential names."""
    if not case.credential.schemas:
        yield SchemaFinding(Check(_STEP_SCHEMA, "schema_missing", case.position))
    for member in case.credential.schemas:
        yield _check_schema(case, str(member.get("id")))


def _check_schema(case: Case, identifier: str) -> SchemaFinding:
    check = partial(Check, _STEP_SCHEMA, credential=case.position)
    try:
        held = _schema_entry(case, identifier)
    except DidServiceError as error:
        return SchemaFinding(check("schema_missing", detail=error.code))
    basis = case.basis(held, limited=case.limit_seconds)
    try:
        schema = _content(held)
        violations = schema_check.check(schema, case.credential.raw)
        problem = violations[0].path if violations else None
        problem = "type" if problem is None and _is_of_another_type(case, schema) else problem
    except DidServiceError as error:
        return SchemaFinding(check("schema_missing", basis=basis, detail=error.code))
    if held.time is None or (problem is not None and not case.covers_dating(held.time)):
        return SchemaFinding(check("schema_missing", basis=basis), schema, held)
    code = "schema_met" if problem is None else "schema_violated"
    return SchemaFinding(check(code, basis=basis, detail=problem), schema, held)


def _schema_entry(case: Case, identifier: str) -> Anchored:
    home = None if case.policy is None else case.policy.home_of_schema(identifier)
    held = None if home is None else case.evidence.newest("schema", identifier, home)
    if held is None:
        raise NotFoundError("entry_missing", f"no schema {quote(identifier)} is at hand")
    return held


def _content(held: Anchored) -> JsonObject:
    body = Fields(held.entry.body, "schema")
    body.constant("kind", "json-schema")
    content = body.text("content", max_chars=MAX_SCHEMA_BYTES)
    return strict_json.load_object(
        content, max_bytes=MAX_SCHEMA_BYTES, numbers=strict_json.Numbers.FINITE
    )


def _is_of_another_type(case: Case, schema: JsonObject) -> bool:
    """Say whether a schema of ours describes a type that this credential is not of."""
    described = schema.get("x-didsvc")
    wanted = described.get("type") if isinstance(described, dict) else None
    return wanted is not None and wanted not in case.types


def check_time(case: Case) -> Check:
    """Step 8: `now` lies within the period of validity."""
    begin, end = case.credential.valid_from, case.credential.valid_until
    if end is not None and timestamps.to_posix(end) < case.now:
        return Check(_STEP_TIME, "expired", case.position, detail=timestamps.encode(end))
    if begin is not None and timestamps.to_posix(begin) > case.now:
        detail = timestamps.encode(begin)
        return Check(_STEP_TIME, "not_yet_valid", case.position, detail=detail)
    return Check(_STEP_TIME, "within_validity", case.position)


def check_freshness(case: Case, used: Iterable[Anchored]) -> Iterator[Check]:
    """Step 13: every statement that carries the decision is recent enough for the tier."""
    once = {(each.origin, each.placed.index): each for each in used}
    dated = [each for each in once.values() if each.time is not None]
    if not dated:
        yield Check(_STEP_FRESH, "freshness_unknown", case.position)
        return
    stale = [each for each in dated if not case.is_fresh(each)]
    for each in stale:
        basis = case.basis(each, limited=case.limit_seconds)
        detail = f"{each.entry.type} {quote(each.entry.subject)}"
        yield Check(_STEP_FRESH, "evidence_stale", case.position, basis, detail)
    if not stale:
        oldest = min(dated, key=lambda each: each.time or 0)
        basis = case.basis(oldest, limited=case.limit_seconds)
        yield Check(_STEP_FRESH, "evidence_fresh", case.position, basis)
