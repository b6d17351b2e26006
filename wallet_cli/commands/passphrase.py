"""`wallet passphrase change`: another passphrase for the same wallet."""

from __future__ import annotations

from pathlib import Path

import click

from did_service.core.errors import Bilingual
from wallet_cli.parser import Entry, LazyGroup, WalletCommand
from wallet_cli.session import Session

group = LazyGroup(
    "passphrase",
    {"change": Entry("wallet_cli.commands.passphrase:change", "Replace the passphrase.")},
    "The passphrase of this wallet.",
)


@click.command(
    "change",
    cls=WalletCommand,
    epilog="""
  wallet passphrase change
  wallet passphrase change --passphrase-file old --new-passphrase-file new
""",
)
@click.option(
    "--new-passphrase-file",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="First line is the new passphrase.",
)
@click.pass_obj
def change(session: Session, file: Path | None) -> None:
    """Replace the passphrase; the file that the old one opens is wiped.

    Copies of the old file that were made elsewhere still open with the old passphrase.
    """
    store = session.store
    chosen = session.next_passphrase(file)
    store.commit_passphrase(lambda vault: vault.with_passphrase(chosen, session.rng))
    done = Bilingual("口令已更换", "the passphrase was replaced")
    session.terminal.finish({"changed": True}, [session.terminal.say(done)])
