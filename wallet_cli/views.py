"""What scripts read about holdings, and the lines for people made of it."""

from __future__ import annotations

from collections.abc import Iterator

from did_service.core.encoding.strict_json import JsonObject, JsonValue
from wallet_cli.holdings import Application, HeldCredential, Identity
from wallet_cli.terminal import shown

_BASE_TYPE = "VerifiableCredential"


def identity_view(identity: Identity) -> JsonObject:
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
    """Return how far an application is: `unsent`, `waiting` or `held-back`."""
    if application.delivery is not None:
        return "held-back"
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
    """Walk through what a credential says: name and value of each claim, escaped.

    The holder's own identifier is left out: it is shown as such.
    """
    if isinstance(value, dict):
        for name, member in value.items():
            yield from claims(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from claims(member, f"{path}[{index}]")
    elif path != "id":
        yield shown(path), shown(value)


def _texts(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else [value]
