"""What was shown, by name, for the report: no value of a claim ever stands in it."""

from __future__ import annotations

from collections.abc import Iterator

from did_service.core.credentials.proof_set import VerifiedProof
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import DidServiceError
from did_service.core.limits import MAX_DISCLOSED_CHARACTERS
from did_service.core.verification.context import CredentialContext
from did_service.core.verification.findings import AuthorityFinding
from did_service.core.verification.presented import PresentedCredential
from did_service.core.verification.report import CredentialSummary


def summary_of(
    context: CredentialContext,
    shown: PresentedCredential,
    signer: VerifiedProof | None,
    authority: AuthorityFinding,
) -> CredentialSummary:
    """Say what one credential is, who signed it and what was shown."""
    try:
        types = context.types
    except DidServiceError:
        types = ()
    issued = None if context.claimed is None else timestamps.from_posix(context.claimed)
    statement = authority.statement
    return CredentialSummary(
        query=shown.query,
        type=next(iter(types), None),
        issuer=context.credential.issuer,
        signer=None if signer is None else signer.verification_method,
        issued=issued,
        jurisdiction=next(iter(context.printed_regions), None),
        disclosed=tuple(_disclosed(context.credential.raw.get("credentialSubject"))),
        issuer_name=None if statement is None else statement.name,
    )


def bare_summary(context: CredentialContext, shown: PresentedCredential) -> CredentialSummary:
    """Say only that a credential was shown, and whose it claims to be."""
    return CredentialSummary(
        query=shown.query,
        type=None,
        issuer=context.credential.issuer,
        signer=None,
        issued=None,
        jurisdiction=None,
        disclosed=(),
    )


def _disclosed(subjects: JsonValue) -> Iterator[str]:
    """Name the claims that were shown, never their values, nor whom they are about.

    Names nest, so a small file can have gigabytes of pointers: no more than a page is named.
    """
    room = MAX_DISCLOSED_CHARACTERS
    for pointer in _claims(subjects):
        room -= len(pointer)
        if room < 0:
            return
        yield pointer


def _claims(subjects: JsonValue) -> Iterator[str]:
    root = "/credentialSubject"
    numbered = enumerate(subjects) if isinstance(subjects, list) else ()
    named = [(f"{root}/{index}", each) for index, each in numbered] or [(root, subjects)]
    for base, subject in named:
        yield from (each for each in _pointers(subject, base) if each != f"{base}/id")


def _pointers(value: JsonValue, path: str) -> Iterator[str]:
    """Return a JSON Pointer to each claim; a list is one claim."""
    members: JsonObject = value if isinstance(value, dict) else {}
    for name, member in members.items():
        step = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
        if isinstance(member, dict):
            yield from _pointers(member, step)
        else:
            yield step
