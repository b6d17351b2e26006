"""`wallet passphrase change`, `wallet rekey`: another passphrase, another data key."""

from __future__ import annotations

from pathlib import Path

import click

from did_service.core.text import Bilingual
from wallet_cli.parser import CommandEntry, LazyGroup, WalletCommand
from wallet_cli.session import Session

group = LazyGroup(
    "passphrase",
    {"change": CommandEntry("wallet_cli.commands.passphrase:change", "Change the passphrase.")},
    "Change the passphrase of this wallet.",
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
    help="File whose first line is the new passphrase.",
)
@click.pass_obj
def change(session: Session, file: Path | None) -> None:
    """Change the passphrase. The file that the old passphrase opens is wiped.

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
    """Seal the whole wallet with a new data key; passphrase and credentials stay the same.

    Changing the passphrase keeps the data key, and whoever opened an old copy has that key.
    After this command the old key opens nothing that is written from now on; the old copy
    itself stays readable.
    """
    session.directory.read()
    passphrase = session.passphrase()
    store = session.directory.open(passphrase, session.rng)
    store.commit_passphrase(lambda vault: vault.rekeyed(passphrase, session.rng))
    done = Bilingual("钱包已用新密钥重新加密", "the wallet is sealed with a new key")
    session.terminal.finish({"rekeyed": True}, [session.terminal.say(done)])
