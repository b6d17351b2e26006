"""`wallet refresh`: fetch the evidence that lets a counter check a credential offline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

import click

from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import DidServiceError, UnavailableError
from did_service.core.limits import MAX_MIRRORS
from did_service.core.text import Bilingual
from did_service.program.exits import Exit
from did_service.program.words import told_code
from wallet_cli.dates import clock_time, local_time
from wallet_cli.holdings import HeldCredential, credentials, keep
from wallet_cli.naming import find_credential, find_record
from wallet_cli.parser import WalletCommand
from wallet_cli.session import Session
from wallet_cli.standing import UNCHECKED, Standing, good_until, taken_until
from wallet_cli.terminal import table
from wallet_cli.vault import Vault
from wallet_cli.waiting import Coming, coming, is_wanted

if TYPE_CHECKING:
    from did_service.core.anchor.bodies.policy import Policy
    from wallet_cli.sources import EvidenceSources
    from wallet_cli.staples import CollectedStaple

ALL = "all"


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

    Exit code 0 says that counters can judge every credential; 9 that evidence they need is not
    logged or published yet, with the time to run it again; 8 that some could not be fetched.
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
    return _hand_out(session, rows, failures)


class Failure(NamedTuple):
    """A credential whose evidence was not fetched at all: its alias, and why."""

    alias: str
    error: DidServiceError


@dataclass(frozen=True, slots=True)
class Refreshed:
    """A credential as it is held now, and what came for it.

    Attributes:
        held: The credential.
        collected: What came, and what is missing.
        until: Until when its evidence is of the right age; None where some is not at hand.
        standing: What a counter would say of it now.
        taken: Until when counters take it; None where they would not.
        coming: When what is missing will be there; None where time alone does not bring it.
        fault: Why the credential cannot be used, or proves less than it should, and waiting
            alone does not mend it; empty where nothing is wrong.
    """

    held: HeldCredential
    collected: CollectedStaple
    until: datetime | None
    standing: Standing
    taken: datetime | None
    coming: Coming | None = None
    fault: str = ""

    def wanted(self) -> list[str]:
        """Return why each piece is missing that may still come."""
        codes = [each.code for each in self.collected.missing if is_wanted(each.code)]
        if self.until is None and not codes:
            return ["not_covered_yet"]  # all came, and not all of it is known to be the newest
        return codes

    def is_judged(self) -> bool:
        """Say whether counters come to a verdict, with what came now."""
        has_evidence = self.until is not None and self.collected.fetched > 0
        return has_evidence and self.standing is not UNCHECKED

    def is_whole(self) -> bool:
        """Say whether all is here: what the hour's checkpoint lacks may be held already."""
        staple = self.collected.staple
        kinds = {item.entry.type for item in staple.items} - {"evidence"}
        kinds |= {"evidence"} if staple.batches else set()
        lacking = (m for m in self.collected.missing if is_wanted(m.code))
        is_here = self.until is not None and all(each.kind in kinds for each in lacking)
        return is_here and not self.fault


def _refresh(
    session: Session, held: HeldCredential, policy: Policy, places: EvidenceSources
) -> Refreshed:
    """Collect, and put the staple where the same record stands now, merged with its own."""
    from did_service.core.evidence.moment import EvidenceMoment
    from wallet_cli.staples import collect

    known = session.trust.known().remembered
    collected = collect(held, policy, places, known)
    session.report_forks(collected.forks)
    is_kept = bool(collected.fetched) and not collected.proves_no_less(held)
    if is_kept:
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
    standing, now = _standing(session, held, policy), session.now()
    taken = taken_until(held, policy, standing, now)
    found = Refreshed(held, collected, good_until(held, policy), standing, taken)
    if is_kept:
        return replace(found, fault="staple_kept")
    is_fresh = places.moment is EvidenceMoment.NEWEST
    when = coming(found.wanted(), now, is_fresh=is_fresh)
    if found.wanted() and when is None:
        return replace(found, fault="evidence_missing")
    is_done = found.is_whole() and collected.fetched > 0
    return replace(found, coming=None if is_done else when)


def _standing(session: Session, held: HeldCredential, policy: Policy) -> Standing:
    from wallet_cli.judging import judge, standing_of

    evidence = (session.trust.evidence(held.credential, held.staple), held.staple)
    return standing_of(judge(held.credential, policy, evidence, session.now()))


def _hand_out(session: Session, rows: list[Refreshed], failures: list[Failure]) -> Exit:
    """Say what came, and choose the exit: done only where counters can take every one."""
    terminal, say = session.terminal, session.terminal.say
    for alias, error in failures:
        terminal.warn(error.code, f"{alias}: {error.message}", credential=alias)
    for each in rows:
        if each.fault == "evidence_missing" and each.collected.fetched:
            terminal.warn("evidence_missing", f"{each.held.alias}: {say(_missing([each]))}")
    found = [each.coming for each in rows if each.coming is not None]
    when = reduce(Coming.later, found) if found else None
    data: JsonObject = {
        "refreshed": [_view(each) for each in rows],
        "failed": [{"alias": alias, "code": error.code} for alias, error in failures],
        **({} if when is None else when.encode()),
    }
    lines = [*table((each.held.alias, say(_good(each))) for each in rows)]
    reason = _reason(rows, failures)
    if reason is not None:
        return terminal.finish_incomplete(reason, data, lines)
    if when is not None:
        at = clock_time(when.hourly)
        if not all(each.is_judged() for each in rows if each.coming):
            pending = UnavailableError("not_published_yet", at)
            return terminal.finish_pending(pending, when.told(), data, lines)
        terminal.warn("not_published_yet", at)  # counters take all of them already
    terminal.finish(data, lines)
    return Exit.DONE


def _reason(rows: list[Refreshed], failures: list[Failure]) -> DidServiceError | None:
    """Say why not everything came where waiting alone does not bring it, the gravest first."""
    faulty = [each for each in rows if each.fault]
    if failures:
        return failures[0].error
    if faulty and not any(each.collected.fetched for each in rows):
        return _missed("nothing_fetched", _missing(rows))
    for each in faulty:
        alias, why = f"{each.held.alias}: ", _missing([each])
        return _missed(each.fault, Bilingual(alias + why.zh, alias + why.en))
    return None


def _missed(code: str, why: Bilingual) -> UnavailableError:
    error = UnavailableError(code, why.en)
    error.message_zh = why.zh or None
    return error


def _view(row: Refreshed) -> JsonObject:
    collected = row.collected
    return {
        "alias": row.held.alias,
        "complete": row.is_whole(),
        "items": len(collected.staple.items),
        "issuance": bool(collected.staple.batches),
        "good_until": None if row.taken is None else timestamps.encode(row.taken),
        "missing": [{"kind": each.kind, "code": each.code} for each in collected.missing],
    }


def _good(row: Refreshed) -> Bilingual:
    if row.until is None:
        return Bilingual("核验数据不完整", "evidence is incomplete")
    if row.taken is None:
        said = row.standing.words
        return Bilingual(
            f"窗口现不通过或不能核验：{said.zh}", f"not good at counters: {said.en}"
        )
    at = local_time(row.taken)
    if row.is_whole():
        return Bilingual(f"窗口可核验至 {at}", f"good at counters until {at}")
    return Bilingual(
        f"窗口可核验至 {at}，部分核验数据尚缺",
        f"good at counters until {at}, some evidence is still missing",
    )


def _missing(rows: list[Refreshed]) -> Bilingual:
    """Name what did not come and why, each once."""
    found = {(m.kind, m.code) for each in rows for m in each.collected.missing}
    told = [(kind, told_code(code, "wallet")) for kind, code in sorted(found)]
    return Bilingual(
        "；".join(f"{kind}：{why.zh}" for kind, why in told),
        "; ".join(f"{kind}: {why.en}" for kind, why in told),
    )
