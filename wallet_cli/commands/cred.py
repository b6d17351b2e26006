"""`wallet cred list|show|verify|export|delete`: the credentials of this wallet."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from did_service.core.encoding import strict_json, timestamps
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import RuleError, UsageError
from did_service.core.text import Bilingual, quote
from did_service.program.exits import Exit
from did_service.program.files import replace_file
from wallet_cli.dates import local_text, local_time
from wallet_cli.forgetting import without_credential
from wallet_cli.holdings import HeldCredential, credentials
from wallet_cli.naming import find_credential
from wallet_cli.parser import CommandEntry, LazyGroup, WalletCommand
from wallet_cli.session import Session
from wallet_cli.standing import Standing, standing_unjudged, taken_until
from wallet_cli.terminal import table
from wallet_cli.views import (
    claims,
    credential_view,
    issuer_name,
    issuer_of,
    titles,
    type_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from did_service.verifier.held import TrustState

    _Row = tuple[HeldCredential, Standing, datetime | None]

_CELL = 40  # columns of a name in a table
_DID_COLUMNS = 160
_MOST_CLAIMS = 64  # on a screen; an honest credential has a dozen or two

group = LazyGroup(
    "cred",
    {
        "list": CommandEntry("wallet_cli.commands.cred:listed", "List your credentials."),
        "show": CommandEntry("wallet_cli.commands.cred:show", "Show what a credential says."),
        "verify": CommandEntry(
            "wallet_cli.commands.cred:verify", "Judge a credential as a counter would."
        ),
        "export": CommandEntry(
            "wallet_cli.commands.cred:export", "Write a copy, which cannot be presented."
        ),
        "delete": CommandEntry(
            "wallet_cli.commands.cred:delete", "Delete a credential and its key."
        ),
    },
    "Manage credentials. CRED is a short name such as residence-permit-1, or its beginning.",
)


@click.command(
    "list",
    cls=WalletCommand,
    epilog="""
  wallet cred list
  wallet cred list --json
""",
)
@click.pass_obj
def listed(session: Session) -> None:
    """List your credentials: what each is, its state, and until when counters accept it.

    The state is what a counter would say today with the evidence in this wallet; no network is
    used.
    """
    held, now = credentials(session.vault), session.now()
    if session.directory.trust.exists():
        named = (part for each in held for part in (each.credential, each.staple))
        known = session.trust.evidence(*named)
        rows = [_judged(each, known, now) for each in held]
    else:  # nothing was ever pinned, and without a policy no evidence counts
        rows = [(each, standing_unjudged(each, now), None) for each in held]
    views: list[JsonValue] = [
        {
            **credential_view(each),
            "status": standing.code,
            "good_until": None if until is None else timestamps.encode(until),
        }
        for each, standing, until in rows
    ]
    session.terminal.finish({"credentials": views}, _rows(session, rows))


def _judged(held: HeldCredential, known: TrustState, now: datetime) -> _Row:
    from wallet_cli.judging import judge, standing_of

    found = standing_of(judge(held.credential, known.policy, (known, held.staple), now))
    return held, found, taken_until(held, known.policy, found, now)


def _rows(session: Session, found: Sequence[_Row]) -> Iterator[str]:
    if not found:
        session.terminal.note(Bilingual("还没有证照", "no credentials yet"))
        return
    say = session.terminal.say
    head = (
        say(Bilingual("名称", "NAME")),
        say(Bilingual("种类", "TYPE")),
        say(Bilingual("状态", "STATUS")),
        say(Bilingual("有效期至", "VALID UNTIL")),
        say(Bilingual("窗口可核验至", "GOOD AT COUNTERS UNTIL")),
    )
    rows = [
        (
            each.alias,
            quote(say(type_name(each)), _CELL),
            say(standing.words),
            _time(each.credential.get("validUntil")),
            "-" if until is None else local_time(until),
        )
        for each, standing, until in found
    ]
    yield from table([head, *rows])


@click.command(
    "show",
    cls=WalletCommand,
    epilog="""
  wallet cred show residence-permit-1
  wallet cred show res --json           the credential itself, as its issuer wrote it
""",
)
@click.argument("name", metavar="CRED")
@click.pass_obj
def show(session: Session, name: str) -> None:
    """Show what a credential says."""
    held = find_credential(session.vault, name)
    data: JsonObject = {**credential_view(held), "credential": held.credential}
    session.terminal.finish(data, _shown_lines(session, held))


def _shown_lines(session: Session, held: HeldCredential) -> Iterator[str]:
    say, view, agency = session.terminal.say, credential_view(held), issuer_name(held)
    rows = [
        (say(Bilingual("名称", "name")), held.alias),
        (say(Bilingual("种类", "type")), quote(say(type_name(held)))),
        *([(say(Bilingual("签发机关", "issuer")), quote(say(agency)))] if agency else []),
        (
            say(Bilingual("机关标识", "issuer's DID")),
            quote(issuer_of(held.credential), _DID_COLUMNS),
        ),
        (say(Bilingual("持证标识", "holder")), held.holder),
        (
            say(Bilingual("有效期", "valid")),
            " … ".join(_time(view[name]) for name in ("valid_from", "valid_until")),
        ),
        (say(Bilingual("核验数据截至", "evidence as of")), _time(held.as_of or None)),
    ]
    yield from table(rows)
    yield ""
    words = titles(held)
    named = [
        (say(words.get(name, Bilingual(name, name))), value)
        for name, value in claims(held.credential.get("credentialSubject"))
    ]
    yield from _claim_lines(named, say)


def _time(value: JsonValue) -> str:
    """Write a time of a credential for people; what is no time is shown as it is written."""
    if value is None:
        return "-"
    return local_text(str(value)) or quote(value, _CELL)


def _claim_lines(
    said: Sequence[tuple[str, str]], say: Callable[[Bilingual], str]
) -> Iterator[str]:
    """Yield what is claimed, behind an indent; `--json` has what is too much for a screen."""
    rows = [(quote(name, _CELL), quote(value)) for name, value in said[:_MOST_CLAIMS]]
    yield from (f"  {line}" for line in table(rows))
    more = len(said) - _MOST_CLAIMS
    if more > 0:
        rest = f"…另有 {more} 项，见 --json", f"… and {more} more, see --json"
        yield f"  {say(Bilingual(*rest))}"


@click.command(
    "verify",
    cls=WalletCommand,
    epilog="""
  wallet cred verify residence-permit-1
  wallet cred verify residence-permit-1 --tier online    demand evidence of the last minutes

Exit codes: 0 genuine, 1 refused, 5 cannot tell or accepted with limits.
""",
)
@click.argument("name", metavar="CRED")
@click.option(
    "--tier",
    type=click.Choice(["online", "day", "field"]),
    default="day",
    help="How old evidence may be: online (minutes), day, field (days).",
)
@click.pass_obj
def verify(session: Session, name: str, tier: str) -> Exit:
    """Judge a credential as a counter would, with the evidence in this wallet; no network."""
    held = find_credential(session.vault, name)
    policy = session.trust.policy()
    from did_service.core.verification.report import Outcome
    from did_service.verifier import verdict_text
    from did_service.verifier.report_json import encode_report
    from wallet_cli.judging import judge

    evidence = (session.trust.evidence(held.credential, held.staple), held.staple)
    report = judge(held.credential, policy, evidence, session.now(), tier)
    reader = verdict_text.Reader(session.settings.language, face="wallet")
    lines = verdict_text.render(report, reader)
    if sys.stdout.isatty():  # what is long scrolls: the verdict is said last as well
        lines = (*lines, lines[0])
    data: JsonObject = {"alias": held.alias, "report": encode_report(report, claims=True)}
    if report.outcome is Outcome.DOCUMENT and not report.limits:  # nobody asks the holder here
        session.terminal.finish(data, lines)
        return Exit.DONE
    if report.outcome is Outcome.REFUSED:
        reason = RuleError("credential_refused", "a counter would refuse it")
    else:
        reason = RuleError("credential_undecided", "the evidence does not settle it")
    return session.terminal.finish_incomplete(reason, data, lines)


@click.command(
    "export",
    cls=WalletCommand,
    epilog="""
  wallet cred export residence-permit-1 --out permit.json
  wallet cred export residence-permit-1 --out permit.json --staple permit.staple.json
""",
)
@click.argument("name", metavar="CRED")
@click.option("--out", required=True, type=click.Path(dir_okay=False), help="Where to write.")
@click.option(
    "--staple", type=click.Path(dir_okay=False), help="Write its evidence here as well."
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
@click.pass_obj
def export(session: Session, name: str, out: str, staple: str | None, *, force: bool) -> None:
    """Write a copy of a credential to a file, for reading.

    The key stays in the wallet, so the copy cannot be presented; to answer a counter use
    `wallet present`.
    """
    held = find_credential(session.vault, name)
    written = [(out, held.credential)]
    if staple is not None and held.staple is not None:
        written.append((staple, held.staple))
    elif staple is not None:
        session.terminal.warn("staple_old", held.alias, credential=held.alias)
    if len({Path(target).resolve() for target, _ in written}) < len(written):
        raise UsageError("file_twice", "--out and --staple name one file")
    for target, _ in written:
        session.check_output(Path(target), force=force)
    for target, document in written:
        replace_file(Path(target), f"{strict_json.dumps(document)}\n".encode())
    files = [target for target, _ in written]
    session.terminal.finish({"files": [*files]}, [quote(each) for each in files])


@click.command(
    "delete",
    cls=WalletCommand,
    epilog="""
  wallet cred delete residence-permit-1
""",
)
@click.argument("name", metavar="CRED")
@click.pass_obj
def delete(session: Session, name: str) -> None:
    """Delete a credential and the key that it is bound to.

    It can then no longer be presented; to have it again, apply again. Its evidence, its other
    copies in this wallet and every older version of this wallet's file are wiped as well;
    copies of the folder elsewhere are not.
    """
    held = find_credential(session.vault, name)
    session.terminal.confirm(
        Bilingual(
            f"删除 {held.alias} 及其密钥？删除后须重新办理",
            f"delete {held.alias} and its key? It would have to be issued again",
        )
    )

    session.commit_deletion(lambda vault: without_credential(vault, held))
    session.terminal.finish({"deleted": held.alias}, [held.alias])
