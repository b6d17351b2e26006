"""`wallet apply`: a signed application to an agency, and a key of its own for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import DidServiceError, PolicyError, RuleError, UsageError, quote
from did_service.core.text import Bilingual
from wallet_cli.commands.id import make_identity
from wallet_cli.holdings import Application, HolderIdentity, keep
from wallet_cli.parser import WalletCommand
from wallet_cli.session import Session, read_json
from wallet_cli.signing import signed_application
from wallet_cli.vault import new_id
from wallet_cli.views import application_view

if TYPE_CHECKING:
    from did_service.client.issuer import IssuerClient


@click.command(
    "apply",
    cls=WalletCommand,
    epilog="""
  wallet apply https://gz.gd.example/agencies/gz residence-permit --claims me.json
  wallet apply https://gz.gd.example/agencies/gz residence-permit --claims - < me.json

me.json holds what the credential should say, for example
  {"familyName":"王","givenName":"小明", …}
""",
)
@click.argument("issuer")
@click.argument("item")
@click.option("--claims", required=True, metavar="FILE", help="JSON object; - for stdin.")
@click.option("--allow-untrusted", is_flag=True, help="Also outside the pinned policy.")
@click.pass_obj
def apply(
    session: Session, issuer: str, item: str, claims: str, *, allow_untrusted: bool
) -> None:
    """Apply to the agency at ISSUER for the service item ITEM.

    The application goes to that agency alone, signed with a new key that the credential will be
    bound to. Where to pick the credential up is remembered, sealed like everything else.
    """
    members = read_json(claims)
    from did_service.core.credentials.claim_text import check_claim_text

    check_claim_text(members)
    if not allow_untrusted:
        _check_listed(session, issuer)
    identity = make_identity(session, "")
    from did_service.client.issuer import IssuerClient

    application = _send(
        session, IssuerClient(session.transport, issuer), item, identity, members
    )
    session.terminal.note(
        Bilingual(
            "已提交；获批后用 wallet receive 领取",
            "handed in; wallet receive picks it up once approved",
        )
    )
    view = application_view(application)
    session.terminal.finish(view, [application.id])


def _send(
    session: Session,
    client: IssuerClient,
    item: str,
    identity: HolderIdentity,
    claims: JsonObject,
) -> Application:
    """Keep the key, hand the application in, keep where to pick up; or leave nothing behind."""
    application = Application(
        new_id(session.rng), client.base, item, identity.did, session.stamp()
    )
    session.store  # noqa: B018 - a wrong passphrase is told before anything is sent
    addressee = (client.challenge(), client.base)
    signed = signed_application(item, claims, identity, addressee, session.stamp())
    session.commit(
        lambda vault: keep(keep(vault, identity, session.rng), application, session.rng)
    )
    try:
        pickup = client.apply(signed).pickup
    except DidServiceError:
        session.commit(lambda vault: vault.drop((identity.id, application.id)))
        raise
    sent = replace(application, pickup=pickup)
    session.commit(lambda vault: keep(vault, sent, session.rng))
    return sent


def _check_listed(session: Session, issuer: str) -> None:
    """See to it that personal data go to a host that the pinned policy knows."""
    policy = session.trust.policy()
    if policy is None:
        session.terminal.warn("policy_missing")
        return
    try:
        host = urlsplit(issuer).hostname or ""
    except ValueError as error:
        raise UsageError("url_invalid", f"not a URL: {quote(issuer)}") from error
    try:
        policy.region_of_host(host)
    except PolicyError as error:
        raise RuleError("issuer_unlisted", f"{quote(host)} is in no region") from error
