"""`did-service bundle`: the trust bundle that counters load, from logs or their mirrors."""

from __future__ import annotations

from pathlib import Path

import click

from did_service.cli import language
from did_service.cli.language import say
from did_service.core.errors import Bilingual

_EXAMPLES = """\b
Examples:
  did-service bundle --policy policy.json --out newest.bundle.json.gz
  did-service bundle --policy policy.json --out newest.bundle.json.gz \\
    --mirror gd.example/reg=https://hn.example/witness/HEX
  did-verify trust import newest.bundle.json.gz
"""


@click.command(
    epilog=_EXAMPLES, short_help="Make the trust bundle that counters load beforehand."
)
@click.option(
    "--policy",
    "policy_file",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The pinned policy; it says which logs there are and whose cosignatures count.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write.",
)
@click.option(
    "--mirror",
    "mirrors",
    multiple=True,
    metavar="LOG=URL",
    help="Read a log at this base URL instead of at its own; may be repeated.",
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@language.option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def bundle(
    policy_file: Path, out: Path, mirrors: tuple[str, ...], *, force: bool, as_json: bool
) -> int:
    """Read every log of the federation, check it, and write what it says with its proofs.

    Nothing is believed: each log is compared with a checkpoint that the policy's quorum
    cosigned. A counter needs no network to load the file, and keeps whatever it has that is
    newer.
    """
    from did_service.cli.bundling import make_bundle
    from did_service.core.encoding import strict_json
    from did_service.core.encoding.strict_json import JsonObject
    from did_service.process import tell, write_out

    made = make_bundle(policy_file, out, mirrors, replace=force)
    if as_json:
        answer: JsonObject = {
            "schema": "did-service/1",
            "ok": True,
            "command": "bundle",
            "data": made,
        }
        write_out(f"{strict_json.dumps_printable(answer)}\n")
    else:
        told = Bilingual(
            f"{made['logs']} 个登记簿的 {made['items']} 条记录",
            f"{made['items']} entries of {made['logs']} logs",
        )
        tell(f"did-service: note: {say(told)}")
    return 0
