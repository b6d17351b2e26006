"""`wallet receive`: pick up what was approved, or take a credential from a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import DidServiceError, UnavailableError
from did_service.core.text import Bilingual, quote
from did_service.program.exits import Exit
from wallet_cli.addressees import check_addressee
from wallet_cli.holdings import Application, applications
from wallet_cli.parser import WalletCommand
from wallet_cli.session import Session, read_json
from wallet_cli.views import application_view, credential_view
from wallet_cli.waiting import Coming, coming, is_wanted

if TYPE_CHECKING:
    from did_service.client.issuer import NotYet, UnverifiedDelivery
    from wallet_cli.received import Received, SetAside
    from wallet_cli.receiving import Receiver


@click.command(
    "receive",
    cls=WalletCommand,
    epilog="""
  wallet receive                                              all that was applied for
  wallet receive https://gz.gd.example/agencies/police/pickup/…   a one-time address
  wallet receive credential.json                              a file
""",
)
@click.argument("source", required=False, metavar="[FILE|URL]")
@click.option(
    "--allow-untrusted",
    is_flag=True,
    help="Keep a credential although its issuer has no authority; counters will refuse it.",
)
@click.option("--unlisted", metavar="HOST", help="Ask this host although no policy lists it.")
@click.pass_obj
def receive(
    session: Session, source: str | None, *, allow_untrusted: bool, unlisted: str | None
) -> Exit:
    """Pick up, check and keep credentials.

    The wallet keeps a credential only if it is issued to one key of this wallet, its signature
    is not wrong, and no evidence shows that the issuer lacks authority. A credential that you
    did not apply for here, from an issuer that nothing proves, is set apart under `wallet
    pending`. Nothing that arrives is lost: refused deliveries stay there too, and the wallet
    tries them again.
    """
    from wallet_cli.receiving import IssuerCheck, Receiver

    trusting = IssuerCheck.SKIPPED if allow_untrusted else IssuerCheck.REQUIRED
    receiver = Receiver(session, trusting)
    harvest = _Harvest()
    if source is not None and not source.startswith("https://"):
        harvest.take(receiver.take_in(_from_file(source), None))
        return _hand_out(session, harvest)
    if source is not None:
        application = receiver.at_address(source)
        if application.id not in session.vault.records:
            check_addressee(session, source, unlisted)
        wanted = [application]
    else:
        wanted = [each for each in applications(session.vault) if _is_due(each)]
    _reap(receiver, wanted, harvest)
    if len(wanted) == 1 and harvest.failures:
        raise harvest.failures[0][1]
    return _hand_out(session, harvest)


def _is_due(application: Application) -> bool:
    """Say whether there is something to do: to fetch, to send again, or to try again."""
    return bool(application.pickup or application.signed or application.delivery)


@dataclass(slots=True)
class _Harvest:
    """What came of one go."""

    received: list[Received] = field(default_factory=list)
    apart: list[SetAside] = field(default_factory=list)
    waiting: list[tuple[Application, NotYet]] = field(default_factory=list)
    failures: list[tuple[Application, DidServiceError]] = field(default_factory=list)

    def add(self, application: Application, answer: Received | SetAside | NotYet) -> None:
        """Sort in what became of an application."""
        from wallet_cli.received import Received, SetAside

        if isinstance(answer, Received | SetAside):
            self.take(answer)
        else:
            self.waiting.append((application, answer))

    def take(self, answer: Received | SetAside) -> None:
        """Sort in what was taken in, or set apart."""
        from wallet_cli.received import Received

        if isinstance(answer, Received):
            self.received.append(answer)
        else:
            self.apart.append(answer)


def _from_file(source: str) -> UnverifiedDelivery:
    """Read a credential, or all that an issuer hands over, from a file."""
    from did_service.client.issuer import UnverifiedDelivery, parse_delivery

    members = read_json(source)
    return (
        parse_delivery(members)
        if "credential" in members
        else UnverifiedDelivery(members, None, (), ())
    )


def _reap(receiver: Receiver, wanted: Sequence[Application], harvest: _Harvest) -> None:
    """Try each; one that fails costs the others nothing, whatever makes it fail."""
    for application in wanted:
        try:
            harvest.add(application, receiver.pick_up(application))
        except Exception as error:  # noqa: BLE001 - a fault of ours at one delivery is told
            from did_service.program.failure import as_error

            harvest.failures.append((application, as_error(error)))


def _hand_out(session: Session, harvest: _Harvest) -> Exit:
    """Say what came, and choose the exit.

    The command succeeds if at least one credential came, or if no application was waiting.
    Otherwise it ends with the first failure, or with `not_yet` while all are on their way.
    """
    terminal = session.terminal
    for apart in harvest.apart if harvest.received or harvest.failures else ():
        terminal.warn("set_aside", apart.application.id, id=apart.application.id)
    when = _when_to_come_back(session, harvest.received)
    data: JsonObject = {
        "received": [_view(each) for each in harvest.received],
        "apart": [application_view(each.application) for each in harvest.apart],
        "waiting": [
            {**application_view(each), "state": answer.state, "note": answer.note}
            for each, answer in harvest.waiting
        ],
        "failed": [
            {**application_view(each), "code": error.code} for each, error in harvest.failures
        ],
        **({} if when is None else when.encode()),
    }
    lines = [each.held.alias for each in harvest.received]
    for _, error in harvest.failures:
        terminal.warn(error.code, error.message)
    for each, answer in harvest.waiting:
        zh, en = _STATES[answer.state]
        what, note = quote(each.item or each.issuer), quote(answer.note) if answer.note else ""
        tail = f" ({note})" if note else ""
        terminal.note(Bilingual(f"{what}：{zh}{tail}", f"{what}: {en}{tail}"))
    if harvest.received or not (harvest.waiting or harvest.failures or harvest.apart):
        if not harvest.received:
            terminal.note(Bilingual("没有待领取的证照", "there is nothing to receive"))
        terminal.finish(data, lines)
        return Exit.DONE
    return terminal.finish_incomplete(_reason(harvest), data, lines)


def _reason(harvest: _Harvest) -> DidServiceError:
    """Say why nothing was received, the gravest first."""
    if harvest.failures:
        return harvest.failures[0][1]
    if harvest.apart:
        return UnavailableError("set_aside", f"{len(harvest.apart)} deliveries")
    return UnavailableError("not_yet", f"{len(harvest.waiting)} applications are on their way")


def _when_to_come_back(session: Session, received: Sequence[Received]) -> Coming | None:
    """Tell when the evidence will be there that a counter asks for."""
    found: Coming | None = None
    for each in received:
        codes = [missing.code for missing in each.missing]
        one = coming(codes, session.now(), is_fresh=each.is_fresh)
        if one is None and any(map(is_wanted, codes)):
            session.terminal.warn("evidence_missing", each.held.alias)
        elif one is not None:
            found = one if found is None else found.later(one)
    if found is not None:
        session.terminal.note(found.told())
    return found


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
