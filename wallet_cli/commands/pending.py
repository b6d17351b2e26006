"""`wallet pending list|drop`: applications on their way."""

from __future__ import annotations

import click

from did_service.core.errors import NotFoundError, UsageError, quote
from did_service.core.text import Bilingual
from wallet_cli.dates import local_text
from wallet_cli.forgetting import without_application
from wallet_cli.holdings import Application, applications
from wallet_cli.parser import CommandEntry, LazyGroup, WalletCommand
from wallet_cli.session import Session
from wallet_cli.terminal import table
from wallet_cli.vault import Vault
from wallet_cli.views import application_view, state_of

group = LazyGroup(
    "pending",
    {
        "list": CommandEntry(
            "wallet_cli.commands.pending:listed",
            "List applications on their way, and deliveries that were not taken in.",
        ),
        "drop": CommandEntry(
            "wallet_cli.commands.pending:drop", "Give an application up, with its key."
        ),
    },
    "Manage applications on their way, and deliveries that could not be taken in.",
)


@click.command(
    "list",
    cls=WalletCommand,
    epilog="""
  wallet pending list
""",
)
@click.pass_obj
def listed(session: Session) -> None:
    """List applications on their way, and deliveries that were not taken in."""
    found = applications(session.vault)
    if not found:
        session.terminal.note(Bilingual("没有办理中的申请", "no applications on their way"))
    rows = [
        (each.id, _quoted(each.item), state_of(each), _time(each.applied), _quoted(each.note))
        for each in found
    ]
    session.terminal.finish(
        {"pending": [application_view(each) for each in found]}, table(rows)
    )


def _time(stamp: str) -> str:
    return local_text(stamp) or quote(stamp, 40)


def _quoted(text: str) -> str:
    return quote(text, 40) if text else "-"


@click.command(
    "drop",
    cls=WalletCommand,
    epilog="""
  wallet pending drop 3vQB…      the beginning of its id will do
""",
)
@click.argument("name", metavar="ID")
@click.pass_obj
def drop(session: Session, name: str) -> None:
    """Give an application up, and delete its key and whatever arrived for it.

    What arrives for it later cannot be kept.
    """
    application = _find(session.vault, name)
    what = quote(application.item or application.issuer)
    session.terminal.confirm(Bilingual(f"放弃 {what}？", f"give up {what}?"))
    session.commit_deletion(lambda vault: without_application(vault, application))
    session.terminal.finish({"dropped": application.id}, [application.id])


def _find(vault: Vault, name: str) -> Application:
    found = [each for each in applications(vault) if name and each.id.startswith(name)]
    if not found:
        raise NotFoundError("application_unknown", quote(name))
    if len(found) > 1:
        raise UsageError("application_ambiguous", f"{quote(name)}: {len(found)}")
    return found[0]
