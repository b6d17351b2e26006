"""`wallet refresh`: fetch the evidence that lets a counter check a credential offline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import Bilingual, UnavailableError
from did_service.core.limits import MAX_MIRRORS
from did_service.program.exits import Exit
from wallet_cli.holdings import HeldCredential, credentials, keep
from wallet_cli.naming import find_credential
from wallet_cli.parser import WalletCommand
from wallet_cli.session import Session
from wallet_cli.terminal import table
from wallet_cli.vault import Vault

if TYPE_CHECKING:
    from did_service.core.anchor.bodies.policy import Policy
    from wallet_cli.staples import CollectedStaple, EvidenceSources

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
    "--from", "bases", multiple=True, metavar="BASE_URL", help="A log or mirror; repeatable."
)
@click.option("--fresh", is_flag=True, help="The newest checkpoint instead of the hour's.")
@click.pass_obj
def refresh(session: Session, name: str, bases: tuple[str, ...], *, fresh: bool) -> Exit:
    """Fetch the evidence of credentials: issuer, authority, schema, status, issuance.

    Evidence is public and proves itself under the pinned policy, so any mirror may give it. The
    hour's checkpoint is the same for every wallet and tells nobody which credential you hold;
    --fresh is for a status that must be known to the minute.
    """
    from did_service.client.issuer import parse_delivery
    from did_service.core.evidence.moment import EvidenceMoment
    from wallet_cli.staples import EvidenceSources

    vault = session.vault
    wanted = credentials(vault) if name == ALL else (find_credential(vault, name),)
    policy = session.trust.demand_policy()
    moment = EvidenceMoment.NEWEST if fresh else EvidenceMoment.EPOCH
    given = bases[:MAX_MIRRORS]
    rows: list[tuple[str, CollectedStaple]] = []
    for held in wanted:
        places = EvidenceSources(
            session.transport, (*given, *parse_delivery(held.delivery).evidence), moment
        )
        rows.append((held.alias, _refresh(session, held, policy, places)))
    return _hand_out(session, rows)


def _refresh(
    session: Session, held: HeldCredential, policy: Policy, places: EvidenceSources
) -> CollectedStaple:
    from wallet_cli.staples import collect

    collected = collect(held, policy, places)
    if collected.fetched:

        def change(vault: Vault) -> Vault:
            newest = find_credential(vault, held.alias)
            return keep(vault, collected.into(newest), session.rng)

        session.commit(change)
    return collected


def _hand_out(session: Session, rows: list[tuple[str, CollectedStaple]]) -> Exit:
    data: JsonObject = {
        "refreshed": [
            {
                "alias": alias,
                "items": len(collected.staple.items),
                "issuance": bool(collected.staple.batches),
                "missing": [
                    {"kind": each.kind, "code": each.code} for each in collected.missing
                ],
            }
            for alias, collected in rows
        ]
    }
    terminal = session.terminal
    for alias, collected in rows:
        for each in collected.missing:
            terminal.warn("evidence_missing", f"{alias}: {each.kind}, {each.code}")
    words = terminal.say(Bilingual("项佐证材料", "items of evidence"))
    lines = table([(a, f"{len(c.staple.items)} {words}") for a, c in rows])
    if rows and not any(collected.fetched for _, collected in rows):
        reason = UnavailableError("nothing_fetched", "no place gave any evidence")
        return terminal.finish_incomplete(reason, data, lines)
    terminal.finish(data, lines)
    return Exit.DONE
