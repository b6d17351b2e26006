"""`wallet trust pin|import|show`: the policy that the wallet believes, and evidence by file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from did_service.core.encoding import b64, strict_json, timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import DidServiceError
from did_service.core.limits import MAX_BUNDLE_BYTES, MAX_JSON_BYTES
from did_service.core.text import Bilingual
from wallet_cli.dates import local_time
from wallet_cli.parser import CommandEntry, LazyGroup, WalletCommand
from wallet_cli.session import Session, read_input, read_json
from wallet_cli.terminal import table

if TYPE_CHECKING:
    from did_service.core.anchor.bodies.policy import Policy

group = LazyGroup(
    "trust",
    {
        "pin": CommandEntry(
            "wallet_cli.commands.trust:pin", "Pin the first policy, by its fingerprint."
        ),
        "import": CommandEntry(
            "wallet_cli.commands.trust:imported", "Load the next policy, or a file of evidence."
        ),
        "show": CommandEntry("wallet_cli.commands.trust:show", "Show what is pinned."),
    },
    "Manage the trust policy. To pin a policy is to accept it by its fingerprint; the wallet\n"
    "checks everything else against it.",
)


@click.command(
    "pin",
    cls=WalletCommand,
    epilog="""
  wallet trust pin policy.json --fingerprint "1a2b 3c4d 5e6f 7081 92a3 b4c5 d6e7 f809"
""",
)
@click.argument("file")
@click.option(
    "--fingerprint", required=True, help="The fingerprint, from a letter, a poster or a call."
)
@click.pass_obj
def pin(session: Session, file: str, fingerprint: str) -> None:
    """Pin the first policy, by its fingerprint.

    Get the fingerprint from another source than the file, by letter or call. Whoever can
    replace both can make your wallet trust anyone.
    """
    policy = session.trust.pin(read_json(file), fingerprint, session.now())
    told = Bilingual(f"已载入策略 {policy.federation}", f"pinned {policy.federation}")
    session.terminal.note(told)
    session.terminal.finish(_view(policy), [policy.fingerprint])


@click.command(
    "import",
    cls=WalletCommand,
    epilog="""
  wallet trust import policy-2.json          the policy that follows the pinned one
  wallet trust import gd.bundle.jsonl.gz      evidence for many credentials
""",
)
@click.argument("file")
@click.pass_obj
def imported(session: Session, file: str) -> None:
    """Load the policy that follows the pinned one, or a file of evidence."""
    data = read_input(file, MAX_BUNDLE_BYTES)
    members = _policy_in(data)
    if members is not None:
        policy = session.trust.succeed(members, session.now())
        session.terminal.finish(_view(policy), [policy.fingerprint])
        return
    session.trust.demand_policy()
    with session.trust.opened(data) as offered:
        taken = session.trust.take(offered, session.now())
    for each in taken.forks:
        session.terminal.warn("log_forked", each.origin, log=each.origin)
    if taken.counts.dropped:
        session.terminal.warn("evidence_dropped", str(taken.counts.dropped))
    if taken.blinded:
        session.terminal.warn("evidence_blinded", str(len(taken.blinded)))
    counted: JsonObject = {
        "entries": taken.proven,
        "dropped": taken.counts.dropped,
        "blinded": len(taken.blinded),
        "policy": _view(taken.policy),
    }
    words = Bilingual("项核验数据有效", "entries are proven")
    session.terminal.finish(counted, [f"{taken.proven} {session.terminal.say(words)}"])


def _policy_in(data: bytes) -> JsonObject | None:
    """Return a file as JSON if it is a policy, wherever its format is written; else None."""
    from did_service.core.anchor.bodies.policy import FORMAT

    if data.lstrip()[:1] != b"{":
        return None
    try:
        members = strict_json.load_object(data, max_bytes=MAX_JSON_BYTES)
    except DidServiceError:
        return None
    return members if members.get("format") == FORMAT else None


@click.command(
    "show",
    cls=WalletCommand,
    epilog="""
  wallet trust show
""",
)
@click.pass_obj
def show(session: Session) -> None:
    """Show the pinned policy: federation, number, fingerprint, expiry, regions."""
    policy = session.trust.demand_policy()
    say = session.terminal.say
    demo = say(Bilingual("演示用，不具效力", "for demonstration, of no force"))
    rows = [
        (say(Bilingual("联邦", "federation")), policy.federation),
        (say(Bilingual("编号", "number")), f"{policy.sequence}"),
        (say(Bilingual("指纹", "fingerprint")), policy.fingerprint),
        (say(Bilingual("有效期至", "expires")), local_time(policy.expires)),
        *((each.id, f"{say(each.name)} {', '.join(each.hosts)}") for each in policy.regions),
        *([("!", demo)] if policy.demo else []),
    ]
    session.terminal.finish(_view(policy), table(rows))


def _view(policy: Policy) -> JsonObject:
    return {
        "federation": policy.federation,
        "seq": policy.sequence,
        "sha256": b64.encode_url(policy.digest),
        "fingerprint": policy.fingerprint,
        "expires": timestamps.encode(policy.expires),
        "demo": policy.demo,
        "regions": [region.id for region in policy.regions],
    }
