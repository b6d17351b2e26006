"""Step 7, its other half: resources that the credential binds by a digest are those in use.

Only what an issuer signed can bind anything, so nothing is said where the proof does not hold.
A schema that a later entry may have replaced refuses nothing (threat model 3).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from did_service.core.credentials import related_resources
from did_service.core.errors import MalformedError, ProofError
from did_service.core.evidence.proven import Latest
from did_service.core.verification.context import CredentialContext
from did_service.core.verification.findings import SchemaFinding
from did_service.core.verification.report import Check


def check_resources(
    context: CredentialContext, schemas: Sequence[SchemaFinding]
) -> Iterator[Check]:
    """Check the digests of contexts and schemas that the issuer bound its credential to."""
    if context.findings.signer is None:
        return
    check = partial(Check, credential=context.position)
    latest = [each.latest for each in schemas if each.latest is not None]
    contents = {each.subject: _content(context, each) for each in latest}
    fresh = {each.subject for each in latest if context.speaks_against(each)}
    settled = {subject: content for subject, content in contents.items() if subject in fresh}
    try:
        related_resources.check(context.credential.raw, settled)
    except ProofError as error:
        yield check("resource_altered", quoted=error.message)
        return
    except MalformedError as error:
        yield check("resource_unsupported", detail=error.code)
        return
    if settled.keys() == contents.keys():
        return  # all that was asked
    try:
        related_resources.check(context.credential.raw, contents)
    except ProofError as error:
        yield check("schema_missing", detail=error.code)
    except MalformedError as error:
        yield check("resource_unsupported", detail=error.code)


def _content(context: CredentialContext, latest: Latest) -> bytes:
    return str(context.use(latest).get("content", "")).encode()
