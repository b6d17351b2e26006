"""What scripts read about holdings, and the lines for people made of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from did_service.core.encoding.strict_json import JsonObject, JsonValue, Numbers, load_object
from did_service.core.errors import DidServiceError
from did_service.core.text import Bilingual
from wallet_cli.holdings import Application, HeldCredential, HolderIdentity

SET_ASIDE = "set_aside"  # how the note begins of what nothing proves
_BASE_TYPE = "VerifiableCredential"
_TERMS = "x-didsvc"  # of a schema (docs/formats.md 8)


def identity_view(identity: HolderIdentity) -> JsonObject:
    """Return what is public about a key."""
    return {"did": identity.did, "label": identity.label, "created": identity.created}


def application_view(application: Application) -> JsonObject:
    """Return an application without its pick-up address, which whoever has it can use."""
    return {
        "id": application.id,
        "issuer": application.issuer,
        "item": application.item,
        "holder": application.holder,
        "applied": application.applied,
        "state": state_of(application),
        "note": application.note,
    }


def state_of(application: Application) -> str:
    """Return how far an application is: `unsent`, `waiting`, `held-back` or `unproven`."""
    if application.delivery is not None:
        return "unproven" if application.note.startswith(SET_ASIDE) else "held-back"
    return "waiting" if application.pickup else "unsent"


def credential_view(held: HeldCredential) -> JsonObject:
    """Return what a list shows of a credential: no claims."""
    credential = held.credential
    kinds = [name for name in _texts(credential.get("type")) if name != _BASE_TYPE]
    return {
        "alias": held.alias,
        "id": credential.get("id"),
        "type": next(iter(kinds), None),
        "issuer": issuer_of(credential),
        "holder": held.holder,
        "valid_from": credential.get("validFrom"),
        "valid_until": credential.get("validUntil"),
        "received": held.received,
        "as_of": held.as_of or None,
    }


def issuer_of(credential: JsonObject) -> JsonValue:
    """Return the issuer's identifier."""
    issuer = credential.get("issuer")
    return issuer.get("id") if isinstance(issuer, dict) else issuer


def claims(value: JsonValue, path: str = "") -> Iterator[tuple[str, str]]:
    """Walk through what a credential says: name and value of each claim.

    The holder's own identifier is left out: it is shown as such.
    """
    if isinstance(value, dict):
        for name, member in value.items():
            yield from claims(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from claims(member, f"{path}[{index}]")
    elif path != "id":
        yield path, str(value)


def titles(held: HeldCredential) -> dict[str, Bilingual]:
    """Return what the registered schema calls each claim, by path.

    The schema is part of the staple, which was verified when it was collected. What it has no
    words for in both languages has its title in Chinese, and its name in English.
    """
    from did_service.core.verification.summary import title_in

    schema = _schema(held)
    defined = _object(schema.get("$defs"))
    subject = _object(_object(schema.get("properties")).get("credentialSubject"))
    name = str(subject.get("$ref", "")).rpartition("/")[2]
    known = dict(_titles(_object(defined.get(name)) or subject, ""))
    for pointer, words in _object(_object(schema.get(_TERMS)).get("claims")).items():
        title = title_in(words)
        if title is not None:
            known[pointer.replace("/", ".")] = title
    return known


def issuer_name(held: HeldCredential) -> Bilingual | None:
    """Return the issuer's name in an authority statement of the staple."""
    wanted = issuer_of(held.credential)
    for item in _texts((held.staple or {}).get("items")):
        body = _object(_object(_object(item).get("entry")).get("b"))
        name = _object(body.get("name"))
        if body.get("grantee") == wanted and name:
            return Bilingual(str(name.get("zh", "")), str(name.get("en", "")))
    return None


def type_name(held: HeldCredential) -> Bilingual:
    """Return what the registered schema calls the type; its class where that says nothing."""
    from did_service.core.verification.summary import title_in

    kind, schema = str(credential_view(held)["type"] or "-"), _schema(held)
    title = schema.get("title")
    given = title_in(_object(schema.get(_TERMS)).get("title"))
    return given or Bilingual(title if isinstance(title, str) else kind, kind)


def _schema(held: HeldCredential) -> JsonObject:
    """Find the schema of a credential among the entries of its staple.

    It lends words alone here: one that cannot be read has none, and hides no credential.
    """
    wanted = _object(held.credential.get("credentialSchema")).get("id")
    for item in _texts((held.staple or {}).get("items")):
        entry = _object(_object(item).get("entry"))
        content = _object(entry.get("b")).get("content")
        if entry.get("s") == wanted and isinstance(content, str):
            with suppress(DidServiceError):
                return load_object(content, numbers=Numbers.FINITE)
    return {}


def _titles(schema: JsonObject, path: str) -> Iterator[tuple[str, Bilingual]]:
    for name, member in _object(schema.get("properties")).items():
        place, title = f"{path}.{name}" if path else name, _object(member).get("title")
        if isinstance(title, str):
            yield place, Bilingual(title, place)
        yield from _titles(_object(member), place)


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _texts(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else [value]
