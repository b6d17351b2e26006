"""`wallet present`: a signed answer to one counter and one nonce, as a file."""

from __future__ import annotations

from pathlib import Path

import click

from did_service.core.credentials.record import record_of
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import (
    Bilingual,
    ConflictError,
    Language,
    NotFoundError,
    UsageError,
)
from did_service.core.text import quote
from did_service.program.files import check_output, replace_file
from did_service.program.folding import few
from wallet_cli.commands.store import is_stale
from wallet_cli.holdings import (
    GivenPresentation,
    HeldCredential,
    HolderIdentity,
    answers,
    identities,
    keep,
)
from wallet_cli.naming import find_credential
from wallet_cli.parser import WalletCommand
from wallet_cli.session import Session
from wallet_cli.signing import presentation_file, signed_presentation
from wallet_cli.vault import Vault, new_id
from wallet_cli.views import claims, titles

_MOST_CHARACTERS = 512


@click.command(
    "present",
    cls=WalletCommand,
    epilog="""
  wallet present residence-permit-1 --nonce N --audience A --out me.vp.json

N and A are what the counter shows: its challenge, and its name.
""",
)
@click.argument("name", metavar="CRED")
@click.option("--nonce", required=True, help="The counter's challenge.")
@click.option("--audience", required=True, help="The counter's name.")
@click.option("--out", required=True, type=click.Path(dir_okay=False), help="Where to write.")
@click.option("--no-staple", is_flag=True, help="Without the evidence.")
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@click.pass_obj
def present(  # noqa: PLR0913 - click hands over one argument for each option
    session: Session,
    name: str,
    nonce: str,
    audience: str,
    out: str,
    *,
    no_staple: bool,
    force: bool,
) -> None:
    """Answer a counter with a credential: a file signed for this challenge and counter alone.

    The same challenge is answered once: a second answer with another credential is refused,
    the same answer again is the same file.
    """
    path = Path(out)
    check_output(path, force=force)
    _check_addressee(nonce, audience)
    held = find_credential(session.vault, name)
    holder = _holder(session.vault, held)
    answer = _remember(session, held, (nonce, audience))
    signed = signed_presentation(held.credential, holder, (nonce, audience), answer.created)
    staple = None if no_staple else held.staple
    if not no_staple and (staple is None or is_stale(held, session.now())):
        session.terminal.warn("staple_old", held.alias, credential=held.alias)
    document = presentation_file(signed, staple)
    replace_file(path, f"{strict_json.dumps(document)}\n".encode())
    disclosed = [claim for claim, _ in claims(held.credential.get("credentialSubject"))]
    words = titles(held)
    zh = "、".join(few([quote(words.get(each, each), 40) for each in disclosed], Language.ZH))
    en = ", ".join(few([quote(each, 40) for each in disclosed], Language.EN))
    session.terminal.note(Bilingual(f"出示内容：{zh}", f"shows {en}"))
    data: JsonObject = {
        "credentials": [held.alias],
        "disclosed": [*disclosed],
        "staple": staple is not None,
        "out": out,
    }
    session.terminal.finish(data, [quote(out)])


def _check_addressee(nonce: str, audience: str) -> None:
    for option, text in (("--nonce", nonce), ("--audience", audience)):
        if not 1 <= len(text) <= _MOST_CHARACTERS or not text.isprintable():
            raise UsageError(
                "addressee_invalid", f"{option} has 1 to {_MOST_CHARACTERS} plain characters"
            )


def _holder(vault: Vault, held: HeldCredential) -> HolderIdentity:
    for identity in identities(vault):
        if identity.did == held.holder:
            return identity
    raise NotFoundError("identity_unknown", f"the key of {held.alias} is not in this wallet")


def _remember(
    session: Session, held: HeldCredential, addressee: tuple[str, str]
) -> GivenPresentation:
    """Keep what is answered to whom before it is signed.

    Raises:
        ConflictError: `answered_otherwise`: it was answered with another credential.
    """
    nonce, audience = addressee
    record = record_of(held.credential)
    answer = GivenPresentation(new_id(session.rng), audience, nonce, record, session.stamp())
    made: list[GivenPresentation] = []

    def change(vault: Vault) -> Vault:
        for each in answers(vault):
            if (each.audience, each.nonce) == (audience, nonce):
                if each.record != record:
                    raise ConflictError("answered_otherwise", quote(nonce))
                made.append(each)
                return vault
        made.append(answer)
        return keep(vault, answer, session.rng)

    session.commit(change)
    return made[0]
