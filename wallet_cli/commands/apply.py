"""`wallet apply`: a signed application to an agency, and a key of its own for it."""

from __future__ import annotations

import click

from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import DidServiceError
from did_service.core.text import Bilingual, quote
from wallet_cli.addressees import check_addressee
from wallet_cli.commands.id import make_identity
from wallet_cli.forgetting import without_application
from wallet_cli.holdings import Application, keep
from wallet_cli.parser import WalletCommand
from wallet_cli.session import Session, read_json
from wallet_cli.signing import signed_application
from wallet_cli.submitting import hand_in
from wallet_cli.terminal import table
from wallet_cli.vault import new_id
from wallet_cli.views import application_view, claims


@click.command(
    "apply",
    cls=WalletCommand,
    epilog="""
  wallet apply https://gz.gd.example/agencies/police residence-permit --claims me.json
  wallet apply https://gz.gd.example/agencies/police residence-permit --claims - --yes

The agency publishes ISSUER, ITEM and what me.json must hold, for example
  {"familyName":"王","givenName":"小明", …}
""",
)
@click.argument("issuer")
@click.argument("item")
@click.option(
    "--claims",
    "file",
    required=True,
    metavar="FILE",
    help="File with your claims, a JSON object; - for stdin.",
)
@click.option(
    "--unlisted",
    metavar="HOST",
    help="Send to this host although no policy lists it; only if you know it is the agency's.",
)
@click.pass_obj
def apply(session: Session, issuer: str, item: str, file: str, *, unlisted: str | None) -> None:
    """Apply to the agency at ISSUER for the service item ITEM.

    The wallet first shows what it will send to whom, and asks you. The application goes to that
    agency alone, signed with a new key that the credential will be bound to. The wallet
    remembers where to pick the credential up, sealed like everything else.
    """
    members = read_json(file)
    from did_service.core.credentials.claim_text import check_claim_text

    check_claim_text(members)
    region = check_addressee(session, issuer, unlisted)
    session.store  # noqa: B018 - a wrong passphrase is told before anything is shown or sent
    _show(session, issuer, region, members)
    application = _send(session, issuer.rstrip("/"), item, members)
    session.terminal.note(
        Bilingual(
            "已提交；获批后用 wallet receive 领取",
            "handed in; wallet receive picks it up once approved",
        )
    )
    view = application_view(application)
    session.terminal.finish(view, [application.id])


def _show(session: Session, issuer: str, region: Bilingual | None, members: JsonObject) -> None:
    """Show what goes to whom, and ask.

    Raises:
        UsageError: `declined`, `input_needed`.
    """
    say = session.terminal.say
    unknown = Bilingual("不在任何已载入的信任策略之中", "in no pinned policy")
    goes_to, place = say(Bilingual("发送给", "goes to")), quote(say(region or unknown))
    rows = [(quote(name, 40), quote(value)) for name, value in claims(members)]
    about = (
        f"{goes_to}: {quote(issuer)} ({place})",
        f"{say(Bilingual('发送内容', 'what goes'))}:",
        *(f"  {line}" for line in table(rows)),
    )
    session.terminal.confirm(Bilingual("发送？", "send it?"), about)


def _send(session: Session, issuer: str, item: str, members: JsonObject) -> Application:
    """Keep the key and what is signed, hand it in, keep where to pick up.

    What the issuer refuses leaves nothing behind; what may have arrived stays (`submitting`).
    """
    from did_service.client.issuer import IssuerClient

    client = IssuerClient(session.transport, issuer)
    identity = make_identity(session, "")
    addressee = (client.challenge(), client.base)
    signed = signed_application(item, members, identity, addressee, session.stamp())
    application = Application(
        new_id(session.rng), issuer, item, identity.did, session.stamp(), signed=signed
    )
    session.commit(
        lambda vault: keep(keep(vault, identity, session.rng), application, session.rng)
    )
    try:
        return hand_in(session, application, signed)
    except DidServiceError as error:
        if error.code != "answer_lost":
            session.commit_deletion(lambda vault: without_application(vault, application))
        raise
