"""Step 7: the content fits the schema that was registered for its type.

    credential ──names──► schema entry ──x-didsvc──► its type, and what that demands

What a type demands of every credential (a status entry, a logged issuance) stands in the schema
of that type. So a credential may not choose another one: each of its types must be described by
a schema from the home of the type's own name (threat rule 12).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from did_service.core.anchor.bodies.schema import SchemaBody, parse_schema_body
from did_service.core.anchor.homes import home_of_schema
from did_service.core.credentials.schema_check import Schema, parse_schema
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import DidServiceError, MalformedError, NotFoundError, quote
from did_service.core.evidence.proven import Latest
from did_service.core.limits import MAX_SCHEMA_STEPS
from did_service.core.verification.context import CredentialContext
from did_service.core.verification.findings import SchemaFinding
from did_service.core.verification.report import Check
from did_service.core.verification.resources import check_resources


def check(context: CredentialContext) -> Iterator[Check]:
    """Judge the content by each schema that the credential names, and its types by all."""
    findings = tuple(_find(context))
    context.findings.schemas = findings
    yield from (each.check for each in findings)
    yield from check_resources(context, findings)


def _find(context: CredentialContext) -> Iterator[SchemaFinding]:
    findings = [_judge(context, str(member.get("id"))) for member in context.credential.schemas]
    yield from findings
    for each in findings:
        if each.deprecated:
            note = Check("schema_deprecated", context.position, each.check.basis)
            yield SchemaFinding(note)
    described = {each.terms.get("type") for each in findings}
    nameless = not findings or not described.issuperset(_types(context))
    if nameless and all(each.check.code == "schema_met" for each in findings):
        yield SchemaFinding(Check("schema_missing", context.position))


def _judge(context: CredentialContext, identifier: str) -> SchemaFinding:
    check = partial(Check, credential=context.position)
    try:
        latest = _latest(context, identifier)
    except DidServiceError as error:
        return SchemaFinding(check("schema_missing", detail=error.code))
    basis = context.basis(latest, limited=context.limit_seconds)
    try:
        body = _body(context, latest)
        schema = _schema(body)
        problem = _problem(context, schema)
    except DidServiceError as error:
        return SchemaFinding(check("schema_missing", basis=basis, detail=error.code))
    terms = _terms(schema) if _speaks_for(context, identifier, schema) else {}
    if problem is not None and not context.speaks_against(latest):
        return SchemaFinding(check("schema_missing", basis=basis), latest, terms)
    code = "schema_met" if problem is None else "schema_violated"
    found = check(code, basis=basis, quoted=problem)
    return SchemaFinding(found, latest, terms, body.is_deprecated)


def _latest(context: CredentialContext, identifier: str) -> Latest:
    home = None if context.policy is None else context.policy.home_of_schema(identifier)
    latest = None if home is None else context.evidence.latest("schema", identifier, home)
    if latest is None:
        raise NotFoundError("entry_missing", f"no latest schema {quote(identifier)} at hand")
    return latest


def _body(context: CredentialContext, latest: Latest) -> SchemaBody:
    """Read a schema entry's body once; errors as `parse_schema_body`."""
    body, known = context.use(latest), context.verified.schemas
    if latest.leaf not in known:
        known[latest.leaf] = parse_schema_body(body)
    return known[latest.leaf]


def _schema(body: SchemaBody) -> Schema:
    if body.kind != "json-schema":
        raise MalformedError("member_invalid", f"a {body.kind}, and no JSON Schema")
    return parse_schema(body.content)


def _problem(context: CredentialContext, schema: Schema) -> str | None:
    """Name the member that does not fit; a schema of another type fits none."""
    share = MAX_SCHEMA_STEPS // max(len(context.credential.schemas), 1)
    violations = schema.check(context.credential.raw, share)
    if violations:
        return quote(violations[0].path)
    wanted = _terms(schema).get("type")
    return "type" if wanted is not None and wanted not in context.types else None


def _speaks_for(context: CredentialContext, identifier: str, schema: Schema) -> bool:
    """Say whether a schema stands at home where the type that it describes does."""
    kind = _terms(schema).get("type")
    if context.policy is None or not isinstance(kind, str):
        return False
    home = home_of_schema(identifier, context.policy)
    return home is not None and home_of_schema(kind, context.policy) is home


def _terms(schema: Schema) -> JsonObject:
    found = schema.raw.get("x-didsvc")
    return found if isinstance(found, dict) else {}


def _types(context: CredentialContext) -> tuple[str, ...]:
    try:
        return context.types
    except DidServiceError:
        return ()  # step 6 refuses it
