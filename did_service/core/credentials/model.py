"""The credential and the presentation (W3C Verifiable Credentials Data Model 2.0, §4).

Parsing checks what can be seen without JSON-LD processing: members, identifiers, times. What
the terms mean is `vocabulary`'s question, who signed is `proof_set`'s.

    Credential                      Presentation
      raw ── what gets hashed         raw
      issuer, subjects, validity      holder
      statuses, schemas               credentials ──► Credential, …
"""

from typing import NamedTuple

from did_service.core.credentials import contexts, members, stated
from did_service.core.credentials.contexts import ContextLoader
from did_service.core.encoding.strict_json import (
    JsonObject,
    JsonValue,
    as_array,
    as_object,
    as_text,
)
from did_service.core.encoding.xsd_datetime import Instant, parse_datetime
from did_service.core.errors import LimitError, MalformedError, UnsupportedError, quote
from did_service.core.limits import MAX_CHECKED_MEMBERS, MAX_CREDENTIALS_IN_PRESENTATION

CREDENTIAL_TYPE = "VerifiableCredential"
PRESENTATION_TYPE = "VerifiablePresentation"
ENVELOPED_TYPES = ("EnvelopedVerifiableCredential", "EnvelopedVerifiablePresentation")


class Credential(NamedTuple):
    """One credential as its issuer wrote it; `raw` with all members is what gets hashed.

    Where the proofs keep no order of lists, `raw` has the one order of `spelling`.
    `issuer` is the issuer's identifier, also where the document has an object; list-or-single
    members are always tuples here. Parsing verifies nothing: see `proof_set.verify_proofs`.
    """

    raw: JsonObject
    context: tuple[JsonValue, ...]
    id: str | None
    types: tuple[str, ...]
    issuer: str
    subjects: tuple[JsonObject, ...]
    valid_from: Instant | None
    valid_until: Instant | None
    statuses: tuple[JsonObject, ...]
    schemas: tuple[JsonObject, ...]


class Presentation(NamedTuple):
    """One presentation with the credentials inside; `holder` only if the document names one."""

    raw: JsonObject
    context: tuple[JsonValue, ...]
    id: str | None
    types: tuple[str, ...]
    holder: str | None
    credentials: tuple[Credential, ...]


def parse_credential(value: JsonValue, load: ContextLoader | None = None) -> Credential:
    """Parse a VCDM 2.0 credential, with or without proof.

    Args:
        value: The document.
        load: `contexts.beside(…)` where a caller's own contexts are taken as well.

    Raises:
        UnsupportedError: `data_model_unknown` for another version, `context_unknown`,
            `credential_enveloped`, or `time_unsupported`: a year of more than nine digits.
        MalformedError: a member that the data model refuses (`member_missing`,
            `member_invalid`, `time_invalid`, `validity_reversed`).
        LimitError: more than 16 status entries or schemas.
        UnsupportedError: `too_large`, as `stated.check_work`.
    """
    raw = _document(value, "credential")
    context = _context(raw, load)  # first: it says by which version the rest is to be read
    if stated.keeps_no_order(raw):
        stated.check_work(raw)
        raw = stated.in_order(raw)
    valid_from, valid_until = _validity(raw)
    members.check_texts(raw)
    members.check_typed(raw, ("termsOfUse", "evidence", "refreshService"))
    members.check_related_resources(raw)
    members.check_proof(raw)
    return Credential(
        raw=raw,
        context=context,
        id=members.identifier(raw, "credential"),
        types=_types(raw, CREDENTIAL_TYPE),
        issuer=_issuer(raw),
        subjects=_subjects(raw),
        valid_from=valid_from,
        valid_until=valid_until,
        statuses=_few(members.typed(raw, "credentialStatus")),
        schemas=_schemas(raw),
    )


def parse_presentation(value: JsonValue, load: ContextLoader | None = None) -> Presentation:
    """Parse a VCDM 2.0 presentation and the credentials in it; arguments as above.

    Raises:
        UnsupportedError, MalformedError: as `parse_credential`.
        LimitError: more than 16 credentials.
    """
    raw = _document(value, "presentation")
    context = _context(raw, load)
    members.check_typed(raw, ("termsOfUse",))
    members.check_proof(raw)
    return Presentation(
        raw=raw,
        context=context,
        id=members.identifier(raw, "presentation"),
        types=_types(raw, PRESENTATION_TYPE),
        holder=members.party(raw, "holder") if "holder" in raw else None,
        credentials=_credentials(raw, load),
    )


def _document(value: JsonValue, where: str) -> JsonObject:
    """Take what a Data Integrity proof can secure: an object, which envelopes nothing.

    A text is a credential in JOSE, COSE or SD-JWT; a data: URL wraps one (VCDM 2.0 §4.13).
    """
    if isinstance(value, str):
        raise UnsupportedError("credential_unsupported", f"a {where} given as a text")
    raw = as_object(value, where)
    kinds = raw.get("type")
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if kind in ENVELOPED_TYPES:
            raise UnsupportedError("credential_enveloped", f"{quote(kind)} is not taken")
    return raw


def _context(raw: JsonObject, load: ContextLoader | None) -> tuple[JsonValue, ...]:
    value = raw.get("@context")
    entries = tuple(value) if isinstance(value, list) else (value,)
    if entries[:1] != (contexts.CREDENTIALS_V2,):
        if contexts.CREDENTIALS_V2 not in entries and members.is_url(next(iter(entries), None)):
            raise UnsupportedError("data_model_unknown", f"data model {quote(entries[0])}")
        raise MalformedError(
            "context_invalid", f"@context must begin {contexts.CREDENTIALS_V2}"
        )
    for entry in entries:
        if isinstance(entry, str):
            contexts.check_known(entry) if load is None else load(entry)
        elif not isinstance(entry, dict):
            raise MalformedError("context_invalid", "a context is neither a URL nor an object")
    return entries


def _types(raw: JsonObject, required: str) -> tuple[str, ...]:
    types = members.type_names(raw, "document")
    if required not in types:
        raise MalformedError("member_invalid", f"type must include {required}")
    return types


def _issuer(raw: JsonObject) -> str:
    issuer = raw.get("issuer")
    if isinstance(issuer, dict):
        members.check_texts(issuer)
    return members.party(raw, "issuer")


def _subjects(raw: JsonObject) -> tuple[JsonObject, ...]:
    subjects = members.objects(raw, "credentialSubject")
    if not subjects:
        raise MalformedError("member_missing", "credentialSubject is missing")
    for subject in subjects:
        if not subject:
            raise MalformedError("member_invalid", "credentialSubject makes no claim")
        members.identifier(subject, "credentialSubject")
    return subjects


def _validity(raw: JsonObject) -> tuple[Instant | None, Instant | None]:
    begin, end = _time(raw, "validFrom"), _time(raw, "validUntil")
    if begin and end and end < begin:
        raise MalformedError("validity_reversed", "validUntil lies before validFrom")
    return begin, end


def _time(raw: JsonObject, name: str) -> Instant | None:
    return parse_datetime(as_text(raw[name], name)) if name in raw else None


def _few(checked: tuple[JsonObject, ...]) -> tuple[JsonObject, ...]:
    """Each of them costs a verifier a check, and who asks for it need not have signed."""
    if len(checked) > MAX_CHECKED_MEMBERS:
        raise LimitError("too_large", f"{len(checked)} status entries or schemas")
    return checked


def _schemas(raw: JsonObject) -> tuple[JsonObject, ...]:
    schemas = _few(members.typed(raw, "credentialSchema"))
    for schema in schemas:
        if "id" not in schema:
            raise MalformedError("member_missing", "credentialSchema.id is missing")
    return schemas


def _credentials(raw: JsonObject, load: ContextLoader | None) -> tuple[Credential, ...]:
    value = raw.get("verifiableCredential", [])
    items = as_array(value, "verifiableCredential") if isinstance(value, list) else [value]
    if len(items) > MAX_CREDENTIALS_IN_PRESENTATION:
        raise LimitError("too_large", f"{len(items)} credentials in one presentation")
    return tuple(parse_credential(item, load) for item in items)
