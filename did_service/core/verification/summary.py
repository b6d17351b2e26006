"""What was shown, for the report: names of claims, whose document it is, and what passed.

    identity    name, masked numbers, title, validity: of what its issuer signed
    claims      all values: of what passed every step
    disclosed   names of claims: of what passed

Which claims are the name and the numbers, and what all of them are called, says the schema of
the type (`x-didsvc` of docs/formats.md §8), where that was proven to be the latest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import DidServiceError
from did_service.core.limits import MAX_DISCLOSED_CHARACTERS, MAX_TITLE_CHARACTERS
from did_service.core.text import Bilingual, is_han, masked
from did_service.core.verification.context import CredentialContext
from did_service.core.verification.findings import SchemaFinding
from did_service.core.verification.hidden import hidden_because, passed
from did_service.core.verification.presented import PresentedCredential
from did_service.core.verification.report import Check, CredentialSummary, DocumentIdentity


def summary_of(context: CredentialContext, shown: PresentedCredential) -> CredentialSummary:
    """Say what one credential is, who signed it and what was shown."""
    try:
        types = context.types
    except DidServiceError:
        types = ()
    issued = None if context.claimed is None else timestamps.from_posix(context.claimed)
    findings = context.findings
    signer, statement = findings.signer, findings.authority.statement
    return CredentialSummary(
        query=shown.query,
        type=next(iter(types), None),
        issuer=context.credential.issuer,
        signer=None if signer is None else signer.verification_method,
        issued=issued,
        jurisdiction=next(iter(context.printed_regions), None),
        disclosed=tuple(_disclosed(context.credential.raw.get("credentialSubject"))),
        issuer_name=None if statement is None else statement.name,
        identity=None if signer is None else _identity(context, findings.schemas or ()),
    )


def as_told(
    summary: CredentialSummary, context: CredentialContext, checks: Sequence[Check]
) -> CredentialSummary:
    """Return what a report may tell of a credential, all of its findings being known."""
    place, signed = context.position, summary.signer is not None
    if hidden_because(checks, place, signed=signed) is not None:
        unnamed = replace(summary, identity=None, issuer_name=None, issued=None)
        return replace(unnamed, jurisdiction=None, disclosed=())
    if not passed(checks, place):
        return replace(summary, disclosed=())
    return replace(summary, claims=context.credential.raw.get("credentialSubject"))


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


def _identity(context: CredentialContext, schemas: Sequence[SchemaFinding]) -> DocumentIdentity:
    """Read whose document it is by the schema that it fits; without one, only its dates."""
    fitting = (each.terms for each in schemas if each.check.code == "schema_met")
    terms = next((each for each in fitting if each), {})
    subject = next(iter(context.credential.subjects), {})
    wanted = _object(terms.get("identity"))
    number, document = (_claim(subject, wanted.get(each)) for each in ("number", "document"))
    return DocumentIdentity(
        title=title_in(terms.get("title")),
        name=_name(subject, wanted.get("name")),
        number=None if number is None else masked(number),
        document=None if document is None else masked(document),
        valid_from=context.credential.valid_from,
        valid_until=context.credential.valid_until,
        titles=dict(_titles(terms.get("claims"))),
    )


def _name(subject: JsonObject, members: JsonValue) -> str | None:
    """Join the parts of a name: Chinese ones as they are, others with a space between."""
    names = members if isinstance(members, list) else [members]
    parts = [part for part in (_claim(subject, name) for name in names) if part]
    chinese = all(is_han(character) for part in parts for character in part)
    return ("" if chinese else " ").join(parts) or None


def _claim(subject: JsonObject, member: JsonValue) -> str | None:
    value = subject.get(member) if isinstance(member, str) else None
    return value if isinstance(value, str) else None


def _titles(claims: JsonValue) -> Iterator[tuple[str, Bilingual]]:
    for pointer, words in _object(claims).items():
        title = title_in(words)
        if title is not None:
            yield pointer, title


def title_in(words: JsonValue) -> Bilingual | None:
    """Read what a schema calls something, in both languages; None where it does not say."""
    texts = [_object(words).get(tongue) for tongue in ("zh", "en")]
    zh, en = (each if isinstance(each, str) else "" for each in texts)
    if not (zh and en) or max(len(zh), len(en)) > MAX_TITLE_CHARACTERS:
        return None
    return Bilingual(zh, en)


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}


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
