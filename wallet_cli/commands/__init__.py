"""The commands of `wallet`, one file for each noun; `wallet` itself with its help."""

from __future__ import annotations

import click

from did_service.program.version import __version__
from wallet_cli.parser import COMPLETION, CommandEntry, LazyGroup

_EXAMPLES = """\
A first hour:

  wallet init                                            make the wallet
  wallet trust pin policy.json --fingerprint "1a2b …"    accept the policy
  wallet apply https://gz.gd.example/agencies/police residence-permit --claims me.json
  wallet receive                                         once the agency has approved
  wallet refresh all                                     fetch the evidence
  wallet present residence-permit-1 --request ask.json --out me.vp.json

Exit codes: 0 done, 1 refused, 2 usage, 3 declined, 4 wrong passphrase,
5 cannot tell, 6 issuer not trusted, 7 not found, 8 try again, 9 not yet,
10 input needed, 11 wallet damaged, 70 program error."""

ENTRIES = {
    "init": CommandEntry(
        "wallet_cli.commands.store:init", "Make a wallet, protected by a passphrase."
    ),
    "status": CommandEntry(
        "wallet_cli.commands.store:status", "Show what the wallet holds and what is due."
    ),
    "id": CommandEntry("wallet_cli.commands.id:group", "Manage your identifiers (did:key)."),
    "apply": CommandEntry(
        "wallet_cli.commands.apply:apply", "Apply to an agency for a credential."
    ),
    "receive": CommandEntry(
        "wallet_cli.commands.receive:receive", "Pick up, check and keep credentials."
    ),
    "pending": CommandEntry(
        "wallet_cli.commands.pending:group", "Manage applications on their way."
    ),
    "cred": CommandEntry("wallet_cli.commands.cred:group", "Manage your credentials."),
    "refresh": CommandEntry(
        "wallet_cli.commands.refresh:refresh",
        "Fetch fresh evidence, so that counters accept your credentials.",
    ),
    "present": CommandEntry(
        "wallet_cli.commands.present:present", "Answer a counter with a credential."
    ),
    "trust": CommandEntry("wallet_cli.commands.trust:group", "Manage the trust policy."),
    "passphrase": CommandEntry(
        "wallet_cli.commands.passphrase:group", "Change the passphrase."
    ),
    "rekey": CommandEntry(
        "wallet_cli.commands.passphrase:rekey", "Seal the wallet anew, after a leak."
    ),
    "doctor": CommandEntry("wallet_cli.commands.store:doctor", "Check the wallet for damage."),
    "completion": CommandEntry("wallet_cli.parser:completion", COMPLETION),
}


wallet = LazyGroup(
    "wallet",
    ENTRIES,
    "Keep credentials on this machine and present them, with or without a network.\n\n"
    "把证照保存在本机，出示时不需要网络。",
    _EXAMPLES,
)
click.version_option(__version__, prog_name="wallet")(wallet)
