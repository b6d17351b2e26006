"""`wallet present`: a signed answer to one counter and one nonce, as a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click

from did_service.core.credentials.record import record_of
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import ConflictError, NotFoundError, UsageError
from did_service.core.limits import MAX_ASKED_CHARACTERS
from did_service.core.text import Bilingual, quote
from did_service.program.files import replace_file
from did_service.program.folding import few
from wallet_cli.commands.store import is_stale
from wallet_cli.dates import local_time
from wallet_cli.holdings import (
    GivenPresentation,
    HeldCredential,
    HolderIdentity,
    answers,
    identities,
    keep,
)
from wallet_cli.naming import find_credential, find_record
from wallet_cli.parser import WalletCommand
from wallet_cli.session import Session, read_input
from wallet_cli.signing import presentation_file, signed_presentation
from wallet_cli.terminal import table
from wallet_cli.vault import Vault, new_id
from wallet_cli.views import claims, titles, type_name


@click.command(
    "present",
    cls=WalletCommand,
    epilog="""
  wallet present residence-permit-1 --request ask.json --out me.vp.json
  wallet present residence-permit-1 --nonce N --audience A --out me.vp.json --yes

ask.json is the counter's request file. For scripts: N is its nonce, A the counter's name.
""",
)
@click.argument("name", metavar="CRED")
@click.option("--request", "file", metavar="FILE", help="The counter's request; - for stdin.")
@click.option("--nonce", help="The request's nonce, instead of a request file.")
@click.option("--audience", help="The counter's name, with --nonce.")
@click.option("--out", required=True, type=click.Path(dir_okay=False), help="Where to write.")
@click.option("--no-staple", is_flag=True, help="Leave the evidence out.")
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@click.pass_obj
def present(  # noqa: PLR0913 - click hands over one argument for each option
    session: Session,
    name: str,
    file: str | None,
    nonce: str | None,
    audience: str | None,
    out: str,
    *,
    no_staple: bool,
    force: bool,
) -> None:
    """Answer a counter's request: write a file signed for this request and this counter alone.

    The wallet first shows who asks, what for, and what it will show; then it asks you. Requests
    are not signed in this release: the name in a request proves nothing, so make sure which
    counter you stand at. The wallet answers a request with one credential only. You may write
    the same answer again, with fresher evidence; for another credential, ask for a new request.
    """
    path = Path(out)
    session.check_output(path, force=force)
    question = _question(session, file, nonce, audience)
    held = find_credential(session.vault, name)
    _holder(session.vault, held)  # that nothing here can sign is told before anybody is asked
    session.terminal.confirm(
        Bilingual("签名并出示？", "sign and show it?"), _about(session, question, held)
    )
    held, holder, answer = _remember(session, held, question)
    staple = None if no_staple else held.staple
    addressee = question.nonce, question.audience
    signed = signed_presentation(held.credential, holder, addressee, answer.created)
    if not no_staple and (staple is None or is_stale(held, session.now())):
        session.terminal.warn("staple_old", held.alias, credential=held.alias)
    document = presentation_file(signed, staple, question.state)
    replace_file(path, f"{strict_json.dumps(document)}\n".encode())
    data: JsonObject = {
        "credentials": [held.alias],
        "disclosed": [claim for claim, _ in _claims(held)],
        "staple": staple is not None,
        "out": out,
    }
    name = quote(out)
    done = Bilingual(f"已写入 {name}，请交给窗口核验。", f"Give {name} to the counter.")
    session.terminal.finish(data, [session.terminal.say(done)])


@dataclass(frozen=True, slots=True)
class CounterRequest:
    """What a counter asks: its challenge, its own name, and for which service item.

    `expires` and `state` are None where there was no request file, `item` where any document
    will do.
    """

    nonce: str
    audience: str
    item: str | None = None
    expires: datetime | None = None
    state: str | None = None


def _question(
    session: Session, file: str | None, nonce: str | None, audience: str | None
) -> CounterRequest:
    """Read the request file, or take what was typed in its place.

    Raises:
        UsageError: `request_missing`, `addressee_invalid`.
        PolicyError: `request_expired`, `request_ahead`.
        MalformedError: no request, or one that this release cannot answer.
    """
    if file is None:
        if nonce is None or audience is None:
            raise UsageError("request_missing", "--request FILE, or --nonce with --audience")
        _check_addressee(nonce, audience)
        return CounterRequest(nonce, audience)
    if nonce is not None or audience is not None:
        raise UsageError("request_missing", "a request file has both challenge and name")
    from did_service.core.openid.request_object import parse_request_object

    request = parse_request_object(read_input(file))
    request.check_current(session.now())
    return CounterRequest(
        request.nonce, request.client_id, request.item, request.expires, request.state
    )


def _about(session: Session, question: CounterRequest, held: HeldCredential) -> Iterator[str]:
    """Yield who asks, for what, and what is shown."""
    say, language = session.terminal.say, session.settings.language
    claimed = say(Bilingual("（窗口身份未经证明）", "(the counter's identity is not proven)"))
    gap = "" if claimed.startswith("（") else " "  # its bracket has room of its own
    anything = Bilingual("未指明事项", "no service item is named")
    shown = [say(title) for _, title in _claims(held)]
    rows = [
        (say(Bilingual("自称", "says it is")), f"{quote(question.audience)}{gap}{claimed}"),
        (
            say(Bilingual("事项", "for")),
            quote(question.item) if question.item else say(anything),
        ),
        (
            say(Bilingual("证照", "credential")),
            f"{held.alias} {quote(say(type_name(held)), 40)}",
        ),
        (
            say(Bilingual("出示内容", "shows")),
            ", ".join(few([quote(t, 40) for t in shown], language)),
        ),
    ]
    if question.expires is not None:
        until = say(Bilingual("请求有效至", "to be answered by"))
        rows.insert(2, (until, local_time(question.expires)))
    return table(rows)


def _claims(held: HeldCredential) -> Iterator[tuple[str, Bilingual]]:
    """Yield name and title of each claim; a claim without a title is called by its name."""
    words = titles(held)
    for claim, _ in claims(held.credential.get("credentialSubject")):
        yield claim, words.get(claim, Bilingual(claim, claim))


def _check_addressee(nonce: str, audience: str) -> None:
    for option, text in (("--nonce", nonce), ("--audience", audience)):
        if not 1 <= len(text) <= MAX_ASKED_CHARACTERS or not text.isprintable():
            raise UsageError(
                "addressee_invalid",
                f"{option} has 1 to {MAX_ASKED_CHARACTERS} plain characters",
            )


def _holder(vault: Vault, held: HeldCredential) -> HolderIdentity:
    for identity in identities(vault):
        if identity.did == held.holder:
            return identity
    raise NotFoundError("identity_unknown", f"the key of {held.alias} is not in this wallet")


def _remember(
    session: Session, held: HeldCredential, question: CounterRequest
) -> tuple[HeldCredential, HolderIdentity, GivenPresentation]:
    """Keep what is answered to whom before it is signed.

    Returns:
        The credential as it is held now, with the key that signs, and what is kept.

    Raises:
        NotFoundError: `credential_unknown`, `identity_unknown`: it was deleted while the person
            was asked; nothing is kept of an answer then, and nothing is signed.
        ConflictError: `answered_otherwise`: it was answered with another credential.
    """
    made: list[tuple[HeldCredential, HolderIdentity, GivenPresentation]] = []

    def change(vault: Vault) -> Vault:
        newest = find_record(vault, held.id)
        if newest is None:
            raise NotFoundError("credential_unknown", f"{held.alias} was deleted meanwhile")
        answer, known = _answer(session, vault, newest, question)
        made[:] = [(newest, _holder(vault, newest), answer)]
        return vault if known else keep(vault, answer, session.rng)

    session.commit(change)
    return made[0]


def _answer(
    session: Session, vault: Vault, held: HeldCredential, question: CounterRequest
) -> tuple[GivenPresentation, bool]:
    """Return what is to be kept of an answer, and whether it is kept already."""
    nonce, audience = question.nonce, question.audience
    record = record_of(held.credential)
    for each in answers(vault):
        if (each.audience, each.nonce) == (audience, nonce):
            if each.record != record:
                raise ConflictError("answered_otherwise", quote(nonce))
            return each, True
    made = GivenPresentation(new_id(session.rng), audience, nonce, record, session.stamp())
    return made, False
