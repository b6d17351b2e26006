"""`did-service bundle`: the trust bundle that counters load, from logs or their mirrors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from did_service.cli import language
from did_service.cli.language import say
from did_service.core.text import Bilingual
from did_service.program.click_commands import SpokenCommand

if TYPE_CHECKING:
    from did_service.cli.bundling import MadeBundle

OLD_SECONDS = 86_400  # a counter that follows the tier `day` takes nothing older

_EXAMPLES = """\
  did-service bundle --policy policy.json --out newest.bundle.jsonl.gz
  did-service bundle --policy policy.json --out newest.bundle.jsonl.gz \\
    --mirror gd.example/reg=https://hn.example/witness/HEX
  did-verify trust import newest.bundle.jsonl.gz
"""


@click.command(cls=SpokenCommand, epilog=_EXAMPLES)
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
@click.option(
    "--without",
    multiple=True,
    metavar="LOG",
    help="Leave this log out; a control log takes its data logs with it; may be repeated.",
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@language.option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def bundle(
    policy_file: Path,
    out: Path,
    mirrors: tuple[str, ...],
    without: tuple[str, ...],
    *,
    force: bool,
    as_json: bool,
) -> int:
    """Make a trust bundle: check every log of the federation, write its state with the proofs.

    No log is trusted: each is compared with a checkpoint that enough witnesses cosigned, and
    the file is checked as a counter will check it. It is written only if a counter would accept
    all of it. A counter loads the file without a network, and keeps data of its own that are
    newer.
    """
    from did_service.cli.bundling import make_bundle
    from did_service.program.clock import SYSTEM
    from did_service.program.envelope import enveloped, written
    from did_service.program.streams import print_stderr, write_out

    made = make_bundle(policy_file, out, mirrors, without, now=SYSTEM.clock(), replace=force)
    if as_json:
        write_out(written(enveloped("did-service", "bundle", made.encode())))
        return 0
    for kind, told in _told(made):
        print_stderr(f"did-service: {kind}: {say(told)}")
    return 0


def _told(made: MadeBundle) -> Iterator[tuple[str, Bilingual]]:
    """Say what was written, and how old each log in it is."""
    from did_service.verifier.dates import duration

    yield (
        "note",
        Bilingual(
            f"{len(made.logs)} 个登记簿的 {made.items} 条记录",
            f"{made.items} entries of {len(made.logs)} logs",
        ),
    )
    for log, age in made.ages():
        words = duration(age)
        yield (
            "warning" if age > OLD_SECONDS else "note",
            Bilingual(
                f"{log.origin}：截至 {words.zh}前，{log.size} 条",
                f"{log.origin}: as of {words.en} ago, {log.size} entries",
            ),
        )
    for origin in made.left_out:
        yield "warning", Bilingual(f"{origin}：未收入", f"{origin}: left out, as asked")
