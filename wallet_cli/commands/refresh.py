"""`wallet refresh`: fetch the evidence that lets a counter check a credential offline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import click

from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import DidServiceError, UnavailableError
from did_service.core.limits import MAX_MIRRORS
from did_service.core.text import Bilingual
from did_service.program.exits import Exit
from wallet_cli.dates import local_time, next_epoch
from wallet_cli.holdings import HeldCredential, credentials, keep
from wallet_cli.naming import find_credential, find_record
from wallet_cli.parser import WalletCommand
from wallet_cli.session import Session
from wallet_cli.standing import good_until
from wallet_cli.terminal import table
from wallet_cli.vault import Vault

if TYPE_CHECKING:
    from did_service.core.anchor.bodies.policy import Policy
    from wallet_cli.sources import EvidenceSources
    from wallet_cli.staples import CollectedStaple

ALL = "all"
# Answers of a place that has less than was asked for, and of none.
_YOUNGER = frozenset(("batch_unknown", "entry_unknown", "subject_unknown"))
_YOUNGER |= frozenset(("checkpoint_missing", "heads_missing", "not_covered_yet"))
_UNREACHED = frozenset(("address_refused", "peer_timeout", "peer_unreachable"))


@click.command(
    "refresh",
    cls=WalletCommand,
    epilog="""
  wallet refresh                                        every credential
  wallet refresh residence-permit-1
  wallet refresh all --from https://hn.example/witness  from another region's mirrors
""",
)
@click.argument("name", metavar="[CRED|all]", default=ALL)
@click.option(
    "--from",
    "bases",
    multiple=True,
    metavar="BASE_URL",
    help="Fetch from here; may be repeated.",
)
@click.option("--fresh", is_flag=True, help="Fetch the newest state, not the hourly one.")
@click.pass_obj
def refresh(session: Session, name: str, bases: tuple[str, ...], *, fresh: bool) -> Exit:
    """Fetch the evidence of credentials: issuer, authority, schema, status, issuance.

    Evidence is public and is checked against the pinned policy, so it may come from any mirror.
    Every wallet asks for the same hourly state of a log, so nobody learns which credential you
    hold; use --fresh, which asks for another, only if the status must be known to the minute.
    The wallet never replaces its evidence by older or weaker evidence.
    """
    from did_service.client.issuer import parse_delivery
    from did_service.core.evidence.moment import EvidenceMoment
    from wallet_cli.sources import EvidenceSources, RequestBudget

    vault = session.vault
    wanted = credentials(vault) if name == ALL else (find_credential(vault, name),)
    policy = session.trust.demand_policy()
    moment = EvidenceMoment.NEWEST if fresh else EvidenceMoment.EPOCH
    given, silent = bases[:MAX_MIRRORS], set[str]()
    transport = session.transport  # that the network is ruled out is told once, not for each
    rows: list[Refreshed] = []
    failures: list[Failure] = []
    for held in wanted:
        try:
            named = (*given, *parse_delivery(held.delivery).evidence)
            places = EvidenceSources(transport, named, moment, RequestBudget(silent=silent))
            rows.append(_refresh(session, held, policy, places))
        except Exception as error:  # noqa: BLE001 - a fault of ours at one credential is told
            from did_service.program.failure import as_error

            failures.append(Failure(held.alias, as_error(error)))
    if failures and len(wanted) == 1:
        raise failures[0].error
    return _hand_out(session, rows, failures, policy)


class Failure(NamedTuple):
    """A credential whose evidence was not fetched at all: its alias, and why."""

    alias: str
    error: DidServiceError


@dataclass(frozen=True, slots=True)
class Refreshed:
    """A credential as it is held now, and what came for it."""

    held: HeldCredential
    collected: CollectedStaple
    is_early: bool  # what is missing was asked for at the hour's checkpoint, and is younger


def _refresh(
    session: Session, held: HeldCredential, policy: Policy, places: EvidenceSources
) -> Refreshed:
    """Collect, and put the staple where the same record stands now, merged with its own."""
    from did_service.core.evidence.moment import EvidenceMoment
    from wallet_cli.staples import collect

    known = session.trust.known().remembered
    collected = collect(held, policy, places, known)
    session.report_forks(collected.forks)
    if collected.fetched and not collected.proves_no_less(held):
        session.terminal.warn("staple_kept", held.alias, credential=held.alias)
    elif collected.fetched:

        def change(vault: Vault) -> Vault:
            newest = find_record(vault, held.id)
            if newest is None:  # it was deleted meanwhile: nothing brings it back
                return vault
            if newest.staple == held.staple:
                return keep(vault, collected.into(newest), session.rng)
            return keep(vault, collected.merged(newest, policy), session.rng)

        held = find_record(session.commit(change), held.id) or held
    codes = {each.code for each in collected.missing}
    is_early = places.moment is EvidenceMoment.EPOCH and bool(codes & _YOUNGER)
    return Refreshed(held, collected, is_early and not codes & _UNREACHED)


def _hand_out(
    session: Session, rows: list[Refreshed], failures: list[Failure], policy: Policy
) -> Exit:
    """Say what came; the command fails where nothing came for any, by the first failure."""
    data: JsonObject = {
        "refreshed": [_view(each, policy) for each in rows],
        "failed": [{"alias": alias, "code": error.code} for alias, error in failures],
    }
    terminal, say = session.terminal, session.terminal.say
    for alias, error in failures:
        terminal.warn(error.code, f"{alias}: {error.message}", credential=alias)
    lines = [*table((each.held.alias, say(_good(each.held, policy))) for each in rows)]
    early = any(each.is_early for each in rows)
    at = local_time(next_epoch(session.now()))
    if (rows or failures) and not any(each.collected.fetched for each in rows):
        reason: DidServiceError = UnavailableError("nothing_fetched", _codes(rows))
        if failures:
            reason = failures[0].error
        elif early:
            reason = UnavailableError("not_published_yet", at)
        return terminal.finish_incomplete(reason, data, lines)
    if early:
        terminal.warn("not_published_yet", at)
    for each in rows:
        if each.collected.missing and not each.is_early:
            terminal.warn("evidence_missing", f"{each.held.alias}: {_codes([each])}")
    terminal.finish(data, lines)
    return Exit.DONE


def _view(row: Refreshed, policy: Policy) -> JsonObject:
    collected = row.collected
    until = good_until(row.held, policy)
    return {
        "alias": row.held.alias,
        "items": len(collected.staple.items),
        "issuance": bool(collected.staple.batches),
        "good_until": None if until is None else timestamps.encode(until),
        "missing": [{"kind": each.kind, "code": each.code} for each in collected.missing],
    }


def _good(held: HeldCredential, policy: Policy) -> Bilingual:
    until = good_until(held, policy)
    if until is None:
        return Bilingual("核验数据不完整", "evidence is incomplete")
    at = local_time(until)
    return Bilingual(f"窗口可核验至 {at}", f"good at counters until {at}")


def _codes(rows: list[Refreshed]) -> str:
    """Name what did not come and why, each once."""
    found = (f"{m.kind} {m.code}" for each in rows for m in each.collected.missing)
    return ", ".join(dict.fromkeys(found))
