"""`wallet receive`: pick up what was approved, or take a credential from a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import Bilingual, DidServiceError, UnavailableError
from did_service.core.text import quote
from did_service.program.exits import Exit
from wallet_cli.holdings import Application, applications
from wallet_cli.parser import WalletCommand
from wallet_cli.session import Session, read_json
from wallet_cli.views import application_view, credential_view

if TYPE_CHECKING:
    from did_service.client.issuer import NotYet, UnverifiedDelivery
    from wallet_cli.receiving import Received, Receiver


@click.command(
    "receive",
    cls=WalletCommand,
    epilog="""
  wallet receive                                              all that was applied for
  wallet receive https://gz.gd.example/agencies/gz/pickup/…   a one-time address
  wallet receive credential.json                              a file
""",
)
@click.argument("source", required=False, metavar="[FILE|URL]")
@click.option("--allow-untrusted", is_flag=True, help="Keep it without the issuer's authority.")
@click.pass_obj
def receive(session: Session, source: str | None, *, allow_untrusted: bool) -> Exit:
    """Pick up, check and keep credentials.

    A credential is kept only if its subject is a key of this wallet, its signature does not
    fail, and the evidence at hand does not deny the issuer's authority. What cannot be checked
    yet is said. Nothing that arrives is lost: what was refused stays under `wallet pending`.
    """
    from wallet_cli.receiving import IssuerCheck, Receiver

    trusting = IssuerCheck.ANY if allow_untrusted else IssuerCheck.LISTED
    receiver = Receiver(session, trusting)
    if source is not None and not source.startswith("https://"):
        received = receiver.take_in(_from_file(source), None)
        return _hand_out(session, _Harvest([received]))
    if source is not None:
        wanted = [receiver.at_address(source)]
    else:
        wanted = [each for each in applications(session.vault) if each.pickup]
    harvest = _reap(receiver, wanted)
    if len(wanted) == 1 and harvest.failures:
        raise harvest.failures[0][1]
    return _hand_out(session, harvest)


@dataclass(slots=True)
class _Harvest:
    """What came of one go."""

    received: list[Received] = field(default_factory=list)
    waiting: list[tuple[Application, NotYet]] = field(default_factory=list)
    failures: list[tuple[Application, DidServiceError]] = field(default_factory=list)


def _from_file(source: str) -> UnverifiedDelivery:
    """Read a credential, or all that an issuer hands over, from a file."""
    from did_service.client.issuer import UnverifiedDelivery, parse_delivery

    members = read_json(source)
    return (
        parse_delivery(members)
        if "credential" in members
        else UnverifiedDelivery(members, None, (), ())
    )


def _reap(receiver: Receiver, wanted: Sequence[Application]) -> _Harvest:
    """Try each; one that fails costs the others nothing."""
    from wallet_cli.receiving import Received

    harvest = _Harvest()
    for application in wanted:
        try:
            answer = receiver.pick_up(application)
        except DidServiceError as error:
            harvest.failures.append((application, error))
            continue
        if isinstance(answer, Received):
            harvest.received.append(answer)
        else:
            harvest.waiting.append((application, answer))
    return harvest


def _hand_out(session: Session, harvest: _Harvest) -> Exit:
    """Say what came, and choose the exit.

    The command succeeds if at least one credential came, or if no application was waiting.
    Otherwise it ends with the first failure, or with `not_yet` while all are on their way.
    """
    data: JsonObject = {
        "received": [_view(each) for each in harvest.received],
        "waiting": [
            {**application_view(each), "state": answer.state, "note": answer.note}
            for each, answer in harvest.waiting
        ],
        "failed": [
            {**application_view(each), "code": error.code} for each, error in harvest.failures
        ],
    }
    terminal = session.terminal
    lines = [each.held.alias for each in harvest.received]
    for _, error in harvest.failures:
        terminal.warn(error.code, error.message)
    for each, answer in harvest.waiting:
        zh, en = _STATES[answer.state]
        what, note = quote(each.item or each.issuer), quote(answer.note) if answer.note else ""
        tail = f" ({note})" if note else ""
        terminal.note(Bilingual(f"{what}：{zh}{tail}", f"{what}: {en}{tail}"))
    if harvest.received or not (harvest.waiting or harvest.failures):
        if not harvest.received:
            terminal.note(Bilingual("没有待领取的证照", "there is nothing to receive"))
        terminal.finish(data, lines)
        return Exit.DONE
    if harvest.failures:
        return terminal.finish_incomplete(harvest.failures[0][1], data, lines)
    reason = UnavailableError(
        "not_yet", f"{len(harvest.waiting)} applications are on their way"
    )
    return terminal.finish_incomplete(reason, data, lines)


_STATES = {
    "received": ("等待受理", "waiting to be accepted"),
    "accepted": ("已受理，等待审批", "accepted, waiting for approval"),
    "returned": ("被退回", "returned to you"),
}


def _view(received: Received) -> JsonObject:
    report = received.report
    outcome: JsonValue = None if report is None else report.outcome.value
    missing: list[JsonValue] = [
        {"kind": each.kind, "code": each.code} for each in received.missing
    ]
    return {**credential_view(received.held), "outcome": outcome, "missing": missing}
