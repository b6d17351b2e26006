"""`wallet passphrase change`, `wallet rekey`: another passphrase, another data key."""

from __future__ import annotations

from pathlib import Path

import click

from did_service.core.text import Bilingual
from wallet_cli.parser import CommandEntry, LazyGroup, WalletCommand
from wallet_cli.session import Session

group = LazyGroup(
    "passphrase",
    {
        "change": CommandEntry(
            "wallet_cli.commands.passphrase:change", "Replace the passphrase."
        )
    },
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


@click.command(
    "rekey",
    cls=WalletCommand,
    epilog="""
  wallet rekey                  after an old copy of the wallet fell into other hands
  wallet passphrase change      and then, if the passphrase may be known as well
""",
)
@click.pass_obj
def rekey(session: Session) -> None:
    """Seal the whole wallet anew; the passphrase stays.

    A changed passphrase keeps the data key, which whoever opened an old copy has. After this it
    opens nothing that is written from now on; what the old copy holds stays readable there.
    """
    session.directory.read()
    passphrase = session.passphrase()
    store = session.directory.open(passphrase, session.rng)
    store.commit_passphrase(lambda vault: vault.rekeyed(passphrase, session.rng))
    done = Bilingual("钱包已用新密钥重新加密", "the wallet is sealed with a new key")
    session.terminal.finish({"rekeyed": True}, [session.terminal.say(done)])
