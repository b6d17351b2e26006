"""`wallet init`, `wallet status`, `wallet doctor`: the store as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import ConflictError, MalformedError, quote
from did_service.core.text import Bilingual
from did_service.program.exits import Exit
from did_service.program.files import read_file, replace_file
from wallet_cli.dates import local_time
from wallet_cli.holdings import HeldCredential, applications, credentials, identities
from wallet_cli.parser import WalletCommand
from wallet_cli.session import Session
from wallet_cli.store import PREVIOUS
from wallet_cli.terminal import table
from wallet_cli.vault import Vault, open_vault

if TYPE_CHECKING:
    from did_service.core.anchor.bodies.policy import Policy

STALE = timedelta(days=1)  # the tier `day`: what counters usually ask for


@click.command(
    "init",
    cls=WalletCommand,
    epilog="""
  wallet init                                   asks for a passphrase, twice
  wallet init --passphrase-file ~/.wallet-pw    for scripts; the file's first line
  wallet init --store /media/usb/wallet         somewhere else
""",
)
@click.pass_obj
def init(session: Session) -> None:
    """Make a wallet, protected by a passphrase.

    Whoever has both the wallet's folder and the passphrase can present your credentials. A
    forgotten passphrase cannot be recovered: the agencies have to issue your credentials again.
    """
    directory = session.directory
    if directory.file.exists():
        raise ConflictError("store_exists", quote(directory.path))
    vault = Vault.create(session.first_passphrase(), session.rng)
    directory.create(vault, session.rng)
    done = Bilingual("钱包已建立", "the wallet is in")
    session.terminal.finish(
        {"store": str(directory.path)},
        [f"{session.terminal.say(done)} {quote(directory.path)}"],
    )
    command = "wallet trust pin FILE --fingerprint …"
    session.terminal.note(Bilingual(f"下一步：{command}", f"next: {command}"))


@click.command(
    "status",
    cls=WalletCommand,
    epilog="""
  wallet status
  wallet status --json
""",
)
@click.pass_obj
def status(session: Session) -> None:
    """Show what the wallet holds and what is due."""
    vault = session.vault
    held, waiting = credentials(vault), applications(vault)
    policy = session.trust.policy()
    data: JsonObject = {
        "store": str(session.directory.path),
        "written": vault.counter,
        "identities": len(identities(vault)),
        "credentials": len(held),
        "pending": len(waiting),
        "policy": None
        if policy is None
        else {
            "federation": policy.federation,
            "seq": policy.sequence,
            "expires": timestamps.encode(policy.expires),
        },
    }
    if policy is None:
        session.terminal.warn("policy_missing")
    elif policy.expires <= session.now():
        session.terminal.warn("policy_expired")
    for each in held:
        if is_stale(each, session.now()):
            session.terminal.warn("staple_old", each.alias, credential=each.alias)
    for code in _loose_modes(session):
        session.terminal.warn(code)
    if any(each.delivery is not None for each in waiting):
        session.terminal.warn("delivery_held_back")
    say = session.terminal.say
    rows = [
        (say(Bilingual("位置", "store")), quote(session.directory.path)),
        (say(Bilingual("证照", "credentials")), str(len(held))),
        (say(Bilingual("办理中", "pending")), str(len(waiting))),
        (say(Bilingual("标识符", "identifiers")), str(data["identities"])),
        (say(Bilingual("信任策略", "policy")), say(_policy_words(policy))),
    ]
    session.terminal.finish(data, table(rows))


def is_stale(held: HeldCredential, now: datetime) -> bool:
    """Say whether a credential's evidence is older than counters usually accept, or missing."""
    return not held.as_of or now - timestamps.parse_utc(held.as_of) > STALE


def _policy_words(policy: Policy | None) -> Bilingual:
    if policy is None:
        return Bilingual("-", "-")
    name, until = f"{policy.federation} {policy.sequence}", local_time(policy.expires)
    return Bilingual(f"{name}，有效期至 {until}", f"{name}, until {until}")


@click.command(
    "doctor",
    cls=WalletCommand,
    epilog="""
  wallet doctor
  wallet doctor --restore      put the version before in place of a damaged wallet
""",
)
@click.option(
    "--restore", is_flag=True, help="Put the version before in place of a damaged wallet."
)
@click.pass_obj
def doctor(session: Session, *, restore: bool) -> Exit:
    """Check the wallet for damage, loose file permissions and a missing policy."""
    passphrase = session.passphrase()
    findings: list[str] = []
    try:
        open_vault(session.directory.read(), passphrase)
    except MalformedError as error:
        _check_previous(session, passphrase, error)
        findings.append(error.code)
        if restore:
            _restore(session)
            findings.append("store_restored")
    findings += [*_loose_modes(session)]
    if session.trust.policy() is None:
        findings.append("policy_missing")
    for code in findings:
        session.terminal.warn(code)
    found: list[JsonValue] = [*findings]
    if not findings:
        good = Bilingual("没有发现问题", "nothing wrong was found")
        session.terminal.finish({"findings": found}, [session.terminal.say(good)])
        return Exit.DONE
    if "store_damaged" in findings and not restore:
        reason = MalformedError(
            "previous_usable", "wallet.json does not open, wallet.json.1 does"
        )
        return session.terminal.finish_incomplete(reason, {"findings": found}, [])
    session.terminal.finish({"findings": found})
    return Exit.DONE


def _check_previous(session: Session, passphrase: str, error: MalformedError) -> None:
    """Raise the damage unless the version before opens."""
    data = read_file(session.directory.previous, len(session.directory.read()) * 2 + 65_536)
    if data is None:
        raise error
    open_vault(data, passphrase)


def _restore(session: Session) -> None:
    directory = session.directory
    session.terminal.confirm(
        Bilingual(
            f"用 {PREVIOUS} 代替损坏的钱包？损坏的文件留作 wallet.json.damaged",
            f"replace the damaged store by {PREVIOUS}? It stays as wallet.json.damaged",
        )
    )
    replace_file(directory.damaged, directory.read())
    replace_file(directory.file, directory.previous.read_bytes())


def _loose_modes(session: Session) -> Iterator[str]:
    directory = session.directory
    for path in (directory.path, directory.file, directory.previous):
        if path.exists() and path.stat().st_mode & 0o077:
            yield "store_exposed"
            return
