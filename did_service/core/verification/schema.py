"""Step 7: the content fits the schema that was registered for its type.

    credential ──names──► schema entry ──x-didsvc──► its type, and what that demands

What a type demands of every credential (a status entry, a logged issuance) stands in the schema
of that type. So a credential may not choose another one: each of its types must be described by
a schema from the home of the type's own name (threat rule 12).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from did_service.core.credentials.schema_check import Schema, parse_schema
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.errors import DidServiceError, NotFoundError, quote
from did_service.core.limits import MAX_SCHEMA_BYTES
from did_service.core.verification.anchored import Anchored
from did_service.core.verification.case import Case
from did_service.core.verification.report import Check

_STEP = 7


@dataclass(frozen=True, slots=True)
class SchemaFinding:
    """What came out of one schema.

    Attributes:
        check: The check.
        held: The entry it came from, if that is at hand.
        terms: Its `x-didsvc`, where it speaks for a type of the credential; else empty.
    """

    check: Check
    held: Anchored | None = None
    terms: JsonObject = field(default_factory=dict)


def check_schemas(case: Case) -> Iterator[SchemaFinding]:
    """Judge the content by each schema that the credential names, and its types by all."""
    findings = [_judge(case, str(member.get("id"))) for member in case.credential.schemas]
    yield from findings
    described = {each.terms.get("type") for each in findings}
    nameless = not findings or not described.issuperset(_types(case))
    if nameless and all(each.check.code == "schema_met" for each in findings):
        yield SchemaFinding(Check(_STEP, "schema_missing", case.position))


def _judge(case: Case, identifier: str) -> SchemaFinding:
    check = partial(Check, _STEP, credential=case.position)
    try:
        held = _entry(case, identifier)
    except DidServiceError as error:
        return SchemaFinding(check("schema_missing", detail=error.code))
    basis = case.basis(held, limited=case.limit_seconds)
    try:
        schema = _schema(held)
        problem = _problem(case, schema)
    except DidServiceError as error:
        return SchemaFinding(check("schema_missing", basis=basis, detail=error.code))
    terms = _terms(schema) if _speaks_for(case, identifier, schema) else {}
    if held.time is None or (problem is not None and not case.speaks_against(held)):
        return SchemaFinding(check("schema_missing", basis=basis), held, terms)
    code = "schema_met" if problem is None else "schema_violated"
    return SchemaFinding(check(code, basis=basis, detail=problem), held, terms)


def _entry(case: Case, identifier: str) -> Anchored:
    home = None if case.policy is None else case.policy.home_of_schema(identifier)
    held = None if home is None else case.evidence.newest("schema", identifier, home)
    if held is None:
        raise NotFoundError("entry_missing", f"no schema {quote(identifier)} is at hand")
    return held


def _schema(held: Anchored) -> Schema:
    body = Fields(held.entry.body, "schema")
    body.constant("kind", "json-schema")
    return parse_schema(body.text("content", max_chars=MAX_SCHEMA_BYTES))


def _problem(case: Case, schema: Schema) -> str | None:
    """Name the member that does not fit; a schema of another type fits none."""
    violations = schema.check(case.credential.raw)
    if violations:
        return quote(violations[0].path)
    wanted = _terms(schema).get("type")
    return "type" if wanted is not None and wanted not in case.types else None


def _speaks_for(case: Case, identifier: str, schema: Schema) -> bool:
    """Say whether a schema stands at home where the type that it describes does."""
    kind = _terms(schema).get("type")
    if case.policy is None or not isinstance(kind, str):
        return False
    try:
        return case.policy.home_of_schema(kind) is case.policy.home_of_schema(identifier)
    except DidServiceError:
        return False


def _terms(schema: Schema) -> JsonObject:
    found = schema.raw.get("x-didsvc")
    return found if isinstance(found, dict) else {}


def _types(case: Case) -> tuple[str, ...]:
    try:
        return case.types
    except DidServiceError:
        return ()  # step 6 refuses it
