"""The names by which a person calls what a wallet holds, and how they are found again."""

from __future__ import annotations

import re

from did_service.core.errors import NotFoundError, UsageError, quote
from wallet_cli.holdings import (
    HeldCredential,
    HolderIdentity,
    credentials,
    identities,
)
from wallet_cli.vault import Vault

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,39}")


def find_credential(vault: Vault, name: str) -> HeldCredential:
    """Find a credential by its alias, its id, or the beginning of either.

    Raises:
        NotFoundError: `credential_unknown`.
        UsageError: `credential_ambiguous`, naming those it may be.
    """
    held = credentials(vault)
    exact = [each for each in held if each.alias == name]
    found = exact or [each for each in held if any(n.startswith(name) for n in _names(each))]
    if not found or not name:
        raise NotFoundError("credential_unknown", quote(name))
    if len(found) > 1:
        names = ", ".join(each.alias for each in found)
        raise UsageError("credential_ambiguous", f"{quote(name)}: {names}")
    return found[0]


def find_record(vault: Vault, identifier: str) -> HeldCredential | None:
    """Return the credential of a record, whatever it is called now; None if it is gone."""
    return next((each for each in credentials(vault) if each.id == identifier), None)


def find_identity(vault: Vault, name: str) -> HolderIdentity:
    """Find a key by its did:key, its label, or the beginning of either.

    Raises:
        NotFoundError: `identity_unknown`.
        UsageError: `identity_ambiguous`.
    """
    held = identities(vault)
    exact = [each for each in held if name in (each.did, each.label)]
    found = exact or [
        each for each in held if each.did.startswith(name) or each.label.startswith(name)
    ]
    if not found or not name:
        raise NotFoundError("identity_unknown", quote(name))
    if len(found) > 1:
        raise UsageError("identity_ambiguous", f"{quote(name)}: {len(found)}")
    return found[0]


def new_alias(vault: Vault, name: str) -> str:
    """Return the first of `name-1`, `name-2`, … that is free."""
    taken = {each.alias for each in credentials(vault)}
    numbers = range(1, len(taken) + 2)
    return next(f"{name}-{n}" for n in numbers if f"{name}-{n}" not in taken)


def short_name(types: tuple[str, ...]) -> str:
    """Return a short name for a type of credential: `ResidencePermit` is `residence-permit`.

    Only a plain name gives one: a type may be a whole sentence, and an alias begins lines.
    """
    named = next((each for each in types if each != "VerifiableCredential"), "")
    if not _PLAIN.fullmatch(named):
        return "credential"
    words = re.findall("[A-Z]?[a-z0-9]+|[A-Z]+", named)
    return "-".join(word.lower() for word in words)


def _names(held: HeldCredential) -> tuple[str, ...]:
    identifier = str(held.credential.get("id", ""))
    return held.alias, identifier, identifier.removeprefix("urn:uuid:")
