"""`wallet id new|list|show`: the holder's identifiers.

An application makes a key of its own, so that two agencies cannot tell that they speak of one
person; a key made by hand is for those who ask for one beforehand.
"""

from __future__ import annotations

import click

from did_service.core.crypto.ed25519 import SEED_BYTES, SigningKey
from did_service.core.did.key import did_key_of
from did_service.core.encoding import timestamps
from did_service.core.errors import UsageError
from did_service.core.limits import MAX_LABEL_CHARACTERS
from did_service.core.text import Bilingual, quote
from wallet_cli.dates import local_text
from wallet_cli.holdings import HolderIdentity, credentials, identities, keep
from wallet_cli.naming import find_identity
from wallet_cli.parser import CommandEntry, LazyGroup, WalletCommand
from wallet_cli.session import Session
from wallet_cli.terminal import table
from wallet_cli.vault import new_id
from wallet_cli.views import identity_view

group = LazyGroup(
    "id",
    {
        "new": CommandEntry("wallet_cli.commands.id:new", "Make a key and its did:key."),
        "list": CommandEntry(
            "wallet_cli.commands.id:listed", "List the identifiers of this wallet."
        ),
        "show": CommandEntry(
            "wallet_cli.commands.id:show", "Show an identifier and what was issued to it."
        ),
    },
    "Manage your identifiers (did:key). Each application makes a new one.",
)


def make_identity(session: Session, label: str) -> HolderIdentity:
    """Draw a key; the caller keeps it."""
    seed = session.rng(SEED_BYTES)
    did = did_key_of(SigningKey(seed).public)
    created = timestamps.encode(session.now())
    return HolderIdentity(new_id(session.rng), did, seed, label, created)


@click.command(
    "new",
    cls=WalletCommand,
    epilog="""
  wallet id new
  wallet id new --label work
""",
)
@click.option("--label", default="", help="Your own name for it.")
@click.pass_obj
def new(session: Session, label: str) -> None:
    """Make a key and its did:key."""
    if len(label) > MAX_LABEL_CHARACTERS:
        raise UsageError("label_long", f"at most {MAX_LABEL_CHARACTERS} characters")
    identity = make_identity(session, label)
    session.commit(lambda vault: keep(vault, identity, session.rng))
    session.terminal.finish(identity_view(identity), [identity.did])


@click.command(
    "list",
    cls=WalletCommand,
    epilog="""
  wallet id list
""",
)
@click.pass_obj
def listed(session: Session) -> None:
    """List the identifiers of this wallet."""
    found = identities(session.vault)
    if not found:
        session.terminal.note(Bilingual("还没有标识符", "no identifiers yet"))
    rows = [
        (
            each.did,
            local_text(each.created) or quote(each.created, 40),
            quote(each.label) if each.label else "",
        )
        for each in found
    ]
    session.terminal.finish(
        {"identities": [identity_view(each) for each in found]}, table(rows)
    )


@click.command(
    "show",
    cls=WalletCommand,
    epilog="""
  wallet id show did:key:z6Mk…     the beginning will do
  wallet id show work              or your own name for it
""",
)
@click.argument("name", metavar="ID")
@click.pass_obj
def show(session: Session, name: str) -> None:
    """Show an identifier and what was issued to it."""
    identity = find_identity(session.vault, name)
    held = [each.alias for each in credentials(session.vault) if each.holder == identity.did]
    lines = [identity.did, *([quote(identity.label)] if identity.label else []), *held]
    session.terminal.finish({**identity_view(identity), "credentials": [*held]}, lines)
