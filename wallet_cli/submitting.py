"""Handing an application in so that a lost answer loses nothing.

    key, signed application ──sealed──► POST ──► address, sealed
                                         └─ no answer: both stay, and the same bytes go again

An issuer answers the same application, which answers one challenge, with the same address.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import LimitError, NotFoundError, UnavailableError
from wallet_cli.holdings import Application, keep

if TYPE_CHECKING:
    from wallet_cli.session import Session
    from wallet_cli.vault import Vault


def hand_in(session: Session, application: Application, signed: JsonObject) -> Application:
    """Send a signed application, and keep where to pick up.

    Args:
        session: Its wallet holds the application, with what was signed, and its key.
        application: Without an address so far.
        signed: As it was signed the first time.

    Raises:
        UnavailableError: `answer_lost`: it may have arrived; all is kept, to be sent again.
        NotFoundError: `application_unknown`: it was given up while it was sent.
        DidServiceError: the issuer refused it.
    """
    from did_service.client.issuer import IssuerClient

    try:
        pickup = IssuerClient(session.transport, application.issuer).apply(signed).pickup
    except (UnavailableError, LimitError) as error:
        lost = UnavailableError("answer_lost", f"{error.message} ({error.code})")
        lost.peer_says = error.peer_says
        raise lost from error
    sent = replace(application, pickup=pickup, signed=None)

    def change(vault: Vault) -> Vault:
        if sent.id not in vault.records:
            raise NotFoundError("application_unknown", "it was given up meanwhile")
        return keep(vault, sent, session.rng)

    session.commit(change)
    return sent
