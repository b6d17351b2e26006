"""What goes along when something is deleted, so that no trace of it stays in the vault."""

from __future__ import annotations

from did_service.core.credentials.record import record_of
from wallet_cli.holdings import (
    Application,
    HeldCredential,
    answers,
    applications,
    credentials,
    identities,
)
from wallet_cli.vault import Vault


def without_credential(vault: Vault, held: HeldCredential) -> Vault:
    """Drop a credential with its staple, other copies of it, and to whom it was shown.

    The key that it is bound to goes too, unless something else here is bound to it.
    """
    credential = held.credential
    record = record_of(credential)
    copies = (
        each.id
        for each in applications(vault)
        if each.delivery is not None and each.delivery.get("credential") == credential
    )
    shown = (each.id for each in answers(vault) if each.record == record)
    return _without_key(vault.drop((held.id, *copies, *shown)), held.holder)


def without_application(vault: Vault, application: Application) -> Vault:
    """Drop an application with what arrived for it, and its key likewise."""
    return _without_key(vault.drop((application.id,)), application.holder)


def _without_key(vault: Vault, holder: str) -> Vault:
    """Drop a key that nothing in the wallet is bound to any more."""
    users = {each.holder for each in credentials(vault)}
    users |= {each.holder for each in applications(vault)}
    if holder in users:
        return vault
    return vault.drop(each.id for each in identities(vault) if each.did == holder)
